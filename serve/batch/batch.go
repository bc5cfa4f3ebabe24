// Package batch runs requests that arrive together together.
//
// There is no dispatcher. A request that finds a free slot leads a batch itself,
// at once and on its own goroutine, so that a request which is alone pays nothing
// for the others there might have been; it only lets those go first that are ready
// to run. One that finds all slots taken waits in line; the leader that ends a batch hands its slot to the first in line, who
// takes along everybody behind, up to the size of a batch. The busier the machine,
// the longer the line and the larger the batches.
package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// ErrFull is the error of a request that finds too many others in line.
var ErrFull = errors.New("too many requests are waiting")

// PanicError is the error of a computation that panicked.
type PanicError struct {
	Cause any
	Stack []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("batch: computation panicked: %v\n%s", e.Cause, e.Stack)
}

// Options bound a queue.
type Options struct {
	MaxBatch int // samples in a batch, at least 1
	// MaxDelay is how long a batch waits for requests that are announced, while
	// another batch is running and so no core is idle.
	MaxDelay time.Duration
	MaxQueue int // requests in line, at least 0
	Parallel int // batches that run at the same time, at least 1
	// Ran is told of every batch, Waited how long each request stood in line. Both
	// may be nil.
	Ran    func(samples int)
	Waited func(time.Duration)
}

// Admission says how a request gets in line.
type Admission int

const (
	Unannounced Admission = iota
	Announced             // by Announce
	Further               // the second or a later part of a request; never refused for want of room
)

// Queue runs items of type T, each a request or a part of one, through a function
// that computes all items of a batch. It may be used by any number of goroutines.
type Queue[T any] struct {
	options Options
	run     func(items []T)

	arriving  atomic.Int64 // requests that were announced and are not in line yet
	gathering atomic.Bool  // a leader waits for them
	wake      chan struct{}

	mu          sync.Mutex
	first, last *entry[T] // the line
	waiting     int       // requests in it
	samples     int       // their samples
	running     int       // batches
}

// entry is one request in line.
type entry[T any] struct {
	item       T
	size       int
	next, prev *entry[T]
	queued     bool
	entered    time.Time
	turn       chan turn // of capacity 1
}

// turn is what becomes of a request in line: it leads, or it was taken along.
type turn struct {
	leads bool
	err   error
}

// New returns a queue. Run computes every item as if it were alone.
func New[T any](run func(items []T), o Options) *Queue[T] {
	if o.Ran == nil {
		o.Ran = func(int) {}
	}
	if o.Waited == nil {
		o.Waited = func(time.Duration) {}
	}
	return &Queue[T]{options: o, run: run, wake: make(chan struct{}, 1)}
}

// Announce tells that a request is there and will soon be in line: its caller
// calls Do with Announced, or Withdraw.
func (q *Queue[T]) Announce() { q.arriving.Add(1) }

// Withdraw takes back what Announce said.
func (q *Queue[T]) Withdraw() {
	if q.arriving.Add(-1) == 0 {
		q.stopGathering()
	}
}

// Waiting returns how many requests are in line.
func (q *Queue[T]) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}

// Do runs an item of size samples, with others if others are there, and returns
// when it is computed. Its error is ErrFull, that of ctx if that ended while the
// item was in line, or that of a computation that broke down.
func (q *Queue[T]) Do(ctx context.Context, item T, size int, how Admission) error {
	e, err := q.enter(ctx, item, size, how)
	if how == Announced {
		q.Withdraw()
	}
	switch {
	case err != nil:
		return err
	case e == nil:
		q.options.Waited(0)
		return q.lead(item, size)
	}
	select {
	case t := <-e.turn:
		return q.take(ctx, e, t)
	case <-ctx.Done():
		if q.leave(e) {
			return ctx.Err()
		}
		// It is being computed, in memory that is the caller's when this is over.
		return q.take(ctx, e, <-e.turn)
	}
}

