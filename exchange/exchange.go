// Package exchange has what the formats of other tools, one in each package below it, have in
// common: networks as lists of layers with their shapes and weights.
package exchange

import (
	"fmt"
	"strings"

	"hourglass"
	"hourglass/nn"
	"hourglass/tensor"
)

// Part says which networks of an autoencoder are meant.
type Part string

// The parts.
const (
	Whole   Part = "whole"
	Encoder Part = "encoder"
	Decoder Part = "decoder"
)

// Parts lists them.
func Parts() []Part { return []Part{Whole, Encoder, Decoder} }

// Block is a layer in its place: bound to a shape and with its weights.
type Block struct {
	Layer   nn.Layer
	Name    string // "encoder.2.dense" or "decoder.0.conv2dtranspose", unique in the autoencoder
	In, Out tensor.Shape
	Params  []nn.Array // named within the layer: "kernel"
}

// Kind returns the layer's name: "Dense".
func (b Block) Kind() string { return nn.Kind(b.Layer) }

// Param returns the values of a parameter, nil if there is none of that name.
func (b Block) Param(name string) []float32 {
	for _, p := range b.Params {
		if p.Name == name {
			return p.Values
		}
	}
	return nil
}

// Errorf returns an error that names the layer.
func (b Block) Errorf(format string, args ...any) error {
	return fmt.Errorf("layer %s (%s): %w", b.Name, b.Kind(), fmt.Errorf(format, args...))
}

// Inner returns a layer within b, which takes samples of shape in. Its parameters are those
// of b whose names begin with the prefix.
func (b Block) Inner(layer nn.Layer, in tensor.Shape, prefix string) (Block, error) {
	inner := Block{Layer: layer, Name: b.Name + "." + prefix + strings.ToLower(nn.Kind(layer)), In: in}
	stage, err := layer.Bind(in)
	if err != nil {
		return inner, b.Errorf("%w", err)
	}
	inner.Out = stage.Plan().Output
	for _, p := range b.Params {
		if name, ok := strings.CutPrefix(p.Name, prefix); ok {
			p.Name = name
			inner.Params = append(inner.Params, p)
		}
	}
	return inner, nil
}

// Blocks returns the layers of a part of an autoencoder, without Input layers.
func Blocks(ae *hourglass.Autoencoder, part Part) ([]Block, error) {
	var blocks []Block
	if part != Decoder {
		var err error
		if blocks, err = network(ae.Encoder(), Encoder); err != nil {
			return nil, err
		}
	}
	if part != Encoder {
		more, err := network(ae.Decoder(), Decoder)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, more...)
	}
	return blocks, nil
}

// network returns the layers of a network.
func network(n *nn.Network, part Part) ([]Block, error) {
	var blocks []Block
	shape, arrays := n.Input(), n.Arrays()
	for i, layer := range n.Layers() {
		b := Block{Layer: layer, Name: fmt.Sprintf("%s.%d.%s", part, i, strings.ToLower(nn.Kind(layer))), In: shape}
		stage, err := layer.Bind(shape)
		if err != nil {
			return nil, b.Errorf("%w", err)
		}
		shape = stage.Plan().Output
		b.Out = shape
		for ; len(arrays) > 0 && arrays[0].Layer == i; arrays = arrays[1:] {
			b.Params = append(b.Params, arrays[0])
		}
		if _, ok := layer.(nn.Input); !ok {
			blocks = append(blocks, b)
		}
	}
	return blocks, nil
}
