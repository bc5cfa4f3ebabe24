package onnx

import (
	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/exchange/onnx/internal/schema"
	"hourglass/nn"
	"hourglass/tensor"
)

// recurrentLayer says how a recurrent layer is written.
type recurrentLayer struct {
	op         string
	units      int
	sequences  bool
	gates      []int // for each gate in ONNX' order its place in nn's
	resetAfter bool
}

// recurrent returns how a layer is written, and false if it is not a recurrent one.
func recurrent(layer nn.Layer) (recurrentLayer, bool) {
	switch l := layer.(type) {
	case nn.SimpleRNN:
		return recurrentLayer{op: "RNN", units: l.Units, sequences: l.ReturnSequences, gates: []int{0}}, true
	case nn.LSTM: // ONNX: input, output, forget, cell
		return recurrentLayer{op: "LSTM", units: l.Units, sequences: l.ReturnSequences, gates: []int{0, 3, 1, 2}}, true
	case nn.GRU:
		return recurrentLayer{op: "GRU", units: l.Units, sequences: l.ReturnSequences, gates: []int{0, 1, 2}, resetAfter: !l.ResetBefore}, true
	}
	return recurrentLayer{}, false
}

func writeRecurrent(g *graph, b exchange.Block, v value) (value, error) {
	r, _ := recurrent(b.Layer)
	return g.recurrent(r, "forward", b, []exchange.Block{b}, v), nil
}

// writeBidirectional writes one operation for recurrent layers; others run twice, on the
// sequence and on its reverse.
func writeBidirectional(g *graph, b exchange.Block, v value) (value, error) {
	wrapped := b.Layer.(nn.Bidirectional).Layer
	onward, err := b.Inner(wrapped, b.In, "forward.")
	if err != nil {
		return v, err
	}
	back, err := b.Inner(wrapped, b.In, "backward.")
	if err != nil {
		return v, err
	}
	if r, ok := recurrent(wrapped); ok {
		return g.recurrent(r, "bidirectional", b, []exchange.Block{onward, back}, v), nil
	}
	v = g.plain(v)
	first, err := g.layer(onward, v)
	if err != nil {
		return v, err
	}
	second, err := g.layer(back, g.reversed(v))
	if err != nil {
		return v, err
	}
	first, second = g.plain(first), g.plain(second)
	if len(onward.Out) > 1 && onward.Out[0] == b.In[0] {
		second = g.reversed(second)
	}
	return plainValue(g.node("Concat", []string{first.name, second.name}, attrInt("axis", -1)), b.Out), nil
}

// reversed turns the steps of plain sequences round.
func (g *graph) reversed(v value) value {
	const beforeFirst = -1 << 31
	return value{name: g.node("Slice", []string{v.name, g.ints("starts", -1), g.ints("ends", beforeFirst), g.ints("axes", 1), g.ints("steps", -1)}), view: v.view}
}

// recurrent writes a recurrent layer for the ways whose weights are given. ONNX stores the
// steps in front of the samples.
func (g *graph) recurrent(r recurrentLayer, direction string, b exchange.Block, ways []exchange.Block, v value) value {
	v = g.arrange(v, 1, 0, 2)
	width, features, n := len(r.gates)*r.units, b.In[1], len(ways)
	var kernels, states, biases []float32
	for _, way := range ways {
		kernels = append(kernels, r.gateRows(way.Param("kernel").Values, features)...)
		states = append(states, r.gateRows(way.Param("recurrent_kernel").Values, r.units)...)
		biases = append(biases, r.biases(way.Param("bias").Values)...)
	}
	inputs := []string{v.name, *g.floats("kernel", kernels, n, width, features).Name,
		*g.floats("recurrent_kernel", states, n, width, r.units).Name}
	if len(biases) > 0 {
		inputs = append(inputs, *g.floats("bias", biases, n, 2*width).Name)
	}
	attributes := []*schema.AttributeProto{attrInt("hidden_size", r.units), attrString("direction", direction)}
	if r.resetAfter {
		attributes = append(attributes, attrInt("linear_before_reset", 1))
	}
	outputs := g.nodes(r.op, inputs, 2, attributes...)
	out := tensor.Shape{b.In[0], n * r.units}
	one := func(n int) relayout.Axis { return relayout.Axis{Size: n} }
	samples := relayout.Axis{Size: 1, Batch: true}
	// All states are steps×ways×samples×units, the last ones ways×samples×units.
	axes, order, name := []relayout.Axis{one(b.In[0]), one(n), samples, one(r.units)}, []int{2, 0, 1, 3}, outputs[0]
	if !r.sequences {
		axes, order, name, out = axes[1:], []int{1, 0, 2}, outputs[1], out[1:]
	}
	view, _ := relayout.Of(axes).Transpose(order...).Reshape(relayout.Samples(out...))
	return value{name: name, view: view}
}

// gateRows transposes a kernel of so many rows and puts the gates into ONNX' order.
func (r recurrentLayer) gateRows(kernel []float32, rows int) []float32 {
	t := transposed(kernel, len(kernel)/rows)
	var out []float32
	for _, gate := range r.gates {
		out = append(out, t[gate*r.units*rows:(gate+1)*r.units*rows]...)
	}
	return out
}

// biases returns the biases of inputs and of states. Where nn has only one, the second is 0.
func (r recurrentLayer) biases(bias []float32) []float32 {
	if bias == nil {
		return nil
	}
	width := len(r.gates) * r.units
	var out []float32
	for ; len(bias) > 0; bias = bias[width:] {
		out = append(out, r.gateRows(bias[:width], 1)...)
	}
	return append(out, make([]float32, 2*width-len(out))...)
}
