package nn

import (
	"errors"

	"hourglass/tensor"
)

// Frozen keeps the weights of a layer as they are: no gradient is computed for them, and
// the summary counts them as non-trainable. What lies in front of it still learns
// through it. As Keras' trainable = False: a BatchNormalization uses its running
// statistics and leaves them alone; noise and dropout go on.
type Frozen struct {
	Layer Layer
}

var _ Composite = Frozen{}

// Bind refuses: a network expands the layer.
func (l Frozen) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts what the layer accepts.
func (l Frozen) Expand(b *Builder, in Value) (Value, error) { return l.wrap(b, in) }

func (l Frozen) wrap(b *Builder, in Value) (Value, error) {
	if l.Layer == nil {
		return 0, errors.New("got no layer, want one to freeze")
	}
	inner := b.Frozen()
	inner.depth++
	return inner.add(l.Layer, in)
}

// MarshalJSON writes {"layer": …} with the layer as in Layers.
func (l Frozen) MarshalJSON() ([]byte, error) { return marshalWrapped(l.Layer) }

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Frozen) UnmarshalJSON(data []byte) (err error) {
	l.Layer, err = unmarshalWrapped(data)
	return err
}
