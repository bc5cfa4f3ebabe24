// Package portable holds mathematics in float64 whose bits do not depend on the
// processor. Functions of package math are assembly on some processors, and elsewhere
// compilers may fuse their products and sums; here every product that is added is
// rounded first. Errors are below one unit in the last place, as package math's.
//
// Exp, Log, Pow and Cos compute what package math does in plain Go, which has the first
// two from FreeBSD's msun (© 1993, 2004 Sun Microsystems) and the last from S. L.
// Moshier's Cephes (© 1984, 1987, 1989, 1992, 2000); © 2009 The Go Authors, BSD licence.
package portable

import "math"

const (
	ln2High = 6.93147180369123816490e-01
	ln2Low  = 1.90821492927058770002e-10
)

// Exp returns eˣ, for results below the normal range with one rounding more.
func Exp(x float64) float64 {
	const overflow, underflow, nearZero = 7.09782712893383973096e+02, -7.45133219101941108420e+02, 1.0 / (1 << 28)
	switch {
	case x != x || math.IsInf(x, 1):
		return x
	case x > overflow:
		return math.Inf(1)
	case x < underflow:
		return 0
	case -nearZero < x && x < nearZero:
		return 1 + x
	}
	// x = k·ln 2 + r with r = high - low.
	k := int(float64(math.Log2E*x) + math.Copysign(0.5, x))
	high := x - float64(float64(k)*ln2High)
	low := float64(float64(k) * ln2Low)
	r := high - low
	t := float64(r * r)
	c := r - float64(t*polynomial(t, 4.13813679705723846039e-08, -1.65339022054652515390e-06,
		6.61375632143793436117e-05, -2.77777777770155933842e-03, 1.66666666666666657415e-01))
	y := 1 - ((low - float64(r*c)/(2-c)) - high)
	return math.Ldexp(y, k)
}

// polynomial returns the polynomial with these coefficients, highest power first, at x.
func polynomial(x float64, coefficients ...float64) float64 {
	var y float64
	for _, c := range coefficients {
		y = float64(y*x) + c
	}
	return y
}

// Log returns ln x: -Inf for 0, NaN below.
func Log(x float64) float64 {
	switch {
	case x != x || math.IsInf(x, 1):
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	// x = 2ᵏ·(1+f) with √½ ≤ 1+f < √2.
	m, exponent := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		exponent--
	}
	f, k := m-1, float64(exponent)
	s := f / (2 + f)
	s2 := float64(s * s)
	s4 := float64(s2 * s2)
	odd := float64(s2 * polynomial(s4, 1.479819860511658591e-01, 1.818357216161805012e-01, 2.857142874366239149e-01, 6.666666666666735130e-01))
	even := float64(s4 * polynomial(s4, 1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01))
	half := float64(float64(0.5*f) * f)
	return float64(k*ln2High) - ((half - (float64(s*(half+(odd+even))) + float64(k*ln2Low))) - f)
}

// Pow returns xʸ, for any x that is not negative; NaN below.
func Pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case x != x || y != y || x < 0:
		return math.NaN()
	case x == 0 || math.IsInf(x, 1) || math.IsInf(y, 0) || math.Abs(y) >= 1<<63:
		return extremePow(x, y)
	case y == 0.5:
		return math.Sqrt(x)
	case y == -0.5:
		return 1 / math.Sqrt(x)
	}
	whole, fraction := math.Modf(math.Abs(y))
	power, exponent := 1.0, 0 // power·2^exponent
	if fraction != 0 {
		if fraction > 0.5 {
			fraction--
			whole++
		}
		power = Exp(float64(fraction * Log(x)))
	}
	// Successive squarings; the exponents are added up beside them, so that nothing overflows.
	square, twos := math.Frexp(x)
	for i := int64(whole); i != 0; i >>= 1 {
		if twos < -1<<12 || 1<<12 < twos {
			exponent += twos // beyond float64 already
			break
		}
		if i&1 == 1 {
			power *= square
			exponent += twos
		}
		square = float64(square * square)
		twos <<= 1
		if square < 0.5 {
			square += square
			twos--
		}
	}
	if y < 0 {
		power, exponent = 1/power, -exponent
	}
	return math.Ldexp(power, exponent)
}

// extremePow is Pow where the result is 0, 1 or infinite.
func extremePow(x, y float64) float64 {
	if (x < 1) == (y > 0) {
		return 0
	}
	return math.Inf(1)
}

// Cos returns the cosine of x for |x| up to 2²⁹, NaN beyond.
func Cos(x float64) float64 {
	const quarter1, quarter2, quarter3 = 7.85398125648498535156e-1, 3.77489470793079817668e-8, 2.69515142907905952645e-15 // of π
	x = math.Abs(x)
	if !(x <= 1<<29) {
		return math.NaN()
	}
	octant := uint64(x * (4 / math.Pi))
	octant += octant & 1
	y := float64(octant)
	z := ((x - float64(y*quarter1)) - float64(y*quarter2)) - float64(y*quarter3)
	z2 := float64(z * z)
	var result float64
	if octant&2 != 0 {
		result = z + float64(float64(z*z2)*polynomial(z2, 1.58962301576546568060e-10, -2.50507477628578072866e-8,
			2.75573136357213245213e-6, -1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1))
	} else {
		result = 1 - float64(0.5*z2) + float64(float64(z2*z2)*polynomial(z2, -1.13585365213876817300e-11, 2.08757008419747316778e-9,
			-2.75573141792967388112e-7, 2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2))
	}
	if (octant+2)&4 != 0 {
		return -result
	}
	return result
}
