package metric

import "hourglass/loss"

// MeanSquaredError is the mean of (p - t)².
type MeanSquaredError struct{}

// Name returns "mse".
func (MeanSquaredError) Name() string { return "mse" }

// Eval returns the mean of (p - t)².
func (MeanSquaredError) Eval(pred, target []float32) float64 {
	return loss.MeanSquaredError{}.Eval(nil, pred, target, 0) / float64(len(pred))
}

// MeanAbsoluteError is the mean of |p - t|.
type MeanAbsoluteError struct{}

// Name returns "mae".
func (MeanAbsoluteError) Name() string { return "mae" }

// Eval returns the mean of |p - t|.
func (MeanAbsoluteError) Eval(pred, target []float32) float64 {
	return loss.MeanAbsoluteError{}.Eval(nil, pred, target, 0) / float64(len(pred))
}
