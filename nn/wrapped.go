package nn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"hourglass/tensor"
)

// checkWrapped reports a layer that cannot stand inside another.
func checkWrapped(l Layer) error {
	if l == nil {
		return errors.New("got no layer, want one to wrap")
	}
	if depth(l) > maxDepth {
		return fmt.Errorf("wraps layers within layers, want at most %d", maxDepth)
	}
	return nil
}

// maxDepth is how many layers may stand within each other, and maxWrapped how long
// the description of those within one may be.
const (
	maxDepth   = 8
	maxWrapped = 1 << 16
)

// depth counts the layers within each other.
func depth(l Layer) int {
	n := 1
	for {
		switch w := l.(type) {
		case TimeDistributed:
			l = w.Layer
		case Bidirectional:
			l = w.Layer
		case Frozen:
			l = w.Layer
		case Named:
			l = w.Layer
		case Regularized:
			l = w.Layer
		default:
			return n
		}
		n++
	}
}

// wrappedJSON is the stored form of a layer around another.
type wrappedJSON struct {
	Layer layerJSON `json:"layer"`
}

func marshalWrapped(l Layer) ([]byte, error) {
	if err := checkWrapped(l); err != nil {
		return nil, err
	}
	stored, err := encodeLayer(l)
	if err != nil {
		return nil, err
	}
	return json.Marshal(wrappedJSON{stored})
}

func unmarshalWrapped(data []byte) (Layer, error) {
	if len(data) > maxWrapped {
		return nil, fmt.Errorf("wrapped layer is described by %d bytes, want at most %d", len(data), maxWrapped)
	}
	var stored wrappedJSON
	if err := decodeStrictly(data, &stored); err != nil {
		return nil, err
	}
	return stored.Layer.decode()
}

// decodeStrictly reads JSON in which every field must be known.
func decodeStrictly(data []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// bindWrapped binds a layer that stands inside another.
func bindWrapped(l Layer, in tensor.Shape) (boundStage, error) {
	s, err := bind(l, in)
	if err != nil {
		return s, err
	}
	if _, ok := s.Stage.(Penalizer); ok {
		return s, errors.New("it adds to the loss, and that it can only do by itself")
	}
	if _, ok := s.Stage.(LabelReader); ok {
		return s, errors.New("it reads labels, and that it can only do by itself")
	}
	return s, nil
}
