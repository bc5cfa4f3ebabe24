package main

import "github.com/mmcloughlin/avo/reg"

// The constants of package kernel's curves.go.
const (
	sqrtHalf     = 0.70710678
	normalPeak   = 0.39894228
	erfSplit     = 0.927734375
	tanhLinear   = 1.5957691
	tanhCubic    = 0.071354816
	tanhLargest  = 16
	sixth        = 1.0 / 6
	third        = 1.0 / 3
	hardInterval = 3
)

// curveKernels generates the smooth and the clipped relatives of ReLU, and their derivatives.
func curveKernels(v *vm) {
	unaryKernel("gelu", "writes x·Φ(x).", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		return v.mul(x, v.normalCDF(x))
	})).emit(v)
	unaryKernel("geluTanh", "writes x·σ(2√(2/π)(x + 0.044715x³)).", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		c := v.clampTanh(x)
		return v.mul(x, v.sigmoid(v.mul(c, v.horner(v.mul(c, c), tanhCubic, tanhLinear))))
	})).emit(v)
	unaryKernel("silu", "writes x·σ(x).", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		return v.mul(x, v.sigmoid(x))
	})).emit(v)
	unaryKernel("mish", "writes x·tanh(ln(1+eˣ)).", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		_, numerator, denominator, _ := v.mishFraction(x)
		return v.mul(x, v.div(numerator, denominator))
	})).emit(v)
	unaryKernel("hardSigmoid", "writes min(max(x+3, 0), 6)/6.", "", pure((*vm).hardSigmoid)).emit(v)
	unaryKernel("hardSiLU", "writes x·min(max(x+3, 0), 6)/6.", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		return v.mul(x, v.hardSigmoid(x))
	})).emit(v)
	unaryKernel("relu6", "writes min(max(x, 0), 6).", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		return v.min(v.broadcast(f32(6)), v.max(v.zero(), x))
	})).emit(v)
	curveGradientKernels(v)
}

// inputGradientKernel describes dz = dy·f(x), where f is a derivative.
func inputGradientKernel(name, doc string, f func(v *vm, x reg.VecVirtual) reg.VecVirtual) kernel {
	k := gradientKernel(name, doc, "", func(v *vm) func(dy, x reg.VecVirtual) reg.VecVirtual {
		return func(dy, x reg.VecVirtual) reg.VecVirtual { return v.mul(dy, f(v, x)) }
	})
	k.reads, k.order = []string{"dy", "x"}, "dz, dy, x"
	return k
}

func curveGradientKernels(v *vm) {
	inputGradientKernel("geluGrad", "writes dy·(Φ(x) + x·φ(x)).", func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		density := v.mul(v.expNotAbove(v.mul(v.mul(x, x), f32(-0.5))), f32(normalPeak))
		return v.accumulate(v.normalCDF(x), x, density)
	}).emit(v)
	inputGradientKernel("geluTanhGrad", "writes dy times the derivative of geluTanh at x.", func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		c := v.clampTanh(x)
		square := v.mul(c, c)
		s := v.sigmoid(v.mul(c, v.horner(square, tanhCubic, tanhLinear)))
		rest := v.mul(c, v.sub(v.broadcast(f32(1)), s))
		return v.mul(s, v.mulAdd(rest, v.horner(square, 3*tanhCubic, tanhLinear), f32(1)))
	}).emit(v)
	inputGradientKernel("siluGrad", "writes dy·σ(x)(1 + x(1-σ(x))).", func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		s := v.sigmoid(x)
		return v.mul(s, v.mulAdd(v.sub(v.broadcast(f32(1)), s), x, f32(1)))
	}).emit(v)
	inputGradientKernel("mishGrad", "writes dy times the derivative of mish at x.", func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		u, numerator, denominator, negative := v.mishFraction(x)
		q := v.choose(negative, u, v.mul(u, u))
		slope := v.mul(v.mul(q, f32(4)), v.add(u, f32(1)))
		return v.accumulate(v.div(numerator, denominator), x, v.div(slope, v.mul(denominator, denominator)))
	}).emit(v)
	gradientKernel("hardSigmoidGrad", "writes dy/6 where 0 < y < 1, and 0 elsewhere.", "", func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual {
		return func(dy, y reg.VecVirtual) reg.VecVirtual { return v.onlyBetween(y, 1, v.mul(dy, f32(sixth))) }
	}).emit(v)
	gradientKernel("relu6Grad", "writes dy where 0 < y < 6, and 0 elsewhere.", "", func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual {
		return func(dy, y reg.VecVirtual) reg.VecVirtual { return v.onlyBetween(y, 6, dy) }
	}).emit(v)
	inputGradientKernel("hardSiLUGrad", "writes dy·(x/3 + 1/2) where -3 < x < 3, dy above, and 0 below.", func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		inner := v.accumulate(v.broadcast(f32(0.5)), x, f32(third))
		above := v.choose(v.compare(lessThan, x, f32(hardInterval)), inner, v.broadcast(f32(1)))
		return v.only(v.compare(greaterThan, x, f32(-hardInterval)), above)
	}).emit(v)
}

