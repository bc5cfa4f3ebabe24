package optim

import (
	"cmp"
	"math"

	"hourglass/internal/kernel"
)

// AdamW is Adam with weights that decay towards zero on their own, apart from
// the gradient: w ← w - η·λ·w in every step (Loshchilov & Hutter 2019).
type AdamW struct {
	Adam
	WeightDecay float64 // λ; 0.004 by default, Keras', or 0.01 with Torch
}

// Name returns "adamw".
func (AdamW) Name() string { return "adamw" }

// Validate reports a setting out of range.
func (o AdamW) Validate() error {
	if err := o.validate("adamw"); err != nil {
		return err
	}
	return check("adamw", setting{"weight decay", o.WeightDecay, 0, math.Inf(1)})
}

// Resolved returns the rule with its defaults spelled out.
func (o AdamW) Resolved() Optimizer {
	return AdamW{o.resolved(), cmp.Or(o.WeightDecay, o.decay())}
}

// decay returns λ.
func (o AdamW) decay() float64 {
	if o.Torch {
		return or(o.WeightDecay, 0.01)
	}
	return or(o.WeightDecay, 0.004)
}

// Update takes one step.
func (o AdamW) Update(s *State, w, g []float32, lo int) {
	step := o.step(s)
	step.Decay = float32(s.Rate * o.decay())
	kernel.Adam(w, g, s.Slot(0, lo, len(w)), s.Slot(1, lo, len(w)), step)
}
