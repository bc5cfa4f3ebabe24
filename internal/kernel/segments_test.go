package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// checkSegments compares GemmSegments with its definition, exactly, and looks at the floats between and
// around the rows of C.
func checkSegments(t *testing.T, p SegmentedProduct, start Start, r *rand.Rand) {
	t.Helper()
	a := random((p.Blocks-1)*p.ABlock+p.Segments*p.ASegment+(p.M-1)*p.ARow+max(p.K-1, 0)*p.AColumn+1, 1, r)
	b := random(p.Segments*p.K*p.BRow+p.N, 1, r)
	bias := random(p.N, 1, r)
	size := (p.Blocks-1)*p.CBlock + (p.M-1)*p.CRow + p.N
	before := random(size+32, 1, r)
	inner := func(c []float32) []float32 { return c[16:][:size] }
	got, want := append([]float32(nil), before...), append([]float32(nil), before...)

	GemmSegments(p, a, b, inner(got), start, bias)
	for r := range p.Blocks {
		c := inner(want)[r*p.CBlock:]
		chain(p.M, p.N, 0, nil, 0, 0, nil, 0, 1, c, p.CRow, start, bias)
		for s := range p.Segments {
			if p.K > 0 {
				chain(p.M, p.N, p.K, a[r*p.ABlock+s*p.ASegment:], p.ARow, p.AColumn, b[s*p.K*p.BRow:], p.BRow, 1, c, p.CRow, Accumulate, nil)
			}
		}
	}
	expectSame(t, fmt.Sprintf("GemmSegments %+v start=%d", p, start), got, want)
}

// imageRows is the product of a convolution's rows of m pixels.
func imageRows(blocks, segments, m, n, channels, taps int) SegmentedProduct {
	row := (m + taps) * channels
	return SegmentedProduct{Blocks: blocks, Segments: segments, M: m, N: n, K: taps * channels,
		ABlock: row, ASegment: row, ARow: channels, AColumn: 1, BRow: n, CBlock: m * n, CRow: n}
}

func TestGemmSegments(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for m := 1; m <= 17; m++ {
			for _, n := range []int{1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 64, 65, 100} {
				p := imageRows(1+r.IntN(3), r.IntN(4), m, n, 1+r.IntN(5), r.IntN(4))
				p.BRow, p.CRow = n+r.IntN(4), n+r.IntN(4)
				p.CBlock = m*p.CRow + r.IntN(4)
				checkSegments(t, p, Start(r.IntN(3)), r)
				// The rows of a gradient: those of A are adjacent, its columns apart.
				p.ARow, p.AColumn = 1, p.ARow
				checkSegments(t, p, Start(r.IntN(3)), r)
			}
		}
	})
}

func TestGemmSegmentsPanics(t *testing.T) {
	x := make([]float32, 12)
	call := func(a, b, c, bias []float32, row int) func() {
		p := SegmentedProduct{Blocks: 1, Segments: 2, M: 3, N: 4, K: 1, ASegment: 1, ARow: 1, AColumn: 1, BRow: 4, CRow: row}
		return func() { GemmSegments(p, a, b, c, Bias, bias) }
	}
	for name, f := range map[string]func(){
		"short a":     call(x[:3], x, make([]float32, 12), x, 4),
		"short b":     call(x, x[:7], make([]float32, 12), x, 4),
		"short c":     call(x, x, make([]float32, 11), x, 4),
		"short bias":  call(x, x, make([]float32, 12), x[:3], 4),
		"overlapping": call(x, x, make([]float32, 12), x, 3),
		"blocks": func() {
			GemmSegments(SegmentedProduct{Blocks: 2, M: 1, N: 4, CBlock: 3}, x, x, x, Overwrite, nil)
		},
		"negative":  func() { GemmSegments(SegmentedProduct{Segments: -1}, x, x, x, Overwrite, nil) },
		"lstm":      func() { LSTM(x[:3], x[:3], x[:3], x[:11], x[:3]) },
		"lstm grad": func() { LSTMGrad(x, x[:3], x[:3], x[:2], x[:3]) },
		"pool":      func() { MaxPool(2, 3, x, x, x[:11]) },
		"pool grad": func() { MaxPoolGrad(2, 3, x, x, x[:5], x, x, x) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func BenchmarkGemmSegments(b *testing.B) {
	r := newRand()
	for _, p := range []SegmentedProduct{
		imageRows(28, 3, 28, 16, 1, 3),
		imageRows(14, 3, 14, 32, 16, 3),
		imageRows(7, 3, 7, 64, 32, 3),
		{Blocks: 1, Segments: 7, M: 96, N: 64, K: 7, ASegment: 288, ARow: 1, AColumn: 32, BRow: 64, CRow: 64},
	} {
		b.Run(fmt.Sprintf("%dx%dx%dx%dx%d", p.Blocks, p.M, p.N, p.Segments, p.K), func(b *testing.B) {
			x := random(p.Blocks*p.ABlock+p.Segments*p.ASegment+p.M*p.ARow+p.K*p.AColumn, 1, r)
			w, c := random(p.Segments*p.K*p.N, 1, r), make([]float32, p.Blocks*p.M*p.N)
			for b.Loop() {
				GemmSegments(p, x, w, c, Overwrite, nil)
			}
			b.ReportMetric(2*float64(p.Blocks*p.M*p.N*p.Segments*p.K)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
		})
	}
}
