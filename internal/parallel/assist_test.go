package parallel

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Calls from many goroutines at a time, some soon after another and some after a pause in
// which assistants end, have all their items done once.
func TestAssistantsServeEveryCall(t *testing.T) {
	var callers sync.WaitGroup
	for c := range 4 {
		callers.Go(func() {
			for round := range 50 {
				var sum atomic.Int64
				const n = 40
				if err := Each(context.Background(), 3, n, func(_, i int) error {
					sum.Add(int64(i) + 1)
					return nil
				}); err != nil || sum.Load() != n*(n+1)/2 {
					t.Errorf("caller %d, round %d: sum %d, error %v", c, round, sum.Load(), err)
				}
				if round%10 == c {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	callers.Wait()
}

// An assistant that comes late is not waited for, and does nothing.
func TestDoor(t *testing.T) {
	d := newDoor()
	for range 2 {
		if !d.enter() {
			t.Fatal("an open door lets nobody in")
		}
	}
	var left atomic.Bool
	go func() {
		d.leave()
		time.Sleep(5 * time.Millisecond) // longer than shut spins
		left.Store(true)
		d.leave()
	}()
	d.shut()
	if !left.Load() {
		t.Error("the door was shut while somebody was inside")
	}
	if d.enter() {
		t.Error("a shut door lets somebody in")
	}
}

// Assistants end when nobody needs them.
func TestAssistantsEnd(t *testing.T) {
	Each(context.Background(), 4, 100, func(int, int) error { return nil })
	for range 1000 {
		idle.Lock()
		n := len(idle.assistants)
		idle.Unlock()
		if n == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("assistants still spin after a second")
}
