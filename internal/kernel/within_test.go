package kernel

import (
	"math"
	"testing"
)

// One element outside is seen wherever it stands, and nothing is seen beyond the slice.
func TestWithin(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachLevel(t, func(t *testing.T) {
		for n := range 70 {
			memory := make([]float32, n+40)
			for i := range memory {
				memory[i] = nan
			}
			x := memory[:n]
			for i := range x {
				x[i] = 1 + float32(i%2) // 0 is outside, as are the lanes of a partial vector
			}
			if !Within(x, 1, 2) || !Finite(x) {
				t.Fatalf("%d elements inside are not", n)
			}
			for i := range x {
				inside := x[i]
				for _, bad := range []float32{0, -1, 0.9999999, 2.0000002, nan, -nan, inf, -inf, math.MaxFloat32} {
					x[i] = bad
					if Within(x, 1, 2) {
						t.Fatalf("%v at %d of %d counts as within 1 to 2", bad, i, n)
					}
					if want := float64(bad)-float64(bad) == 0; Finite(x) != want {
						t.Fatalf("%v at %d of %d: Finite is %v", bad, i, n, !want)
					}
				}
				x[i] = inside
			}
		}
		if zero := float32(math.Copysign(0, -1)); !Within([]float32{zero, 0, 1}, 0, 1) || !Within([]float32{0}, zero, 1) {
			t.Error("-0 is not within 0 to 1")
		}
		if Within([]float32{0.5}, 1, 0) {
			t.Error("something is within 1 to 0")
		}
	})
}

func BenchmarkFinite(b *testing.B) {
	x := make([]float32, 6<<10)
	b.SetBytes(int64(4 * len(x)))
	for range b.N {
		if !Finite(x) {
			b.Fatal("zeros are not finite")
		}
	}
}