// enter takes a free slot for the item, or puts it in line and returns its entry.
func (q *Queue[T]) enter(ctx context.Context, item T, size int, how Admission) (*entry[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running < q.options.Parallel && q.first == nil {
		q.running++
		return nil, nil
	}
	if q.waiting >= q.options.MaxQueue && how != Further {
		return nil, ErrFull
	}
	e := &entry[T]{item: item, size: size, entered: time.Now(), turn: make(chan turn, 1)}
	q.insert(e)
	if q.samples >= q.options.MaxBatch {
		q.stopGathering()
	}
	return e, nil
}

// leave takes an entry out of the line and reports whether it was still there.
func (q *Queue[T]) leave(e *entry[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !e.queued {
		return false
	}
	q.remove(e)
	return true
}

// take is the turn of a request that stood in line.
func (q *Queue[T]) take(ctx context.Context, e *entry[T], t turn) error {
	if !t.leads {
		return t.err
	}
	if err := ctx.Err(); err != nil {
		q.pass()
		return err
	}
	return q.lead(e.item, e.size)
}

// lead runs a batch of an item and of others in line, in a slot that is the
// caller's, and passes the slot on.
func (q *Queue[T]) lead(item T, size int) error {
	defer q.pass()
	if size < q.options.MaxBatch {
		// Those go first that could run: on a busy machine they come to stand in line
		// meanwhile, and where there are none this returns at once.
		runtime.Gosched()
		q.gather(size)
	}
	company, total := q.collect(size)
	items := make([]T, 1, 1+len(company))
	items[0] = item
	for _, e := range company {
		items = append(items, e.item)
	}
	err := q.compute(items)
	for _, e := range company {
		e.turn <- turn{err: err}
	}
	q.options.Ran(total)
	return err
}

// gather waits for announced requests as long as there is a reason to: another
// batch is running, they are not in line yet, and a batch has room for them.
func (q *Queue[T]) gather(size int) {
	if q.options.MaxDelay <= 0 || q.arriving.Load() == 0 {
		return
	}
	q.mu.Lock()
	alone := q.running == 1
	room := size+q.samples < q.options.MaxBatch
	q.mu.Unlock()
	if alone || !room || !q.gathering.CompareAndSwap(false, true) {
		return
	}
	defer q.gathering.Store(false)
	if q.arriving.Load() == 0 { // looked at again, now that Withdraw will tell
		return
	}
	timer := time.NewTimer(q.options.MaxDelay)
	defer timer.Stop()
	select {
	case <-q.wake:
	case <-timer.C:
	}
}

// stopGathering wakes the leader that waits, if one does.
func (q *Queue[T]) stopGathering() {
	if !q.gathering.Load() {
		return
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// collect takes as many entries from the front of the line as fit into a batch
// with size samples, and returns them and the size of the batch.
func (q *Queue[T]) collect(size int) (company []*entry[T], total int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	total = size
	for e := q.first; e != nil && total+e.size <= q.options.MaxBatch; e = q.first {
		q.remove(e)
		q.options.Waited(time.Since(e.entered))
		company = append(company, e)
		total += e.size
	}
	return company, total
}

// compute runs the items. What panics is an error of all of them, and the end of
// none but them.
func (q *Queue[T]) compute(items []T) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &PanicError{cause, debug.Stack()}
		}
	}()
	q.run(items)
	return nil
}

// pass gives the caller's slot to the first in line, or back.
func (q *Queue[T]) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.first
	if e == nil {
		q.running--
		return
	}
	q.remove(e)
	q.options.Waited(time.Since(e.entered))
	e.turn <- turn{leads: true}
}

// insert puts an entry at the end of the line; q.mu is held.
func (q *Queue[T]) insert(e *entry[T]) {
	e.queued, e.prev = true, q.last
	if q.last == nil {
		q.first = e
	} else {
		q.last.next = e
	}
	q.last = e
	q.waiting++
	q.samples += e.size
}

// remove takes an entry out of the line; q.mu is held.
func (q *Queue[T]) remove(e *entry[T]) {
	if e.prev == nil {
		q.first = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		q.last = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.queued, e.prev, e.next = false, nil, nil
	q.waiting--
	q.samples -= e.size
}
