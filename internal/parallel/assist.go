package parallel

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// assistant is a goroutine that does one job after another. Behind the last it spins for a
// moment, as the members of a Team do, and then ends: to start a goroutine on another
// processor, or to wake one, takes as long as twenty images take to go through a small
// network, and calls that need help come one soon after another.
type assistant struct{ job atomic.Pointer[func()] }

// idle are the assistants that spin.
var idle struct {
	sync.Mutex
	assistants []*assistant
}

// assist has a job done by another goroutine.
func assist(job func()) {
	idle.Lock()
	last := len(idle.assistants) - 1
	if last < 0 {
		idle.Unlock()
		go new(assistant).serve(job)
		return
	}
	a := idle.assistants[last]
	idle.assistants = idle.assistants[:last]
	idle.Unlock()
	a.job.Store(&job)
}

func (a *assistant) serve(job func()) {
	for job != nil {
		job()
		job = a.await()
	}
}

// await returns the next job, or nil if there is none for a while.
func (a *assistant) await() func() {
	idle.Lock()
	idle.assistants = append(idle.assistants, a)
	idle.Unlock()
	if spin(func() bool { return a.job.Load() != nil }) {
		return *a.job.Swap(nil)
	}
	idle.Lock()
	i := slices.Index(idle.assistants, a)
	if i >= 0 {
		idle.assistants = slices.Delete(idle.assistants, i, i+1)
	}
	idle.Unlock()
	if i >= 0 {
		return nil
	}
	for a.job.Load() == nil { // whoever has taken it off the list is about to store one
		runtime.Gosched()
	}
	return *a.job.Swap(nil)
}

// spin waits a moment for something to come true and reports whether it has. It gives way
// to other goroutines.
func spin(done func() bool) bool {
	for range spinRounds {
		for range busyLoads {
			if done() {
				return true
			}
		}
		runtime.Gosched()
	}
	return done()
}

// door lets goroutines into a call until it is shut, which waits until all have left.
type door struct {
	inside atomic.Int64 // who has entered and not left; shutDoor less once it is shut
	empty  chan struct{}
}

const shutDoor = 1 << 32

func newDoor() *door { return &door{empty: make(chan struct{}, 1)} }

// enter reports whether the door is still open. Who enters must leave.
func (d *door) enter() bool {
	for {
		n := d.inside.Load()
		if n < 0 {
			return false
		}
		if d.inside.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (d *door) leave() {
	if d.inside.Add(-1) == -shutDoor {
		d.empty <- struct{}{}
	}
}

// shut lets nobody in any more and returns once nobody is inside.
func (d *door) shut() {
	if d.inside.Add(-shutDoor) == -shutDoor || spin(func() bool { return d.inside.Load() == -shutDoor }) {
		return
	}
	<-d.empty
}
