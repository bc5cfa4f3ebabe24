package nn

import (
	"fmt"

	"hourglass/tensor"
)

// Permute reorders the axes of a sample: axis i of the output is axis p[i] of the
// input, counted from 1. Permute{2, 1} turns steps×features into features×steps. As
// Keras' Permute.
type Permute []int

// Bind accepts samples of as many axes as are named.
func (l Permute) Bind(in tensor.Shape) (Stage, error) {
	if len(l) != len(in) {
		return nil, fmt.Errorf("orders %d axes, got samples of shape %v with %d", len(l), in, len(in))
	}
	s := &permuteStage{out: make(tensor.Shape, len(in)), strides: make([]int, len(in)), size: in.Size()}
	seen := make([]bool, len(in))
	for i, axis := range l {
		if axis < 1 || axis > len(in) || seen[axis-1] {
			return nil, fmt.Errorf("order of axes is %v, want each of 1 to %d once", []int(l), len(in))
		}
		seen[axis-1] = true
		s.out[i] = in[axis-1]
		s.strides[i] = tensor.Shape(in[axis:]).Size()
	}
	return s, nil
}

type permuteStage struct {
	out     tensor.Shape
	strides []int // of the input along the output's axes
	size    int
}

func (s *permuteStage) Plan() Plan { return Plan{Output: s.out} }

func (s *permuteStage) Forward(f *Frame) {
	for n := range f.N {
		s.gather(rows(f.Y, n, n+1, s.size), rows(f.X, n, n+1, s.size), 0, 0)
	}
}

func (s *permuteStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	for n := range f.N {
		s.spread(rows(f.DX, n, n+1, s.size), rows(f.DY, n, n+1, s.size), 0, 0)
	}
}

// gather fills dst, which is the output from axis on, from the elements of src
// from at on, and returns what is left of dst.
func (s *permuteStage) gather(dst, src []float32, axis, at int) []float32 {
	if axis == len(s.out) {
		dst[0] = src[at]
		return dst[1:]
	}
	for i := range s.out[axis] {
		dst = s.gather(dst, src, axis+1, at+i*s.strides[axis])
	}
	return dst
}

// spread is the inverse of gather: it fills dst from at on and returns what is left
// of src.
func (s *permuteStage) spread(dst, src []float32, axis, at int) []float32 {
	if axis == len(s.out) {
		dst[at] = src[0]
		return src[1:]
	}
	for i := range s.out[axis] {
		src = s.spread(dst, src, axis+1, at+i*s.strides[axis])
	}
	return src
}
