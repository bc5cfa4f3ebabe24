package loss

import (
	"fmt"
	"math"
)

// Huber is d²/2 for |d| ≤ Delta and Delta·(|d| - Delta/2) beyond, with d = p - t:
// squared near the target, absolute for outliers (Huber 1964). As Keras' Huber
// and PyTorch's HuberLoss.
type Huber struct {
	Delta float32 // above 0; 1 by default
}

var _ Validator = Huber{}

// Resolved returns the loss with its default spelled out.
func (l Huber) Resolved() Loss { return Huber{l.delta()} }

func (l Huber) delta() float32 {
	if l.Delta == 0 {
		return 1
	}
	return l.Delta
}

// Name returns "huber".
func (Huber) Name() string { return "huber" }

// Validate reports a Delta that is negative, NaN or infinite.
func (l Huber) Validate() error {
	if !(l.Delta >= 0 && l.Delta <= math.MaxFloat32) {
		return fmt.Errorf("loss: huber: delta is %v, want a finite number above 0, or 0 for 1", l.Delta)
	}
	return nil
}

// Eval sums the loss; the derivative is d clipped to ±Delta.
func (l Huber) Eval(grad, pred, target []float32, scale float32) float64 {
	delta := l.delta()
	var sum float64
	for i, p := range pred {
		d := p - target[i]
		clipped := min(max(d, -delta), delta)
		// d²/2 and Delta·(|d| - Delta/2) are both clipped·(d - clipped/2).
		sum += float64(float64(clipped) * (float64(d) - float64(float64(clipped)/2)))
		if grad != nil {
			grad[i] = clipped * scale
		}
	}
	return sum
}
