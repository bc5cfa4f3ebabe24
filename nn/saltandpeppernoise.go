package nn

import (
	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// SaltAndPepperNoise sets elements to 0 or to 1, each with probability Rate/2, in
// training only: the noise of Vincent et al. 2010 for values from 0 to 1. It takes any
// shape.
type SaltAndPepperNoise struct {
	Rate float64 `json:"rate"` // of elements that are changed, in [0, 1)
}

// Bind accepts every shape.
func (l SaltAndPepperNoise) Bind(in tensor.Shape) (Stage, error) {
	if err := checkRate(l.Rate); err != nil {
		return nil, err
	}
	return saltStage{in.Clone(), float32(l.Rate)}, nil
}

type saltStage struct {
	shape tensor.Shape
	rate  float32
}

func (s saltStage) Plan() Plan { return Plan{Output: s.shape, Workspace: s.shape.Size()} }

// Forward draws a number from [0, 1) for every element: below Rate/2 it becomes 0,
// below Rate 1.
func (s saltStage) Forward(f *Frame) {
	if !f.Training {
		copy(f.Y, f.X)
		return
	}
	for i := range f.N {
		y, x := s.sample(f.Y, i), s.sample(f.X, i)
		for j, u := range s.draw(f, i) {
			switch {
			case u < s.rate/2:
				y[j] = 0
			case u < s.rate:
				y[j] = 1
			default:
				y[j] = x[j]
			}
		}
	}
}

// Backward: nothing depends on elements that were replaced.
func (s saltStage) Backward(f *Frame) {
	switch {
	case f.DX == nil:
		return
	case !f.Training:
		copy(f.DX, f.DY)
		return
	}
	for i := range f.N {
		dx, dy := s.sample(f.DX, i), s.sample(f.DY, i)
		for j, u := range s.draw(f, i) {
			if dx[j] = dy[j]; u < s.rate {
				dx[j] = 0
			}
		}
	}
}

func (s saltStage) sample(x []float32, i int) []float32 { return rows(x, i, i+1, s.shape.Size()) }

// draw returns sample i's uniform numbers.
func (s saltStage) draw(f *Frame, i int) []float32 {
	key, counter := f.Random.stream(i)
	kernel.Uniform(f.Workspace, key, counter)
	return f.Workspace
}
