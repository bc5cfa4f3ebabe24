// Package exchange has what the formats of other tools, one in each package below it, have in
// common: networks as lists of layers with their shapes and weights.
package exchange

import (
	"errors"
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
	scope  *Scope     // of the autoencoder, up to here
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

// Shared returns a parameter of the named layer in front that b shares it with.
func (b Block) Shared(layer, name string) (nn.Array, error) {
	for _, a := range b.scope.arrays {
		if a.LayerName == layer && a.Name == name {
			return a, nil
		}
	}
	return nn.Array{}, b.Errorf("there is no %s of a layer %q", name, layer)
}

// Weights returns how many weights the layer has, those of layers within it included.
func (b Block) Weights() int {
	n := 0
	for _, p := range b.params {
		n += len(p.Values)
	}
	return n
}

// OfZeros returns what the layer makes of a sample of zeros.
func (b Block) OfZeros() ([]float32, error) {
	n, err := nn.NewNetwork(b.In, b.Layer)
	if err != nil {
		return nil, b.Errorf("%w", err)
	}
	return slices.Clone(n.NewPass(1).Forward(make([]float32, b.In.Size()), 1)), nil
}

// Refuse returns the error for a layer that a format has no way for.
func (b Block) Refuse(format string) error {
	return b.Errorf("it is not written for %s; export it to ONNX instead", format)
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
	inner := Block{layer, b.Name + "." + prefix + strings.ToLower(nn.Kind(layer)), in, nil, params, b.scope}
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
	inner := Block{l.Layer, b.Name + "." + l.Name, b.In, nil, params, b.scope}
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

// bind works out what comes out of the layer, and unties it from a convolution.
func (b *Block) bind() (err error) {
	if l, ok := b.Layer.(nn.Tied); ok {
		if of := b.scope.named[l.To]; transposes(l, of) != nil {
			return b.untie(l, of)
		}
	}
	if b.Out, err = b.scope.Output(b.Layer, b.In); err != nil {
		return b.Errorf("%w", err)
	}
	return nil
}

// Scope is what layers of a list know of those in front of them by name. The zero value is
// that of the first layer.
type Scope struct {
	tapped map[string]tensor.Shape // what has been tapped
	named  map[string]namedLayer
	arrays []nn.Array // of the whole autoencoder
}

// Output returns what a layer makes of samples of a shape. Layers are asked one after
// another, those in front of a Tap's Join or of a Tied among them.
func (s *Scope) Output(layer nn.Layer, in tensor.Shape) (tensor.Shape, error) {
	switch l := layer.(type) {
	case nn.Tap:
		if s.tapped == nil {
			s.tapped = map[string]tensor.Shape{}
		}
		s.tapped[l.Name] = in
		return in, nil
	case nn.Join:
		return s.join(l, in), nil
	case nn.Named:
		if s.named == nil {
			s.named = map[string]namedLayer{}
		}
		s.named[l.Name] = namedLayer{bare(l.Layer), in}
		return s.Output(l.Layer, in)
	case nn.Frozen:
		return s.Output(l.Layer, in)
	case nn.Regularized:
		return s.Output(l.Layer, in)
	case nn.Tied:
		taken := s.named[l.To].in
		if len(taken) == 0 || len(in) == 0 {
			return nil, fmt.Errorf("no layer in front of it is called %q", l.To)
		}
		out := in.Clone()
		out[len(out)-1] = taken[len(taken)-1]
		return out, nil
	case nn.Composite:
		n, err := nn.NewNetwork(in, layer)
		if err != nil {
			return nil, err
		}
		return n.Output(), nil
	}
	if layer == nil {
		return nil, errors.New("there is no layer")
	}
	stage, err := layer.Bind(in)
	if err != nil {
		return nil, err
	}
	out := stage.Plan().Output
	return out, out.Validate()
}

// bare returns a layer without what only matters in training.
func bare(layer nn.Layer) nn.Layer {
	switch l := layer.(type) {
	case nn.Frozen:
		return bare(l.Layer)
	case nn.Regularized:
		return bare(l.Layer)
	}
	return layer
}

// join returns what comes of samples of a shape and what has been tapped.
func (s *Scope) join(l nn.Join, in tensor.Shape) tensor.Shape {
	out := in.Clone()
	if tapped := s.tapped[l.Name]; l.Merge == nn.Concatenate && len(tapped) > 0 && len(out) > 0 {
		out[len(out)-1] += tapped[len(tapped)-1]
	}
	return out
}

// Blocks returns the layers of a part of an autoencoder, without Input layers. A decoder
// that joins what the encoder taps is none by itself.
func Blocks(ae *hourglass.Autoencoder, part Part) ([]Block, error) {
	if err := ae.Decoder().Complete(); part == Decoder && err != nil {
		return nil, err
	}
	scope := &Scope{arrays: ae.Network().Arrays()}
	blocks, err := network(ae.Encoder(), Encoder, scope) // whose names the decoder may know
	if err != nil || part == Encoder {
		return blocks, err
	}
	decoder, err := network(ae.Decoder(), Decoder, scope)
	if err != nil || part == Decoder {
		return decoder, err
	}
	return append(blocks, decoder...), nil
}

// network returns the layers of a network.
func network(n *nn.Network, part Part, scope *Scope) ([]Block, error) {
	var blocks []Block
	shape, arrays := n.Input(), n.Arrays()
	for i, layer := range n.Layers() {
		b := Block{Layer: layer, Name: fmt.Sprintf("%s.%d.%s", part, i, strings.ToLower(nn.Kind(layer))), In: shape, scope: scope}
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

// Identity returns the matrix of size n with ones on its diagonal: what stands for labels that
// are one-hot, row by row.
func Identity(n int) []float32 {
	m := make([]float32, n*n)
	for i := range n {
		m[i*n+i] = 1
	}
	return m
}
