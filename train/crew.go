package train

import (
	"time"

	"hourglass/internal/parallel"
)

// crew takes steps with as many workers as are fastest, which it finds out by measuring.
//
// More are not always faster: cores may be far apart, so that to exchange weights costs more
// than a second core computes, or busy with other programs, or there is too little work for
// all. What a step makes does not depend on the workers, so a crew has teams of several sizes
// and gives each some steps in turn; the fastest takes those that follow, until it is time to
// look again.
type crew struct {
	teams   []*parallel.Team // the largest first, each half of the one before
	current int              // the team that takes the next step
	trials  trials
}

// trials measures teams, by their place.
type trials struct {
	least time.Duration // that a team's trial takes
	means []float64     // seconds of a step, of each team on its last trial

	resting     time.Duration // steps for so long until the next trials
	rest        time.Duration // between the last trials and these
	steps       int           // of the current trial, and what they took
	spent       time.Duration
	trialsSpent time.Duration // of all teams
}

const (
	// A trial is long enough for other programs to take their turns on the cores meanwhile.
	trialTime  = 20 * time.Millisecond
	trialSteps = 3 // at least, behind one in which the workers wake

	// Between trials lies a multiple of the time they took, the larger the more often they
	// have confirmed each other.
	leastRest, mostRest = 16, 128
)

// newCrew returns a crew of up to so many workers.
func newCrew(workers int) *crew {
	c := &crew{trials: trials{least: trialTime}}
	for ; workers > 1; workers /= 2 {
		c.teams = append(c.teams, parallel.NewTeam(workers))
	}
	c.teams = append(c.teams, parallel.NewTeam(1))
	c.trials.means = make([]float64, len(c.teams))
	return c
}

// Size returns the number of workers there are at most.
func (c *crew) Size() int { return c.teams[0].Size() }

// Close ends the workers.
func (c *crew) Close() {
	for _, t := range c.teams {
		t.Close()
	}
}

// Run has the job done by the current team.
func (c *crew) Run(job func(*parallel.Worker)) { c.teams[c.current].Run(job) }

// RunStep is Run for one of many steps that are equally long.
func (c *crew) RunStep(job func(*parallel.Worker)) {
	if len(c.teams) == 1 {
		c.Run(job)
		return
	}
	start := time.Now()
	c.Run(job)
	c.current = c.trials.next(c.current, time.Since(start))
}

// next returns which team is to take the next step, after one that took the current team
// so long.
func (t *trials) next(current int, took time.Duration) int {
	if t.resting > 0 {
		if t.resting -= took; t.resting > 0 {
			return current
		}
		t.steps, t.spent, t.trialsSpent = 0, 0, 0
		return 0
	}
	t.trialsSpent += took
	if t.steps++; t.steps == 1 {
		return current
	}
	if t.spent += took; t.steps <= trialSteps || t.spent < t.least {
		return current
	}
	t.means[current] = t.spent.Seconds() / float64(t.steps-1)
	t.steps, t.spent = 0, 0
	if current+1 < len(t.means) {
		return current + 1
	}
	return t.choose()
}

// choose ends the trials and returns the fastest team, the smallest of several.
func (t *trials) choose() int {
	best := 0
	for i, mean := range t.means {
		if mean <= t.means[best] {
			best = i
		}
	}
	t.rest = min(max(2*t.rest, leastRest*t.trialsSpent), mostRest*t.trialsSpent)
	t.resting = t.rest
	return best
}
