package nn

import (
	"encoding/json"
	"errors"
	"fmt"

	"hourglass/tensor"
)

// Named gives a layer a name of its own. The summary shows it, the model file keeps the
// layer's arrays under it ("encoder.bottleneck.kernel") wherever the layer stands, and
// others can refer to it.
type Named struct {
	Name  string `json:"name"` // of its own in the network: a letter, then letters, digits, _ and -
	Layer Layer  `json:"layer"`
}

var _ Composite = Named{}

// Bind refuses: only a network knows names.
func (l Named) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts what the layer accepts.
func (l Named) Expand(b *Builder, in Value) (Value, error) { return l.wrap(b, in) }

func (l Named) wrap(b *Builder, in Value) (Value, error) {
	if err := checkName(l.Name); err != nil {
		return 0, err
	}
	if l.Layer == nil {
		return 0, errors.New("got no layer, want one to name")
	}
	if inner, ok := l.Layer.(Named); ok {
		return 0, fmt.Errorf("got two names for one layer, %q and %q", l.Name, inner.Name)
	}
	if b.program.named[l.Name] {
		return 0, fmt.Errorf("two layers are called %q", l.Name)
	}
	b.program.named[l.Name] = true
	inner := *b
	inner.name, inner.path = l.Name, nil
	inner.depth++
	return inner.add(l.Layer, in)
}

// MarshalJSON writes {"name": …, "layer": …} with the layer as in Layers.
func (l Named) MarshalJSON() ([]byte, error) {
	if l.Layer == nil {
		return nil, errors.New("got no layer, want one to name")
	}
	stored, err := encodeLayer(l.Layer)
	if err != nil {
		return nil, err
	}
	return json.Marshal(namedJSON{l.Name, stored})
}

// namedJSON is the stored form of a layer with a name.
type namedJSON struct {
	Name  string    `json:"name"`
	Layer layerJSON `json:"layer"`
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Named) UnmarshalJSON(data []byte) (err error) {
	var stored namedJSON
	if err := decodeStrictly(data, &stored); err != nil {
		return err
	}
	l.Name = stored.Name
	l.Layer, err = stored.Layer.decode()
	return err
}
