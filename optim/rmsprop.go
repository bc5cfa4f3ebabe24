package optim

import (
	"cmp"
	"math"

	"hourglass/internal/kernel"
)

// RMSprop divides the gradient by the root of its running mean square (Tieleman
// & Hinton 2012):
//
//	v ← ρ·v + (1-ρ)·g²
//	w ← w - η·g/√(v + ε)      Keras
//	w ← w - η·g/(√v + ε)      PyTorch
type RMSprop struct {
	LearningRate float64 // η; 0.001 by default, 0.01 with Torch
	Rho          float64 // ρ, in [0, 1); 0.9 by default, 0.99 with Torch
	Epsilon      float64 // ε; 1e-7 by default, 1e-8 with Torch
	Torch        bool    // PyTorch's form and defaults instead of Keras'
}

// Name returns "rmsprop".
func (RMSprop) Name() string { return "rmsprop" }

// Validate reports a setting out of range.
func (o RMSprop) Validate() error {
	return check("rmsprop", setting{"learning rate", o.LearningRate, 0, math.Inf(1)},
		setting{"rho", o.Rho, 0, 1}, setting{"epsilon", o.Epsilon, 0, math.Inf(1)})
}

// Rate returns η.
func (o RMSprop) Rate() float64 {
	if o.Torch {
		return or(o.LearningRate, 0.01)
	}
	return or(o.LearningRate, 0.001)
}

// Slots returns 1, the mean square v.
func (RMSprop) Slots() int { return 1 }

// Resolved returns the rule with its defaults spelled out.
func (o RMSprop) Resolved() Optimizer {
	o.LearningRate = cmp.Or(o.LearningRate, o.Rate())
	if o.Torch {
		o.Rho, o.Epsilon = cmp.Or(o.Rho, 0.99), cmp.Or(o.Epsilon, 1e-8)
	}
	o.Rho, o.Epsilon = cmp.Or(o.Rho, 0.9), cmp.Or(o.Epsilon, 1e-7)
	return o
}

// Update takes one step.
func (o RMSprop) Update(s *State, w, g []float32, lo int) {
	step := kernel.RMSPropStep{Rho: or(o.Rho, 0.9), Rate: float32(s.Rate), Inside: float32(or(o.Epsilon, 1e-7))}
	if o.Torch {
		step = kernel.RMSPropStep{Rho: or(o.Rho, 0.99), Rate: float32(s.Rate), Epsilon: float32(or(o.Epsilon, 1e-8))}
	}
	kernel.RMSProp(w, g, s.Slot(0, lo, len(w)), step)
}
