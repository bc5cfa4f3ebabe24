package tensor

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Shape lists the length of each axis, outermost first. A nil or empty Shape
// is a scalar and has one element.
type Shape []int

// maxElements bounds a shape's element count so that its size in bytes fits an
// int on every platform, 32-bit ones included.
const maxElements = math.MaxInt32 / 4

// Size returns the number of elements, the product of all axes (1 for a scalar).
func (s Shape) Size() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Validate reports an axis below 1 or a shape of more elements than an array of
// float32 may have.
func (s Shape) Validate() error {
	n := 1
	for i, d := range s {
		if d < 1 {
			return fmt.Errorf("tensor: shape %v: axis %d has length %d, want at least 1", s, i, d)
		}
		if d > maxElements/n {
			return fmt.Errorf("tensor: shape %v has more than %d elements", s, maxElements)
		}
		n *= d
	}
	return nil
}

// Equal reports whether both shapes have the same axes.
func (s Shape) Equal(t Shape) bool {
	if len(s) != len(t) {
		return false
	}
	for i, d := range s {
		if d != t[i] {
			return false
		}
	}
	return true
}

// Clone returns a copy that shares no memory with s.
func (s Shape) Clone() Shape { return append(Shape(nil), s...) }

// String writes the shape as its axes joined by ×: "28×28×1"; a scalar is "()".
func (s Shape) String() string {
	if len(s) == 0 {
		return "()"
	}
	axes := make([]string, len(s))
	for i, d := range s {
		axes[i] = strconv.Itoa(d)
	}
	return strings.Join(axes, "×")
}

// Infer returns the shape with its axis of -1, of which there may be one,
// replaced so that the shape has size elements. It reports a shape that cannot
// have that many.
func (s Shape) Infer(size int) (Shape, error) {
	out, unknown, known := s.Clone(), -1, 1
	for i, d := range s {
		switch {
		case d == -1 && unknown < 0:
			unknown = i
		case d < 1 || known > maxElements/d:
			return nil, fmt.Errorf("tensor: shape %v is not one of %d elements", s, size)
		default:
			known *= d
		}
	}
	if unknown >= 0 && size%known == 0 {
		out[unknown] = size / known
	}
	if err := out.Validate(); err != nil || out.Size() != size {
		return nil, fmt.Errorf("tensor: shape %v is not one of %d elements", s, size)
	}
	return out, nil
}
