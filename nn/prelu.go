package nn

import (
	"cmp"
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// PReLU is a leaky ReLU that learns its slope (He et al. 2015):
//
//	y = x for x > 0, α·x otherwise
//
// It takes samples of any shape. alpha has a value for every element, apart from axes that
// share theirs, along which it has length 1: PReLU{SharedAxes: []int{1, 2}} has a slope a
// channel of an image. As Keras' PReLU; PyTorch's with a parameter a channel starts at 0.25.
type PReLU struct {
	SharedAxes []int       `json:"shared_axes,omitempty"`       // axes of a sample counted from 1, none by default
	AlphaInit  Initializer `json:"alpha_initializer,omitempty"` // Zeros by default
}

// Bind accepts samples of at least one axis that have the axes named.
func (l PReLU) Bind(in tensor.Shape) (Stage, error) {
	if err := l.AlphaInit.validate(); err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("got a scalar, want samples of at least one axis")
	}
	shape := in.Clone()
	for _, axis := range l.SharedAxes {
		if axis < 1 || axis > len(in) {
			return nil, fmt.Errorf("cannot share axis %d of samples of shape %v, want axes from 1 to %d", axis, in, len(in))
		}
		shape[axis-1] = 1
	}
	last := len(in) - 1
	s := &preluStage{init: l.AlphaInit, shape: in.Clone(), alpha: shape, size: in.Size(),
		rows: in.Size() / in[last], length: in[last], alphaRows: shape.Size() / shape[last], width: shape[last]}
	return s, nil
}

type preluStage struct {
	init         Initializer
	shape, alpha tensor.Shape
	size         int // of a sample
	rows, length int // of a sample
	alphaRows    int
	width        int // of a row of alpha: length, or 1 where the last axis is shared
}

var _ Trainable = (*preluStage)(nil)

// Plan: what every element adds to the gradient of alpha is kept.
func (s *preluStage) Plan() Plan {
	return Plan{Output: s.shape, Memory: []int{s.size}, Params: []Param{{Name: "alpha", Shape: s.alpha,
		Init: cmp.Or(s.init, Zeros), FanIn: s.alpha.Size(), FanOut: s.alpha.Size()}}}
}

// alphaRow returns which row of alpha belongs to row r of a sample.
func (s *preluStage) alphaRow(r int) int {
	switch s.alphaRows {
	case 1:
		return 0
	case s.rows:
		return r
	}
	row, stride := 0, 1
	for axis := len(s.shape) - 2; axis >= 0; axis-- {
		if s.alpha[axis] > 1 {
			row += r % s.shape[axis] * stride
		}
		r /= s.shape[axis]
		stride *= s.alpha[axis]
	}
	return row
}

// slopes returns the slopes of row r of all samples, one behind the other.
func (s *preluStage) slopes(f *Frame, r int) []float32 {
	at := s.alphaRow(r % s.rows)
	return rows(f.Params[0], at, at+1, s.width)
}

func (s *preluStage) Forward(f *Frame) {
	for r := range f.N * s.rows {
		x, y, alpha := rows(f.X, r, r+1, s.length), rows(f.Y, r, r+1, s.length), s.slopes(f, r)
		if s.width == 1 {
			kernel.LeakyReLU(y, x, alpha[0])
			continue
		}
		for j, v := range x {
			if v <= 0 {
				v *= alpha[j]
			}
			y[j] = v
		}
	}
}

// Backward: dx = dy or α·dy, and dα of an element is 0 or x·dy.
func (s *preluStage) Backward(f *Frame) {
	for r := range f.N * s.rows {
		x, dy, dalpha := rows(f.X, r, r+1, s.length), rows(f.DY, r, r+1, s.length), rows(f.Memory[0], r, r+1, s.length)
		for j, v := range x {
			dalpha[j] = min(v, 0) * dy[j]
		}
		if f.DX == nil {
			continue
		}
		alpha, dx := s.slopes(f, r), rows(f.DX, r, r+1, s.length)
		if s.width == 1 {
			kernel.LeakyReLUGrad(dx, dy, x, alpha[0])
			continue
		}
		for j, v := range x {
			d := dy[j]
			if v <= 0 {
				d *= alpha[j]
			}
			dx[j] = d
		}
	}
}

// Gradient adds up what the elements say that have a slope in common: row by row of a
// sample, and within that sample by sample.
func (s *preluStage) Gradient(f *Frame, _, lo, hi int) {
	if len(s.alpha) == 1 && s.width > 1 { // its rows are single values
		kernel.ColumnSums(f.Grads[0][lo:hi], f.Memory[0][lo:], f.N, hi-lo, s.size, false)
		return
	}
	clear(f.Grads[0][lo*s.width : hi*s.width])
	for r := range s.rows {
		if at := s.alphaRow(r); lo <= at && at < hi {
			s.addRow(rows(f.Grads[0], at, at+1, s.width), f.Memory[0], r, f.N)
		}
	}
}

// addRow adds row r of n samples to a row of the gradient.
func (s *preluStage) addRow(sum, dalpha []float32, r, n int) {
	if s.width == s.length {
		kernel.ColumnSums(sum, dalpha[r*s.length:], n, s.length, s.size, true)
		return
	}
	for i := range n {
		sum[0] += float32(kernel.Sum(rows(dalpha, i*s.rows+r, i*s.rows+r+1, s.length)))
	}
}
