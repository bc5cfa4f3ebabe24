package kernel

import "fmt"

// GemmSegments computes C = start + Σ_s A_s·B_s, the sum of products over segments s, where
//
//	A_s is m×k,  A_s(i,p) = a[i*ai + s*as + p*ap]
//	B_s is k×n,  B_s(p,j) = b[(s*k+p)*bp + j]
//	C   is m×n,  C(i,j) = c[i*ci + j]
//
// and start and bias are those of [Gemm]. Every C(i,j) is one chain, over s and within it over p, as of
// one product with s·k columns of A.
//
// It is what a convolution is made of: with rows of A that overlap, one row of the output is the
// product of the kernel's rows with as many rows of the image, and nothing is copied.
func GemmSegments(m, n, segments, k int, a []float32, ai, as, ap int, b []float32, bp int, c []float32, ci int, start Start, bias []float32) {
	if m < 0 || n < 0 || segments < 0 || k < 0 || ai < 0 || as < 0 || ap < 0 || bp < 0 || ci < 0 {
		panic(fmt.Sprintf("kernel: GemmSegments: negative size or stride: m=%d n=%d segments=%d k=%d ai=%d as=%d ap=%d bp=%d ci=%d",
			m, n, segments, k, ai, as, ap, bp, ci))
	}
	if segments == 0 || k == 0 {
		Gemm(m, n, 0, nil, 0, 0, nil, 0, c, ci, start, bias)
		return
	}
	if m == 0 || n == 0 {
		return
	}
	needLength("GemmSegments", "a", len(a), (m-1)*ai+(segments-1)*as+(k-1)*ap+1)
	needLength("GemmSegments", "b", len(b), (segments*k-1)*bp+n)
	needLength("GemmSegments", "c", len(c), (m-1)*ci+n)
	if ci < n && m > 1 {
		panic(fmt.Sprintf("kernel: GemmSegments: rows of c overlap: stride %d, want at least %d", ci, n))
	}
	if start == Bias {
		needLength("GemmSegments", "bias", len(bias), n)
	}
	layers().segments(m, n, segments, k, a, ai, as, ap, b, bp, c, ci, start, bias)
}

// segmentsGeneric adds one product after the other.
func segmentsGeneric(m, n, segments, k int, a []float32, ai, as, ap int, b []float32, bp int, c []float32, ci int, start Start, bias []float32) {
	for s := range segments {
		gemmGeneric(m, n, k, a[s*as:], ai, ap, b[s*k*bp:], bp, c, ci, start, bias)
		start = Accumulate
	}
}
