package metric

import "hourglass/loss"

var _, _ Ordered = MeanSquaredError{}, MeanAbsoluteError{}

// MeanSquaredError is the mean of (p - t)².
type MeanSquaredError struct{}

// Name returns "mse".
func (MeanSquaredError) Name() string { return "mse" }

// HigherIsBetter returns false.
func (MeanSquaredError) HigherIsBetter() bool { return false }

// Eval returns the mean of (p - t)².
func (MeanSquaredError) Eval(pred, target []float32) float64 {
	return loss.MeanSquaredError{}.Eval(nil, pred, target, 0) / float64(len(pred))
}

// MeanAbsoluteError is the mean of |p - t|.
type MeanAbsoluteError struct{}

// Name returns "mae".
func (MeanAbsoluteError) Name() string { return "mae" }

// HigherIsBetter returns false.
func (MeanAbsoluteError) HigherIsBetter() bool { return false }

// Eval returns the mean of |p - t|.
func (MeanAbsoluteError) Eval(pred, target []float32) float64 {
	return loss.MeanAbsoluteError{}.Eval(nil, pred, target, 0) / float64(len(pred))
}
