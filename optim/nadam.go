package optim

import (
	"cmp"
	"math"

	"hourglass/internal/portable"
)

// Nadam is Adam with Nesterov momentum (Dozat 2016), in Keras' form, where the
// momentum of step t is μₜ = β₁·(1 - 0.96ᵗ/2):
//
//	m ← β₁·m + (1-β₁)·g, v ← β₂·v + (1-β₂)·g²
//	m̂ = μₜ₊₁·m/(1 - Πμᵢ, i ≤ t+1) + (1-μₜ)·g/(1 - Πμᵢ, i ≤ t)
//	w ← w - η·m̂/(√(v/(1-β₂ᵗ)) + ε)
//
// PyTorch's NAdam has 0.96^(0.004·t) in its place (Torch).
type Nadam struct {
	LearningRate float64 // η; 0.001 by default, 0.002 with Torch
	Beta1        float64 // β₁, in [0, 1); 0.9 by default
	Beta2        float64 // β₂, in [0, 1); 0.999 by default
	Epsilon      float64 // ε; 1e-7 by default, 1e-8 with Torch
	Torch        bool    // PyTorch's schedule and defaults instead of Keras'
}

// Name returns "nadam".
func (Nadam) Name() string { return "nadam" }

// Validate reports a setting out of range.
func (o Nadam) Validate() error {
	return Adam(o).validate("nadam")
}

// Rate returns η.
func (o Nadam) Rate() float64 {
	if o.Torch {
		return or(o.LearningRate, 0.002)
	}
	return or(o.LearningRate, 0.001)
}

// Slots returns 2, m and v.
func (Nadam) Slots() int { return 2 }

// momentum returns μₜ.
func (o Nadam) momentum(t int) float64 {
	slowness := 1.0
	if o.Torch {
		slowness = 0.004
	}
	return or(o.Beta1, 0.9) * (1 - float64(0.5*portable.Pow(0.96, slowness*float64(t))))
}

// advance multiplies the state's product of momenta by that of its new step.
func (o Nadam) advance(s *State) { s.Momentum *= o.momentum(s.Step) }

// Resolved returns the rule with its defaults spelled out.
func (o Nadam) Resolved() Optimizer {
	o.LearningRate, o.Beta1, o.Beta2 = cmp.Or(o.LearningRate, o.Rate()), cmp.Or(o.Beta1, 0.9), cmp.Or(o.Beta2, 0.999)
	if o.Torch {
		o.Epsilon = cmp.Or(o.Epsilon, 1e-8)
	}
	o.Epsilon = cmp.Or(o.Epsilon, 1e-7)
	return o
}

// Update takes one step.
func (o Nadam) Update(s *State, w, g []float32, lo int) {
	beta1, beta2, epsilon := or(o.Beta1, 0.9), or(o.Beta2, 0.999), 1e-7
	if o.Torch {
		epsilon = 1e-8
	}
	epsilon = or(o.Epsilon, epsilon)
	next := o.momentum(s.Step + 1)
	fromMean := next / (1 - float64(s.Momentum*next))
	fromGradient := (1 - o.momentum(s.Step)) / (1 - s.Momentum)
	rest2 := 1 - portable.Pow(beta2, float64(s.Step))
	m, v := s.Slot(0, lo, len(w)), s.Slot(1, lo, len(w))
	for i, x := range g {
		g := float64(x)
		mi := float64(beta1*float64(m[i])) + float64((1-beta1)*g)
		vi := float64(beta2*float64(v[i])) + float64((1-beta2)*g*g)
		m[i], v[i] = float32(mi), float32(vi)
		w[i] -= float32(s.Rate * (float64(fromMean*mi) + float64(fromGradient*g)) / (math.Sqrt(vi/rest2) + epsilon))
	}
}
