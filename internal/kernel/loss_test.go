package kernel

import (
	"math"
	"testing"
)

// near tells whether got is want to within a relative error.
func near(got, want, relative float64) bool {
	return math.Abs(got-want) <= relative*math.Max(math.Abs(want), 1e-30)
}

// TestBCELogits compares with the definition, -t·ln p - (1-t)·ln(1-p), in float64.
func TestBCELogits(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const n, scale = 10000, 1.0 / 32
		r := newRand()
		z, target := random(n, 12, r), random(n, 1, r)
		p, dz := make([]float32, n), make([]float32, n)
		var want float64
		for i := range z {
			target[i] = absf(target[i])
			probability, ti := sigmoid64(float64(z[i])), float64(target[i])
			want += -ti*math.Log(probability) - (1-ti)*math.Log(sigmoid64(-float64(z[i])))
		}
		got := BCELogits(p, dz, z, target, scale)
		if !near(got, want, 1e-6) {
			t.Errorf("loss: got %g, want %g", got, want)
		}
		if loss := BCELogitsLoss(z, target); loss != got {
			t.Errorf("BCELogitsLoss: got %g, want %g", loss, got)
		}
		for i := range z {
			probability := sigmoid64(float64(z[i]))
			if !near(float64(p[i]), probability, 3e-7) {
				t.Fatalf("p[%d]: got %g, want %g", i, p[i], probability)
			}
			if math.Abs(float64(dz[i])-(probability-float64(target[i]))*scale) > 1e-7*scale*3 {
				t.Fatalf("dz[%d]: got %g, want %g", i, dz[i], (probability-float64(target[i]))*scale)
			}
		}
		// In place.
		BCELogits(z, dz, z, target, scale)
		expectSame(t, "p in place of z", z, p)
	})
}

func TestSquaredError(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		p, target, d := []float32{1, 2, 3, 4, 5}, []float32{1, 0, 5, 4.5, 4}, make([]float32, 5)
		if got := SquaredError(d, p, target, 2); got != 4+4+0.25+1 {
			t.Errorf("sum: got %g, want 9.25", got)
		}
		expectSame(t, "d", d, []float32{0, 4, -4, -1, 2})
	})
}

func TestRoundedAgree(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		p := []float32{0.5, 0.50001, 0.2, 0.9, 0.9, 0.1, float32(math.NaN()), 0.7, 0.7, 0.1}
		target := []float32{0.5, 0.5, 0.49, 0.51, 1.5, 1, 0, 1.4999, float32(math.NaN()), -0.2}
		//                  yes  no   yes   yes   no   no yes no       no              yes
		target[7] = 2
		if got := RoundedAgree(p, target); got != 5 {
			t.Errorf("got %d, want 5", got)
		}
	})
}

func TestSums(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 15, 16, 17, 1000, 4096, 4097, 100000} {
			x, y := make([]float32, n), make([]float32, n)
			for i := range x {
				x[i], y[i] = float32(i%7), 2
			}
			var sum, squares float64
			for _, v := range x {
				sum += float64(v)
				squares += float64(v) * float64(v)
			}
			// All partial sums are integers below 2²⁴, so that the results are exact.
			if got := Sum(x); got != sum {
				t.Errorf("n=%d: sum: got %g, want %g", n, got, sum)
			}
			if got := SumSquares(x); got != squares {
				t.Errorf("n=%d: squares: got %g, want %g", n, got, squares)
			}
			if got := Dot(x, y); got != 2*sum {
				t.Errorf("n=%d: dot: got %g, want %g", n, got, 2*sum)
			}
			if got, want := SquaredDistance(x, y), squares-4*sum+4*float64(n); got != want {
				t.Errorf("n=%d: squared distance: got %g, want %g", n, got, want)
			}
		}
	})
}
