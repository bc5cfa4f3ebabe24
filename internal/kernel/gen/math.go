package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The functions here do what their namesakes in package kernel's math.go do, operation by operation; the
// constants and their sources are explained there.

const (
	log2e     = 1.442695
	ln2High   = 6.93145752e-1
	ln2Low    = 1.42860677e-6
	ln2       = 0.693147182
	roundBias = 12582912

	expLowest   = -104
	expHighest  = 89
	expm1Lowest = -25
	minNormal   = 1.17549435e-38

	logTwoThirds = constant(0x3f2aaaab)
	exponentMask = constant(0xff800000)
	signBit      = constant(0x80000000)
	infinity     = constant(0x7f800000)
	minusInf     = constant(0xff800000)
	notANumber   = constant(0x7fc00000)
)

// reduceExp splits x = j·ln 2 + f.
func (v *vm) reduceExp(x reg.VecVirtual) (j, f reg.VecVirtual) {
	j = v.sub(v.accumulate(v.broadcast(f32(roundBias)), x, f32(log2e)), f32(roundBias))
	f = v.deduct(v.copy(x), j, f32(ln2High))
	return j, v.deduct(f, j, f32(ln2Low))
}

// pow2 returns 2ʲ for an integer j held as an integer.
func (v *vm) pow2(j reg.Register) reg.VecVirtual {
	return v.shiftLeft(v.addInt(j, constant(127)), 23)
}

// scaleExponent returns x·2ʲ for a float j, rounded once.
func (v *vm) scaleExponent(x, j reg.VecVirtual) reg.VecVirtual {
	if v.wide() {
		return v.binary(v.VSCALEFPS, v.VSCALEFPS_BCST, x, j)
	}
	i := v.toInt(j)
	h := v.shiftArith(i, 1)
	rest := v.subInt(i, h)
	return v.mul(v.mul(x, v.pow2(h)), v.pow2(rest))
}

// exp returns eˣ.
func (v *vm) exp(x reg.VecVirtual) reg.VecVirtual {
	return v.expNotAbove(v.min(v.broadcast(f32(expHighest)), x))
}

// expNotAbove returns eˣ for x up to expHighest.
func (v *vm) expNotAbove(x reg.VecVirtual) reg.VecVirtual {
	j, f := v.reduceExp(v.max(v.broadcast(f32(expLowest)), x))
	r := v.horner(f, 1.37805939e-3, 8.37312452e-3, 4.16695364e-2, 1.66664720e-1, 4.99999851e-1, 1, 1)
	return v.scaleExponent(r, j)
}

// expMinusAbs returns exp(-|x|).
func (v *vm) expMinusAbs(x reg.VecVirtual) reg.VecVirtual { return v.expNotAbove(v.or(x, signBit)) }

// expm1 returns eˣ-1 for x ≤ 0.
func (v *vm) expm1(x reg.VecVirtual) reg.VecVirtual {
	j, f := v.reduceExp(v.max(v.broadcast(f32(expm1Lowest)), x))
	t := v.pow2(v.toInt(j))
	r := v.horner(f, 1.97350979e-4, 1.39309070e-3, 8.33343994e-3, 4.16668020e-2, 1.66666716e-1, 4.99999970e-1)
	r = v.mulAdd(r, v.mul(f, f), f)
	return v.mulAdd(r, t, v.sub(t, f32(1)))
}

// log1pPolynomial returns ln(1+m) for |m| ≤ 1/3.
func (v *vm) log1pPolynomial(m reg.VecVirtual) reg.VecVirtual {
	s := v.mul(m, m)
	r := v.horner(s, -0.130310059, -0.121483512, -0.166846126, -0.249996200)
	t := v.horner(s, 0.140869141, 0.139814854, 0.200120345)
	r = v.accumulate(r, t, m)
	r = v.mulAdd(r, m, f32(0.333331972))
	r = v.mulAdd(r, m, f32(-0.5))
	return v.mulAdd(r, s, m)
}

