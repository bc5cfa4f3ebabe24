package onnx

import (
	"hourglass/exchange"
	kinds "hourglass/internal/columns"
	"hourglass/nn"
)

// writeColumns applies to each group of columns what its kind wants.
func writeColumns(g *graph, b exchange.Block, v value) (value, error) {
	groups, err := kinds.Parse(b.Layer.(nn.ColumnActivation).Columns)
	if err != nil {
		return v, b.Errorf("%w", err)
	}
	v = g.plain(v)
	var parts []string
	for _, group := range groups {
		part := g.node("Slice", []string{v.name, g.ints("starts", group.Lo), g.ints("ends", group.Hi), g.ints("axes", len(b.In))})
		switch group.Kind {
		case kinds.Classes:
			part = g.node("Softmax", []string{part}, attrInt("axis", -1))
		case kinds.Booleans:
			part = g.node("Sigmoid", []string{part})
		}
		parts = append(parts, part)
	}
	return plainValue(g.node("Concat", parts, attrInt("axis", -1)), b.Out), nil
}
