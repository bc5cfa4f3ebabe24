package nn

import (
	"fmt"
	"math"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// GaussianNoise adds normal noise of mean 0 to every element, in training only:
// y = x + Stddev·N(0, 1). As Keras' GaussianNoise. It takes any shape.
type GaussianNoise struct {
	Stddev float64 `json:"stddev"` // at least 0
}

// Bind accepts every shape.
func (l GaussianNoise) Bind(in tensor.Shape) (Stage, error) {
	if !(l.Stddev >= 0) || math.IsInf(l.Stddev, 1) {
		return nil, fmt.Errorf("stddev is %v, want a finite number of at least 0", l.Stddev)
	}
	return noiseStage{in.Clone(), l}, nil
}

type noiseStage struct {
	shape tensor.Shape
	GaussianNoise
}

func (s noiseStage) Plan() Plan { return Plan{Output: s.shape} }

func (s noiseStage) Forward(f *Frame) {
	if !f.Training {
		copy(f.Y, f.X)
		return
	}
	size := s.shape.Size()
	for i := range f.N {
		key, counter := f.Random.stream(i)
		kernel.AddNormal(rows(f.Y, i, i+1, size), rows(f.X, i, i+1, size), float32(s.Stddev), key, counter)
	}
}

func (s noiseStage) Backward(f *Frame) { copy(f.DX, f.DY) }
