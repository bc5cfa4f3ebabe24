package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transposeKernels generates the transposition of one row of 8×8 blocks; AVX-512 has the same one.
func transposeKernels(v *vm) {
	if v.wide() {
		return
	}
	v.function("transposeBlocks", "(blocks int, dst *float32, ldd int, src *float32, lds int)",
		"transposes 8 rows of 8·blocks columns; the strides ldd and lds are in bytes.")
	blocks, dst, ldd, src, lds := v.argument("blocks"), v.argument("dst"), v.argument("ldd"), v.argument("src"), v.argument("lds")
	from := v.rowPointers(src, lds, 8)

	loop := v.label("loop")
	v.Label(loop)
	rows := make([]reg.VecVirtual, 8)
	for i := range rows {
		rows[i] = v.load(from.address(i), false)
	}
	for _, column := range v.transpose8(rows) {
		v.store(column, operand.Mem{Base: dst}, false)
		v.ADDQ(ldd, dst)
	}
	for _, base := range from.bases {
		v.ADDQ(operand.U8(32), base)
	}
	v.DECQ(blocks)
	v.JNZ(operand.LabelRef(loop))
	v.done()
}

// transpose8 returns the columns of eight rows: pairs of rows are interleaved by
// ones, then by twos, then by halves of registers.
func (v *vm) transpose8(rows []reg.VecVirtual) []reg.VecVirtual {
	var pairs, quads, columns [8]reg.VecVirtual
	for i := 0; i < 8; i += 2 {
		pairs[i], pairs[i+1] = v.register(), v.register()
		v.VUNPCKLPS(rows[i+1], rows[i], pairs[i])
		v.VUNPCKHPS(rows[i+1], rows[i], pairs[i+1])
	}
	for i := 0; i < 8; i += 4 {
		for j := range 2 {
			quads[i+2*j], quads[i+2*j+1] = v.register(), v.register()
			v.VUNPCKLPD(pairs[i+2+j], pairs[i+j], quads[i+2*j])
			v.VUNPCKHPD(pairs[i+2+j], pairs[i+j], quads[i+2*j+1])
		}
	}
	for i := range 4 {
		columns[i], columns[i+4] = v.register(), v.register()
		v.VPERM2F128(operand.U8(0x20), quads[i+4], quads[i], columns[i])
		v.VPERM2F128(operand.U8(0x31), quads[i+4], quads[i], columns[i+4])
	}
	return columns[:]
}