// onlyBetween returns x where 0 < y < high and 0 elsewhere.
func (v *vm) onlyBetween(y reg.VecVirtual, high float64, x reg.VecVirtual) reg.VecVirtual {
	return v.only(v.compare(greaterThan, y, f32(0)), v.only(v.compare(lessThan, y, f32(high)), x))
}

// hardSigmoid returns min(max(x+3, 0), 6)/6.
func (v *vm) hardSigmoid(x reg.VecVirtual) reg.VecVirtual {
	return v.mul(v.min(v.broadcast(f32(6)), v.max(v.zero(), v.add(x, f32(hardInterval)))), f32(sixth))
}

// clampTanh returns x within ±tanhLargest.
func (v *vm) clampTanh(x reg.VecVirtual) reg.VecVirtual {
	return v.min(v.broadcast(f32(tanhLargest)), v.max(v.broadcast(f32(-tanhLargest)), x))
}

// mishFraction returns exp(-|x|), numerator and denominator of tanh(ln(1+eˣ)), and where x is negative.
func (v *vm) mishFraction(x reg.VecVirtual) (u, numerator, denominator reg.VecVirtual, negative mask) {
	u, negative = v.expMinusAbs(x), v.compare(lessThan, x, f32(0))
	twice := v.add(u, u)
	below, above := v.mulAdd(v.copy(u), u, twice), v.add(twice, f32(1))
	numerator = v.choose(negative, below, above)
	denominator = v.choose(negative, v.add(below, f32(2)), v.mulAdd(twice, u, above))
	return u, numerator, denominator, negative
}

// normalCDF returns Φ(x).
func (v *vm) normalCDF(x reg.VecVirtual) reg.VecVirtual {
	t := v.mul(v.abs(x), f32(sqrtHalf))
	square := v.mul(t, t)
	near := v.horner(square, -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1)
	near = v.mul(v.mulAdd(near, t, t), f32(0.5))
	near = v.add(v.or(near, v.and(x, signBit)), f32(0.5))

	r := v.mulAdd(v.horner(t, -1.72853470e-5, 3.83197126e-4), square, v.horner(t, -3.88396438e-3, 2.42546219e-2))
	for _, c := range []float64{-1.06777877e-1, -6.34846687e-1, -1.28717512e-1} {
		r = v.mulAdd(r, t, f32(c))
	}
	tail := v.mul(v.expNotAbove(v.mulAdd(r, t, v.xor(t, signBit))), f32(0.5))
	far := v.choose(v.compare(lessThan, x, f32(0)), tail, v.sub(v.broadcast(f32(1)), tail))
	return v.choose(v.compare(greaterThan, t, f32(erfSplit)), far, near)
}
