package onnx

import (
	"google.golang.org/protobuf/proto"

	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/exchange/onnx/internal/schema"
	"hourglass/nn"
)

// labelsName is the name of the input for labels, which there is where a layer asks for them:
// one whole number for each sample.
const labelsName = "labels"

// labels declares the input for labels, once, and returns its name.
func (g *graph) labels() string {
	if !g.labelled {
		in := info(labelsName, relayout.Samples())
		in.Type.GetTensorType().ElemType = proto.Int32(int32(schema.TensorProto_INT64))
		g.Input, g.labelled = append(g.Input, in), true
	}
	return labelsName
}

// writeCondition writes what stands for a label, repeated at every position, and puts it behind
// the values.
func writeCondition(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.Condition)
	var label string
	width := l.Embedding
	if width > 0 {
		label = g.node("Gather", []string{*g.floats("embeddings", b.Param("embeddings").Values, l.Classes, width).Name, g.labels()})
	} else {
		width = l.Classes
		label = g.node("OneHot", []string{g.labels(), g.ints("classes", width), *g.floats("values", []float32{0, 1}, 2).Name})
	}
	shape := b.In.Clone()
	shape[len(shape)-1] = width
	if len(shape) > 1 {
		axes := make([]int, len(shape)-1)
		for i := range axes {
			axes[i] = 1 + i
		}
		label = g.node("Unsqueeze", []string{label, g.ints("axes", axes...)})
		label = g.node("Expand", []string{label, g.ints("positions", append([]int{1}, shape...)...)})
	}
	return g.join(nn.Concatenate, b.Out, v, plainValue(label, shape)), nil
}
