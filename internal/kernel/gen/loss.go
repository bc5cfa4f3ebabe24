package main

import "github.com/mmcloughlin/avo/reg"

// lossKernels generates the losses and their gradients.
func lossKernels(v *vm) {
	bceLogitsKernel().emit(v)
	reduction("bceLoss", "returns the cross-entropy of the logits x against the targets y.", "x, y", []string{"x", "y"},
		func(v *vm, sum reg.VecVirtual, in []reg.VecVirtual, p part) {
			v.addCrossEntropy(sum, in[0], in[1], v.expMinusAbs(in[0]), p)
		}).emit(v)
	squaredErrorKernel().emit(v)
	roundedAgreeKernel().emit(v)
}

// addCrossEntropy adds max(z, 0) - z·t + ln(1+u), with u = exp(-|z|), to sum.
func (v *vm) addCrossEntropy(sum, z, t, u reg.VecVirtual, p part) {
	linear := v.deduct(v.max(v.zero(), z), z, t)
	v.VADDPS(v.counted(v.add(linear, v.log1p(u)), p), sum, sum)
}

func bceLogitsKernel() kernel {
	var s sums
	return kernel{
		name: "bceLogits", doc: "writes p and dz and returns the cross-entropy.",
		reads: []string{"z", "t"}, writes: []string{"p", "dz"}, order: "p, dz, z, t", scalars: "scale", result: "float32",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			s = v.newSums()
			scale := v.scalar("scale")
			return func(in []reg.VecVirtual, p part) []reg.VecVirtual {
				z, t := in[0], in[1]
				u := v.expMinusAbs(z)
				v.addCrossEntropy(s[p.half], z, t, u, p)
				probability := v.sigmoidOf(z, u)
				return []reg.VecVirtual{probability, v.mul(v.sub(probability, t), scale)}
			}
		},
		finish: func(v *vm) { v.returnFloat(s) },
	}
}

func squaredErrorKernel() kernel {
	var s sums
	return kernel{
		name: "squaredError", doc: "writes d = (p-t)·scale and returns the sum of (p-t)².",
		reads: []string{"p", "t"}, writes: []string{"d"}, order: "d, p, t", scalars: "scale", result: "float32",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			s = v.newSums()
			scale := v.scalar("scale")
			return func(in []reg.VecVirtual, p part) []reg.VecVirtual {
				e := v.sub(in[0], in[1])
				v.accumulate(s[p.half], e, e)
				return []reg.VecVirtual{v.mul(e, scale)}
			}
		},
		finish: func(v *vm) { v.returnFloat(s) },
	}
}

// roundedAgreeKernel counts in integer lanes.
func roundedAgreeKernel() kernel {
	var s sums
	return kernel{
		name: "roundedAgree", doc: "counts where p and t agree once rounded.",
		reads: []string{"p", "t"}, order: "p, t", result: "int",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			s = v.newSums()
			half, one := v.broadcast(f32(0.5)), v.broadcast(f32(1))
			count := v.broadcast(constant(1))
			return func(in []reg.VecVirtual, p part) []reg.VecVirtual {
				rounded := v.only(v.compare(greaterThan, in[0], half), one)
				agree := v.only(v.compare(equalTo, v.round(in[1]), rounded), count)
				v.VPADDD(v.counted(agree, p), s[p.half], s[p.half])
				return nil
			}
		},
		finish: func(v *vm) { v.returnInt(s) },
	}
}
