package parallel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// eachWays are the function and the method, with a number of workers.
func eachWays(test func(name string, each func(ctx context.Context, n int, f func(worker, i int) error) error)) {
	for _, workers := range []int{0, 1, 2, 5} {
		test(fmt.Sprintf("Each %d", workers), func(ctx context.Context, n int, f func(worker, i int) error) error {
			return Each(ctx, workers, n, f)
		})
		team := NewTeam(workers)
		test(fmt.Sprintf("Team %d", workers), team.Each)
		team.Close()
	}
}

func TestEachItemOnce(t *testing.T) {
	eachWays(func(name string, each func(context.Context, int, func(int, int) error) error) {
		for _, n := range []int{0, 1, 2, 100} {
			calls, busy := make([]atomic.Int32, n), make([]atomic.Bool, 64)
			err := each(context.Background(), n, func(worker, i int) error {
				if busy[worker].Swap(true) {
					t.Errorf("%s: worker %d has two items at a time", name, worker)
				}
				calls[i].Add(1)
				time.Sleep(time.Microsecond)
				busy[worker].Store(false)
				return nil
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for i := range calls {
				if c := calls[i].Load(); c != 1 {
					t.Errorf("%s: item %d of %d was called %d times", name, i, n, c)
				}
			}
		}
	})
}

// TestEachFirstError wants the error of item 30 however late it comes.
func TestEachFirstError(t *testing.T) {
	eachWays(func(name string, each func(context.Context, int, func(int, int) error) error) {
		err := each(context.Background(), 1000, func(_, i int) error {
			switch {
			case i == 30:
				time.Sleep(2 * time.Millisecond)
				return fmt.Errorf("item %d", i)
			case i > 30:
				return fmt.Errorf("item %d", i)
			}
			return nil
		})
		if err == nil || err.Error() != "item 30" {
			t.Errorf("%s: got %v, want the error of item 30", name, err)
		}
	})
}

func TestEachPanics(t *testing.T) {
	cause := errors.New("cause")
	eachWays(func(name string, each func(context.Context, int, func(int, int) error) error) {
		err := each(context.Background(), 10, func(_, i int) error { panic(cause) })
		var p *PanicError
		if !errors.As(err, &p) || !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "panic in hourglass/internal/parallel.TestEachPanics.func") || !strings.HasSuffix(err.Error(), "): cause") {
			t.Fatalf("%s: got %v, want the panic", name, err)
		}
		if !strings.Contains(string(p.Stack), "TestEachPanics") {
			t.Errorf("%s: the stack does not name the function that panicked:\n%s", name, p.Stack)
		}
	})
}

func TestEachCancelled(t *testing.T) {
	eachWays(func(name string, each func(context.Context, int, func(int, int) error) error) {
		ctx, cancel := context.WithCancel(context.Background())
		var calls atomic.Int32
		err := each(ctx, 1_000_000, func(_, i int) error {
			if c := calls.Add(1); c == 10 {
				cancel()
			} else if c > 10 {
				<-ctx.Done() // however late the one that cancels
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want it cancelled", name, err)
		}
		if c := calls.Load(); c > 100 {
			t.Errorf("%s: %d calls after the end", name, c-10)
		}
		// All done is no failure, though the context ends with the last item.
		ctx, cancel = context.WithCancel(context.Background())
		if err := each(ctx, 1, func(int, int) error { cancel(); return nil }); err != nil {
			t.Errorf("%s: got %v after the last item", name, err)
		}
	})
}

func TestWorkers(t *testing.T) {
	for _, test := range [][3]int{{3, 10, 3}, {3, 2, 2}, {3, 0, 1}, {-1, 1, 1}} {
		if got := Workers(test[0], test[1]); got != test[2] {
			t.Errorf("Workers(%d, %d): got %d, want %d", test[0], test[1], got, test[2])
		}
	}
}
