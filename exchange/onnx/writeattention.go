package onnx

import (
	"cmp"
	"math"

	"hourglass/exchange"
	"hourglass/nn"
)

// writeAttention writes self-attention head by head as one product of arrays of
// samples×heads×steps×values.
func writeAttention(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.MultiHeadAttention)
	v = g.plain(v)
	steps, dim := b.In[0], cmp.Or(l.ValueDim, l.KeyDim)
	queries := g.heads(b, v.name, "query", l.Heads, l.KeyDim, 0, 2, 1, 3)
	keys := g.heads(b, v.name, "key", l.Heads, l.KeyDim, 0, 2, 3, 1)
	values := g.heads(b, v.name, "value", l.Heads, dim, 0, 2, 1, 3)
	scores := g.node("Mul", []string{g.node("MatMul", []string{queries, keys}), g.scalar("scale", float32(1/math.Sqrt(float64(l.KeyDim))))})
	if l.Causal {
		scores = g.node("Add", []string{scores, *g.floats("mask", later(steps), steps, steps).Name})
	}
	means := g.node("MatMul", []string{g.node("Softmax", []string{scores}, attrInt("axis", -1)), values})
	means = g.node("Transpose", []string{means}, attrInts("perm", 0, 2, 1, 3))
	means = g.node("Reshape", []string{means, g.ints("shape", 0, steps, l.Heads*dim)})
	return plainValue(g.project(b, means, "output", l.Heads*dim), b.Out), nil
}

// project multiplies the last axis of x, of so many values, with a projection's kernel and
// adds its bias.
func (g *graph) project(b exchange.Block, x, projection string, in int) string {
	kernel := b.Param(projection + "_kernel").Values
	x = g.node("MatMul", []string{x, *g.floats(projection+"_kernel", kernel, in, len(kernel)/in).Name})
	if bias := b.Param(projection + "_bias").Values; bias != nil {
		x = g.node("Add", []string{x, *g.floats(projection+"_bias", bias, len(bias)).Name})
	}
	return x
}

// heads projects sequences and puts their axes, samples×steps×heads×dim, in an order.
func (g *graph) heads(b exchange.Block, x, projection string, heads, dim int, order ...int) string {
	x = g.project(b, x, projection, b.In[1])
	x = g.node("Reshape", []string{x, g.ints("shape", 0, b.In[0], heads, dim)})
	return g.node("Transpose", []string{x}, attrInts("perm", order...))
}

// later returns -∞ for every step and each later one, which it does not look at, 0 for others.
func later(steps int) []float32 {
	mask := make([]float32, steps*steps)
	for t := range steps {
		for u := t + 1; u < steps; u++ {
			mask[t*steps+u] = float32(math.Inf(-1))
		}
	}
	return mask
}