// logPositive returns ln x for positive normal x.
func (v *vm) logPositive(x reg.VecVirtual) reg.VecVirtual {
	m, e := v.splitExponent(x)
	return v.accumulate(v.log1pPolynomial(m), v.toFloat(e), f32(ln2))
}

// splitExponent splits x = (1+m)·2ᵉ with 2/3 ≤ 1+m < 4/3 and an integer e.
func (v *vm) splitExponent(x reg.VecVirtual) (m, e reg.VecVirtual) {
	exponent := v.and(v.subInt(x, logTwoThirds), exponentMask)
	m = v.sub(v.subInt(x, exponent), f32(1))
	return m, v.shiftArith(exponent, 23)
}

// log returns ln x.
func (v *vm) log(x reg.VecVirtual) reg.VecVirtual {
	small := v.compare(lessThan, x, f32(minNormal))
	normal := v.choose(small, v.mul(x, f32(1<<23)), x)
	m, e := v.splitExponent(normal)
	exponent := v.add(v.toFloat(e), v.only(small, v.broadcast(f32(-23))))
	r := v.accumulate(v.log1pPolynomial(m), exponent, f32(ln2))
	r = v.choose(v.compare(equalTo, x, infinity), x, r)
	r = v.choose(v.compare(notAtLeast, x, f32(0)), v.broadcast(notANumber), r)
	return v.choose(v.compare(equalTo, x, f32(0)), v.broadcast(minusInf), r)
}

// log1p returns ln(1+u) for 0 ≤ u ≤ 1.
func (v *vm) log1p(u reg.VecVirtual) reg.VecVirtual {
	large := v.compare(greaterThan, u, f32(1.0/3))
	m := v.choose(large, v.mul(v.sub(u, f32(1)), f32(0.5)), u)
	return v.add(v.log1pPolynomial(m), v.only(large, v.broadcast(f32(ln2))))
}

// sigmoidOf returns 1/(1+e⁻ˣ), from u = exp(-|x|).
func (v *vm) sigmoidOf(x, u reg.VecVirtual) reg.VecVirtual {
	one := v.broadcast(f32(1))
	numerator := v.choose(v.compare(lessThan, x, f32(0)), u, one)
	return v.div(numerator, v.add(u, f32(1)))
}

// sinCosPi returns the sine and cosine of π·s/2³¹.
func (v *vm) sinCosPi(s reg.VecVirtual) (sin, cos reg.VecVirtual) {
	f := v.shiftLeft(s, 2)
	quadrant := v.subInt(s, v.shiftArith(f, 2))
	x := v.mul(v.toFloat(f), f32(math.Pi/2/(1<<32)))
	z := v.mul(x, x)
	sine := v.mulAdd(v.mul(v.horner(z, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1), z), x, x)
	half := v.accumulate(v.broadcast(f32(1)), z, f32(-0.5))
	cosine := v.mulAdd(v.horner(z, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2), v.mul(z, z), half)

	// Bit 30 swaps sine and cosine; bit 31 changes both signs, and bit 30 that of the new cosine.
	odd := v.positive(v.and(quadrant, constant(1<<30)))
	sin = v.xor(v.choose(odd, cosine, sine), v.and(quadrant, signBit))
	negative := v.and(v.xor(quadrant, v.shiftLeft(quadrant, 1)), signBit)
	cos = v.xor(v.choose(odd, sine, cosine), negative)
	return sin, cos
}

// positive returns the mask of the lanes that are positive as integers, of lanes that are not negative.
func (v *vm) positive(x reg.VecVirtual) mask {
	if v.wide() {
		k := v.K()
		v.VPTESTMD(x, x, k)
		return k
	}
	r := v.register()
	v.VPCMPGTD(v.zero(), x, r)
	return r
}

// round returns x rounded to an integer, half to even.
func (v *vm) round(x reg.VecVirtual) reg.VecVirtual {
	r := v.register()
	if v.wide() {
		v.VRNDSCALEPS(operand.U8(0), x, r)
	} else {
		v.VROUNDPS(operand.U8(0), x, r)
	}
	return r
}
