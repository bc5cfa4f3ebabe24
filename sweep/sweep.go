// Package sweep tries settings of a training: which size of code, which learning rate?
//
// A [Plan] says what to vary: axes such as "codes: 8, 16, 32" and "learning-rate: from 1e-4 to 1e-2", and
// whether every combination is tried or some are drawn, and whether all are trained to their ends. Its trials are [Task] values, plain ones that
// can be sent to wherever they are run; a [Pool] does that. A [Store] keeps what each came to, so that a sweep
// that was interrupted or killed goes on. [Run] puts the three together, and [Store.Results] ranks the settings, by
// the mean over their seeds.
//
// The package knows nothing of what a trial is. It draws with a random number generator that is counted
// through by the number of the setting, so that the trials are the same whatever ran before, and where.
package sweep

import (
	"context"
	"slices"
)

// Progress is how far a sweep is.
type Progress struct {
	Done, Of int // trials; of halving each counts again whenever it goes on
	Last     Outcome
}

// Run runs what is left of the store's plan, and keeps what comes of it. It tells watch after each trial.
func Run(ctx context.Context, s *Store, pool Pool, watch func(Progress)) error {
	for {
		c := s.climb()
		if len(c.left) == 0 {
			return nil
		}
		err := pool.Run(ctx, c.left, func(o Outcome) error {
			if err := s.Add(o); err != nil {
				return err
			}
			c.done++
			watch(Progress{Done: c.done, Of: c.of, Last: o})
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// climb is how far the settings of a sweep have got.
type climb struct {
	results  []*Result // by setting; nil where there is no outcome
	left     []Task    // of the rung that is not complete; none where all are
	done, of int       // trials, each counted again on every rung
}

// climb goes up the rungs as far as there are outcomes. Who gets to the next one depends on the
// outcomes alone, once the rung is complete.
func (s *Store) climb() climb {
	plan := &s.notes.Plan
	settings := plan.All()
	repeats := int(size(plan.Repeats))
	c := climb{results: make([]*Result, len(settings))}
	rungs := plan.rungs(len(settings))
	var there []int // the settings on a rung
	for i := range settings {
		there = append(there, i)
	}
	for level, r := range rungs {
		c.of += r.settings * repeats
		if len(c.left) > 0 {
			continue
		}
		if level > 0 {
			there = c.best(there, r.settings, plan.HigherIsBetter)
		}
		for _, i := range there {
			var outcomes []Outcome
			for _, t := range plan.tasks(settings, i, r.stop) {
				if o, known := s.outcome(t); known {
					outcomes = append(outcomes, o)
				} else {
					c.left = append(c.left, t)
				}
			}
			c.done += len(outcomes)
			if len(outcomes) == repeats || level == 0 && len(outcomes) > 0 {
				c.results[i] = newResult(i+1, level, settings[i], outcomes)
			}
		}
	}
	return c
}

// best returns so many of the settings that have done best so far, in their order.
func (c *climb) best(settings []int, count int, higher bool) []int {
	ranked := slices.Clone(settings)
	slices.SortFunc(ranked, func(a, b int) int { return c.results[a].compare(c.results[b], higher) })
	ranked = ranked[:count]
	slices.Sort(ranked)
	return ranked
}
