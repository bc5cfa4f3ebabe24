package nn

import (
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// MaskingNoise sets elements to 0 with probability Rate and leaves the others as they
// are, in training only: what the denoising autoencoder of Vincent et al. 2008 has to
// undo. Unlike [Dropout] it does not scale what is left. It takes any shape.
type MaskingNoise struct {
	Rate float64 `json:"rate"` // in [0, 1)
}

// Bind accepts every shape.
func (l MaskingNoise) Bind(in tensor.Shape) (Stage, error) {
	if err := checkRate(l.Rate); err != nil {
		return nil, err
	}
	return maskingStage{in.Clone(), float32(1 - l.Rate)}, nil
}

func checkRate(rate float64) error {
	if !(rate >= 0 && rate < 1) {
		return fmt.Errorf("rate is %v, want at least 0 and below 1", rate)
	}
	return nil
}

type maskingStage struct {
	shape tensor.Shape
	keep  float32
}

func (s maskingStage) Plan() Plan       { return Plan{Output: s.shape} }
func (s maskingStage) Forward(f *Frame) { s.mask(f, f.Y, f.X) }

// Backward masks the gradients of the very elements that Forward masked.
func (s maskingStage) Backward(f *Frame) {
	if f.DX != nil {
		s.mask(f, f.DX, f.DY)
	}
}

func (s maskingStage) mask(f *Frame, dst, src []float32) {
	if !f.Training {
		copy(dst, src)
		return
	}
	size := s.shape.Size()
	for i := range f.N {
		key, counter := f.Random.stream(i)
		kernel.Dropout(rows(dst, i, i+1, size), rows(src, i, i+1, size), s.keep, 1, key, counter)
	}
}
