// Package optim holds the rules by which gradients change weights, one file
// each.
//
// An [Optimizer] is a description, such as optim.SGD{LearningRate: 1.5}; what it
// remembers from step to step is a [State]. A rule treats every weight by itself,
// so that the weights can be shared out and updated in any order.
package optim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Optimizer is an update rule with its settings. A zero setting means the
// documented default; [Zero] is nothing.
type Optimizer interface {
	// Name returns the rule's name in Keras, in lower case: "sgd".
	Name() string
	// Validate reports a setting out of range.
	Validate() error
	// Rate returns the learning rate that a run begins with. What a step is to take
	// is State.Rate: schedules and WithRate change it.
	Rate() float64
	// Slots returns how many values a weight needs to be remembered.
	Slots() int
	// Update changes weights w by their gradients g, in step s.Step. w[0] is weight
	// lo of the arena; what is remembered for these weights is s.Slot(i, lo, len(w)).
	Update(s *State, w, g []float32, lo int)
}

// Resolver is an optimiser that can spell out what stands for its defaults. A run
// records it so, and a run that goes on may be given either.
type Resolver interface {
	Optimizer
	// Resolved returns the rule with its defaults spelled out.
	Resolved() Optimizer
}

// State is what an optimiser remembers of a training run, and all that must be
// kept to continue it.
type State struct {
	Optimizer Optimizer
	Step      int         // steps taken, counting the current one
	Rate      float64     // learning rate of the current step
	Momentum  float64     // Nadam's product of momenta up to this step
	Slots     [][]float32 // each as long as the arena of weights
}

// NewState returns the state of a rule that has not seen a gradient yet, for an
// arena of n weights.
func NewState(o Optimizer, n int) *State {
	s := &State{Optimizer: o, Rate: o.Rate(), Momentum: 1, Slots: make([][]float32, o.Slots())}
	for i := range s.Slots {
		s.Slots[i] = make([]float32, n)
	}
	return s
}

// scheduled is an optimiser whose coefficients depend on all earlier steps.
type scheduled interface{ advance(s *State) }

// Advance begins the next step. It is called once a step, before Update.
func (s *State) Advance() {
	s.Step++
	if o, ok := s.Optimizer.(scheduled); ok {
		o.advance(s)
	}
}

// Update changes weights lo to hi of the arena w by their gradients in g. It may
// be called by several goroutines at once, for different weights.
func (s *State) Update(w, g []float32, lo, hi int) {
	s.Optimizer.Update(s, w[lo:hi], g[lo:hi], lo)
}

// Slot returns the values of one slot for n weights from lo on.
func (s *State) Slot(slot, lo, n int) []float32 { return s.Slots[slot][lo : lo+n : lo+n] }

var all = []Optimizer{SGD{}, Adam{}, AdamW{}, Nadam{}, RMSprop{}}

// Names lists the names that ByName knows.
func Names() []string {
	var names []string
	for _, o := range all {
		names = append(names, o.Name())
	}
	return names
}

// ByName returns an optimiser with a learning rate, 0 for its default:
// "sgd", "adam", "adamw", "nadam" or "rmsprop".
func ByName(name string, rate float64) (Optimizer, error) {
	switch name {
	case "sgd":
		return SGD{LearningRate: rate}, nil
	case "adam":
		return Adam{LearningRate: rate}, nil
	case "adamw":
		return AdamW{Adam: Adam{LearningRate: rate}}, nil
	case "nadam":
		return Nadam{LearningRate: rate}, nil
	case "rmsprop":
		return RMSprop{LearningRate: rate}, nil
	}
	return nil, fmt.Errorf("optim: unknown optimizer %q, want one of %v", name, Names())
}

// Parse reads an optimiser from one word, NAME or NAME:RATE: "adam:0.0002".
func Parse(text string) (Optimizer, error) {
	name, rate, found := strings.Cut(text, ":")
	if !found {
		return ByName(name, 0)
	}
	r, err := strconv.ParseFloat(rate, 64)
	if err != nil || !(r > 0) || math.IsInf(r, 1) {
		return nil, fmt.Errorf("optim: optimizer %q, want NAME or NAME:RATE with a finite rate above 0", text)
	}
	return ByName(name, r)
}

// Zero is a setting of really nothing, where 0 means the default: Adam{Beta1: Zero} has
// no momentum, AdamW{WeightDecay: Zero} no decay. It is the least number above 0.
const Zero = math.SmallestNonzeroFloat64

// WithRate returns the optimiser with another learning rate, or with its default for a
// rate of 0. A rule from outside this package is told of it as of any schedule, by
// State.Rate.
func WithRate(o Optimizer, rate float64) Optimizer {
	switch o := o.(type) {
	case SGD:
		o.LearningRate = rate
		return o
	case Adam:
		o.LearningRate = rate
		return o
	case AdamW:
		o.LearningRate = rate
		return o
	case Nadam:
		o.LearningRate = rate
		return o
	case RMSprop:
		o.LearningRate = rate
		return o
	}
	if r, ok := o.(rated); ok {
		o = r.Optimizer
	}
	if rate == 0 {
		return o
	}
	return rated{o, rate}
}

// rated is a rule with another rate than its own.
type rated struct {
	Optimizer
	rate float64
}

// Validate reports a setting of the rule, or a rate, that is out of range.
func (o rated) Validate() error {
	if err := o.Optimizer.Validate(); err != nil {
		return err
	}
	return check(o.Name(), setting{"learning rate", o.rate, 0, math.Inf(1)})
}

// Rate returns the rate that was set.
func (o rated) Rate() float64 { return or(o.rate, 0) }

// or returns x, or fallback where x is zero and 0 where it is Zero.
func or(x, fallback float64) float64 {
	switch x {
	case 0:
		return fallback
	case Zero:
		return 0
	}
	return x
}

// setting is a named number with the interval it must lie in.
type setting struct {
	name          string
	value, lo, hi float64 // lo ≤ value < hi
}

// check reports the first setting that lies outside its interval.
func check(rule string, settings ...setting) error {
	i := slices.IndexFunc(settings, func(s setting) bool { return !(s.lo <= s.value && s.value < s.hi) })
	if i < 0 {
		return nil
	}
	s := settings[i]
	if math.IsInf(s.hi, 1) {
		return fmt.Errorf("optim: %s: %s is %v, want a finite number of at least %v", rule, s.name, s.value, s.lo)
	}
	return fmt.Errorf("optim: %s: %s is %v, want at least %v and below %v", rule, s.name, s.value, s.lo, s.hi)
}
