// Package op is what the layers of package nn compute with, for layers of one's own:
// matrix products, sums and element-wise arithmetic on float32, as fast as theirs and with
// the same guarantee. Every result is one chain of operations in an order that follows
// from the shapes alone, so that it does not depend on how samples or rows are shared out
// over workers, and nothing is allocated.
//
// Activation functions are nn.Func, random numbers nn.Random.
package op

import "hourglass/internal/kernel"

// Matrix is a view of rows of values, of which consecutive ones are Stride apart.
type Matrix struct {
	Data          []float32
	Rows, Columns int
	Stride        int // at least Columns
}

// Dense returns a matrix without gaps between its rows.
func Dense(data []float32, rows, columns int) Matrix { return Matrix{data, rows, columns, columns} }

// RowsOf returns rows lo to hi.
func (m Matrix) RowsOf(lo, hi int) Matrix {
	if lo == hi {
		return Matrix{nil, 0, m.Columns, m.Stride}
	}
	return Matrix{m.Data[lo*m.Stride : (hi-1)*m.Stride+m.Columns], hi - lo, m.Columns, m.Stride}
}

// Product sets c = a·b.
func Product(c, a, b Matrix) {
	kernel.Gemm(c.Rows, c.Columns, a.Columns, a.Data, a.Stride, 1, b.Data, b.Stride, c.Data, c.Stride, kernel.Overwrite, nil)
}

// ProductBias sets c = a·b + bias, with bias added to each row.
func ProductBias(c, a, b Matrix, bias []float32) {
	kernel.Gemm(c.Rows, c.Columns, a.Columns, a.Data, a.Stride, 1, b.Data, b.Stride, c.Data, c.Stride, kernel.Bias, bias)
}

// ProductNT sets c = a·bᵀ. It is the slowest of the products; where b seldom changes, keep
// its transpose (nn.Deriver) and use Product.
func ProductNT(c, a, b Matrix) {
	kernel.GemmNT(c.Rows, c.Columns, a.Columns, a.Data, a.Stride, 1, b.Data, b.Stride, c.Data, c.Stride, kernel.Overwrite, nil)
}

// GradientRows sets rows lo to hi of aᵀ·b, the gradient of a matrix of weights w in
// y = x·w for the inputs a and the gradients b of the outputs, summed over their rows:
// what nn.Trainable asks for. dw is the whole gradient.
func GradientRows(dw, a, b Matrix, lo, hi int) { gradientRows(dw, a, b, lo, hi, kernel.Overwrite) }

// AddGradientRows adds rows lo to hi of aᵀ·b: what nn.Sharer asks for.
func AddGradientRows(dw, a, b Matrix, lo, hi int) { gradientRows(dw, a, b, lo, hi, kernel.Accumulate) }

func gradientRows(dw, a, b Matrix, lo, hi int, start kernel.Start) {
	if lo < hi {
		kernel.Gemm(hi-lo, dw.Columns, a.Rows, a.Data[lo:], 1, a.Stride, b.Data, b.Stride, dw.Data[lo*dw.Stride:], dw.Stride, start, nil)
	}
}

// ColumnSums sets dst to the sums of columns lo to hi of x, the gradient of a bias: dst is
// rows lo to hi of it.
func ColumnSums(dst []float32, x Matrix, lo, hi int) {
	if lo < hi {
		kernel.ColumnSums(dst, x.Data[lo:], x.Rows, hi-lo, x.Stride, false)
	}
}

// Transpose sets dst to the transpose of src.
func Transpose(dst, src Matrix) {
	kernel.Transpose(dst.Data, dst.Stride, src.Data, src.Stride, src.Rows, src.Columns)
}

// Add sets dst = x + y. Slices may be the same.
func Add(dst, x, y []float32) { kernel.Add(dst, x, y) }

// Multiply sets dst = x·y, element by element. Slices may be the same.
func Multiply(dst, x, y []float32) { kernel.Mul(dst, x, y) }

// Scale sets dst = a·x. Slices may be the same.
func Scale(dst, x []float32, a float32) { kernel.Scale(dst, x, a) }

// Sum returns the sum of x: sixteen partial sums for every 4096 values, then float64.
func Sum(x []float32) float64 { return kernel.Sum(x) }

// Dot returns the sum of the products of x and y, ordered as in Sum.
func Dot(x, y []float32) float64 { return kernel.Dot(x, y) }
