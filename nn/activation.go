package nn

import (
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Activation applies a function to every element: y = f(x), of any shape. It is
// what a Dense{Activation: f} does to its products, as a layer of its own.
type Activation struct {
	Func Func `json:"activation"`
	// Slope is that of LeakyReLU for x < 0, above 0 and below 1; by default 0.2, that of
	// Keras' function leaky_relu. Keras' layer LeakyReLU has 0.3, PyTorch's 0.01. Other
	// functions have none.
	Slope float64 `json:"slope,omitempty"`
}

// Bind accepts every shape.
func (l Activation) Bind(in tensor.Shape) (Stage, error) {
	if err := l.Func.validate(); err != nil {
		return nil, err
	}
	switch {
	case l.Slope == 0:
	case l.Func != LeakyReLU:
		return nil, fmt.Errorf("slope is %v, but only leaky_relu has one, not %v", l.Slope, l.Func)
	case !(l.Slope > 0 && l.Slope < 1):
		return nil, fmt.Errorf("slope is %v, want above 0 and below 1", l.Slope)
	default:
		return leakyStage{float32(l.Slope), in.Clone()}, nil
	}
	return activationStage{l.Func, in.Clone()}, nil
}

// leakyStage is a LeakyReLU with a slope of its own.
type leakyStage struct {
	slope float32
	shape tensor.Shape
}

func (s leakyStage) Plan() Plan       { return Plan{Output: s.shape} }
func (s leakyStage) Forward(f *Frame) { kernel.LeakyReLU(f.Y, f.X, s.slope) }
func (s leakyStage) Backward(f *Frame) {
	if f.DX != nil {
		kernel.LeakyReLUGrad(f.DX, f.DY, f.Y, s.slope)
	}
}

type activationStage struct {
	fn    Func
	shape tensor.Shape
}

var _ SigmoidEnding = activationStage{}

func (s activationStage) Plan() Plan          { return Plan{Output: s.shape} }
func (s activationStage) EndsInSigmoid() bool { return s.fn == Sigmoid }

func (s activationStage) Forward(f *Frame) { outputFunc(s.fn, f).forward(f.Y, f.X) }
func (s activationStage) Backward(f *Frame) {
	if f.DX != nil {
		outputFunc(s.fn, f).backward(f.DX, f.DY, s.fn.basis(f.Y, f.X))
	}
}

// outputFunc returns the function a stage ends in, which is the identity where
// the pass asks for logits.
func outputFunc(fn Func, f *Frame) Func {
	if f.Logits {
		return Linear
	}
	return fn
}
