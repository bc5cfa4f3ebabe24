package kernel

import "math"

// This file is the scalar reference for the vector mathematics: the same operations in the same
// order as the assembly does them. The polynomials for exp, expm1 and log are
// Norbert Juffa's published minimax approximations for single precision with
// fused multiply-add; those for sine and cosine are from S. L. Moshier's Cephes.

const (
	log2e     = 1.442695      // 1/ln 2
	ln2High   = 6.93145752e-1 // ln 2 to 16 bits, so that a multiple by an exponent is exact
	ln2Low    = 1.42860677e-6 // the rest of ln 2
	ln2       = 0.693147182
	roundBias = 12582912 // 1.5·2²³: adding and subtracting it rounds to an integer

	expLowest      = -104       // below this exp rounds to zero
	expHighest     = 89         // above this exp overflows
	expm1Lowest    = -25        // below this exp-1 rounds to -1
	logTwoThirds   = 0x3f2aaaab // the bits of 2/3
	exponentMask   = -0x800000  // sign and exponent of a float32's bits
	minNormal      = 1.17549435e-38
	denormalScale  = 1 << 23
	seluAlpha      = 1.67326324
	seluScale      = 1.05070098
	seluScaleAlpha = 1.7580993 // seluScale·seluAlpha in float32
)

var (
	expCoefficients   = [...]float32{1.37805939e-3, 8.37312452e-3, 4.16695364e-2, 1.66664720e-1, 4.99999851e-1, 1, 1}
	expm1Coefficients = [...]float32{1.97350979e-4, 1.39309070e-3, 8.33343994e-3, 4.16668020e-2, 1.66666716e-1, 4.99999970e-1}
	sinCoefficients   = [...]float32{-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1}
	cosCoefficients   = [...]float32{2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2}
)

// fma32 returns a·b + c, rounded once.
func fma32(a, b, c float32) float32 {
	return float32(addToOdd(float64(float64(a)*float64(b)), float64(c)))
}

// addToOdd returns a float64 that rounds to the float32 to which the sum of p, the product
// of two float32s and so exact, and the float32 c rounds. That is the float64 nearest to the
// sum, unless it lies halfway between two float32s: then the lower half of its digits is zero.
// (Its shape keeps it within what the compiler inlines.)
func addToOdd(p, c float64) (sum float64) {
	if sum = p + c; math.Float64bits(sum)<<36 == 0 {
		sum = addToOddSlowly(p, c)
	}
	return
}

// addToOddSlowly is addToOdd for all sums. It rounds to odd, to the one of the two float64s
// around the sum whose last digit is 1, which is never halfway between float32s (S. Boldo and
// G. Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using
// rounding to odd", 2008). What the nearest float64 lost is found by D. Knuth's TwoSum.
//
//go:noinline
func addToOddSlowly(p, c float64) float64 {
	sum := p + c
	rest := sum - p
	lost := (p - (sum - rest)) + (c - rest)
	bits := math.Float64bits(sum)
	switch {
	case lost == 0 || lost != lost || bits&1 != 0: // exact, not finite, or odd
		return sum
	case lost > 0 == (sum > 0):
		return math.Float64frombits(bits + 1)
	}
	return math.Float64frombits(bits - 1)
}

// horner evaluates the polynomial with the coefficients c, highest power first.
func horner(x float32, c []float32) float32 {
	r := c[0]
	for _, ci := range c[1:] {
		r = fma32(r, x, ci)
	}
	return r
}

// pow2 returns 2ⁱ for -126 ≤ i ≤ 127.
func pow2(i int32) float32 { return math.Float32frombits(uint32(i+127) << 23) }

