package nn

import "hourglass/tensor"

// Activation applies a function to every element: y = f(x), of any shape. It is
// what a Dense{Activation: f} does to its products, as a layer of its own.
type Activation struct {
	Func Func `json:"activation"`
}

// Bind accepts every shape.
func (l Activation) Bind(in tensor.Shape) (Stage, error) {
	if err := l.Func.validate(); err != nil {
		return nil, err
	}
	return activationStage{l.Func, in.Clone()}, nil
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
		outputFunc(s.fn, f).backward(f.DX, f.DY, f.Y)
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
