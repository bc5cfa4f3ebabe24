package onnx

import (
	"slices"

	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/exchange/onnx/internal/schema"
	"hourglass/nn"
	"hourglass/tensor"
)

// isLabels reports whether an input takes whole numbers, one for each sample.
func isLabels(t *schema.TypeProto_Tensor) bool {
	kind := schema.TensorProto_DataType(t.GetElemType())
	return (kind == schema.TensorProto_INT64 || kind == schema.TensorProto_INT32) && len(t.GetShape().GetDim()) == 1
}

// followLabels marks what depends on the labels.
func (m *model) followLabels() {
	if m.labels == nil {
		return
	}
	m.labels.labelled = true
	for _, n := range m.nodes {
		if n.data || !slices.ContainsFunc(n.in, func(v *operand) bool { return v != nil && v.labelled }) {
			continue
		}
		for _, v := range n.out {
			if v != nil {
				v.labelled = true
			}
		}
	}
}

// countClasses returns of how many classes the labels are that a value is computed of: the rows of
// the table that they choose from, or the depth of a OneHot. It is 0 where there is neither.
func (m *model) countClasses(v *operand) int {
	for v != nil && v != m.labels {
		n := v.made
		at := slices.IndexFunc(n.in, func(in *operand) bool { return in != nil && in.labelled })
		switch {
		case n.op == "OneHot" && at == 0:
			if a, err := m.inputArray(n, 1); err == nil && a != nil && len(a.ints) == 1 && !a.ints[0].Batch {
				return a.ints[0].Size
			}
			return 0
		case n.op == "Gather" && at == 1:
			if a, err := m.inputArray(n, 0); err == nil && a != nil && len(a.axes) > 0 {
				return a.axes[0].Size
			}
			return 0
		}
		v = n.in[at]
	}
	return 0
}

// ofLabels returns a value for each of the labels, 0 to classes-1, along the axis of the samples.
func (m *model) ofLabels(v *operand, classes int) (*array, error) {
	if m.labels.array == nil {
		m.labels.array = vector()
		for c := range classes {
			m.labels.array.ints = append(m.labels.array.ints, relayout.Axis{Size: c})
		}
		m.labels.array.axes = plainAxes(classes)
	}
	m.telling = true
	defer func() { m.telling = false }()
	return m.constant(v)
}

// readConcat reads what stands for a label behind the values of a sample, the same at every
// position.
func readConcat(s *stream, n *node) error {
	if len(n.in) != 2 || n.in[1] == nil || !n.in[1].labelled {
		return cannot(n, "joins constants to the samples, want what is computed of them, or of labels and comes second")
	}
	classes := s.m.countClasses(n.in[1])
	if classes < 1 || classes > maxClasses {
		return cannot(n, "joins what is computed of labels of %d classes, want a OneHot, or a Gather from a table, of 1 to %d", classes, maxClasses)
	}
	told, err := s.m.ofLabels(n.in[1], classes)
	if err != nil {
		return n.errorf("%w", err)
	}
	axes, order := s.axes(), s.natural()
	last := order[len(order)-1]
	if order[0] != 0 || len(order) < 2 || clampIndex(n.int("axis", 1), len(axes)) != last || len(told.axes) != len(axes) || told.uniform {
		return cannot(n, "joins %s, computed of labels, to %s, want the samples in front and the same axes", shapeText(told.axes), shapeText(axes))
	}
	shape := told.shape()
	for i, a := range axes {
		if i != 0 && i != last && shape[i] != a.Size || i == 0 && shape[0] != classes {
			return cannot(n, "joins %s, computed of labels, to %s", shapeText(told.axes), shapeText(axes))
		}
	}
	table := tableOf(told.floats, shape, last)
	if table == nil {
		return cannot(n, "what it joins of labels is another at other positions, want the same everywhere")
	}
	if err := s.settle(n, order...); err != nil {
		return err
	}
	layer, params := nn.Condition{Classes: classes, Embedding: shape[last]}, [][]float32{table}
	if slices.Equal(table, exchange.Identity(classes)) {
		layer.Embedding, params = 0, nil
	}
	if err := s.add(n, layer, params...); err != nil {
		return err
	}
	s.lies(inverse(order)...)
	return nil
}

// maxClasses bounds how many classes labels are of.
const maxClasses = 1 << 12

// tableOf returns the rows of values, one for each index of the first axis, that lie along another
// axis; nil where they are not the same at all positions of the others.
func tableOf(values []float32, shape tensor.Shape, axis int) []float32 {
	width, behind := shape[axis], tensor.Shape(shape[axis+1:]).Size()
	positions := tensor.Shape(shape[1:]).Size() / max(width, 1)
	if len(values) == 0 || len(values) != shape.Size() {
		return nil
	}
	var table []float32
	for c := range shape[0] {
		of := values[c*positions*width : (c+1)*positions*width]
		for k := range width {
			table = append(table, of[k*behind])
		}
		for i, v := range of {
			if v != table[c*width+i/behind%width] {
				return nil
			}
		}
	}
	return table
}
