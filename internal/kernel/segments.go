package kernel

import "fmt"

// SegmentedProduct describes sums of matrix products over segments of their columns, in blocks that are
// computed alike: for every block r
//
//	C_r = start + Σ_s A_rs·B_s
//
//	A_rs is M×K,  A_rs(i,p) = a[r*ABlock + s*ASegment + i*ARow + p*AColumn]
//	B_s  is K×N,  B_s(p,j) = b[(s*K+p)*BRow + j]
//	C_r  is M×N,  C_r(i,j) = c[r*CBlock + i*CRow + j]
//
// It is what a convolution is made of. With rows of A that overlap, a row of the output image, which is a
// block, is the sum of products of the kernel's rows with as many rows of the input, and nothing is
// copied.
type SegmentedProduct struct {
	Blocks, Segments, M, N, K       int
	ABlock, ASegment, ARow, AColumn int // strides, not negative
	BRow                            int
	CBlock, CRow                    int // of blocks and rows that do not overlap
}

// GemmSegments computes p, with start and bias as in [Gemm]. Every element of C is one chain, over s and
// within it over the columns, as of a product with Segments·K columns.
func GemmSegments(p SegmentedProduct, a, b, c []float32, start Start, bias []float32) {
	if min(p.Blocks, p.Segments, p.M, p.N, p.K, p.ABlock, p.ASegment, p.ARow, p.AColumn, p.BRow, p.CBlock, p.CRow) < 0 {
		panic(fmt.Sprintf("kernel: GemmSegments: negative size or stride: %+v", p))
	}
	if p.Blocks == 0 || p.M == 0 || p.N == 0 {
		return
	}
	needLength("GemmSegments", "c", len(c), (p.Blocks-1)*p.CBlock+(p.M-1)*p.CRow+p.N)
	if p.CRow < p.N && p.M > 1 || p.CBlock < p.N && p.Blocks > 1 {
		panic(fmt.Sprintf("kernel: GemmSegments: rows of c overlap: %+v", p))
	}
	if start == Bias {
		needLength("GemmSegments", "bias", len(bias), p.N)
	}
	if p.Segments == 0 || p.K == 0 {
		for r := range p.Blocks {
			Gemm(p.M, p.N, 0, nil, 0, 0, nil, 0, c[r*p.CBlock:], p.CRow, start, bias)
		}
		return
	}
	needLength("GemmSegments", "a", len(a), (p.Blocks-1)*p.ABlock+(p.Segments-1)*p.ASegment+(p.M-1)*p.ARow+(p.K-1)*p.AColumn+1)
	needLength("GemmSegments", "b", len(b), (p.Segments*p.K-1)*p.BRow+p.N)
	layers().segments(p, a, b, c, start, bias)
}

// segmentsGeneric adds one product after the other.
func segmentsGeneric(p SegmentedProduct, a, b, c []float32, start Start, bias []float32) {
	for r := range p.Blocks {
		first := start
		for s := range p.Segments {
			gemmGeneric(p.M, p.N, p.K, a[r*p.ABlock+s*p.ASegment:], p.ARow, p.AColumn, b[s*p.K*p.BRow:], p.BRow,
				c[r*p.CBlock:], p.CRow, first, bias)
			first = Accumulate
		}
	}
}
