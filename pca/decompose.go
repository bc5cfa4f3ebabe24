package pca

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"

	"gonum.org/v1/gonum/mat"

	"hourglass/internal/kernel"
	"hourglass/internal/parallel"
	"hourglass/tensor"
)

// mostForSVD is the N·D² up to which a decomposition of the array itself takes a
// fraction of a second.
const mostForSVD = 1 << 26

var errNoConvergence = errors.New("pca: the decomposition does not converge")

// decomposeArray returns the principal directions, one a column, and the variances
// along them, from the singular values of the centred data.
func decomposeArray(data tensor.Tensor, mean []float64) (mat.Matrix, []float64, error) {
	n, dim := data.Len(), len(mean)
	centred := mat.NewDense(n, dim, nil)
	for i := range n {
		row := centred.RawRowView(i)
		for j, v := range data.Row(i) {
			row[j] = float64(v) - mean[j]
		}
	}
	var svd mat.SVD
	if !svd.Factorize(centred, mat.SVDThinV) {
		return nil, nil, errNoConvergence
	}
	variance := svd.Values(nil)
	for i, s := range variance {
		variance[i] = s * s / float64(n-1)
	}
	var directions mat.Dense
	svd.VTo(&directions)
	return &directions, variance, nil
}

// decomposeCovariance does the same from the eigenvalues of the covariance matrix.
func decomposeCovariance(data tensor.Tensor, mean []float64) (mat.Matrix, []float64, error) {
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance(data, mean), true) {
		return nil, nil, errNoConvergence
	}
	variance := eigen.Values(nil) // ascending
	slices.Reverse(variance)
	for i, v := range variance {
		variance[i] = math.Max(v, 0)
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	return reversed{&vectors}, variance, nil
}

// reversed is a matrix with its columns in reverse order.
type reversed struct{ *mat.Dense }

func (r reversed) At(i, j int) float64 {
	_, columns := r.Dims()
	return r.Dense.At(i, columns-1-j)
}

// rowBlock is how many samples one float32 product sums over, and stripRows how
// many rows of the covariance matrix one goroutine computes at a time.
const (
	rowBlock  = 1024
	stripRows = 64
)

// covariance returns Σ(x-mean)ᵀ(x-mean)/(N-1). Goroutines share out the rows of the
// result, never a sum.
func covariance(data tensor.Tensor, mean []float64) *mat.SymDense {
	n, dim := data.Len(), len(mean)
	sums := mat.NewSymDense(dim, nil)
	centred := make([]float32, rowBlock*dim)
	team := parallel.NewTeam(runtime.GOMAXPROCS(0))
	defer team.Close()
	team.Run(func(w *parallel.Worker) {
		product := make([]float32, stripRows*dim)
		for lo := 0; lo < n; lo += rowBlock {
			rows := min(rowBlock, n-lo)
			first, last := w.Range(rows, 1)
			for i := first; i < last; i++ {
				for j, v := range data.Row(lo + i) {
					centred[i*dim+j] = float32(float64(v) - mean[j])
				}
			}
			w.Barrier()
			for strip := w.Index * stripRows; strip < dim; strip += w.Size() * stripRows {
				addProduct(sums, centred[:rows*dim], product, strip, min(strip+stripRows, dim))
			}
			w.Barrier()
		}
	})
	sums.ScaleSym(1/float64(n-1), sums)
	return sums
}

// addProduct adds rows lo to hi of the upper triangle of centredᵀ·centred to sums.
func addProduct(sums *mat.SymDense, centred, product []float32, lo, hi int) {
	raw := sums.RawSymmetric()
	dim, columns := raw.N, raw.N-lo
	kernel.Gemm(hi-lo, columns, len(centred)/dim, centred[lo:], 1, dim, centred[lo:], dim, product, columns, kernel.Overwrite, nil)
	for i := lo; i < hi; i++ {
		to, from := raw.Data[i*raw.Stride+i:][:dim-i], product[(i-lo)*columns+i-lo:]
		for j := range to {
			to[j] += float64(from[j])
		}
	}
}

// meanOf returns the mean of each feature.
func meanOf(data tensor.Tensor) []float64 {
	mean := make([]float64, data.Sample().Size())
	for i := range data.Len() {
		for j, v := range data.Row(i) {
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(data.Len())
	}
	return mean
}

func blocks(n int) int { return (n + rowBlock - 1) / rowBlock }

// eachBlock calls f for every block lo to hi of n samples, on every processor.
func eachBlock(n int, f func(b, lo, hi int)) error {
	return parallel.Each(context.Background(), 0, blocks(n), func(_, b int) error {
		f(b, b*rowBlock, min((b+1)*rowBlock, n))
		return nil
	})
}
