package kernel

// The smooth and the clipped relatives of ReLU. The smooth ones fall before they rise, so that
// their derivative does not follow from their value: XGrad(dz, dy, x) takes what X took.

// GELU writes x·Φ(x) to dst, with the distribution function Φ of the standard normal distribution
// (Hendrycks & Gimpel 2016). Error: below 2⁻²³·max(1, |x|).
func GELU(dst, x []float32) {
	sameLength("GELU", len(dst), len(x))
	curves().gelu(dst, x)
}

// GELUGrad writes dz = dy·(Φ(x) + x·φ(x)), with the density φ.
func GELUGrad(dz, dy, x []float32) {
	sameLength("GELUGrad", len(dz), len(dy), len(x))
	curves().geluGrad(dz, dy, x)
}

// GELUTanh writes the approximation x·(1 + tanh(√(2/π)(x + 0.044715x³)))/2 of GELU to dst, as
// x·σ(2√(2/π)(x + 0.044715x³)). Error: below 2⁻²²·max(1, |x|).
func GELUTanh(dst, x []float32) {
	sameLength("GELUTanh", len(dst), len(x))
	curves().geluTanh(dst, x)
}

// GELUTanhGrad writes dy times the derivative of GELUTanh at x.
func GELUTanhGrad(dz, dy, x []float32) {
	sameLength("GELUTanhGrad", len(dz), len(dy), len(x))
	curves().geluTanhGrad(dz, dy, x)
}

// SiLU writes x·σ(x) to dst. Error: below 4 ULP.
func SiLU(dst, x []float32) {
	sameLength("SiLU", len(dst), len(x))
	curves().silu(dst, x)
}

// SiLUGrad writes dz = dy·σ(x)(1 + x(1-σ(x))).
func SiLUGrad(dz, dy, x []float32) {
	sameLength("SiLUGrad", len(dz), len(dy), len(x))
	curves().siluGrad(dz, dy, x)
}

// Mish writes x·tanh(ln(1+eˣ)) to dst (Misra 2019). Error: below 4 ULP.
func Mish(dst, x []float32) {
	sameLength("Mish", len(dst), len(x))
	curves().mish(dst, x)
}

// MishGrad writes dy times the derivative of Mish at x.
func MishGrad(dz, dy, x []float32) {
	sameLength("MishGrad", len(dz), len(dy), len(x))
	curves().mishGrad(dz, dy, x)
}

// HardSigmoid writes min(max(x+3, 0), 6)/6 to dst.
func HardSigmoid(dst, x []float32) {
	sameLength("HardSigmoid", len(dst), len(x))
	curves().hardSigmoid(dst, x)
}

// HardSigmoidGrad writes dz = dy/6 where 0 < y < 1, and 0 elsewhere; y is HardSigmoid's output.
func HardSigmoidGrad(dz, dy, y []float32) {
	sameLength("HardSigmoidGrad", len(dz), len(dy), len(y))
	curves().hardSigmoidGrad(dz, dy, y)
}

// HardSiLU writes x·min(max(x+3, 0), 6)/6 to dst (Howard et al. 2019).
func HardSiLU(dst, x []float32) {
	sameLength("HardSiLU", len(dst), len(x))
	curves().hardSiLU(dst, x)
}

// HardSiLUGrad writes dz = dy·(x/3 + 1/2) where -3 < x < 3, dy above, and 0 below.
func HardSiLUGrad(dz, dy, x []float32) {
	sameLength("HardSiLUGrad", len(dz), len(dy), len(x))
	curves().hardSiLUGrad(dz, dy, x)
}

// ReLU6 writes min(max(x, 0), 6) to dst.
func ReLU6(dst, x []float32) {
	sameLength("ReLU6", len(dst), len(x))
	curves().relu6(dst, x)
}

// ReLU6Grad writes dz = dy where 0 < y < 6, and 0 elsewhere; y is ReLU6's output.
func ReLU6Grad(dz, dy, y []float32) {
	sameLength("ReLU6Grad", len(dz), len(dy), len(y))
	curves().relu6Grad(dz, dy, y)
}

// curveTable holds one level's implementation of these.
type curveTable struct {
	gelu, geluTanh, silu, mish, hardSigmoid, hardSiLU, relu6                             func(dst, x []float32)
	geluGrad, geluTanhGrad, siluGrad, mishGrad, hardSigmoidGrad, hardSiLUGrad, relu6Grad func(dz, dy, x []float32)
}

// genericCurves holds the twins.
var genericCurves = curveTable{
	gelu:        func(dst, x []float32) { mapGeneric(dst, x, geluf) },
	geluTanh:    func(dst, x []float32) { mapGeneric(dst, x, geluTanhf) },
	silu:        func(dst, x []float32) { mapGeneric(dst, x, siluf) },
	mish:        func(dst, x []float32) { mapGeneric(dst, x, mishf) },
	hardSigmoid: func(dst, x []float32) { mapGeneric(dst, x, hardSigmoidf) },
	hardSiLU:    func(dst, x []float32) { mapGeneric(dst, x, hardSiLUf) },
	relu6:       func(dst, x []float32) { mapGeneric(dst, x, relu6f) },

	geluGrad:        func(dz, dy, x []float32) { slopeGeneric(dz, dy, x, geluSlope) },
	geluTanhGrad:    func(dz, dy, x []float32) { slopeGeneric(dz, dy, x, geluTanhSlope) },
	siluGrad:        func(dz, dy, x []float32) { slopeGeneric(dz, dy, x, siluSlope) },
	mishGrad:        func(dz, dy, x []float32) { slopeGeneric(dz, dy, x, mishSlope) },
	hardSiLUGrad:    func(dz, dy, x []float32) { slopeGeneric(dz, dy, x, hardSiLUSlope) },
	hardSigmoidGrad: hardSigmoidGradGeneric,
	relu6Grad:       relu6GradGeneric,
}

