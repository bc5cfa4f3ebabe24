package train

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// RateChange is a learning rate from a step of the run on.
type RateChange struct {
	Step int     `json:"step"` // how many steps of the run precede it
	Rate float64 `json:"rate"` // the optimiser's from then on; schedules and reductions multiply it as before
}

// String returns "1200:0.0005".
func (c RateChange) String() string {
	return strconv.Itoa(c.Step) + ":" + strconv.FormatFloat(c.Rate, 'g', -1, 64)
}

// validate reports a value out of range.
func (c RateChange) validate() error {
	switch {
	case c.Step < 0:
		return fmt.Errorf("train: change of the learning rate: %d steps precede it, want at least 0", c.Step)
	case !(c.Rate > 0) || math.IsInf(c.Rate, 1):
		return fmt.Errorf("train: change of the learning rate: the rate is %v, want a finite number above 0", c.Rate)
	}
	return nil
}

// ParseRateChange reads what String returns.
func ParseRateChange(text string) (RateChange, error) {
	before, after, _ := strings.Cut(text, ":")
	step, err := strconv.Atoi(before)
	rate, rateErr := strconv.ParseFloat(after, 64)
	c := RateChange{step, rate}
	if err != nil || rateErr != nil || c.validate() != nil {
		return c, fmt.Errorf("train: change of the learning rate: %q, want STEP:RATE, such as 1200:0.0005, with a rate above 0", text)
	}
	return c, nil
}

// RateChanges is an observer that changes the learning rate in the course of a run: at
// steps that are known before, or whenever somebody asks for it ([RateChanges.Set]). What
// was asked for is noted with its step, so that a run which is given the list repeats the
// other to the bit. All methods may be called from any goroutine. Use a new one for every
// run.
type RateChanges struct {
	// Changed is told of the whole list, on the goroutine that trains, when a change that was
	// asked for is made. Nil for nobody.
	Changed func(list []RateChange) error

	mu    sync.Mutex
	list  []RateChange // by their steps, each at another
	asked float64      // the rate wanted from the next step on; 0 for none
}

var _ Stateful = (*RateChanges)(nil)

// NewRateChanges returns an observer that makes some changes. Of two at one step the later
// in the list counts.
func NewRateChanges(list ...RateChange) (*RateChanges, error) {
	c := &RateChanges{}
	for _, one := range list {
		if err := one.validate(); err != nil {
			return nil, err
		}
		c.add(one)
	}
	return c, nil
}

// add puts a change in its place.
func (c *RateChanges) add(one RateChange) {
	at, found := c.find(one.Step)
	if found {
		c.list[at] = one
		return
	}
	c.list = slices.Insert(c.list, at, one)
}

// find returns where in the list a step is, or would be.
func (c *RateChanges) find(step int) (at int, found bool) {
	return slices.BinarySearchFunc(c.list, step, func(a RateChange, step int) int { return a.Step - step })
}

// Set asks for another learning rate from the next step on.
func (c *RateChanges) Set(rate float64) error {
	if err := (RateChange{Rate: rate}).validate(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = rate
	return nil
}

// List returns the changes, those that were asked for as soon as they are made.
func (c *RateChanges) List() []RateChange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}

// Observe makes the changes that are due before the next step.
func (c *RateChanges) Observe(e Event, r *Run) error {
	if e != Started && e != Stepped {
		return nil
	}
	if changed := c.apply(r); changed && c.Changed != nil {
		return c.Changed(c.List())
	}
	return nil
}

// apply sets the rate of the next step, and reports whether the list has become another.
func (c *RateChanges) apply(r *Run) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	done := max(r.Epoch-1, 0)*r.Steps + r.Step
	if changed = c.asked != 0; changed {
		c.add(RateChange{done, c.asked})
		c.asked = 0
	}
	r.chosenFactor = 1
	at, found := c.find(done)
	if found {
		at++
	}
	if at > 0 {
		r.chosenFactor = c.list[at-1].Rate / r.Optimizer.Rate()
	}
	return changed
}

// State returns the changes.
func (c *RateChanges) State() any { return c.List() }

// SetState puts back what State returned. Where changes are given, too, those of later
// steps remain, but the saved ones must be among them.
func (c *RateChanges) SetState(text json.RawMessage) error {
	var saved []RateChange
	if err := json.Unmarshal(text, &saved); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	given := len(c.list) > 0
	for _, one := range saved {
		at, found := c.find(one.Step)
		if given && !(found && c.list[at] == one) {
			return fmt.Errorf("the run has a change of the learning rate at step %v, which is not among those that are given", one)
		}
		c.add(one)
	}
	return nil
}
