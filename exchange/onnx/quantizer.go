package onnx

import (
	"slices"

	"hourglass/exchange"
	"hourglass/nn"
)

// writeQuantizer writes the choice of the nearest vector of a codebook: as |x-e|² is
// |x|² - 2·(x·e - ½|e|²), that of the largest x·e - ½|e|².
func writeQuantizer(g *graph, b exchange.Block, v value) (value, error) {
	codebook := b.Param("codebook")
	codes, width := codebook.Shape[0], codebook.Shape[1]
	halves := make([]float32, codes)
	for k := range halves {
		var sum float64
		for _, e := range codebook.Values[k*width : (k+1)*width] {
			sum += float64(e) * float64(e)
		}
		halves[k] = float32(sum / 2)
	}
	v = g.plain(v)
	name := g.node("MatMul", []string{v.name, *g.floats("turned", transposed(codebook.Values, width), width, codes).Name})
	name = g.node("Sub", []string{name, *g.floats("halves", halves, codes).Name})
	name = g.node("ArgMax", []string{name}, attrInt("axis", -1), attrInt("keepdims", 0))
	return plainValue(g.node("Gather", []string{*g.floats("codebook", codebook.Values, codes, width).Name, name}), b.Out), nil
}

// quantizer reads what writeQuantizer writes, beginning at a product, and returns the value
// where it ends, nil where it is something else.
func (s *stream) quantizer(n *node) (*operand, error) {
	last := n
	for _, op := range []string{"Sub", "ArgMax", "Gather"} {
		if len(last.out) != 1 || last.out[0] == nil || len(last.out[0].users) != 1 || last.out[0].users[0].op != op {
			return nil, nil
		}
		last = last.out[0].users[0]
	}
	codebook, err := s.m.inputArray(last, 0)
	if err != nil || codebook == nil || len(codebook.axes) != 2 || codebook.floats == nil || last.int("axis", 0) != 0 {
		return nil, nil
	}
	axes := s.axes()
	codes, width := codebook.axes[0].Size, codebook.axes[1].Size
	turned, err := s.m.weights(n, 1)
	if err != nil || n.op != "MatMul" || !slices.Equal(turned.floats, transposed(codebook.floats, max(width, 1))) || axes[len(axes)-1].Size != width {
		return nil, nil
	}
	order := batchFirst(axes)
	if err := s.settle(n, order...); err != nil {
		return nil, err
	}
	const commitment = 0.25 // of the paper; a graph does not know it
	if err := s.add(n, nn.VectorQuantizer{Codes: codes, Commitment: commitment}, codebook.floats, ones(codes)); err != nil {
		return nil, err
	}
	s.lies(inverse(order)...)
	return last.out[0], nil
}