// absf returns |x|.
func absf(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// copysignf returns x, which is not negative, with the sign of s.
func copysignf(x, s float32) float32 {
	return math.Float32frombits(math.Float32bits(x) | math.Float32bits(s)&(1<<31))
}

// maxf returns x if it is above bound or not a number, otherwise bound, like VMAXPS does.
func maxf(bound, x float32) float32 {
	if bound > x {
		return bound
	}
	return x
}

// minf returns x if it is below bound or not a number, otherwise bound, like VMINPS does.
func minf(bound, x float32) float32 {
	if bound < x {
		return bound
	}
	return x
}

// reduce splits x = j·ln 2 + f with an integer j and |f| ≤ ln 2/2.
func reduce(x float32) (j, f float32) {
	j = float32(fma32(x, log2e, roundBias) - roundBias)
	f = fma32(j, -ln2High, x)
	return j, fma32(j, -ln2Low, f)
}

// expf returns eˣ. The power of two is applied in two steps so that results below the
// normal range are rounded once.
func expf(x float32) float32 {
	x = minf(expHighest, maxf(expLowest, x))
	if x != x {
		return x
	}
	j, f := reduce(x)
	i := int32(j)
	h := i >> 1
	return float32(horner(f, expCoefficients[:])*pow2(h)) * pow2(i-h)
}

// expm1f returns eˣ-1 for x ≤ 0.
func expm1f(x float32) float32 {
	x = maxf(expm1Lowest, x)
	if x != x {
		return x
	}
	j, f := reduce(x)
	t := pow2(int32(j))
	v := fma32(horner(f, expm1Coefficients[:]), float32(f*f), f)
	return fma32(v, t, t-1)
}

// log1pPolynomial returns ln(1+m) for |m| ≤ 1/3.
func log1pPolynomial(m float32) float32 {
	s := float32(m * m)
	r, t := float32(-0.130310059), float32(0.140869141)
	r = fma32(r, s, -0.121483512)
	t = fma32(t, s, 0.139814854)
	r = fma32(r, s, -0.166846126)
	t = fma32(t, s, 0.200120345)
	r = fma32(r, s, -0.249996200)
	r = fma32(t, m, r)
	r = fma32(r, m, 0.333331972)
	r = fma32(r, m, -0.5)
	return fma32(r, s, m)
}

// logf returns ln x: -Inf for ±0, NaN below.
func logf(x float32) float32 {
	switch {
	case x != x || x < 0:
		return float32(math.NaN())
	case x == 0:
		return float32(math.Inf(-1))
	case x > math.MaxFloat32:
		return x
	}
	var e float32
	if x < minNormal {
		x, e = x*denormalScale, -23
	}
	bits := int32(math.Float32bits(x))
	exponent := (bits - logTwoThirds) & exponentMask
	m := math.Float32frombits(uint32(bits-exponent)) - 1
	e += float32(exponent >> 23)
	return fma32(e, ln2, log1pPolynomial(m))
}

// log1pf returns ln(1+u) for 0 ≤ u ≤ 1.
func log1pf(u float32) float32 {
	if u > 1.0/3 {
		return log1pPolynomial(float32(u-1)*0.5) + ln2
	}
	return log1pPolynomial(u)
}

// sigmoidf returns 1/(1+e⁻ˣ).
func sigmoidf(x float32) float32 {
	u := expf(-absf(x))
	if x < 0 {
		return u / (1 + u)
	}
	return 1 / (1 + u)
}

// tanhf returns tanh x.
func tanhf(x float32) float32 {
	e := expm1f(-2 * absf(x))
	return copysignf(absf(e/(2+e)), x)
}

// softplusf returns ln(1+eˣ).
func softplusf(x float32) float32 { return maxf(0, x) + log1pf(expf(-absf(x))) }

// reluf returns max(x, 0).
func reluf(x float32) float32 { return maxf(0, x) }

// leakyReLUf returns x where it is positive, slope·x elsewhere.
func leakyReLUf(x, slope float32) float32 {
	if x > 0 {
		return x
	}
	return slope * x
}

// eluf returns scale·x where x is positive and alpha·(eˣ-1) elsewhere.
func eluf(x, scale, alpha float32) float32 {
	if x > 0 {
		return scale * x
	}
	return alpha * expm1f(x)
}

// seluf returns SELU with the constants of Keras.
func seluf(x float32) float32 { return eluf(x, seluScale, seluScaleAlpha) }

// sinCosPi returns the sine and cosine of π·s/2³¹.
func sinCosPi(s uint32) (sin, cos float32) {
	const toRadians = math.Pi / 2 / (1 << 32)
	f := int32(s << 2) // the distance to the nearest multiple of π/2, in units of π/2·2⁻³²
	quadrant := (s - uint32(f>>2)) >> 30
	x := float32(float32(f) * float32(toRadians))
	z := float32(x * x)
	sin = fma32(float32(horner(z, sinCoefficients[:])*z), x, x)
	cos = fma32(horner(z, cosCoefficients[:]), float32(z*z), fma32(z, -0.5, 1))
	if quadrant&1 != 0 {
		sin, cos = cos, -sin
	}
	if quadrant&2 != 0 {
		sin, cos = -sin, -cos
	}
	return sin, cos
}
