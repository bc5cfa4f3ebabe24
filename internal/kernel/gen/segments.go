package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// segmentKernels generates the inner loops of sums of products.
func segmentKernels(v *vm) {
	_, vectors := tileSize(v.instructionSet)
	for n := 1; n <= vectors; n++ {
		segmentPanel(v, n)
	}
}

// segmentPanel generates the sum of products of any number of rows with a panel of n vectors of columns.
// Strides are in bytes; skip leads from behind the last column of A in a segment to the first one in the next.
func segmentPanel(v *vm, n int) {
	rows, _ := tileSize(v.instructionSet)
	v.function(fmt.Sprintf("segmentPanel%d", n),
		"(m, segments, k int, a *float32, ai, ap, skip int, b *float32, bp int, c *float32, ci int, s *float32, si int, last int)",
		fmt.Sprintf("computes C = S + Σ A·B over segments for %d vectors of columns, the last one with last columns; no S means zero.", n))
	p := &segments{panel{vm: v, vectors: n, last: masked, a: v.argument("a"), c: v.argument("c"), s: v.argument("s")}}
	m := v.argument("m")
	v.setTail(v.argument("last"))

	more, rest, done := v.label("more"), v.label("rest"), v.label("done")
	v.Label(more)
	v.CMPQ(m, operand.U8(rows))
	v.JLT(operand.LabelRef(rest))
	p.tile(rows)
	ai := v.argument("ai")
	v.LEAQ(operand.Mem{Base: p.a, Index: ai, Scale: 4}, p.a)
	v.LEAQ(operand.Mem{Base: p.a, Index: ai, Scale: uint8(rows - 4)}, p.a)
	v.SUBQ(operand.U8(rows), m)
	v.JMP(operand.LabelRef(more))

	v.Label(rest)
	for r := rows - 1; r >= 1; r-- {
		next := v.label("skip")
		v.CMPQ(m, operand.U8(r))
		v.JNE(operand.LabelRef(next))
		p.tile(r)
		v.JMP(operand.LabelRef(done))
		v.Label(next)
	}
	v.Label(done)
	v.done()
}

// segments is the state of the function that segmentPanel generates.
type segments struct{ panel }

// tile generates the sums of a number of rows, and moves c and s to the rows after them.
func (p *segments) tile(rows int) {
	sums := make([][]reg.VecVirtual, rows)
	for i := range sums {
		sums[i] = make([]reg.VecVirtual, p.vectors)
		for j := range sums[i] {
			sums[i][j] = p.register()
		}
	}
	p.startSums(sums)
	p.sumSegments(sums)
	p.storeSums(sums)
}

// sumSegments adds the products over all segments, which have at least one column each, to the sums.
func (p *segments) sumSegments(sums [][]reg.VecVirtual) {
	left, b, bp, ap := p.argument("segments"), p.argument("b"), p.argument("bp"), p.argument("ap")
	rows := p.rowPointers(p.a, p.argument("ai"), len(sums))
	segment, loop := p.label("segment"), p.label("loop")
	p.Label(segment)
	k := p.argument("k")
	p.Label(loop)
	columns := make([]reg.VecVirtual, p.vectors)
	for j := range columns {
		columns[j] = p.load(p.at(b, j), p.masked(j))
	}
	for i, row := range sums {
		if p.wide() && p.vectors <= 2 {
			for j, sum := range row {
				p.VFMADD231PS_BCST(rows.address(i), columns[j], sum)
			}
			continue
		}
		factor := p.unary(p.VBROADCASTSS, rows.address(i))
		for j, sum := range row {
			p.VFMADD231PS(columns[j], factor, sum)
		}
	}
	for _, base := range rows.bases {
		p.ADDQ(ap, base)
	}
	p.ADDQ(bp, b)
	p.DECQ(k)
	p.JNZ(operand.LabelRef(loop))
	skip := p.argument("skip")
	for _, base := range rows.bases {
		p.ADDQ(skip, base)
	}
	p.DECQ(left)
	p.JNZ(operand.LabelRef(segment))
}
