package nn

import (
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Dropout sets elements to 0 with probability Rate and scales the others by
// 1/(1-Rate), in training only (Srivastava et al. 2014). As Keras' and PyTorch's
// Dropout. It takes any shape.
type Dropout struct {
	Rate float64 `json:"rate"` // in [0, 1)
}

// Bind accepts every shape.
func (l Dropout) Bind(in tensor.Shape) (Stage, error) {
	if !(l.Rate >= 0 && l.Rate < 1) {
		return nil, fmt.Errorf("rate is %v, want at least 0 and below 1", l.Rate)
	}
	return dropoutStage{in.Clone(), float32(1 - l.Rate)}, nil
}

type dropoutStage struct {
	shape tensor.Shape
	keep  float32
}

func (s dropoutStage) Plan() Plan       { return Plan{Output: s.shape} }
func (s dropoutStage) Forward(f *Frame) { s.drop(f, f.Y, f.X) }

// Backward drops the gradients of the very elements that Forward dropped: the
// random numbers are a function of the step, and so need not be kept.
func (s dropoutStage) Backward(f *Frame) {
	if f.DX != nil {
		s.drop(f, f.DX, f.DY)
	}
}

func (s dropoutStage) drop(f *Frame, dst, src []float32) {
	if !f.Training {
		copy(dst, src)
		return
	}
	size := s.shape.Size()
	for i := range f.N {
		key, counter := f.Random.stream(i)
		kernel.Dropout(rows(dst, i, i+1, size), rows(src, i, i+1, size), s.keep, 1/s.keep, key, counter)
	}
}
