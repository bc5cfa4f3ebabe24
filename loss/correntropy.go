package loss

import (
	"cmp"
	"fmt"
	"math"

	"hourglass/internal/portable"
)

// Correntropy is 1 - exp(-d²/(2·Sigma²)) with d = p - t: like the squared error for small
// differences, but no difference counts for more than 1, so that outliers in the training
// data are left aside (Liu, Pokharel & Principe 2007; for autoencoders Qi et al. 2014).
type Correntropy struct {
	Sigma float64 // the difference from which it saturates, above 0; 1 by default
}

var _ Validator = Correntropy{}

// Resolved returns the loss with its default spelled out.
func (l Correntropy) Resolved() Loss { return Correntropy{cmp.Or(l.Sigma, 1)} }

// Name returns "correntropy".
func (Correntropy) Name() string { return "correntropy" }

// Validate reports a Sigma that is negative, NaN or infinite.
func (l Correntropy) Validate() error {
	if !(l.Sigma >= 0 && l.Sigma <= math.MaxFloat32) {
		return fmt.Errorf("loss: correntropy: sigma is %v, want a finite number above 0, or 0 for 1", l.Sigma)
	}
	return nil
}

// Eval sums the loss; the derivative is d/Sigma²·exp(-d²/(2·Sigma²)).
func (l Correntropy) Eval(grad, pred, target []float32, scale float32) float64 {
	sigma := cmp.Or(l.Sigma, 1)
	precision := 1 / (sigma * sigma)
	var sum float64
	for i, p := range pred {
		d := float64(p) - float64(target[i])
		fall := -d * d / 2 * precision
		sum += oneMinusExp(fall)
		if grad != nil {
			grad[i] = float32(d * precision * portable.Exp(fall) * float64(scale))
		}
	}
	return sum
}

// oneMinusExp returns 1 - eˣ for x up to 0, near which it is a sum of powers that loses no
// digits.
func oneMinusExp(x float64) float64 {
	if x < -1e-3 {
		return 1 - portable.Exp(x)
	}
	s := 1 + float64(x/4)
	s = 1 + float64(x/3*s)
	s = 1 + float64(x/2*s)
	return -x * s
}
