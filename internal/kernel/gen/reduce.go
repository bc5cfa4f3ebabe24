package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sums are the partial sums of a reduction: sixteen lanes in one or two registers.
type sums []reg.VecVirtual

// newSums returns sums of zero.
func (v *vm) newSums() sums {
	s := make(sums, chunk/v.width)
	for i := range s {
		s[i] = v.zero()
	}
	return s
}

// counted returns x, with zeros in the lanes that are not part of a partial vector.
func (v *vm) counted(x reg.VecVirtual, p part) reg.VecVirtual {
	if !p.partial {
		return x
	}
	return v.only(v.tail, x)
}

// storeSum adds the lanes as a tree, halves upon halves, and returns the sum from the function.
// Add is the instruction that adds.
func (v *vm) storeSum(s sums, add func(...operand.Op)) {
	low, high := s[0].AsY(), v.YMM()
	if v.wide() {
		v.VEXTRACTF64X4(operand.U8(1), s[0], high)
		add(high, low, low)
	} else {
		add(s[1], low, low)
	}
	v.VEXTRACTF128(operand.U8(1), low, high.AsX())
	x, y := s[0].AsX(), high.AsX()
	add(y, x, x)
	v.VPERMILPS(operand.U8(0x0e), x, y)
	add(y, x, x)
	v.VPERMILPS(operand.U8(0x01), x, y)
	add(y, x, x)
}

// returnFloat stores the sum in lane 0 of s.
func (v *vm) returnFloat(s sums) {
	v.storeSum(s, v.VADDPS)
	v.Store(s[0].AsX(), v.ReturnIndex(0))
}

// returnInt stores the integer sum in lane 0 of s.
func (v *vm) returnInt(s sums) {
	v.storeSum(s, v.VPADDD)
	n := v.GP64()
	v.VMOVD(s[0].AsX(), n.As32())
	v.Store(n, v.ReturnIndex(0))
}

// reduction describes a function that adds f of the vectors it reads to its partial sums. F may use up the sum.
func reduction(name, doc, order string, reads []string, f func(v *vm, sum reg.VecVirtual, in []reg.VecVirtual, p part)) kernel {
	var s sums
	return kernel{
		name: name, doc: doc, reads: reads, order: order, result: "float32",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			s = v.newSums()
			return func(in []reg.VecVirtual, p part) []reg.VecVirtual {
				f(v, s[p.half], in, p)
				return nil
			}
		},
		finish: func(v *vm) { v.returnFloat(s) },
	}
}

// reduceKernels generates sums and products. The zeros of a partial vector add nothing.
func reduceKernels(v *vm) {
	reduction("sum", "returns the sum of x.", "x", []string{"x"}, func(v *vm, sum reg.VecVirtual, in []reg.VecVirtual, _ part) {
		v.VADDPS(in[0], sum, sum)
	}).emit(v)
	reduction("sumSquares", "returns the sum of the squares of x.", "x", []string{"x"}, func(v *vm, sum reg.VecVirtual, in []reg.VecVirtual, _ part) {
		v.accumulate(sum, in[0], in[0])
	}).emit(v)
	reduction("dot", "returns the sum of the products of x and y.", "x, y", []string{"x", "y"}, func(v *vm, sum reg.VecVirtual, in []reg.VecVirtual, _ part) {
		v.accumulate(sum, in[0], in[1])
	}).emit(v)
	reduction("squaredDistance", "returns the sum of the squares of x-y.", "x, y", []string{"x", "y"}, func(v *vm, sum reg.VecVirtual, in []reg.VecVirtual, _ part) {
		d := v.sub(in[0], in[1])
		v.accumulate(sum, d, d)
	}).emit(v)
}
