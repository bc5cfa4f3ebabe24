package parallel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Each calls f(worker, i) for every i below n, on several goroutines, and returns when all
// calls have returned. Items are handed out in order, each to whoever is free: what f
// writes for an item must be that item's own, and no sum may go through several of them,
// so that results do not depend on who took what. Worker is below the number of
// goroutines, and one call at a time has it; with it goes scratch memory.
//
// There are at most the given number of goroutines, or one for each processor if it is
// below 1, and the caller's is among them: where one will do, none is started. One that
// has not begun before all items are done is not waited for.
//
// After an error, a panic or the end of ctx no item is begun any more. Each returns the
// error of the first item that failed, the same for any number of goroutines: a
// *PanicError where it panicked. Without one it returns ctx's error if items are left.
func Each(ctx context.Context, workers, n int, f func(worker, i int) error) error {
	s := sharing{ctx: ctx, n: n, f: f, failed: n}
	workers = Workers(workers, n)
	if workers == 1 {
		s.work(0)
		return s.outcome()
	}
	d := newDoor()
	for w := 1; w < workers; w++ {
		assist(func() {
			if d.enter() {
				defer d.leave()
				s.work(w)
			}
		})
	}
	s.work(0)
	d.shut()
	return s.outcome()
}

// Workers returns how many goroutines Each takes for n items: the number asked for, one
// for each processor if that is below 1, and never more than there are items.
func Workers(workers, n int) int {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	return max(1, min(workers, n))
}

// Each is the function Each on the team's workers, for work that comes in many short
// stretches.
func (t *Team) Each(ctx context.Context, n int, f func(worker, i int) error) error {
	s := sharing{ctx: ctx, n: n, f: f, failed: n}
	t.Run(func(w *Worker) { s.work(w.Index) })
	return s.outcome()
}

// sharing is the state of one call of Each.
type sharing struct {
	ctx  context.Context
	n    int
	f    func(worker, i int) error
	next atomic.Int64
	done atomic.Int64
	stop atomic.Bool

	mutex  sync.Mutex
	failed int // the first item that failed, n if none has
	err    error
}

// work takes items until there are none or one has failed. All items before one that
// was begun have been begun, so that the first failure does not depend on the timing.
func (s *sharing) work(worker int) {
	for !s.stop.Load() && s.ctx.Err() == nil {
		i := int(s.next.Add(1)) - 1
		if i >= s.n {
			return
		}
		if err := Try(func() error { return s.f(worker, i) }); err != nil {
			s.fail(i, err)
			return
		}
		s.done.Add(1)
	}
}

func (s *sharing) fail(i int, err error) {
	s.stop.Store(true)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if i < s.failed {
		s.failed, s.err = i, err
	}
}

func (s *sharing) outcome() error {
	if s.err == nil && int(s.done.Load()) < s.n {
		return s.ctx.Err()
	}
	return s.err
}
