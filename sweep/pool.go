package sweep

import (
	"context"
	"sync"
)

// Pool runs trials somewhere: on the cores of a machine, or on many machines. What comes of a trial
// must not depend on where and beside which others it ran.
type Pool interface {
	// Run runs tasks and calls done with what each came to, in any order, but one at a time. It
	// ends with the first error of a trial that could not be run, of done, or of ctx, once no trial is
	// running any more.
	Run(ctx context.Context, tasks []Task, done func(Outcome) error) error
}

// Local is a pool of goroutines.
type Local struct {
	Jobs  int // trials at a time; at least 1
	Cores int // that those have together
	// Try runs a trial on so many cores. A trial that fails is an outcome; an error says that it could not be run to
	// its end, because ctx was cancelled or the disk is full, and ends the sweep.
	Try func(ctx context.Context, t Task, cores int) (Outcome, error)
}

var _ Pool = Local{}

// Run takes the tasks in their order. Fewer tasks than jobs have more cores each.
func (l Local) Run(ctx context.Context, tasks []Task, done func(Outcome) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan Task)
	var workers sync.WaitGroup
	var mu sync.Mutex
	jobs := max(min(l.Jobs, len(tasks)), 1)
	cores := max(l.Cores/jobs, 1)
	for range jobs {
		workers.Go(func() {
			for t := range queue {
				o, err := l.Try(ctx, t, cores)
				if err == nil {
					mu.Lock()
					err = done(o)
					mu.Unlock()
				}
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, t := range tasks {
		if ctx.Err() != nil {
			break
		}
		select {
		case queue <- t:
		case <-ctx.Done():
		}
	}
	close(queue)
	workers.Wait()
	return context.Cause(ctx)
}
