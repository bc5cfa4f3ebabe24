package loss

import "hourglass/internal/kernel"

// MeanSquaredError is (p - t)², Keras' mse and PyTorch's MSELoss.
type MeanSquaredError struct{}

// Name returns "mse".
func (MeanSquaredError) Name() string { return "mse" }

// Eval sums (p - t)²; the derivative is 2·(p - t).
func (MeanSquaredError) Eval(grad, pred, target []float32, scale float32) float64 {
	if grad == nil {
		return kernel.SquaredDistance(pred, target)
	}
	return kernel.SquaredError(grad, pred, target, 2*scale)
}
