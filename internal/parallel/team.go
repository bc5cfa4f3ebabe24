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
func (t *Team) Run(job func(*Worker)) {
	t.job = job
	w := &t.workers[0]
	w.Barrier()
	job(w)
	w.Barrier()
}

// Close ends the team's goroutines; the team must not be used afterwards.
func (t *Team) Close() {
	t.job = nil
	t.workers[0].Barrier()
}

// serve runs the jobs of a member: everything, the wait for a job included, is
// a barrier of the whole team.
func (w *Worker) serve() {
	for {
		w.Barrier()
		job := w.team.job
		if job == nil {
			return
		}
		job(w)
		w.Barrier()
	}
}

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
// before it is seen after it.
func (w *Worker) Barrier() {
	t := w.team
	epoch := t.epoch.Load()
	if int(t.arrived.Add(1)) < len(t.workers) {
		w.await(epoch)
		return
	}
	t.arrived.Store(0)
	t.epoch.Add(1)
	for i := range t.workers {
		t.workers[i].unpark()
	}
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
