package portable

import (
	"math"
	"math/rand/v2"
	"testing"
)

// arguments are numbers of every size, and special ones.
func arguments(f func(x float64)) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, x := range []float64{0, math.Copysign(0, -1), 1, -1, 0.5, -0.5, 2, 1e-310, -1e-310, math.MaxFloat64,
		math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN(), 709.78, 709.79, -745.13, -745.14, math.Pi} {
		f(x)
	}
	for range 300_000 {
		f(40 * (2*r.Float64() - 1))
		f(math.Ldexp(2*r.Float64()-1, r.IntN(2100)-1074))
	}
}

// near fails unless got is want to within a number of units in the last place.
func near(t *testing.T, what string, x, got, want, ulps float64) {
	t.Helper()
	if got == want || got != got && want != want {
		return
	}
	if !(math.Abs(got-want) <= ulps*(math.Nextafter(math.Abs(want), math.Inf(1))-math.Abs(want))) {
		t.Fatalf("%s(%v): got %v, want %v", what, x, got, want)
	}
}

func TestFunctions(t *testing.T) {
	arguments(func(x float64) {
		if !(x > 709.7) || x > 709.8 { // math.Exp in assembly overflows early
			near(t, "Exp", x, Exp(x), math.Exp(x), 2)
		}
		if x > 0 && x < 0x1p-1022 { // math.Log in assembly is wrong where numbers are denormal
			near(t, "Log", x, Log(x), math.Log(x*0x1p60)-60*math.Ln2, 2)
		} else {
			near(t, "Log", x, Log(x), math.Log(x), 2)
		}
		if math.Abs(x) <= 1<<29 {
			near(t, "Cos", x, Cos(x), math.Cos(x), 2)
		} else if c := Cos(x); c == c {
			t.Errorf("Cos(%v): got %v, want NaN", x, c)
		}
	})
}

func TestPow(t *testing.T) {
	bases := []float64{0, 0.3, 0.5, 0.9, 0.96, 0.999, 1, 1.7, 10, 1e200, 1e-200, math.Inf(1), math.NaN()}
	exponents := []float64{0, 1, -1, 0.5, -0.5, 2.5, 3, 1000, -1000, 123456.75, 1e300, -1e300, math.Inf(1), math.Inf(-1), math.NaN()}
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		bases, exponents = append(bases, 3*r.Float64()), append(exponents, 50*(r.Float64()-0.5), float64(r.IntN(5000)))
	}
	for _, x := range bases {
		for _, y := range exponents {
			// Where y is no integer, errors of math.Exp and math.Log remain.
			near(t, "Pow", x, Pow(x, y), math.Pow(x, y), 8)
		}
	}
	if p := Pow(-2, 3); p == p {
		t.Errorf("Pow(-2, 3): got %v, want NaN", p)
	}
}

// TestNormal draws what rand draws, but for the last digit in the tail. That math.Exp rounds
// otherwise could change a rejection; one in 10¹⁵ draws would be hit.
func TestNormal(t *testing.T) {
	a, b := rand.New(rand.NewPCG(5, 6)), rand.New(rand.NewPCG(5, 6))
	for i := range 2_000_000 {
		if got, want := Normal(a), b.NormFloat64(); math.Abs(got-want) > 1e-15*math.Abs(want) {
			t.Fatalf("draw %d: got %v, want %v", i, got, want)
		}
	}
}
