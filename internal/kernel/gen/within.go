package main

import "github.com/mmcloughlin/avo/reg"

// withinKernels generates the count of the elements that lie in an interval: those that
// stay what they are when moved into it. A NaN stays one, but equals nothing.
func withinKernels(v *vm) {
	var s sums
	kernel{
		name: "within", doc: "counts the elements of x from low to high.",
		reads: []string{"x"}, order: "x", scalars: "low, high", result: "int",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			s = v.newSums()
			low, high, count := v.scalar("low"), v.scalar("high"), v.broadcast(constant(1))
			return func(in []reg.VecVirtual, p part) []reg.VecVirtual {
				moved := v.min(high, v.max(low, in[0]))
				inside := v.only(v.compare(equalTo, moved, in[0]), count)
				v.VPADDD(v.counted(inside, p), s[p.half], s[p.half])
				return nil
			}
		},
		finish: func(v *vm) { v.returnInt(s) },
	}.emit(v)
	magnitudeKernel().emit(v)
}

// magnitudeKernel compares absolute values as the integers that their bits are: those of
// infinity and of no number at all are the largest.
func magnitudeKernel() kernel {
	var s sums
	return kernel{
		name: "magnitude", doc: "returns the bits of the largest absolute value in x.",
		reads: []string{"x"}, order: "x", result: "int",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			s = v.newSums()
			mask := v.broadcast(constant(1<<31 - 1))
			return func(in []reg.VecVirtual, p part) []reg.VecVirtual {
				v.VPMAXUD(v.and(in[0], mask), s[p.half], s[p.half])
				return nil
			}
		},
		finish: func(v *vm) {
			v.storeSum(s, v.VPMAXUD)
			n := v.GP64()
			v.VMOVD(s[0].AsX(), n.As32())
			v.Store(n, v.ReturnIndex(0))
		},
	}
}
