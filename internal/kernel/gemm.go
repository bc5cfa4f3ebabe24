package kernel

import "fmt"

// Start says what the sums of a matrix product start from.
type Start int

const (
	// Overwrite starts from zero: C = A·B.
	Overwrite Start = iota
	// Accumulate starts from what C holds: C = C + A·B.
	Accumulate
	// Bias starts every row from the bias: C = bias + A·B.
	Bias
)

// Gemm computes C = start + A·B, where
//
//	A is m×k,  A(i,p) = a[i*ai + p*ap]
//	B is k×n,  B(p,j) = b[p*bp + j]
//	C is m×n,  C(i,j) = c[i*ci + j]
//
// With (ai, ap) = (lda, 1) this is A·B, with (1, lda) it is Aᵀ·B for an A kept k×m, and
// with (0, 0) one number stands for all of A. For A·Bᵀ see [GemmNT].
//
// Bias adds bias[j] to every row; otherwise bias is not looked at.
// C must not overlap A, B or the bias.
//
// Every C(i,j) is one chain, acc = start; acc = fma(A(i,p), B(p,j), acc) for p = 0, 1, …, k-1: the
// result does not depend on how a caller cuts m and n into pieces.
//
// Small products read A and B where they are. Large ones copy panels of them into a
// pooled workspace first; nothing is allocated once the pool is warm.
func Gemm(m, n, k int, a []float32, ai, ap int, b []float32, bp int, c []float32, ci int, start Start, bias []float32) {
	if m < 0 || n < 0 || k < 0 || ai < 0 || ap < 0 || bp < 0 || ci < 0 {
		panic(fmt.Sprintf("kernel: Gemm: negative size or stride: m=%d n=%d k=%d ai=%d ap=%d bp=%d ci=%d", m, n, k, ai, ap, bp, ci))
	}
	if m == 0 || n == 0 {
		return
	}
	if k > 0 {
		needLength("Gemm", "a", len(a), (m-1)*ai+(k-1)*ap+1)
		needLength("Gemm", "b", len(b), (k-1)*bp+n)
	}
	needLength("Gemm", "c", len(c), (m-1)*ci+n)
	if ci < n && m > 1 {
		panic(fmt.Sprintf("kernel: Gemm: rows of c overlap: stride %d, want at least %d", ci, n))
	}
	if start == Bias {
		needLength("Gemm", "bias", len(bias), n)
	}
	active.gemm(m, n, k, a, ai, ap, b, bp, c, ci, start, bias)
}

// needLength panics where a slice is shorter than its shape needs.
func needLength(function, slice string, have, want int) {
	if have < want {
		panic(fmt.Sprintf("kernel: %s: %s has %d elements, want %d", function, slice, have, want))
	}
}

// GemmNT computes C = start + A·Bᵀ for a B kept n×k: as [Gemm], with B(p,j) = b[j*bj + p].
// The smaller of the two possible transposed copies is made in a pooled workspace: of B,
// or of A and C, since Cᵀ = B·Aᵀ has the same sums.
func GemmNT(m, n, k int, a []float32, ai, ap int, b []float32, bj int, c []float32, ci int, start Start, bias []float32) {
	if m <= 0 || n <= 0 || k <= 0 {
		Gemm(m, n, 0, nil, 0, 0, nil, 0, c, ci, start, bias)
		return
	}
	needLength("GemmNT", "b", len(b), (n-1)*bj+k)
	needLength("GemmNT", "c", len(c), (m-1)*ci+n)
	if ap == 1 && m*(2*n+k) < n*k {
		gemmNTSwapped(m, n, k, a, ai, b, bj, c, ci, start, bias)
		return
	}
	work := getWorkspace(n * k)
	bt := work.floats[:n*k]
	Transpose(bt, n, b, bj, n, k)
	Gemm(m, n, k, a, ai, ap, bt, n, c, ci, start, bias)
	putWorkspace(work)
}

// gemmNTSwapped computes GemmNT as the transpose of B·Aᵀ, for an A with contiguous rows.
func gemmNTSwapped(m, n, k int, a []float32, ai int, b []float32, bj int, c []float32, ci int, start Start, bias []float32) {
	work := getWorkspace(k*m + n*m)
	at, ct := work.floats[:k*m], work.floats[k*m:k*m+n*m]
	Transpose(at, m, a, ai, m, k)
	swapped := start
	switch start {
	case Accumulate:
		Transpose(ct, m, c, ci, m, n)
	case Bias:
		needLength("GemmNT", "bias", len(bias), n)
		swapped = Accumulate
		for j := range n {
			row := ct[j*m : (j+1)*m]
			for i := range row {
				row[i] = bias[j]
			}
		}
	}
	Gemm(n, m, k, b, bj, 1, at, m, ct, m, swapped, nil)
	Transpose(c, ci, ct, m, n, m)
	putWorkspace(work)
}

// Transpose copies the transpose of the rows×cols matrix in src to dst:
// dst[j*ldd + i] = src[i*lds + j]. The two must not overlap.
func Transpose(dst []float32, ldd int, src []float32, lds int, rows, cols int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	if ldd < rows && cols > 1 || lds < 0 {
		panic(fmt.Sprintf("kernel: Transpose: strides ldd=%d lds=%d for %d×%d", ldd, lds, rows, cols))
	}
	needLength("Transpose", "dst", len(dst), (cols-1)*ldd+rows)
	needLength("Transpose", "src", len(src), (rows-1)*lds+cols)
	active.transpose(dst, ldd, src, lds, rows, cols)
}

// ColumnSums writes the sums of the columns of the rows×cols matrix x, whose rows start ld apart,
// to dst, or adds them to it: dst[j] = start + x[0*ld+j] + x[1*ld+j] + …, in this order.
// It is the product of a row of ones with x, and as repeatable.
func ColumnSums(dst, x []float32, rows, cols, ld int, accumulate bool) {
	start := Overwrite
	if accumulate {
		start = Accumulate
	}
	Gemm(1, cols, rows, one[:], 0, 0, x, ld, dst, cols, start, nil)
}

// one is the matrix of ones of any shape.
var one = [1]float32{1}

// peakChains is the number of independent sums in the loop of PeakFMA.
const peakChains = 12

// PeakFMA runs a loop of independent multiply-adds in registers and returns the number of floating-point operations
// it did. Divided by the time it took, they are what no matrix product on one core can exceed.
func PeakFMA(rounds int) float64 {
	if rounds <= 0 {
		return 0
	}
	active.peakFMA(rounds)
	// A sum of NEON is two vectors of four, since twelve vectors would not keep four units busy.
	width := map[level]int{levelGeneric: 1, levelAVX2: 8, levelAVX512: 16, levelNEON: 2 * 4}[current]
	return 2 * peakChains * float64(width) * float64(rounds)
}
