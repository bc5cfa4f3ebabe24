package metric

import "hourglass/internal/kernel"

var _ Ordered = RoundedAccuracy{}

// RoundedAccuracy is the share of entries where target and prediction are equal
// once rounded, the lecture's
// keras.metrics.binary_accuracy(tf.round(y_true), tf.round(y_pred)): targets are
// rounded half to even, predictions above 0.5 count as 1 and others as 0.
type RoundedAccuracy struct{}

// Name returns "rounded_accuracy".
func (RoundedAccuracy) Name() string { return "rounded_accuracy" }

// HigherIsBetter returns true.
func (RoundedAccuracy) HigherIsBetter() bool { return true }

// Eval returns a share between 0 and 1.
func (RoundedAccuracy) Eval(pred, target []float32) float64 {
	return float64(kernel.RoundedAgree(pred, target)) / float64(len(pred))
}
