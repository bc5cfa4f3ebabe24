package nn

import (
	"fmt"
	"slices"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Merge is a way to make one sample of several. The zero value is Concatenate.
type Merge uint8

// The ways, Keras' layers of these names.
const (
	Concatenate Merge = iota // beside each other along the last axis; the other axes are the same
	Add                      // the sum of samples of one shape
	Multiply                 // the product, element by element, of samples of one shape
)

var mergeNames = []string{"concatenate", "add", "multiply"}

// String returns the name of the way.
func (m Merge) String() string {
	if int(m) >= len(mergeNames) {
		return fmt.Sprintf("Merge(%d)", m)
	}
	return mergeNames[m]
}

// MarshalText writes the name of the way.
func (m Merge) MarshalText() ([]byte, error) {
	if int(m) >= len(mergeNames) {
		return nil, fmt.Errorf("unknown merge %d, want one of %v", m, mergeNames)
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads the name of a way.
func (m *Merge) UnmarshalText(text []byte) error {
	i := slices.Index(mergeNames, string(text))
	if i < 0 {
		return fmt.Errorf("unknown merge %q, want one of %v", text, mergeNames)
	}
	*m = Merge(i)
	return nil
}

// bind returns the stage that merges samples of these shapes, two at least.
func (m Merge) bind(in []tensor.Shape) (Stage, error) {
	switch {
	case int(m) >= len(mergeNames):
		return nil, fmt.Errorf("unknown merge %d, want one of %v", m, mergeNames)
	case m == Concatenate:
		return bindConcatenate(in)
	}
	for _, s := range in[1:] {
		if !s.Equal(in[0]) {
			return nil, fmt.Errorf("got shapes %v and %v to %v, want one shape", in[0], s, m)
		}
	}
	if m == Add {
		return addStage{in[0]}, nil
	}
	return multiplyStage{in[0]}, nil
}

func bindConcatenate(in []tensor.Shape) (Stage, error) {
	s := &concatenateStage{output: in[0].Clone()}
	last := len(s.output) - 1
	s.output[last] = 0
	for _, shape := range in {
		if len(shape) != len(s.output) || !slices.Equal(shape[:last], s.output[:last]) {
			return nil, fmt.Errorf("got shapes %v and %v to concatenate, want shapes that differ in the last axis only", in[0], shape)
		}
		s.widths = append(s.widths, shape[last])
		s.output[last] += shape[last]
	}
	return s, nil
}

// addStage adds its inputs: y = x₀ + x₁ + …, in this order.
type addStage struct{ shape tensor.Shape }

func (s addStage) Plan() Plan { return Plan{Output: s.shape, Solo: true} }

func (s addStage) Forward(f *Frame) {
	copy(f.Y, f.X)
	for i := 1; i < len(f.Xs); i++ {
		kernel.Add(f.Y, f.Y, f.Xs[i])
	}
}

// Backward: every input has the output's gradient.
func (s addStage) Backward(f *Frame) {
	for _, dx := range f.DXs {
		if dx != nil {
			copy(dx, f.DY)
		}
	}
}

// multiplyStage multiplies its inputs: y = x₀·x₁·…, in this order.
type multiplyStage struct{ shape tensor.Shape }

func (s multiplyStage) Plan() Plan { return Plan{Output: s.shape, Solo: true} }

func (s multiplyStage) Forward(f *Frame) {
	copy(f.Y, f.X)
	for i := 1; i < len(f.Xs); i++ {
		kernel.Mul(f.Y, f.Y, f.Xs[i])
	}
}

// Backward: dxᵢ = dy · the product of the other inputs.
func (s multiplyStage) Backward(f *Frame) {
	for i, dx := range f.DXs {
		if dx == nil {
			continue
		}
		copy(dx, f.DY)
		for j := range f.Xs {
			if j != i {
				kernel.Mul(dx, dx, f.Xs[j])
			}
		}
	}
}

// concatenateStage puts the rows of its inputs beside each other.
type concatenateStage struct {
	output tensor.Shape
	widths []int // of the inputs' last axes
}

func (s *concatenateStage) Plan() Plan { return Plan{Output: s.output, Solo: true} }

func (s *concatenateStage) Forward(f *Frame) {
	total, at := s.output[len(s.output)-1], 0
	for i, width := range s.widths {
		x := f.Xs[i]
		for r := range len(x) / width {
			copy(f.Y[r*total+at:], x[r*width:(r+1)*width])
		}
		at += width
	}
}

// Backward takes the output's gradient apart.
func (s *concatenateStage) Backward(f *Frame) {
	total, at := s.output[len(s.output)-1], 0
	for i, dx := range f.DXs {
		width := s.widths[i]
		for r := range len(dx) / width {
			copy(dx[r*width:(r+1)*width], f.DY[r*total+at:])
		}
		at += width
	}
}
