package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// segmentProblem is a sum of products with everything it needs.
type segmentProblem struct {
	m, n, segments, k int
	ai, as, ap        int
	pad               int // what strides of B and C are longer than rows
	start             Start
}

// check compares GemmSegments with its definition, exactly, and looks at the floats between and around the rows of C.
func (g segmentProblem) check(t *testing.T, r *rand.Rand) {
	t.Helper()
	bp, ci := g.n+g.pad, g.n+g.pad
	a := random((g.m-1)*g.ai+max(g.segments-1, 0)*g.as+max(g.k-1, 0)*g.ap+1, 1, r)
	b := random(max(g.segments*g.k-1, 0)*bp+g.n, 1, r)
	bias := random(g.n, 1, r)
	before := random(g.m*ci+32, 1, r)
	inner := func(c []float32) []float32 { return c[16:][:(g.m-1)*ci+g.n] }
	got, want := append([]float32(nil), before...), append([]float32(nil), before...)

	GemmSegments(g.m, g.n, g.segments, g.k, a, g.ai, g.as, g.ap, b, bp, inner(got), ci, g.start, bias)
	chain(g.m, g.n, 0, nil, 0, 0, nil, 0, 1, inner(want), ci, g.start, bias)
	for s := range g.segments {
		if g.k > 0 {
			chain(g.m, g.n, g.k, a[s*g.as:], g.ai, g.ap, b[s*g.k*bp:], bp, 1, inner(want), ci, Accumulate, nil)
		}
	}
	expectSame(t, fmt.Sprintf("GemmSegments %+v", g), got, want)
}

func TestGemmSegments(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for m := 1; m <= 17; m++ {
			for _, n := range []int{1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 64, 65, 100} {
				// A row of an image, and the rows of a gradient, with strides that make rows overlap or leave gaps.
				c := 1 + r.IntN(5)
				image := segmentProblem{m, n, r.IntN(4), r.IntN(9), c, 20 * c, 1, r.IntN(4), Start(r.IntN(3))}
				gradient := segmentProblem{m, n, 1 + r.IntN(4), 1 + r.IntN(9), 1, 20 * c, c, r.IntN(4), Start(r.IntN(3))}
				image.check(t, r)
				gradient.check(t, r)
			}
		}
	})
}

func TestGemmSegmentsPanics(t *testing.T) {
	x := make([]float32, 12)
	call := func(a, b, c, bias []float32, ci int) func() {
		return func() { GemmSegments(3, 4, 2, 1, a, 1, 1, 1, b, 4, c, ci, Bias, bias) }
	}
	for name, f := range map[string]func(){
		"short a":     call(x[:3], x, make([]float32, 12), x, 4),
		"short b":     call(x, x[:7], make([]float32, 12), x, 4),
		"short c":     call(x, x, make([]float32, 11), x, 4),
		"short bias":  call(x, x, make([]float32, 12), x[:3], 4),
		"overlapping": call(x, x, make([]float32, 12), x, 3),
		"negative":    func() { GemmSegments(3, 4, -1, 1, x, 1, 1, 1, x, 4, x, 4, Overwrite, nil) },
		"lstm":        func() { LSTM(x[:3], x[:3], x[:3], x[:11], x[:3]) },
		"lstm grad":   func() { LSTMGrad(x, x[:3], x[:3], x[:2], x[:3]) },
		"pool":        func() { MaxPool(2, 3, x, x, x[:11]) },
		"pool grad":   func() { MaxPoolGrad(2, 3, x, x, x[:5], x, x, x) },
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
	for _, g := range []segmentProblem{
		{m: 28, n: 16, segments: 3, k: 3, ai: 1, as: 30, ap: 1},
		{m: 14, n: 32, segments: 3, k: 48, ai: 16, as: 256, ap: 1},
		{m: 7, n: 64, segments: 3, k: 96, ai: 32, as: 288, ap: 1},
		{m: 96, n: 64, segments: 7, k: 7, ai: 1, as: 288, ap: 32},
	} {
		b.Run(fmt.Sprintf("%dx%dx%dx%d", g.m, g.n, g.segments, g.k), func(b *testing.B) {
			x, w := random((g.m-1)*g.ai+g.segments*g.as+g.k*g.ap, 1, r), random(g.segments*g.k*g.n, 1, r)
			c := make([]float32, g.m*g.n)
			for b.Loop() {
				GemmSegments(g.m, g.n, g.segments, g.k, x, g.ai, g.as, g.ap, w, g.n, c, g.n, Overwrite, nil)
			}
			b.ReportMetric(2*float64(g.m*g.n*g.segments*g.k)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
		})
	}
}
