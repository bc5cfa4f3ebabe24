package nn

import (
	"fmt"

	"hourglass/tensor"
)

// Input states the shape of a sample, without the batch axis. It may stand only
// first in a network, where it takes the place of Keras' input_shape.
type Input tensor.Shape

// Bind accepts the very shape that the layer states.
func (l Input) Bind(in tensor.Shape) (Stage, error) {
	if !in.Equal(tensor.Shape(l)) {
		return nil, fmt.Errorf("stands for samples of shape %v, got %v; Input may only come first", tensor.Shape(l), in)
	}
	return viewStage{in.Clone()}, nil
}

// Flatten views a sample as one axis: (a, b, …) → (a·b·…).
type Flatten struct{}

// Bind accepts every shape.
func (Flatten) Bind(in tensor.Shape) (Stage, error) {
	return viewStage{tensor.Shape{in.Size()}}, nil
}

// Reshape views a sample under another shape of as many elements, in row-major
// order: Reshape{28, 28}. One axis may be -1 and is then computed from the rest.
type Reshape tensor.Shape

// Bind refuses a shape with another number of elements.
func (l Reshape) Bind(in tensor.Shape) (Stage, error) {
	out, err := tensor.Shape(l).Infer(in.Size())
	if err != nil {
		return nil, fmt.Errorf("cannot reshape %v (%d elements) to %v", in, in.Size(), tensor.Shape(l))
	}
	return viewStage{out}, nil
}

// viewStage leaves its input's memory as it is and gives it another shape.
type viewStage struct{ shape tensor.Shape }

func (s viewStage) Plan() Plan      { return Plan{Output: s.shape, View: true} }
func (s viewStage) Forward(*Frame)  {}
func (s viewStage) Backward(*Frame) {}
