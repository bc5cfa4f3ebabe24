package main

import "github.com/mmcloughlin/avo/reg"

// normKernels generates what batch normalisation does to a row of channels.
func normKernels(v *vm) {
	kernel{
		name: "normalize", doc: "computes y = factor·(x - mean) + shift.",
		reads: []string{"x", "mean", "factor", "shift"}, writes: []string{"y"}, order: "y, x, mean, factor, shift",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				return []reg.VecVirtual{v.add(v.mul(in[2], v.sub(in[0], in[1])), in[3])}
			}
		},
	}.emit(v)
	kernel{
		name: "normalizeGrad", doc: "computes dx = factor·(dy - shift - (x - mean)·slope).",
		reads: []string{"dy", "x", "mean", "factor", "shift", "slope"}, writes: []string{"dx"}, order: "dx, dy, x, mean, factor, shift, slope",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				dy, x, mean, factor, shift, slope := in[0], in[1], in[2], in[3], in[4], in[5]
				return []reg.VecVirtual{v.mul(factor, v.sub(v.sub(dy, shift), v.mul(v.sub(x, mean), slope)))}
			}
		},
	}.emit(v)
}
