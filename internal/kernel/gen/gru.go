package main

import "github.com/mmcloughlin/avo/reg"

// gruKernels generates a step of a GRU, forward and backward.
func gruKernels(v *vm) {
	kernel{
		name: "gru", doc: "computes gates and output from the products of input and state.",
		reads: []string{"z", "r", "g", "iz", "ir", "ig", "before"}, writes: []string{"z", "r", "g", "h"},
		order: "h, z, r, g, iz, ir, ig, before",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				z, r := v.sigmoid(v.add(in[0], in[3])), v.sigmoid(v.add(in[1], in[4]))
				g := v.tanh(v.add(in[2], v.mul(r, in[5])))
				rest := v.mul(v.sub(v.broadcast(f32(1)), z), g)
				return []reg.VecVirtual{z, r, g, v.add(v.mul(z, in[6]), rest)}
			}
		},
	}.emit(v)
	kernel{
		name: "gruGrad", doc: "computes the gradients of the gates and what of that of the state before goes through z.",
		reads: []string{"dh", "z", "r", "g", "ig", "before"}, writes: []string{"z", "r", "g", "iz", "ir", "ig", "ahead"},
		order: "dh, ahead, z, r, g, iz, ir, ig, before",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			one := v.broadcast(f32(1))
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				d, z, r, g, inner, before := in[0], in[1], in[2], in[3], in[4], in[5]
				// σ' = σ(1-σ) and tanh' = 1-tanh².
				keep := v.sub(one, z)
				dg := v.mul(v.mul(d, keep), v.sub(one, v.mul(g, g)))
				dz := v.mul(v.mul(d, v.sub(before, g)), v.mul(z, keep))
				dr := v.mul(v.mul(dg, inner), v.mul(r, v.sub(one, r)))
				return []reg.VecVirtual{dz, dr, dg, dz, dr, v.mul(dg, r), v.mul(d, z)}
			}
		},
	}.emit(v)
}
