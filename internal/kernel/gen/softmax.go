package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// softmaxKernels generates the parts of a softmax and of its gradient.
func softmaxKernels(v *vm) {
	maximumKernel().emit(v)
	unaryKernel("expScaled", "writes exp(scale·x + shift).", "scale, shift", func(v *vm) func(reg.VecVirtual) reg.VecVirtual {
		scale, shift := v.scalar("scale"), v.scalar("shift")
		return func(x reg.VecVirtual) reg.VecVirtual { return v.exp(v.add(v.mul(scale, x), shift)) }
	}).emit(v)
	gradientKernel("centred", "writes scale·y·(dy - shift).", "scale, shift", func(v *vm) func(dy, y reg.VecVirtual) reg.VecVirtual {
		scale, shift := v.scalar("scale"), v.scalar("shift")
		return func(dy, y reg.VecVirtual) reg.VecVirtual { return v.mul(v.mul(scale, y), v.sub(dy, shift)) }
	}).emit(v)
}

// maximumKernel describes the largest of x, in which what is not a number does not count.
func maximumKernel() kernel {
	var s sums
	return kernel{
		name: "maximum", doc: "returns the largest of x.", reads: []string{"x"}, order: "x", result: "float32",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			s = make(sums, chunk/v.width)
			for i := range s {
				s[i] = v.broadcast(minusInf)
			}
			return func(in []reg.VecVirtual, p part) []reg.VecVirtual {
				x := in[0]
				if p.partial {
					x = v.choose(v.tail, x, v.broadcast(minusInf))
				}
				v.VMAXPS(s[p.half], x, s[p.half])
				return nil
			}
		},
		finish: func(v *vm) {
			v.storeSum(s, func(ops ...operand.Op) { v.VMAXPS(ops...) })
			v.Store(s[0].AsX(), v.ReturnIndex(0))
		},
	}
}
