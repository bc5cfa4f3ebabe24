package digits

import (
	"math"
	"testing"
)

// Moments of the standard normal distribution, within five standard errors of 100,000 draws; the sum of four uniform
// numbers differs in the fourth alone, which is 3 - 6/5/4 = 2.7 (Irwin-Hall).
func TestNormalHasTheMomentsOfIrwinHall(t *testing.T) {
	const n = 100000
	r := newRandom(4, forDrawing, 0)
	var moments [5]float64
	for range n {
		x := r.normal()
		for k := range moments {
			moments[k] += math.Pow(x, float64(k)) / n
		}
	}
	for k, want := range []float64{1, 0, 1, 0, 2.7} {
		if tolerance := []float64{1e-9, 0.016, 0.021, 0.052, 0.12}[k]; math.Abs(moments[k]-want) > tolerance {
			t.Errorf("moment %d: %.4f, want %.4f ± %g", k, moments[k], want, tolerance)
		}
	}
}

// The finaliser of SplitMix64 as Java's SplittableRandom and xoshiro's authors publish it: outputs for the state 0.
func TestScrambleIsSplitMix64(t *testing.T) {
	for k, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := scramble(uint64(k) * 0x9e3779b97f4a7c15); got != want {
			t.Errorf("output %d: got %#x, want %#x", k, got, want)
		}
	}
}
