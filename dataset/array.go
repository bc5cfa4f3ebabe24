package dataset

import "hourglass/tensor"

// Array makes an array in memory a [Source]: its first axis counts samples,
// the others are the shape of one. The values are served as they are.
type Array struct{ tensor.Tensor }

var _ Source = Array{}

// Read copies the samples of the given indices into dst, one after another. It
// is safe for concurrent use and allocates nothing.
func (a Array) Read(dst []float32, indices []int) error {
	n := a.Sample().Size()
	for i, index := range indices {
		copy(dst[i*n:(i+1)*n], a.Row(index))
	}
	return nil
}

// Slice returns samples lo to hi (exclusive) as a view that shares memory.
func (a Array) Slice(lo, hi int) Array { return Array{a.Tensor.Slice(lo, hi)} }
