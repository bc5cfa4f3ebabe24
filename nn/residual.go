package nn

import (
	"fmt"

	"hourglass/tensor"
)

// Residual adds to its input what layers make of it (He et al. 2016):
//
//	y = f(p(x) + layers(x))
//
// The layers give samples of the input's shape, or there is a projection p, layers
// too, that gives the shape they give: a Dense for vectors, a Conv2D with a kernel of 1×1 for
// images. Without one p(x) is x. Its arrays are called "layers.0.kernel" and
// "projection.0.kernel".
type Residual struct {
	Layers     Layers `json:"layers"`
	Projection Layers `json:"projection,omitempty"` // p; nothing by default
	Activation Func   `json:"activation,omitempty"` // f; Linear by default
}

var _ Composite = Residual{}

// Bind refuses: a network expands the layer.
func (l Residual) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts what the layers accept.
func (l Residual) Expand(b *Builder, in Value) (Value, error) {
	if err := l.Activation.validate(); err != nil {
		return 0, err
	}
	made, err := b.AddAll("layers", l.Layers, in)
	if err != nil {
		return 0, err
	}
	kept, err := b.AddAll("projection", l.Projection, in)
	if err != nil {
		return 0, err
	}
	if !b.Shape(made).Equal(b.Shape(kept)) {
		if len(l.Projection) == 0 {
			return 0, fmt.Errorf("its layers make %v of %v, want the same shape, or a projection of the input to %v",
				b.Shape(made), b.Shape(in), b.Shape(made))
		}
		return 0, fmt.Errorf("its layers make %v and the projection %v of %v, want the same shape", b.Shape(made), b.Shape(kept), b.Shape(in))
	}
	sum, err := b.Merge(Add, kept, made)
	if err != nil || l.Activation == Linear {
		return sum, err
	}
	return b.AddStage(activationStage{l.Activation, b.Shape(sum)}, sum)
}
