package onnx

import (
	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
)

// writeReshape shows samples under other axes, and stores them so only where one cannot be
// shown as the other.
func writeReshape(g *graph, b exchange.Block, v value) (value, error) {
	axes := relayout.Samples(b.Out...)
	if view, ok := v.view.Reshape(axes); ok {
		v.view = view
		return v, nil
	}
	v = g.plain(v)
	return plainValue(g.reshape(v.name, v.view.Stored(), axes), b.Out), nil
}

func writePermute(_ *graph, b exchange.Block, v value) (value, error) {
	v.view = v.view.Transpose(append([]int{0}, b.Layer.(nn.Permute)...)...)
	return v, nil
}

// writeRepeatVector stores the steps in front of the samples, as recurrent layers want it.
func writeRepeatVector(g *graph, b exchange.Block, v value) (value, error) {
	v = g.plain(v)
	first := g.node("Unsqueeze", []string{v.name, g.ints("axes", 0)})
	all := g.node("Expand", []string{first, g.ints("shape", b.Out[0], 1, 1)})
	return storedValue(all, b.Out, 1, 0, 2), nil
}

// writeTimeDistributed makes every step a sample, unless the layer treats steps alike anyway.
func writeTimeDistributed(g *graph, b exchange.Block, v value) (value, error) {
	wrapped := b.Layer.(nn.TimeDistributed).Layer
	switch wrapped.(type) {
	case nn.Dense, nn.Activation:
		inner, err := b.Inner(wrapped, b.In, "")
		if err != nil {
			return v, err
		}
		return g.layer(inner, v)
	}
	inner, err := b.Inner(wrapped, b.In[1:], "")
	if err != nil {
		return v, err
	}
	v = g.plain(v)
	steps := g.node("Reshape", []string{v.name, g.ints("shape", append([]int{-1}, inner.In...)...)})
	if v, err = g.layer(inner, plainValue(steps, inner.In)); err != nil {
		return v, err
	}
	v = g.plain(v)
	return plainValue(g.node("Reshape", []string{v.name, g.ints("shape", append([]int{-1}, b.Out...)...)}), b.Out), nil
}

// writeSampling takes the means, which codes are but in training.
func writeSampling(g *graph, b exchange.Block, v value) (value, error) {
	v = g.plain(v)
	name := g.node("Slice", []string{v.name, g.ints("starts", 0), g.ints("ends", b.Out[len(b.Out)-1]), g.ints("axes", len(b.In))})
	return plainValue(name, b.Out), nil
}
