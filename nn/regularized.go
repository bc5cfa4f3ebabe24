package nn

import (
	"encoding/json"
	"errors"

	"hourglass/tensor"
)

// Regularized adds to the loss, under the name "weights", L1·Σ|w| + L2·Σw² over the kernels of a
// layer and of all layers within it: those of its arrays that are matrices or more, so that
// biases are left out. It keeps weights small, as weight decay does, but through the
// gradient. As Keras' kernel_regularizer. Frozen weights are left out.
type Regularized struct {
	Layer Layer   `json:"layer"`
	L1    float64 `json:"l1,omitempty"` // at least 0
	L2    float64 `json:"l2,omitempty"` // at least 0
}

var _ Composite = Regularized{}

// Bind refuses: a network expands the layer.
func (l Regularized) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts what the layer accepts.
func (l Regularized) Expand(b *Builder, in Value) (Value, error) { return l.wrap(b, in) }

func (l Regularized) wrap(b *Builder, in Value) (Value, error) {
	if err := firstError(checkWeight("l1", l.L1), checkWeight("l2", l.L2)); err != nil {
		return 0, err
	}
	if l.Layer == nil {
		return 0, errors.New("got no layer, want one to regularize")
	}
	inner := b.Regularized(l.L1, l.L2)
	inner.depth++
	return inner.add(l.Layer, in)
}

// regularizedJSON is the stored form of a layer with a penalty on its weights.
type regularizedJSON struct {
	Layer layerJSON `json:"layer"`
	L1    float64   `json:"l1,omitempty"`
	L2    float64   `json:"l2,omitempty"`
}

// MarshalJSON writes the layer as in Layers.
func (l Regularized) MarshalJSON() ([]byte, error) {
	if l.Layer == nil {
		return nil, errors.New("got no layer, want one to regularize")
	}
	stored, err := encodeLayer(l.Layer)
	if err != nil {
		return nil, err
	}
	return json.Marshal(regularizedJSON{stored, l.L1, l.L2})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Regularized) UnmarshalJSON(data []byte) (err error) {
	var stored regularizedJSON
	if err := decodeStrictly(data, &stored); err != nil {
		return err
	}
	l.L1, l.L2 = stored.L1, stored.L2
	l.Layer, err = stored.Layer.decode()
	return err
}
