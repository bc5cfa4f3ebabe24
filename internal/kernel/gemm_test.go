package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// exactFMA returns a·b + c, rounded once: the float64 sum is rounded to odd before it is rounded to float32.
func exactFMA(a, b, c float32) float32 {
	product := float64(a) * float64(b)
	sum := product + float64(c)
	rest := sum - product
	lost := (product - (sum - rest)) + (float64(c) - rest)
	if lost != 0 && !math.IsNaN(lost) && math.Float64bits(sum)&1 == 0 {
		toward := math.Inf(1)
		if lost < 0 {
			toward = math.Inf(-1)
		}
		sum = math.Nextafter(sum, toward)
	}
	return float32(sum)
}

// chain is the definition of Gemm: a chain of fused multiply-adds.
func chain(m, n, k int, a []float32, ai, ap int, b []float32, bp, bj int, c []float32, ci int, start Start, bias []float32) {
	for i := range m {
		for j := range n {
			var sum float32
			switch start {
			case Accumulate:
				sum = c[i*ci+j]
			case Bias:
				sum = bias[j]
			}
			for p := range k {
				sum = exactFMA(a[i*ai+p*ap], b[p*bp+j*bj], sum)
			}
			c[i*ci+j] = sum
		}
	}
}

// gemmProblem is a product with everything it needs.
type gemmProblem struct {
	m, n, k    int
	transposed bool // A is kept k×m
	pad        int  // what strides are longer than rows
	start      Start
}

func (g gemmProblem) String() string {
	return fmt.Sprintf("m=%d n=%d k=%d transposed=%v pad=%d start=%d", g.m, g.n, g.k, g.transposed, g.pad, g.start)
}

// check compares Gemm and GemmNT with chain, and looks at the floats between and around the rows of C.
func (g gemmProblem) check(t *testing.T, r *rand.Rand) {
	t.Helper()
	ai, ap := g.k+g.pad, 1
	if g.transposed {
		ai, ap = 1, g.m+g.pad
	}
	bp, bj, ci := g.n+g.pad, g.k+g.pad, g.n+g.pad
	var a, b, bt []float32
	if g.k > 0 {
		a = random((g.m-1)*ai+(g.k-1)*ap+1, 1, r)
		b = random((g.k-1)*bp+g.n, 1, r)
		bt = random((g.n-1)*bj+g.k, 1, r)
	}
	bias := random(g.n, 1, r)
	before := random(g.m*ci+32, 1, r)
	inner := func(c []float32) []float32 { return c[16:][:(g.m-1)*ci+g.n] }
	got, want := append([]float32(nil), before...), append([]float32(nil), before...)

	Gemm(g.m, g.n, g.k, a, ai, ap, b, bp, inner(got), ci, g.start, bias)
	chain(g.m, g.n, g.k, a, ai, ap, b, bp, 1, inner(want), ci, g.start, bias)
	expectSame(t, fmt.Sprintf("Gemm %v", g), got, want)

	copy(got, before)
	copy(want, before)
	GemmNT(g.m, g.n, g.k, a, ai, ap, bt, bj, inner(got), ci, g.start, bias)
	chain(g.m, g.n, g.k, a, ai, ap, bt, 1, bj, inner(want), ci, g.start, bias)
	expectSame(t, fmt.Sprintf("GemmNT %v", g), got, want)
}

func expectSame(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if !sameBits(got[i], want[i]) {
			t.Fatalf("%s: element %d: got %g, want exactly %g", what, i, got[i], want[i])
		}
	}
}

func TestGemm(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for m := 1; m <= 17; m++ {
			for _, n := range []int{1, 4, 7, 8, 9, 15, 16, 17, 24, 25, 31, 33, 47, 48, 49, 56, 60, 64, 65, 100, 129} {
				g := gemmProblem{m, n, r.IntN(9), r.IntN(2) == 0, r.IntN(4), Start(r.IntN(3))}
				g.check(t, r)
			}
		}
	})
}

// TestGemmLarge covers products that are cut into blocks of rows, columns and k, copied and transposed.
func TestGemmLarge(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for _, g := range []gemmProblem{
			{blockedRows + 5, 9, 3, false, 1, Accumulate},
			{blockedRows + 5, 9, 3, true, 0, Bias},
			{3, 85, 1030, true, 1, Bias},
			{70, 45, 19, true, 1, Accumulate},
			{1, 140, 1030, false, 1, Bias},
			{260, 257, 256, false, 1, Bias},
			{260, 65, 1100, true, 0, Accumulate},
			{390, 193, 340, true, 1, Accumulate},
			{256, 2890, 23, true, 0, Bias},
		} {
			if testing.Short() && g.m*g.n*g.k > 1e7 {
				continue
			}
			g.check(t, r)
		}
	})
}

