package parallel_test

import (
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hourglass/internal/parallel"
)

func TestRunCallsEveryWorkerOnce(t *testing.T) {
	for _, size := range []int{1, 2, 3, 8} {
		team := parallel.NewTeam(size)
		calls := make([]int, size)
		for range 100 {
			team.Run(func(w *parallel.Worker) { calls[w.Index]++ })
		}
		team.Close()
		for i, n := range calls {
			if n != 100 {
				t.Errorf("team of %d: worker %d ran %d times, want 100", size, i, n)
			}
		}
	}
}

// Between two barriers every worker must see what all wrote before the first.
func TestBarrierOrdersPhases(t *testing.T) {
	const size, phases = 5, 200
	team := parallel.NewTeam(size)
	defer team.Close()
	var done atomic.Int32
	team.Run(func(w *parallel.Worker) {
		for phase := 1; phase <= phases; phase++ {
			done.Add(1)
			w.Barrier()
			if got := int(done.Load()); got != phase*size {
				t.Errorf("worker %d, phase %d: %d arrivals seen, want %d", w.Index, phase, got, phase*size)
			}
			w.Barrier()
		}
	})
}

// With more workers than cores and waits longer than the spin, workers are woken
// late, perhaps at the next barrier; they must not take that for its end.
func TestBarrierHoldsWhenWorkersSleep(t *testing.T) {
	const size, phases = 6, 60
	team := parallel.NewTeam(size)
	defer team.Close()
	var done atomic.Int32
	team.Run(func(w *parallel.Worker) {
		for phase := 1; phase <= phases; phase++ {
			if (phase+w.Index)%size == 0 {
				time.Sleep(time.Millisecond)
			}
			done.Add(1)
			w.Barrier()
			if got := int(done.Load()); got != phase*size {
				t.Errorf("worker %d, phase %d: %d arrivals seen, want %d", w.Index, phase, got, phase*size)
			}
			w.Barrier()
		}
	})
}

// A sleeping team must wake up again, and sleep must be reached at all.
func TestTeamWakesFromSleep(t *testing.T) {
	team := parallel.NewTeam(3)
	defer team.Close()
	var calls atomic.Int32
	for range 5 {
		team.Run(func(w *parallel.Worker) { calls.Add(1) })
		time.Sleep(20 * time.Millisecond) // far beyond the spin
	}
	if calls.Load() != 15 {
		t.Errorf("%d calls, want 15", calls.Load())
	}
}

func TestCloseEndsGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	team := parallel.NewTeam(4)
	team.Run(func(*parallel.Worker) {})
	team.Close()
	waitForGoroutines(t, before)
}

func TestRangeCoversAllWithoutOverlap(t *testing.T) {
	for _, n := range []int{0, 1, 7, 32, 100, 785} {
		for _, align := range []int{1, 8} {
			team := parallel.NewTeam(3)
			owner := make([]atomic.Int32, n)
			team.Run(func(w *parallel.Worker) {
				lo, hi := w.Range(n, align)
				if lo%align != 0 && lo != n {
					t.Errorf("n %d: boundary %d is no multiple of %d", n, lo, align)
				}
				for i := lo; i < hi; i++ {
					owner[i].Add(1)
				}
			})
			team.Close()
			for i := range owner {
				if owner[i].Load() != 1 {
					t.Errorf("n %d align %d: item %d belongs to %d workers", n, align, i, owner[i].Load())
				}
			}
		}
	}
}

func BenchmarkRun(b *testing.B) {
	team := parallel.NewTeam(2)
	defer team.Close()
	job := func(*parallel.Worker) {}
	b.ReportAllocs()
	for range b.N {
		team.Run(job)
	}
}

// caught returns what f panics with.
func caught(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// Whoever panics, before or behind a barrier, the others do not wait for it for ever,
// do not go on behind the barrier, and the team works again afterwards.
func TestPanicEndsTheJobForAll(t *testing.T) {
	for _, size := range []int{1, 2, 3, 8} {
		team := parallel.NewTeam(size)
		for who := range size {
			for phase := range 4 {
				var passed atomic.Int32
				v := caught(func() {
					team.Run(func(w *parallel.Worker) {
						for p := range 4 {
							if w.Index == who && p == phase {
								panic("worker fails")
							}
							if p > phase {
								passed.Add(1)
							}
							if p < 3 {
								w.Barrier()
							}
						}
					})
				})
				p, ok := v.(*parallel.PanicError)
				if !ok || p.Value != "worker fails" {
					t.Fatalf("team of %d: Run panicked with %v", size, v)
				}
				if got := p.Error(); !strings.HasPrefix(got, "panic in hourglass/internal/parallel_test.TestPanicEndsTheJobForAll.func") ||
					!strings.HasSuffix(got, "): worker fails") {
					t.Errorf("Error() is %q", got)
				}
				if !strings.Contains(string(p.Stack), "TestPanicEndsTheJobForAll") {
					t.Errorf("the stack is\n%s", p.Stack)
				}
				if passed.Load() != 0 {
					t.Errorf("team of %d: %d phases were begun after that of the panic", size, passed.Load())
				}
				calls := make([]int, size)
				team.Run(func(w *parallel.Worker) {
					w.Barrier()
					calls[w.Index]++
				})
				if slices.Contains(calls, 0) {
					t.Fatalf("team of %d: calls after a panic: %v", size, calls)
				}
			}
		}
		team.Close()
	}
}

// All may panic at once, and one of them is heard.
func TestPanicsOfAll(t *testing.T) {
	team := parallel.NewTeam(4)
	defer team.Close()
	for range 200 {
		v := caught(func() { team.Run(func(w *parallel.Worker) { panic(w.Index) }) })
		if p, ok := v.(*parallel.PanicError); !ok || p.Value.(int) < 0 || p.Value.(int) > 3 {
			t.Fatalf("Run panicked with %v", v)
		}
	}
}

// A worker whose goroutine ends, as t.FailNow does it, is replaced.
func TestGoexit(t *testing.T) {
	before := runtime.NumGoroutine()
	team := parallel.NewTeam(3)
	for range 3 {
		v := caught(func() {
			team.Run(func(w *parallel.Worker) {
				if w.Index == 1 {
					runtime.Goexit()
				}
				w.Barrier()
			})
		})
		if p, ok := v.(*parallel.PanicError); !ok || p.Error() != "runtime.Goexit was called" {
			t.Fatalf("Run panicked with %v", v)
		}
	}
	team.Close()
	waitForGoroutines(t, before)
}

// waitForGoroutines fails unless there are soon no more goroutines than before.
func waitForGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d goroutines remain, want at most %d", runtime.NumGoroutine(), before)
}
