package batch_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hourglass/serve/batch"
)

// gate is a computation that waits until it is let go, and notes its batches.
type gate struct {
	started chan []int // the items of a batch that has begun
	open    chan struct{}
}

func newGate() *gate { return &gate{make(chan []int, 100), make(chan struct{})} }

func (g *gate) run(items []int) {
	g.started <- append([]int(nil), items...)
	<-g.open
}

func options() batch.Options {
	return batch.Options{MaxBatch: 4, MaxQueue: 100, Parallel: 1}
}

// waitFor waits until n requests are in line.
func waitFor(t *testing.T, q *batch.Queue[int], n int) {
	t.Helper()
	for begin := time.Now(); q.Waiting() != n; time.Sleep(time.Millisecond) {
		if time.Since(begin) > 2*time.Minute {
			t.Fatalf("%d requests in line, want %d", q.Waiting(), n)
		}
	}
}

func TestWhatWaitsTogetherRunsTogether(t *testing.T) {
	g := newGate()
	q := batch.New(g.run, options())
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := q.Do(context.Background(), i, 1, batch.Unannounced); err != nil {
				t.Error(err)
			}
		})
		waitFor(t, q, i) // the first one runs, the others stand in line behind it
		if i == 0 {
			if first := <-g.started; len(first) != 1 {
				t.Fatalf("the first batch has %d items, want 1: it was alone", len(first))
			}
		}
	}
	close(g.open)
	all.Wait()
	second, third := <-g.started, <-g.started
	if len(second) != 4 || second[0] != 1 || len(third) != 3 || third[0] != 5 {
		t.Errorf("batches %v and %v, want items 1 to 4 and 5 to 7", second, third)
	}
}

func TestBatchesKeepToTheirSize(t *testing.T) {
	g := newGate()
	q := batch.New(g.run, options())
	var all sync.WaitGroup
	for i, size := range []int{1, 3, 2, 9} {
		all.Go(func() { q.Do(context.Background(), i, size, batch.Unannounced) })
		waitFor(t, q, i)
		if i == 0 {
			<-g.started
		}
	}
	close(g.open)
	all.Wait()
	close(g.started)
	for items := range g.started {
		if len(items) != 1 {
			t.Errorf("items %v ran together; no two fit into a batch of 4", items)
		}
	}
}

func TestALineHasAnEnd(t *testing.T) {
	g := newGate()
	o := options()
	o.MaxQueue = 2
	q := batch.New(g.run, o)
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() { q.Do(context.Background(), i, 1, batch.Unannounced) })
		waitFor(t, q, i)
		if i == 0 {
			<-g.started
		}
	}
	if err := q.Do(context.Background(), 3, 1, batch.Unannounced); !errors.Is(err, batch.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	all.Go(func() {
		if err := q.Do(context.Background(), 4, 1, batch.Further); err != nil {
			t.Errorf("a further part was refused: %v", err)
		}
	})
	waitFor(t, q, 3)
	close(g.open)
	all.Wait()
}

func TestWhoGivesUpLeavesTheLine(t *testing.T) {
	g := newGate()
	q := batch.New(g.run, options())
	var all sync.WaitGroup
	all.Go(func() { q.Do(context.Background(), 0, 1, batch.Unannounced) })
	<-g.started
	ctx, cancel := context.WithCancel(context.Background())
	all.Go(func() {
		if err := q.Do(ctx, 1, 1, batch.Unannounced); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was cancelled", err)
		}
	})
	waitFor(t, q, 1)
	cancel()
	waitFor(t, q, 0)
	close(g.open)
	all.Wait()
	if len(g.started) != 0 {
		t.Errorf("batch %v ran all the same", <-g.started)
	}
}

func TestAPanicIsTheErrorOfItsBatch(t *testing.T) {
	q := batch.New(func(items []int) {
		if items[0] == 13 {
			panic("unlucky")
		}
	}, options())
	if err := q.Do(context.Background(), 13, 1, batch.Unannounced); err == nil || !strings.Contains(err.Error(), "unlucky") {
		t.Errorf("got %v, want an error that says what panicked", err)
	}
	if err := q.Do(context.Background(), 1, 1, batch.Unannounced); err != nil {
		t.Errorf("the queue did not survive: %v", err)
	}
}

// A batch that finds another running waits for what is announced, and no longer.
func TestABatchWaitsForTheAnnounced(t *testing.T) {
	g := newGate()
	o := options()
	o.Parallel, o.MaxDelay = 2, time.Hour
	q := batch.New(g.run, o)
	var all sync.WaitGroup
	do := func(i int, how batch.Admission) {
		all.Go(func() { q.Do(context.Background(), i, 1, how) })
	}
	q.Announce()
	do(0, batch.Unannounced) // alone, so that it need not wait
	<-g.started
	do(1, batch.Unannounced)
	select {
	case items := <-g.started:
		t.Fatalf("batch %v did not wait for the announced request", items)
	case <-time.After(20 * time.Millisecond):
	}
	do(2, batch.Announced)
	if items := <-g.started; len(items) != 2 {
		t.Errorf("batch %v, want items 1 and 2", items)
	}
	close(g.open)
	all.Wait()
}

func TestNothingIsLostUnderLoad(t *testing.T) {
	var ran, samples atomic.Int64
	o := batch.Options{MaxBatch: 16, MaxDelay: 50 * time.Microsecond, MaxQueue: 8, Parallel: 3,
		Ran: func(n int) { samples.Add(int64(n)) }, Waited: func(time.Duration) {}}
	q := batch.New(func(items []*atomic.Int64) {
		for _, x := range items {
			x.Add(1)
			ran.Add(1)
		}
	}, o)
	var all sync.WaitGroup
	var done, refused, gone atomic.Int64
	for worker := range 32 {
		all.Go(func() {
			for i := range 500 {
				ctx, cancel := context.WithCancel(context.Background())
				if (worker+i)%7 == 0 {
					time.AfterFunc(time.Duration(i%50)*time.Microsecond, cancel)
				}
				how := batch.Admission(i % 2)
				if how == batch.Announced {
					q.Announce()
				}
				var x atomic.Int64
				switch err := q.Do(ctx, &x, 1, how); {
				case err == nil:
					done.Add(1)
					if x.Load() != 1 {
						t.Errorf("an item ran %d times", x.Load())
					}
				case errors.Is(err, batch.ErrFull):
					refused.Add(1)
				case errors.Is(err, context.Canceled):
					gone.Add(1)
				default:
					t.Error(err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	if done.Load()+refused.Load()+gone.Load() != 32*500 || done.Load() != ran.Load() || samples.Load() != ran.Load() {
		t.Errorf("%d done, %d refused, %d gone, %d ran, %d samples", done.Load(), refused.Load(), gone.Load(), ran.Load(), samples.Load())
	}
	if q.Waiting() != 0 {
		t.Errorf("%d are still in line", q.Waiting())
	}
}
