package loss

// MeanAbsoluteError is |p - t|, Keras' mae and PyTorch's L1Loss.
type MeanAbsoluteError struct{}

// Name returns "mae".
func (MeanAbsoluteError) Name() string { return "mae" }

// Eval sums |p - t|; the derivative is the sign of p - t, and 0 at 0.
func (MeanAbsoluteError) Eval(grad, pred, target []float32, scale float32) float64 {
	var sum float64
	for i, p := range pred {
		d := p - target[i]
		sum += float64(abs(d))
		if grad != nil {
			grad[i] = sign(d) * scale
		}
	}
	return sum
}
