// Package ownparts shows how a program makes layers, losses and observers of its own, each
// in one file.
package ownparts

import (
	"fmt"

	"hourglass/loss"
	"hourglass/tensor"
)

// Weighted is a loss of one's own: the squared error in which each value of a sample counts
// as much as its weight says. It is bound to samples before it is used, so that it
// can check its weights.
type Weighted struct{ Weights []float32 }

var _ loss.Binder = Weighted{}

// Name returns "weighted".
func (Weighted) Name() string { return "weighted" }

// Bind refuses samples of which some values have no weight.
func (l Weighted) Bind(sample tensor.Shape) (loss.Loss, error) {
	if len(l.Weights) != sample.Size() {
		return nil, fmt.Errorf("there are %d weights, want %d", len(l.Weights), sample.Size())
	}
	return l, nil
}

// Eval sums w·(p - t)²; the derivative is 2·w·(p - t).
func (l Weighted) Eval(grad, pred, target []float32, scale float32) float64 {
	var sum float64
	for i, p := range pred {
		d := p - target[i]
		sum += float64(float32(l.Weights[i] * d * d))
		if grad != nil {
			grad[i] = 2 * scale * l.Weights[i] * d
		}
	}
	return sum
}
