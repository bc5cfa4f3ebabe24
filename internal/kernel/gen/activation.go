package main

import (
	"github.com/mmcloughlin/avo/reg"
)

const (
	seluScale      = 1.05070098
	seluScaleAlpha = 1.7580993
)

// activationKernels generates the activations and their derivatives.
func activationKernels(v *vm) {
	unaryKernel("sigmoid", "writes 1/(1+e⁻ˣ).", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		return v.sigmoidOf(x, v.expMinusAbs(x))
	})).emit(v)
	unaryKernel("tanh", "writes tanh x.", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		e := v.expm1(v.mul(v.abs(x), f32(-2)))
		return v.or(v.abs(v.div(e, v.add(e, f32(2)))), v.and(x, signBit))
	})).emit(v)
	unaryKernel("softplus", "writes ln(1+eˣ).", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		return v.add(v.max(v.zero(), x), v.log1p(v.expMinusAbs(x)))
	})).emit(v)
	unaryKernel("relu", "writes max(x, 0).", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		return v.max(v.zero(), x)
	})).emit(v)
	unaryKernel("leakyReLU", "writes x or slope·x.", "slope", func(v *vm) func(reg.VecVirtual) reg.VecVirtual {
		slope := v.scalar("slope")
		return func(x reg.VecVirtual) reg.VecVirtual {
			return v.choose(v.compare(greaterThan, x, f32(0)), x, v.mul(slope, x))
		}
	}).emit(v)
	unaryKernel("elu", "writes x or alpha·(eˣ-1).", "alpha", func(v *vm) func(reg.VecVirtual) reg.VecVirtual {
		alpha := v.scalar("alpha")
		return func(x reg.VecVirtual) reg.VecVirtual {
			return v.choose(v.compare(greaterThan, x, f32(0)), x, v.mul(alpha, v.expm1NotAbove(x)))
		}
	}).emit(v)
	unaryKernel("selu", "writes SELU.", "", pure(func(v *vm, x reg.VecVirtual) reg.VecVirtual {
		negative := v.mul(v.expm1NotAbove(x), f32(seluScaleAlpha))
		return v.choose(v.compare(greaterThan, x, f32(0)), v.mul(x, f32(seluScale)), negative)
	})).emit(v)
	gradientKernels(v)
}

// expm1NotAbove returns expm1 for x ≤ 0 and something for others.
func (v *vm) expm1NotAbove(x reg.VecVirtual) reg.VecVirtual {
	return v.expm1(v.min(v.zero(), x))
}

// gradientKernel describes dz = f(dy, y).
func gradientKernel(name, doc, scalars string, f func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual) kernel {
	return kernel{
		name: name, doc: doc, reads: []string{"dy", "y"}, writes: []string{"dz"}, order: "dz, dy, y", scalars: scalars,
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			body := f(v)
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				return []reg.VecVirtual{body(in[0], in[1])}
			}
		},
	}
}

// gradientKernels generates dz = dy·f'(x) from y = f(x).
func gradientKernels(v *vm) {
	gradientKernel("sigmoidGrad", "writes dy·y(1-y).", "", func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual {
		one := v.broadcast(f32(1))
		return func(dy, y reg.VecVirtual) reg.VecVirtual { return v.mul(v.mul(dy, y), v.sub(one, y)) }
	}).emit(v)
	gradientKernel("tanhGrad", "writes dy·(1-y²).", "", func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual {
		return func(dy, y reg.VecVirtual) reg.VecVirtual {
			return v.mul(dy, v.deduct(v.broadcast(f32(1)), y, y))
		}
	}).emit(v)
	gradientKernel("softplusGrad", "writes dy·(1-e⁻ʸ).", "", func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual {
		return func(dy, y reg.VecVirtual) reg.VecVirtual {
			return v.mul(dy, v.xor(v.expm1(v.xor(y, signBit)), signBit))
		}
	}).emit(v)
	gradientKernel("reluGrad", "writes dy or 0.", "", func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual {
		return func(dy, y reg.VecVirtual) reg.VecVirtual {
			return v.only(v.compare(greaterThan, y, f32(0)), dy)
		}
	}).emit(v)
	gradientKernel("leakyReLUGrad", "writes dy or slope·dy.", "slope", func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual {
		slope := v.scalar("slope")
		return func(dy, y reg.VecVirtual) reg.VecVirtual {
			return v.choose(v.compare(greaterThan, y, f32(0)), dy, v.mul(slope, dy))
		}
	}).emit(v)
	gradientKernel("eluGrad", "writes dy or dy·(y+alpha).", "alpha", func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual {
		alpha := v.scalar("alpha")
		return func(dy, y reg.VecVirtual) reg.VecVirtual {
			return v.choose(v.compare(greaterThan, y, f32(0)), dy, v.mul(dy, v.add(y, alpha)))
		}
	}).emit(v)
	gradientKernel("seluGrad", "writes dy·scale or dy·(y+scale·α).", "", func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual {
		scale := v.broadcast(f32(seluScale))
		return func(dy, y reg.VecVirtual) reg.VecVirtual {
			return v.mul(dy, v.choose(v.compare(greaterThan, y, f32(0)), scale, v.add(y, f32(seluScaleAlpha))))
		}
	}).emit(v)
}
