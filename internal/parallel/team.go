// Package parallel runs one function on a fixed team of goroutines in step
// with each other.
//
// A training step is far too short (a tenth of a millisecond) to start a
// goroutine for every matrix product. The members of a Team live as long as the
// team; between two runs they spin for a moment, so that the next step finds
// them awake, and then sleep, so that an idle team costs nothing.
package parallel

import (
	"runtime"
	"sync/atomic"
)

// Spinning costs a core and sleeping costs a system call on either side (5 to
// 50 µs). The pause between two training steps is shorter than the spin; a
// pause for validation, a checkpoint or the end of training is longer.
const (
	spinRounds = 600 // rounds of busyLoads loads each: some 100 µs
	busyLoads  = 128
)

// Team is a set of workers that run the same function at the same time. One
// goroutine at a time may call Run. The zero value is not usable.
type Team struct {
	job     func(*Worker)
	workers []Worker
	arrived atomic.Int32
	epoch   atomic.Uint32 // counts completed barriers

	failure atomic.Pointer[PanicError] // the first panic of the job
	aborted bool                       // the barrier completed last ended the job for everybody
}

// Worker is one member's view of its team.
type Worker struct {
	Index  int // 0 ≤ Index < Size; worker 0 is the goroutine that called Run
	team   *Team
	parked atomic.Bool
	wake   chan struct{}
	_      [64]byte // keeps the members' flags on separate cache lines
}

// NewTeam returns a team of size workers, of which size-1 are goroutines of its
// own; a size below 1 counts as 1. Close ends them.
func NewTeam(size int) *Team {
	t := &Team{workers: make([]Worker, max(size, 1))}
	for i := range t.workers {
		w := &t.workers[i]
		w.Index, w.team, w.wake = i, t, make(chan struct{}, 1)
	}
	for i := 1; i < len(t.workers); i++ {
		go t.workers[i].serve()
	}
	return t
}

// Size returns the number of workers.
func (t *Team) Size() int { return len(t.workers) }

// Worker returns a member; that of a team of one can be used without Run.
func (t *Team) Worker(i int) *Worker { return &t.workers[i] }

// Run calls job once on every worker and returns when all calls have returned.
// It allocates nothing.
//
// A panic in one of the calls ends the others at their next Barrier. Once all
// have ended Run panics with the first one, as a *PanicError, on the goroutine that
// called it; the team can be used again.
func (t *Team) Run(job func(*Worker)) {
	t.job = job
	w := &t.workers[0]
	w.cross()
	w.work(job)
	if p := t.failure.Load(); p != nil {
		t.failure.Store(nil)
		panic(p)
	}
}

// Close ends the team's goroutines; the team must not be used afterwards.
func (t *Team) Close() {
	t.job = nil
	t.workers[0].cross()
}

// serve runs the jobs of a member: everything, the wait for a job included, is
// a barrier of the whole team.
func (w *Worker) serve() {
	closed := false
	defer func() {
		if !closed { // the job called runtime.Goexit
			go w.serve()
		}
	}()
	for {
		w.cross()
		job := w.team.job
		if job == nil {
			closed = true
			return
		}
		w.work(job)
	}
}

// abandoned is what a worker panics with to leave a job that cannot go on.
type abandoned struct{}

// work does the worker's part of a job, however it ends, and crosses the barrier
// at its end.
func (w *Worker) work(job func(*Worker)) {
	done := false
	defer func() {
		v := recover()
		if v == any(abandoned{}) {
			return // the barrier that was crossed last was the end of the job
		}
		if !done {
			w.team.failure.CompareAndSwap(nil, Recovered(v))
		}
		w.cross()
	}()
	job(w)
	done = true
}

// Number returns Index.
func (w *Worker) Number() int { return w.Index }

// Size returns the number of workers in the team.
func (w *Worker) Size() int { return len(w.team.workers) }

// Range returns the worker's share [lo, hi) of n items: contiguous, in worker
// order, with inner boundaries at multiples of align (at least 1).
func (w *Worker) Range(n, align int) (lo, hi int) {
	blocks := (n + align - 1) / align
	lo = blocks * w.Index / w.Size() * align
	hi = blocks * (w.Index + 1) / w.Size() * align
	return min(lo, n), min(hi, n)
}

// Barrier returns once every worker of the team has called it; what was written
// before it is seen after it. If one of them has panicked instead, the job ends
// here for all.
func (w *Worker) Barrier() {
	if w.cross() {
		panic(abandoned{})
	}
}

// cross is Barrier without the panic: it reports whether the job is over because
// somebody's part of it panicked. All who crossed this barrier are told the same:
// the next one, which would change that, cannot be completed without them.
func (w *Worker) cross() (aborted bool) {
	t := w.team
	epoch := t.epoch.Load()
	if int(t.arrived.Add(1)) < len(t.workers) {
		w.await(epoch)
		return t.aborted
	}
	t.arrived.Store(0)
	aborted = t.failure.Load() != nil
	t.aborted = aborted
	t.epoch.Add(1)
	for i := range t.workers {
		t.workers[i].unpark()
	}
	return aborted
}

// await returns when the team's epoch is no longer the one given: it spins,
// giving way to others so that more workers than cores make progress, then
// sleeps.
func (w *Worker) await(epoch uint32) {
	t := w.team
	for range spinRounds {
		for range busyLoads {
			if t.epoch.Load() != epoch {
				return
			}
		}
		runtime.Gosched()
	}
	// A worker that is slow to wake the others at one barrier may find them asleep
	// at the next already, so being woken does not mean that the epoch is over.
	for t.epoch.Load() == epoch {
		w.parked.Store(true)
		if t.epoch.Load() != epoch && w.parked.CompareAndSwap(true, false) {
			return // nobody saw the worker parked, so no token is on its way
		}
		<-w.wake
	}
}

// unpark wakes the worker if it sleeps.
func (w *Worker) unpark() {
	if w.parked.Load() && w.parked.CompareAndSwap(true, false) {
		w.wake <- struct{}{}
	}
}
