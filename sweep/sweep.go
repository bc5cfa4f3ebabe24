// Package sweep tries settings of a training: which size of code, which learning rate?
//
// A [Plan] says what to vary: axes such as "codes: 8, 16, 32" and "learning-rate: from 1e-4 to 1e-2", and
// whether every combination is tried or some are drawn. Its trials are [Task] values, plain ones that
// can be sent to wherever they are run; a [Pool] does that. A [Store] keeps what each came to, so that a sweep
// that was interrupted or killed goes on. [Run] puts the three together, and [Store.Results] ranks the settings, by
// the mean over their seeds.
//
// The package knows nothing of what a trial is. It draws with a random number generator that is counted
// through by the number of the setting, so that the trials are the same whatever ran before, and where.
package sweep

import "context"

// Progress is how far a sweep is.
type Progress struct {
	Done, Of int
	Last     Outcome
}

// Run runs the trials of the store's plan that have no outcome yet, and keeps theirs. It tells watch after
// each.
func Run(ctx context.Context, s *Store, pool Pool, watch func(Progress)) error {
	all := s.notes.Plan.Tasks()
	tasks := s.left(all)
	done := len(all) - len(tasks)
	return pool.Run(ctx, tasks, func(o Outcome) error {
		if err := s.Add(o); err != nil {
			return err
		}
		done++
		watch(Progress{Done: done, Of: len(all), Last: o})
		return nil
	})
}
