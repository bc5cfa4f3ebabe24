package optim

import (
	"cmp"
	"math"

	"hourglass/internal/kernel"
	"hourglass/internal/portable"
)

// Adam keeps running means of the gradient, m, and of its square, v, and takes
// steps of about the learning rate whatever the gradient's size (Kingma & Ba
// 2015):
//
//	m ← β₁·m + (1-β₁)·g, v ← β₂·v + (1-β₂)·g²
//	w ← w - η·√(1-β₂ᵗ)/(1-β₁ᵗ) · m/(√v + ε)       Keras
//	w ← w - η/(1-β₁ᵗ) · m/(√(v/(1-β₂ᵗ)) + ε)      PyTorch
//
// in step t. The two differ only in what ε is added to.
type Adam struct {
	LearningRate float64 // η; 0.001 by default
	Beta1        float64 // β₁, in [0, 1); 0.9 by default
	Beta2        float64 // β₂, in [0, 1); 0.999 by default
	Epsilon      float64 // ε; 1e-7 by default, 1e-8 with Torch
	Torch        bool    // PyTorch's form instead of Keras'
}

// Name returns "adam".
func (Adam) Name() string { return "adam" }

// Validate reports a setting out of range.
func (o Adam) Validate() error { return o.validate("adam") }

func (o Adam) validate(rule string) error {
	return check(rule, setting{"learning rate", o.LearningRate, 0, math.Inf(1)},
		setting{"beta1", o.Beta1, 0, 1}, setting{"beta2", o.Beta2, 0, 1}, setting{"epsilon", o.Epsilon, 0, math.Inf(1)})
}

// Rate returns η.
func (o Adam) Rate() float64 { return or(o.LearningRate, 0.001) }

// Slots returns 2, m and v.
func (Adam) Slots() int { return 2 }

// Resolved returns the rule with its defaults spelled out.
func (o Adam) Resolved() Optimizer { return o.resolved() }

func (o Adam) resolved() Adam {
	o.LearningRate, o.Beta1, o.Beta2 = cmp.Or(o.LearningRate, o.Rate()), cmp.Or(o.Beta1, 0.9), cmp.Or(o.Beta2, 0.999)
	if o.Torch {
		o.Epsilon = cmp.Or(o.Epsilon, 1e-8)
	}
	o.Epsilon = cmp.Or(o.Epsilon, 1e-7)
	return o
}

// Update takes one step.
func (o Adam) Update(s *State, w, g []float32, lo int) {
	kernel.Adam(w, g, s.Slot(0, lo, len(w)), s.Slot(1, lo, len(w)), o.step(s))
}

// step returns the numbers of the current step.
func (o Adam) step(s *State) kernel.AdamStep {
	beta1, beta2 := or(o.Beta1, 0.9), or(o.Beta2, 0.999)
	rest1 := 1 - portable.Pow(beta1, float64(s.Step))
	root2 := math.Sqrt(1 - portable.Pow(beta2, float64(s.Step)))
	if o.Torch {
		return kernel.AdamStep{Beta1: beta1, Beta2: beta2, Rate: float32(s.Rate / rest1),
			VScale: float32(1 / root2), Epsilon: float32(or(o.Epsilon, 1e-8))}
	}
	return kernel.AdamStep{Beta1: beta1, Beta2: beta2, Rate: float32(s.Rate * root2 / rest1),
		VScale: 1, Epsilon: float32(or(o.Epsilon, 1e-7))}
}
