package main

import "github.com/mmcloughlin/avo/reg"

// lstmKernels generates a step of an LSTM, forward and backward.
func lstmKernels(v *vm) {
	kernel{
		name: "lstm", doc: "computes cell and output from the gates.",
		reads: []string{"i", "f", "g", "o", "before"}, writes: []string{"i", "f", "g", "o", "c", "t", "h"},
		order: "h, c, t, i, f, g, o, before",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				i, f, o := v.sigmoid(in[0]), v.sigmoid(in[1]), v.sigmoid(in[3])
				g := v.tanh(in[2])
				c := v.accumulate(v.mul(i, g), f, in[4])
				t := v.tanh(c)
				return []reg.VecVirtual{i, f, g, o, c, t, v.mul(o, t)}
			}
		},
	}.emit(v)
	kernel{
		name: "lstmGrad", doc: "computes the gradients of the gates and of the cell before.",
		reads: []string{"i", "f", "g", "o", "dc", "dh", "t", "before"}, writes: []string{"i", "f", "g", "o", "dc"},
		order: "dh, dc, t, i, f, g, o, before",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			one := v.broadcast(f32(1))
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				i, f, g, o, dc, dh, t, before := in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7]
				// σ' = σ(1-σ) and tanh' = 1-tanh².
				do := v.mul(v.mul(dh, t), v.mul(o, v.sub(one, o)))
				d := v.accumulate(dc, v.mul(dh, o), v.deduct(v.broadcast(f32(1)), t, t))
				di := v.mul(v.mul(d, g), v.mul(i, v.sub(one, i)))
				dg := v.mul(v.mul(d, i), v.deduct(v.broadcast(f32(1)), g, g))
				df := v.mul(v.mul(d, before), v.mul(f, v.sub(one, f)))
				return []reg.VecVirtual{di, df, dg, do, v.mul(d, f)}
			}
		},
	}.emit(v)
}

// sigmoid returns 1/(1+e⁻ˣ).
func (v *vm) sigmoid(x reg.VecVirtual) reg.VecVirtual { return v.sigmoidOf(x, v.expMinusAbs(x)) }

// tanh returns the hyperbolic tangent of x.
func (v *vm) tanh(x reg.VecVirtual) reg.VecVirtual {
	e := v.expm1(v.mul(v.abs(x), f32(-2)))
	return v.or(v.abs(v.div(e, v.add(e, f32(2)))), v.and(x, signBit))
}
