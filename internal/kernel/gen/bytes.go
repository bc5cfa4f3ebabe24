package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// bytesKernels generates the conversion of bytes to fractions of 255. It handles whole vectors only.
func bytesKernels(v *vm) {
	v.function("bytes", "(vectors int, dst *float32, src *byte)", "writes b/255 for vectors of bytes.")
	v.bytesLoop(func(x reg.VecVirtual) reg.VecVirtual { return x })
	v.function("bytesStandard", "(vectors int, dst *float32, src *byte, mean, std float32)", "writes (b/255 - mean)/std for vectors of bytes.")
	mean, std := v.scalar("mean"), v.scalar("std")
	v.bytesLoop(func(x reg.VecVirtual) reg.VecVirtual { return v.div(v.sub(x, mean), std) })
}

// bytesLoop generates the loop: q = b·(1/255) is off by an ulp at most, and adding the remainder
// b - 255q times 1/255 gives the correctly rounded quotient, for each of the 256 bytes.
func (v *vm) bytesLoop(f func(x reg.VecVirtual) reg.VecVirtual) {
	vectors, dst, src := v.argument("vectors"), v.argument("dst"), v.argument("src")
	reciprocal := v.broadcast(f32(1.0 / 255))
	loop := v.label("loop")
	v.Label(loop)
	b := v.register()
	v.VPMOVZXBD(operand.Mem{Base: src}, b)
	x := v.toFloat(b)
	q := v.mul(x, reciprocal)
	remainder := v.deduct(x, q, f32(255))
	q = v.accumulate(q, remainder, reciprocal)
	v.store(f(q), operand.Mem{Base: dst}, false)
	v.ADDQ(operand.U8(v.width), src)
	v.ADDQ(operand.U8(4*v.width), dst)
	v.DECQ(vectors)
	v.JNZ(operand.LabelRef(loop))
	v.done()
}
