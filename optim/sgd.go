package optim

import (
	"cmp"
	"math"

	"hourglass/internal/kernel"
)

// SGD is stochastic gradient descent: w ← w - η·g. With momentum μ it keeps a
// velocity v ← μ·v - η·g and w ← w + v, or, with Nesterov, w ← w + μ·v - η·g.
// As Keras' SGD; PyTorch's differs only in that its velocity lacks the factor η,
// which is the same while η is constant.
type SGD struct {
	LearningRate float64 // η; 0.01 by default
	Momentum     float64 // μ, in [0, 1); 0 by default
	Nesterov     bool
}

// Name returns "sgd".
func (SGD) Name() string { return "sgd" }

// Validate reports a setting out of range.
func (o SGD) Validate() error {
	return check("sgd", setting{"learning rate", o.LearningRate, 0, math.Inf(1)}, setting{"momentum", o.Momentum, 0, 1})
}

// Rate returns η.
func (o SGD) Rate() float64 { return or(o.LearningRate, 0.01) }

// Resolved returns the rule with its defaults spelled out.
func (o SGD) Resolved() Optimizer {
	o.LearningRate = cmp.Or(o.LearningRate, o.Rate())
	return o
}

// Slots returns 1, the velocity, with momentum and 0 without.
func (o SGD) Slots() int {
	if o.Momentum == 0 {
		return 0
	}
	return 1
}

// Update takes one step.
func (o SGD) Update(s *State, w, g []float32, lo int) {
	if o.Momentum == 0 {
		kernel.SGD(w, g, float32(s.Rate))
		return
	}
	kernel.Momentum(w, g, s.Slot(0, lo, len(w)), float32(s.Rate), float32(o.Momentum), o.Nesterov)
}