// blockedRows is a number of rows that no implementation takes at once.
const blockedRows = 384

// TestGemmSpecial holds the rules for infinities, NaN and zeros.
func TestGemmSpecial(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachLevel(t, func(t *testing.T) {
		a := []float32{inf, 0, nan, 1}
		b := []float32{1, 0, -1, 2, 2, 2, 0, 0, 0, inf, -inf, 5}
		got, want := make([]float32, 48), make([]float32, 48)
		Gemm(4, 12, 1, a, 1, 1, b, 12, got, 12, Overwrite, nil)
		for i, x := range a {
			for j, y := range b {
				want[i*12+j] = x*y + 0
			}
		}
		expectSame(t, "outer product", got, want)
	})
}

func TestGemmSplits(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		const m, n, k = 300, 230, 300
		a, b := random(m*k, 1, r), random(k*n, 1, r)
		want, got := make([]float32, m*n), make([]float32, m*n)
		Gemm(m, n, k, a, k, 1, b, n, want, n, Overwrite, nil)
		for i := 0; i < m; {
			rows := min(1+r.IntN(90), m-i)
			for j := 0; j < n; {
				columns := min(1+r.IntN(150), n-j)
				Gemm(rows, columns, k, a[i*k:], k, 1, b[j:], n, got[i*n+j:], n, Overwrite, nil)
				j += columns
			}
			i += rows
		}
		expectSame(t, "pieces", got, want)
	})
}

func TestColumnSums(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for _, columns := range []int{1, 5, 16, 30, 100, 128, 129, 784} {
			const rows = 7
			ld := columns + 3
			x, want := random(rows*ld, 1, r), random(columns, 1, r)
			got := append([]float32(nil), want...)
			for _, accumulate := range []bool{true, false} {
				if !accumulate {
					clear(want)
				}
				for i := range rows {
					for j := range want {
						want[j] += x[i*ld+j]
					}
				}
				ColumnSums(got, x, rows, columns, ld, accumulate)
				expectSame(t, fmt.Sprintf("%d columns", columns), got, want)
			}
		}
	})
}

func TestTranspose(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for rows := 1; rows < 35; rows++ {
			for columns := 1; columns < 35; columns++ {
				lds, ldd := columns+r.IntN(3), rows+r.IntN(3)
				src := random((rows-1)*lds+columns, 1, r)
				want := random(columns*ldd+8, 1, r)
				got := append([]float32(nil), want...)
				for i := range rows {
					for j := range columns {
						want[4+j*ldd+i] = src[i*lds+j]
					}
				}
				Transpose(got[4:][:(columns-1)*ldd+rows], ldd, src, lds, rows, columns)
				expectSame(t, fmt.Sprintf("%d×%d", rows, columns), got, want)
			}
		}
	})
}

func TestGemmPanics(t *testing.T) {
	x := make([]float32, 12)
	for name, call := range map[string]func(){
		"short a":     func() { Gemm(3, 4, 1, x[:2], 1, 1, x, 4, make([]float32, 12), 4, Overwrite, nil) },
		"short b":     func() { Gemm(3, 4, 1, x, 1, 1, x[:3], 4, make([]float32, 12), 4, Overwrite, nil) },
		"short c":     func() { Gemm(3, 4, 1, x, 1, 1, x, 4, make([]float32, 11), 4, Overwrite, nil) },
		"short bias":  func() { Gemm(3, 4, 1, x, 1, 1, x, 4, make([]float32, 12), 4, Bias, x[:3]) },
		"overlapping": func() { Gemm(3, 4, 1, x, 1, 1, x, 4, make([]float32, 12), 3, Overwrite, nil) },
		"negative":    func() { Gemm(3, 4, 1, x, -1, 1, x, 4, make([]float32, 12), 4, Overwrite, nil) },
		"transpose":   func() { Transpose(x[:11], 3, make([]float32, 12), 4, 3, 4) },
		"lengths":     func() { Exp(x, x[:11]) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

func FuzzGemm(f *testing.F) {
	f.Add(uint8(16), uint8(100), uint8(30), true, uint8(0), uint8(2), uint64(1))
	f.Add(uint8(1), uint8(255), uint8(0), false, uint8(3), uint8(1), uint64(2))
	f.Fuzz(func(t *testing.T, m, n, k uint8, transposed bool, pad, start uint8, seed uint64) {
		if m == 0 || n == 0 {
			return
		}
		g := gemmProblem{int(m), int(n), int(k), transposed, int(pad % 8), Start(start % 3)}
		for _, l := range vectorLevels() {
			at(l, func() { g.check(t, rand.New(rand.NewPCG(seed, 0))) })
		}
	})
}
