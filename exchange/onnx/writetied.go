package onnx

import (
	"bytes"
	"slices"

	"hourglass/exchange"
	"hourglass/exchange/onnx/internal/schema"
	"hourglass/nn"
)

// writeTied writes the product with another layer's matrix, turned over: that array itself,
// where it has been written with its rows and columns in order, or else a copy.
func writeTied(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.Tied)
	kernel, err := b.Shared(l.To, "kernel")
	if err != nil {
		return v, err
	}
	in, units := kernel.Shape[1], kernel.Shape[0]
	turned := transposed(kernel.Values, in)
	if len(b.In) > 1 {
		v = g.plain(v)
		name := g.node("MatMul", []string{v.name, *g.floats("kernel", turned, in, units).Name})
		if bias := g.bias(b); bias != nil {
			name = g.node("Add", append([]string{name}, bias...))
		}
		return g.function(plainValue(name, b.Out), b, l.Activation)
	}
	v, places := g.flat(v)
	if owner := g.kernels[&kernel.Values[0]]; owner != nil && slices.IsSorted(places) && bytes.Equal(owner.RawData, floatBytes(kernel.Values)) {
		name := g.node("Gemm", append([]string{v.name, *owner.Name}, g.bias(b)...), attrInt("transB", 1))
		return g.function(plainValue(name, b.Out), b, l.Activation)
	}
	made := &columns{arrays: []*schema.TensorProto{g.floats("kernel", spread(turned, places, units), in, units)}}
	inputs := []string{v.name, *made.arrays[0].Name}
	if bias := b.Param("bias").Values; bias != nil {
		made.arrays = append(made.arrays, g.floats("bias", bias, units))
		inputs = append(inputs, *made.arrays[1].Name)
	}
	out := plainValue(g.node("Gemm", inputs), b.Out)
	out.made = made
	return g.function(out, b, l.Activation)
}
