// Package tensor holds the one array type of Hourglass: a shape and a
// contiguous float32 slice in row-major order.
//
// The axes follow Keras: a batch comes first, images are N×H×W×C and sequences
// N×T×F. A Tensor owns no behaviour beyond its shape; what is computed with it
// lives in the packages above.
package tensor

import "fmt"

// Tensor is a dense row-major array: element (i, j, k) of a shape a×b×c is
// Data[(i*b+j)*c+k]. Copying the struct shares Data.
type Tensor struct {
	Shape Shape
	Data  []float32
}

// New returns a tensor of zeros. It panics if the shape is not valid, which is
// a programming error; shapes from users pass Shape.Validate first.
func New(axes ...int) Tensor {
	shape := Shape(axes).Clone()
	if err := shape.Validate(); err != nil {
		panic(err)
	}
	return Tensor{Shape: shape, Data: make([]float32, shape.Size())}
}

// FromSlice views data as a tensor of the given shape without copying it.
func FromSlice(data []float32, axes ...int) (Tensor, error) {
	shape := Shape(axes).Clone()
	if err := shape.Validate(); err != nil {
		return Tensor{}, err
	}
	if len(data) != shape.Size() {
		return Tensor{}, fmt.Errorf("tensor: %d values do not fill shape %v, want %d", len(data), shape, shape.Size())
	}
	return Tensor{Shape: shape, Data: data}, nil
}

// Len returns the length of the first axis: the number of samples of a batch
// (1 for a scalar).
func (t Tensor) Len() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[0]
}

// Sample returns the shape of one element of the first axis.
func (t Tensor) Sample() Shape {
	if len(t.Shape) == 0 {
		return nil
	}
	return t.Shape[1:]
}

// Row returns the i-th element of the first axis as a slice that shares memory
// with the tensor.
func (t Tensor) Row(i int) []float32 {
	n := t.Sample().Size()
	return t.Data[i*n : (i+1)*n : (i+1)*n]
}

// Slice returns elements lo to hi (exclusive) of the first axis, sharing memory
// with the tensor.
func (t Tensor) Slice(lo, hi int) Tensor {
	n := t.Sample().Size()
	shape := t.Shape.Clone()
	shape[0] = hi - lo
	return Tensor{Shape: shape, Data: t.Data[lo*n : hi*n : hi*n]}
}
