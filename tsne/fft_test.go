package tsne

import (
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"
)

func TestTransformIsGonums(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const lanes = 3
	for _, n := range []int{2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 40, 48, 64, 80, 96, 128, 225} {
		f, gonum := newFFT(n), fourier.NewCmplxFFT(n)
		x := make([]complex128, n*lanes)
		var want [lanes][]complex128
		for lane := range want {
			sequence := make([]complex128, n)
			for j := range sequence {
				sequence[j] = complex(random.NormFloat64(), random.NormFloat64())
				x[j*lanes+lane] = sequence[j]
			}
			want[lane] = gonum.Coefficients(nil, sequence)
		}
		got := f.transform(x, make([]complex128, len(x)), lanes)
		for i, v := range got {
			if w := want[i%lanes][i/lanes]; cmplx.Abs(v-w) > 1e-12*float64(n) {
				t.Fatalf("length %d: element %d of sequence %d is %v, want %v", n, i/lanes, i%lanes, v, w)
			}
		}
	}
}

func TestFFTLength(t *testing.T) {
	for n, want := range map[int]int{1: 2, 2: 2, 3: 4, 5: 6, 7: 8, 9: 10, 33: 40, 41: 48, 49: 64, 500: 512, 513: 640} {
		if got := fftLength(n); got != want {
			t.Errorf("fftLength(%d) = %d, want %d", n, got, want)
		}
	}
}

// BenchmarkTransform compares the transform of 64 sequences of 512 numbers with gonum's, one sequence at a time.
func BenchmarkTransform(b *testing.B) {
	const n, lanes = 512, 64
	b.Run("rows", func(b *testing.B) {
		f, x, work := newFFT(n), make([]complex128, n*lanes), make([]complex128, n*lanes)
		for b.Loop() {
			f.transform(x, work, lanes)
		}
	})
	b.Run("gonum", func(b *testing.B) {
		f, x := fourier.NewCmplxFFT(n), make([]complex128, n)
		for b.Loop() {
			for range lanes {
				f.Coefficients(x, x)
			}
		}
	})
}
