package parallel_test

import (
	"runtime"
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
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d goroutines remain, want at most %d", runtime.NumGoroutine(), before)
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
