package nn

import (
	"errors"

	"hourglass/internal/columns"
	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// ColumnActivation makes of a network's last values what columns of several kinds want:
// numbers stay, classes become probabilities (softmax), booleans a probability each (sigmoid).
// Columns says what stands where along the last axis, "numbers:3,classes:4,booleans:2". It
// stands in front of loss.Mixed of the same columns, which alone heeds weights among them.
type ColumnActivation struct {
	Columns string `json:"columns"`
}

// Bind accepts as many values along the last axis as there are columns.
func (l ColumnActivation) Bind(in tensor.Shape) (Stage, error) {
	groups, err := columns.Parse(l.Columns)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, errors.New("got a scalar, want samples of at least one axis")
	}
	s := &columnStage{in.Clone(), in[len(in)-1], groups}
	return s, columns.Check(groups, s.width)
}

type columnStage struct {
	shape  tensor.Shape
	width  int
	groups []columns.Group
}

func (s *columnStage) Plan() Plan { return Plan{Output: s.shape} }

func (s *columnStage) Forward(f *Frame) {
	for at := 0; at < len(f.X); at += s.width {
		for _, g := range s.groups {
			y, x := f.Y[at+g.Lo:at+g.Hi], f.X[at+g.Lo:at+g.Hi]
			switch g.Kind {
			case columns.Numbers:
				copy(y, x)
			case columns.Classes:
				kernel.Softmax(y, x, 1)
			case columns.Booleans:
				kernel.Sigmoid(y, x)
			}
		}
	}
}

// Backward: dx = y·(dy - Σ dy·y) for classes, dy·y·(1-y) for booleans.
func (s *columnStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	for at := 0; at < len(f.X); at += s.width {
		for _, g := range s.groups {
			dx, dy, y := f.DX[at+g.Lo:at+g.Hi], f.DY[at+g.Lo:at+g.Hi], f.Y[at+g.Lo:at+g.Hi]
			switch g.Kind {
			case columns.Numbers:
				copy(dx, dy)
			case columns.Classes:
				kernel.SoftmaxGrad(dx, dy, y, 1)
			case columns.Booleans:
				Sigmoid.backward(dx, dy, y)
			}
		}
	}
}
