package exchange

import (
	"hourglass/nn"
	"hourglass/tensor"
)

// namedLayer is a layer with a name, without what only matters in training, and what it takes.
type namedLayer struct {
	nn.Layer
	in tensor.Shape
}

// untie puts the plain layer, with a copy of the kernel, in the place of one that is tied to a
// convolution: other tools share no kernel between a convolution and its transpose.
func (b *Block) untie(l nn.Tied, of namedLayer) error {
	kernel, err := b.Shared(l.To, "kernel")
	if err != nil {
		return err
	}
	kernel.LayerName = ""
	for _, plain := range transposes(l, of) {
		if out, err := b.scope.Output(plain, b.In); err == nil && out.Equal(of.in) {
			b.Layer, b.Out, b.params = plain, out, append(b.params, kernel)
			return nil
		}
	}
	return b.Errorf("no plain layer makes samples of shape %v of what %q gives", of.in, l.To)
}

// transposes returns the layers of which one goes the other way from a convolution, as it
// stands in other tools: a transposed convolution makes up to a stride more or less.
func transposes(l nn.Tied, of namedLayer) []nn.Layer {
	if len(of.in) == 0 {
		return nil
	}
	channels := of.in[len(of.in)-1]
	var layers []nn.Layer
	switch c := of.Layer.(type) {
	case nn.Conv1D:
		plain := nn.Conv1DTranspose{Filters: channels, Kernel: c.Kernel, Strides: c.Strides, Padding: c.Padding, Dilation: c.Dilation, Activation: l.Activation, NoBias: l.NoBias}
		layers = append(layers, plain)
		for more := range c.Strides {
			plain.OutputPadding = &more
			layers = append(layers, plain)
		}
	case nn.Conv2D:
		plain := nn.Conv2DTranspose{Filters: channels, Kernel: c.Kernel, Strides: c.Strides, Padding: c.Padding, Dilation: c.Dilation, Activation: l.Activation, NoBias: l.NoBias}
		layers = append(layers, plain)
		for rows := range max(c.Strides[0], 1) {
			for columns := range max(c.Strides[1], 1) {
				plain.OutputPadding = &nn.Pair{rows, columns}
				layers = append(layers, plain)
			}
		}
	case nn.Conv1DTranspose:
		layers = append(layers, nn.Conv1D{Filters: channels, Kernel: c.Kernel, Strides: c.Strides, Padding: c.Padding, Dilation: c.Dilation, Activation: l.Activation, NoBias: l.NoBias})
	case nn.Conv2DTranspose:
		layers = append(layers, nn.Conv2D{Filters: channels, Kernel: c.Kernel, Strides: c.Strides, Padding: c.Padding, Dilation: c.Dilation, Activation: l.Activation, NoBias: l.NoBias})
	}
	return layers
}
