package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bigFMA returns a·b + c of finite numbers, rounded once to float32 by package big.
func bigFMA(a, b, c float32) float32 {
	exact := func(x float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(x)) }
	sum := exact(a)
	sum.Add(sum.Mul(sum, exact(b)), exact(c))
	if sum.Sign() == 0 {
		// Package big has its own sign of a sum that is zero; IEEE 754's is that of float64.
		return float32(float64(a)*float64(b) + float64(c))
	}
	rounded, _ := sum.Float32()
	return rounded
}

func checkFMA(t *testing.T, a, b, c float32) {
	t.Helper()
	if got, want := fma32(a, b, c), bigFMA(a, b, c); !sameBits(got, want) {
		t.Errorf("fma32(%x, %x, %x): got %x, want %x", a, b, c, got, want)
	}
}

// TestFMA32 tries sums that float64 rounds to the middle between two float32s, which are the
// ones that rounding twice gets wrong.
func TestFMA32(t *testing.T) {
	r, twice := newRand(), 0
	for range 100_000 {
		a, b, c := halfwayTriple(r)
		checkFMA(t, a, b, c)
		checkFMA(t, -a, b, -c)
		if float32(float64(a)*float64(b)+float64(c)) != bigFMA(a, b, c) {
			twice++
		}
	}
	if twice < 10_000 {
		t.Errorf("rounding twice is wrong for %d of 100,000 triples, want a tenth or more: they are too easy", twice)
	}
	for _, a := range special {
		for _, b := range special {
			for _, c := range special {
				if finite := float64(a-a) + float64(b-b) + float64(c-c); finite == 0 {
					checkFMA(t, a, b, c)
				} else if got, want := fma32(a, b, c), float32(float64(a)*float64(b)+float64(c)); !sameBits(got, want) {
					t.Errorf("fma32(%x, %x, %x): got %x, want %x", a, b, c, got, want)
				}
			}
		}
	}
}

// halfwayTriple returns numbers of which the sum a·b + c is halfway between two float32s,
// denormal ones too, or off by less than a float64 of its size can tell.
func halfwayTriple(r *rand.Rand) (a, b, c float32) {
	scale := func(x int, exponent int) float32 { return float32(math.Ldexp(float64(x), exponent)) }
	sign := 1 - 2*r.IntN(2)
	if r.IntN(2) == 0 {
		// a·b is (1 - i²·2⁻⁴⁶)·2ᵉ, half a unit of the last place of c or a little less.
		i, e := r.IntN(4), -75+r.IntN(80)
		return scale(1<<23+i, e-23), scale(1<<23-i, e-23), scale(sign*r.IntN(1<<24), 2*e+1)
	}
	// a·b has 25 or 26 digits, the last one set, and c is far below.
	e := -60 + r.IntN(100)
	return scale(1<<12+2*r.IntN(1<<11)+1, e), scale(1<<12+2*r.IntN(1<<11)+1, e), scale(sign*(1+r.IntN(3)), max(2*e-20-r.IntN(40), -149))
}

func FuzzFMA32(f *testing.F) {
	f.Add(uint32(0x30800000), uint32(0x30800000), uint32(0x3f800001))
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		x, y, z := math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c)
		if x-x+(y-y)+(z-z) == 0 {
			checkFMA(t, x, y, z)
		}
	})
}

func BenchmarkFMA32(b *testing.B) {
	x := random(1024, 1, newRand())
	var sum float32
	for b.Loop() {
		for _, v := range x {
			sum = fma32(v, 0.75, sum)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/fma")
}
