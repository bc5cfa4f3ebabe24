package nn

import (
	"math"
	"strings"
	"testing"

	"hourglass/tensor"
)

// The layer beside its formulas in float64 and their central differences.
func TestColumnActivation(t *testing.T) {
	ref := refLayer{0, func(_, x []float64) (y []float64) {
		for at := 0; at < len(x); at += 6 {
			x := x[at : at+6]
			total := math.Exp(x[1]) + math.Exp(x[2]) + math.Exp(x[3])
			y = append(y, x[0], math.Exp(x[1])/total, math.Exp(x[2])/total, math.Exp(x[3])/total, 1/(1+math.Exp(-x[4])), 1/(1+math.Exp(-x[5])))
		}
		return y
	}}
	checkReference(t, tensor.Shape{2, 4}, Layers{Dense{Units: 6}, ColumnActivation{Columns: "numbers:1,classes:3,booleans:2"}, Dense{Units: 2}},
		[]refLayer{refDense(4, 6, Linear, true), ref, refDense(6, 2, Linear, true)})
	for columns, want := range map[string]string{"numbers:3": "got samples of 4 values along the last axis, want 3", "4": `columns are "4"`} {
		if _, err := NewNetwork(tensor.Shape{4}, ColumnActivation{Columns: columns}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", columns, err, want)
		}
	}
}
