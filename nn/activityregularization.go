package nn

import (
	"fmt"
	"math"

	"hourglass/tensor"
)

// ActivityRegularization hands its input on and adds to the loss, under the name
// "activity", the mean over the samples of
//
//	L1·Σ|x| + L2·Σx²
//
// over a sample's values, which may have any shape. Behind the codes it makes a sparse
// autoencoder. As Keras' layer ActivityRegularization and the activity_regularizer of
// its layers, which divides by the batch size too.
type ActivityRegularization struct {
	L1 float64 `json:"l1,omitempty"` // at least 0
	L2 float64 `json:"l2,omitempty"` // at least 0
}

// Bind accepts every shape.
func (l ActivityRegularization) Bind(in tensor.Shape) (Stage, error) {
	if err := firstError(checkWeight("l1", l.L1), checkWeight("l2", l.L2)); err != nil {
		return nil, err
	}
	return activityStage{l, in.Clone()}, nil
}

// checkWeight reports a weight of a penalty that is out of range.
func checkWeight(name string, weight float64) error {
	if !(weight >= 0 && weight <= math.MaxFloat32) {
		return fmt.Errorf("%s is %v, want at least 0", name, weight)
	}
	return nil
}

type activityStage struct {
	ActivityRegularization
	shape tensor.Shape
}

var _ Penalizer = activityStage{}

func (s activityStage) Plan() Plan          { return Plan{Output: s.shape, Solo: true} }
func (s activityStage) Penalties() []string { return []string{"activity"} }

// Forward sums in the order of the values.
func (s activityStage) Forward(f *Frame) {
	copy(f.Y, f.X)
	if f.Penalties == nil {
		return
	}
	rule, size := weightRule{s.L1, s.L2}, s.shape.Size()
	for i := range f.N {
		f.Penalties[0][i] = f.Factors[0] * rule.sum(rows(f.X, i, i+1, size))
	}
}

// Backward: dx = dy + (L1·sign x + 2·L2·x) / batch.
func (s activityStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	scale := f.Factors[0] / float64(f.Batch)
	l1, l2 := float32(scale*s.L1), float32(2*scale*s.L2)
	for i, x := range f.X {
		dx := f.DY[i] + float32(l2*x)
		switch {
		case x > 0:
			dx += l1
		case x < 0:
			dx -= l1
		}
		f.DX[i] = dx
	}
}
