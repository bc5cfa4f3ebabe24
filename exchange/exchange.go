// Package exchange has what the formats of other tools, one in each package below it, have in
// common: networks as lists of layers with their shapes and weights.
package exchange

import (
	"fmt"
	"slices"
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

	params []nn.Array // named within the layer, or within a named layer in it
	taps   Taps       // of the autoencoder, up to here
}

// Kind returns the layer's name: "Dense".
func (b Block) Kind() string { return nn.Kind(b.Layer) }

// Param returns a parameter of the layer by its name, such as "kernel"; its values are nil
// where there is none.
func (b Block) Param(name string) nn.Array {
	for _, p := range b.params {
		if p.LayerName == "" && p.Name == name {
			return p
		}
	}
	return nn.Array{}
}

// Weights returns how many weights the layer has, those of layers within it included.
func (b Block) Weights() int {
	n := 0
	for _, p := range b.params {
		n += len(p.Values)
	}
	return n
}

// Errorf returns an error that names the layer.
func (b Block) Errorf(format string, args ...any) error {
	return fmt.Errorf("layer %s (%s): %w", b.Name, b.Kind(), fmt.Errorf(format, args...))
}

// Inner returns a layer within b, which takes samples of shape in. Its parameters are those
// of b whose names begin with the prefix.
func (b Block) Inner(layer nn.Layer, in tensor.Shape, prefix string) (Block, error) {
	var params []nn.Array
	for _, p := range b.params {
		if p.LayerName != "" {
			params = append(params, p)
		} else if name, ok := strings.CutPrefix(p.Name, prefix); ok {
			p.Name = name
			params = append(params, p)
		}
	}
	inner := Block{layer, b.Name + "." + prefix + strings.ToLower(nn.Kind(layer)), in, nil, params, b.taps}
	return inner, inner.bind()
}

// Named returns the layer that b, a layer with a name of its own, names.
func (b Block) Named(l nn.Named) (Block, error) {
	params := slices.Clone(b.params)
	for i := range params {
		if params[i].LayerName == l.Name {
			params[i].LayerName = ""
		}
	}
	inner := Block{l.Layer, b.Name + "." + l.Name, b.In, nil, params, b.taps}
	return inner, inner.bind()
}

// List returns the layers of a list within b, the first of which takes samples of shape in.
// Their parameters have names that begin with that of the list.
func (b Block) List(name string, layers []nn.Layer, in tensor.Shape) ([]Block, error) {
	var list []Block
	for i, l := range layers {
		inner, err := b.Inner(l, in, fmt.Sprintf("%s.%d.", name, i))
		if err != nil {
			return nil, err
		}
		list, in = append(list, inner), inner.Out
	}
	return list, nil
}

// bind works out what comes out of the layer.
func (b *Block) bind() (err error) {
	if b.Out, err = b.taps.Output(b.Layer, b.In); err != nil {
		return b.Errorf("%w", err)
	}
	return nil
}

// Taps are the shapes of what has been tapped in a list of layers so far.
type Taps map[string]tensor.Shape

// Output returns what a layer makes of samples of a shape. Layers are asked one after
// another, those in front of a Tap's Join among them.
func (t Taps) Output(layer nn.Layer, in tensor.Shape) (tensor.Shape, error) {
	switch l := layer.(type) {
	case nn.Tap:
		t[l.Name] = in
		return in, nil
	case nn.Join:
		out := in.Clone()
		if tapped := t[l.Name]; l.Merge == nn.Concatenate && len(tapped) > 0 && len(out) > 0 {
			out[len(out)-1] += tapped[len(tapped)-1]
		}
		return out, nil
	case nn.Composite:
		n, err := nn.NewNetwork(in, layer)
		if err != nil {
			return nil, err
		}
		return n.Output(), nil
	}
	stage, err := layer.Bind(in)
	if err != nil {
		return nil, err
	}
	out := stage.Plan().Output
	return out, out.Validate()
}

// Blocks returns the layers of a part of an autoencoder, without Input layers. A decoder
// that joins what the encoder taps is none by itself.
func Blocks(ae *hourglass.Autoencoder, part Part) ([]Block, error) {
	if err := ae.Decoder().Complete(); part == Decoder && err != nil {
		return nil, err
	}
	taps := Taps{}
	var blocks []Block
	if part != Decoder {
		var err error
		if blocks, err = network(ae.Encoder(), Encoder, taps); err != nil {
			return nil, err
		}
	}
	if part != Encoder {
		more, err := network(ae.Decoder(), Decoder, taps)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, more...)
	}
	return blocks, nil
}

// network returns the layers of a network.
func network(n *nn.Network, part Part, taps Taps) ([]Block, error) {
	var blocks []Block
	shape, arrays := n.Input(), n.Arrays()
	for i, layer := range n.Layers() {
		b := Block{Layer: layer, Name: fmt.Sprintf("%s.%d.%s", part, i, strings.ToLower(nn.Kind(layer))), In: shape, taps: taps}
		if err := b.bind(); err != nil {
			return nil, err
		}
		shape = b.Out
		for ; len(arrays) > 0 && arrays[0].Layer == i; arrays = arrays[1:] {
			b.params = append(b.params, arrays[0])
		}
		if _, ok := layer.(nn.Input); !ok {
			blocks = append(blocks, b)
		}
	}
	return blocks, nil
}