// slopeGeneric writes dy times a derivative at x.
func slopeGeneric(dz, dy, x []float32, slope func(float32) float32) {
	for i, v := range x {
		dz[i] = dy[i] * slope(v)
	}
}

const (
	sqrtHalf    = 0.70710678
	normalPeak  = 0.39894228  // φ(0) = 1/√(2π)
	erfSplit    = 0.927734375 // where one polynomial of erf ends and another begins
	tanhLinear  = 1.5957691   // 2√(2/π)
	tanhCubic   = 0.071354816 // 0.044715 of it
	tanhLargest = 16          // beyond ±16 the sigmoid is 0 or 1, and cubes do not overflow
	sixth       = 1.0 / 6
	third       = 1.0 / 3
)

// erfCoefficients are those of erf(t)/t - 1 in t² for t up to erfSplit; like those of ln(erfc t)
// in normalCDFf they are Norbert Juffa's published minimax approximations.
var erfCoefficients = [...]float32{-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1}

// normalCDFf returns Φ(x) = (1 + erf(x/√2))/2.
func normalCDFf(x float32) float32 {
	t := absf(x) * sqrtHalf
	square := float32(t * t)
	if !(t > erfSplit) {
		half := float32(fma32(horner(square, erfCoefficients[:]), t, t) * 0.5)
		return copysignf(half, x) + 0.5
	}
	r := fma32(fma32(-1.72853470e-5, t, 3.83197126e-4), square, fma32(-3.88396438e-3, t, 2.42546219e-2))
	for _, c := range [...]float32{-1.06777877e-1, -6.34846687e-1, -1.28717512e-1} {
		r = fma32(r, t, c)
	}
	tail := float32(expf(fma32(r, t, -t)) * 0.5)
	if x < 0 {
		return tail
	}
	return 1 - tail
}

func geluf(x float32) float32 { return x * normalCDFf(x) }

func geluSlope(x float32) float32 {
	density := float32(expf(float32(float32(x*x)*-0.5)) * normalPeak)
	return fma32(x, density, normalCDFf(x))
}

// geluTanhParts returns x within ±tanhLargest, its square and the sigmoid.
func geluTanhParts(x float32) (c, square, s float32) {
	c = minf(tanhLargest, maxf(-tanhLargest, x))
	square = c * c
	return c, square, sigmoidf(float32(c * fma32(tanhCubic, square, tanhLinear)))
}

func geluTanhf(x float32) float32 {
	_, _, s := geluTanhParts(x)
	return x * s
}

func geluTanhSlope(x float32) float32 {
	c, square, s := geluTanhParts(x)
	return s * fma32(float32(c*float32(1-s)), fma32(3*tanhCubic, square, tanhLinear), 1)
}

func siluf(x float32) float32 { return x * sigmoidf(x) }

func siluSlope(x float32) float32 {
	s := sigmoidf(x)
	return s * fma32(float32(1-s), x, 1)
}

// mishFraction returns u = exp(-|x|), and numerator and denominator of
//
//	tanh(ln(1+eˣ)) = ((1+eˣ)² - 1)/((1+eˣ)² + 1)
//
// in powers of u, which do not overflow.
func mishFraction(x float32) (u, numerator, denominator float32) {
	u = expf(-absf(x))
	twice := u + u
	if x < 0 {
		numerator = fma32(u, u, twice)
		return u, numerator, numerator + 2
	}
	numerator = twice + 1
	return u, numerator, fma32(twice, u, numerator)
}

func mishf(x float32) float32 {
	_, numerator, denominator := mishFraction(x)
	return x * float32(numerator/denominator)
}

func mishSlope(x float32) float32 {
	u, numerator, denominator := mishFraction(x)
	q := float32(u * u)
	if x < 0 {
		q = u
	}
	slope := float32(float32(q*4) * float32(u+1))
	return fma32(x, float32(slope/float32(denominator*denominator)), float32(numerator/denominator))
}

func hardSigmoidf(x float32) float32 { return minf(6, maxf(0, x+3)) * sixth }

func hardSiLUf(x float32) float32 { return x * hardSigmoidf(x) }

func hardSiLUSlope(x float32) float32 {
	switch {
	case !(x > -3):
		return 0
	case x < 3:
		return fma32(x, third, 0.5)
	}
	return 1
}

func relu6f(x float32) float32 { return minf(6, maxf(0, x)) }

func hardSigmoidGradGeneric(dz, dy, y []float32) {
	for i, v := range y {
		if v > 0 && v < 1 {
			dz[i] = dy[i] * sixth
		} else {
			dz[i] = 0
		}
	}
}

func relu6GradGeneric(dz, dy, y []float32) {
	for i, v := range y {
		if v > 0 && v < 6 {
			dz[i] = dy[i]
		} else {
			dz[i] = 0
		}
	}
}
