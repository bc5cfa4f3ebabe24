package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Sizes of the register tiles: 8 rows × 3 vectors of AVX-512 use 24 of 32 registers for sums, 6 rows × 2 vectors of
// AVX2 use 12 of 16. Package kernel's microkernels must agree.
func tileSize(s instructionSet) (rows, vectors int) {
	if s.wide() {
		return 8, 3
	}
	return 6, 2
}

// rowVectors is the number of vectors of sums that a product with one row keeps.
const rowVectors = 8

// gemmKernels generates the inner loops of the matrix product.
func gemmKernels(v *vm) {
	_, vectors := tileSize(v.instructionSet)
	for n := 1; n <= vectors; n++ {
		gemmPanel(v, n, masked)
		if v.wide() {
			gemmPanel(v, n, half)
		} else {
			gemmPanel(v, n, full)
		}
	}
	gemmRow(v)
	copyRows(v)
	peakFMA(v)
}

// lastVector says what the last vector of columns of a panel is.
type lastVector int

const (
	masked lastVector = iota // perhaps partial
	full                     // a whole vector, for AVX2; masks cost AVX-512 nothing
	half                     // perhaps partial, and in a register of half the length, which takes half the time
)

// panelNames are the functions' names.
var panelNames = map[lastVector]string{masked: "gemmPanel%d", full: "gemmFullPanel%d", half: "gemmHalfPanel%d"}

// gemmPanel generates the product of any number of rows with a panel of n vectors of columns.
// Strides are in bytes.
func gemmPanel(v *vm, n int, last lastVector) {
	rows, _ := tileSize(v.instructionSet)
	v.function(fmt.Sprintf(panelNames[last], n),
		"(m, k int, a *float32, ai, ap int, b *float32, bp int, c *float32, ci int, s *float32, si int, last int)",
		fmt.Sprintf("computes C = S + A·B for %d vectors of columns, the last one with last columns; no S means zero.", n))
	p := &panel{vm: v, vectors: n, last: last, a: v.argument("a"), c: v.argument("c"), s: v.argument("s")}
	m := v.argument("m")
	if last != full {
		v.setTail(v.argument("last"))
	}

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
		skip := v.label("skip")
		v.CMPQ(m, operand.U8(r))
		v.JNE(operand.LabelRef(skip))
		p.tile(r)
		v.JMP(operand.LabelRef(done))
		v.Label(skip)
	}
	v.Label(done)
	v.done()
}

// panel is the state of the function that gemmPanel generates.
type panel struct {
	*vm
	vectors int
	last    lastVector
	a, c, s reg.GPVirtual // the tile's first rows
}

// tile generates the sums of a number of rows, and moves c and s to the rows after them.
func (p *panel) tile(rows int) {
	sums := make([][]reg.VecVirtual, rows)
	for i := range sums {
		sums[i] = make([]reg.VecVirtual, p.vectors)
		for j := range sums[i] {
			sums[i][j] = p.column(j)
		}
	}
	p.startSums(sums)
	p.sumProducts(sums)
	p.storeSums(sums)
}

// startSums loads the sums from s, or clears them.
func (p *panel) startSums(sums [][]reg.VecVirtual) {
	zero, ready := p.label("zero"), p.label("ready")
	p.TESTQ(p.s, p.s)
	p.JZ(operand.LabelRef(zero))
	si := p.argument("si")
	for _, row := range sums {
		for j, sum := range row {
			p.loadTo(sum, p.at(p.s, j), p.masked(j))
		}
		p.ADDQ(si, p.s)
	}
	p.JMP(operand.LabelRef(ready))
	p.Label(zero)
	for _, row := range sums {
		for _, sum := range row {
			p.clear(sum)
		}
	}
	p.Label(ready)
}

// sumProducts adds the products over all k to the sums.
func (p *panel) sumProducts(sums [][]reg.VecVirtual) {
	k, ai, ap, b, bp := p.argument("k"), p.argument("ai"), p.argument("ap"), p.argument("b"), p.argument("bp")
	rows := p.rowPointers(p.a, ai, len(sums))
	loop, end := p.label("loop"), p.label("end")
	p.TESTQ(k, k)
	p.JZ(operand.LabelRef(end))
	p.Label(loop)
	columns := make([]reg.VecVirtual, p.vectors)
	for j := range columns {
		columns[j] = p.column(j)
		p.loadTo(columns[j], p.at(b, j), p.masked(j))
	}
	for i, row := range sums {
		if p.wide() && p.vectors <= 2 {
			// With few uses of a factor, broadcasting it anew within each instruction is faster.
			for j, sum := range row {
				p.VFMADD231PS_BCST(rows.address(i), columns[j], sum)
			}
			continue
		}
		factor := p.unary(p.VBROADCASTSS, rows.address(i))
		for j, sum := range row {
			if p.isHalf(j) {
				p.VFMADD231PS(columns[j], factor.AsY(), sum)
			} else {
				p.VFMADD231PS(columns[j], factor, sum)
			}
		}
	}
	for _, base := range rows.bases {
		p.ADDQ(ap, base)
	}
	p.ADDQ(bp, b)
	p.DECQ(k)
	p.JNZ(operand.LabelRef(loop))
	p.Label(end)
}

// storeSums writes the sums to c.
func (p *panel) storeSums(sums [][]reg.VecVirtual) {
	ci := p.argument("ci")
	for _, row := range sums {
		for j, sum := range row {
			p.store(sum, p.at(p.c, j), p.masked(j))
		}
		p.ADDQ(ci, p.c)
	}
}

// column returns a register for vector j of the columns.
func (p *panel) column(j int) reg.VecVirtual {
	if p.isHalf(j) {
		return p.YMM()
	}
	return p.register()
}

// isHalf tells whether vector j has half the length.
func (p *panel) isHalf(j int) bool { return p.last == half && j == p.vectors-1 }

// masked tells whether vector j is.
func (p *panel) masked(j int) bool { return p.last != full && j == p.vectors-1 }

// at returns the address of vector j after base.
func (v *vm) at(base reg.Register, j int) operand.Mem {
	return operand.Mem{Base: base, Disp: 4 * v.width * j}
}

// rowPointers reach rows that are a stride apart: 0 to 4 strides from every fifth row, with the
// stride and three times the stride as indices.
type rowPointers struct {
	bases          []reg.GPVirtual
	stride, triple reg.GPVirtual
}

// rowsPerBase is the number of rows that one pointer reaches.
const rowsPerBase = 5

// rowPointers returns pointers to a number of rows from first.
func (v *vm) rowPointers(first, stride reg.GPVirtual, rows int) rowPointers {
	r := rowPointers{stride: stride}
	if rows > 3 {
		r.triple = v.GP64()
		v.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, r.triple)
	}
	for i := 0; i < rows; i += rowsPerBase {
		base := v.GP64()
		if i == 0 {
			v.MOVQ(first, base)
		} else {
			v.LEAQ(operand.Mem{Base: r.bases[len(r.bases)-1], Index: stride, Scale: 4}, base)
			v.ADDQ(stride, base)
		}
		r.bases = append(r.bases, base)
	}
	return r
}

// address returns the address of row i.
func (r rowPointers) address(i int) operand.Mem {
	m := operand.Mem{Base: r.bases[i/rowsPerBase]}
	switch i % rowsPerBase {
	case 1, 2, 4:
		m.Index, m.Scale = r.stride, uint8(i%rowsPerBase)
	case 3:
		m.Index, m.Scale = r.triple, 1
	}
	return m
}

// gemmRow generates the product of one row with any number of columns, up to
// rowVectors vectors at a time, so that every row of B is read in long pieces.
func gemmRow(v *vm) {
	v.function("gemmRow", "(n, k int, a *float32, ap int, b *float32, bp int, c, s *float32)",
		"computes c = s + a·B for one row; no s means zero.")
	r := &row{vm: v, b: v.argument("b"), c: v.argument("c"), s: v.argument("s"), n: v.argument("n")}
	more, rest, done := v.label("more"), v.label("rest"), v.label("done")
	full := rowVectors * v.width
	v.Label(more)
	v.CMPQ(r.n, operand.U32(full))
	v.JLT(operand.LabelRef(rest))
	r.columns(rowVectors, false)
	v.ADDQ(operand.U32(4*full), r.b)
	v.ADDQ(operand.U32(4*full), r.c)
	v.SUBQ(operand.U32(full), r.n)
	v.JMP(operand.LabelRef(more))

	v.Label(rest)
	for vectors := rowVectors; vectors >= 1; vectors-- {
		skip := v.label("skip")
		v.CMPQ(r.n, operand.U32((vectors-1)*v.width))
		v.JLE(operand.LabelRef(skip))
		v.SUBQ(operand.U32((vectors-1)*v.width), r.n)
		v.setTail(r.n)
		r.columns(vectors, true)
		v.JMP(operand.LabelRef(done))
		v.Label(skip)
	}
	v.Label(done)
	v.done()
}

// row is the state of the function that gemmRow generates.
type row struct {
	*vm
	b, c, s, n reg.GPVirtual
}

// columns generates the sums of a number of vectors of columns, the last one perhaps partial.
func (r *row) columns(vectors int, partial bool) {
	sums := make([]reg.VecVirtual, vectors)
	for j := range sums {
		sums[j] = r.register()
	}
	r.startSums(sums, partial)

	a, ap, b, bp, k := r.argument("a"), r.argument("ap"), r.GP64(), r.argument("bp"), r.argument("k")
	loop, end := r.label("loop"), r.label("end")
	r.MOVQ(r.b, b)
	r.TESTQ(k, k)
	r.JZ(operand.LabelRef(end))
	r.Label(loop)
	factor := r.unary(r.VBROADCASTSS, operand.Mem{Base: a})
	for j, sum := range sums {
		if partial && j == vectors-1 {
			r.VFMADD231PS(r.load(r.at(b, j), true), factor, sum)
		} else {
			r.VFMADD231PS(r.at(b, j), factor, sum)
		}
	}
	r.ADDQ(ap, a)
	r.ADDQ(bp, b)
	r.DECQ(k)
	r.JNZ(operand.LabelRef(loop))
	r.Label(end)

	for j, sum := range sums {
		r.store(sum, r.at(r.c, j), partial && j == vectors-1)
	}
}

// startSums loads the sums from s and moves it on, or clears them.
func (r *row) startSums(sums []reg.VecVirtual, partial bool) {
	zero, ready := r.label("zero"), r.label("ready")
	r.TESTQ(r.s, r.s)
	r.JZ(operand.LabelRef(zero))
	for j, sum := range sums {
		r.loadTo(sum, r.at(r.s, j), partial && j == len(sums)-1)
	}
	r.ADDQ(operand.U32(4*r.width*len(sums)), r.s)
	r.JMP(operand.LabelRef(ready))
	r.Label(zero)
	for _, sum := range sums {
		r.clear(sum)
	}
	r.Label(ready)
}

// copyRows generates the copying of narrow rows, for packing.
func copyRows(v *vm) {
	v.function("copyRows", "(rows, columns int, dst *float32, dp int, src *float32, sp int)",
		"copies rows of columns > 0 floats; the strides dp and sp are in bytes.")
	rows, dst, dp, src, sp := v.argument("rows"), v.argument("dst"), v.argument("dp"), v.argument("src"), v.argument("sp")
	columns := v.argument("columns")
	last := v.GP64()
	v.LEAQ(operand.Mem{Base: columns, Disp: -1}, last)
	v.ANDQ(operand.I32(v.width-1), last)
	v.INCQ(last) // 1 to width columns are left for the partial vector
	v.setTail(last)
	v.SUBQ(last, columns)

	nextRow, vectors, partial := v.label("row"), v.label("vectors"), v.label("partial")
	i := v.GP64()
	v.Label(nextRow)
	v.XORQ(i, i)
	v.Label(vectors)
	v.CMPQ(i, columns)
	v.JGE(operand.LabelRef(partial))
	v.store(v.load(operand.Mem{Base: src, Index: i, Scale: 4}, false), operand.Mem{Base: dst, Index: i, Scale: 4}, false)
	v.ADDQ(operand.U8(v.width), i)
	v.JMP(operand.LabelRef(vectors))
	v.Label(partial)
	v.store(v.load(operand.Mem{Base: src, Index: i, Scale: 4}, true), operand.Mem{Base: dst, Index: i, Scale: 4}, true)
	v.ADDQ(sp, src)
	v.ADDQ(dp, dst)
	v.DECQ(rows)
	v.JNZ(operand.LabelRef(nextRow))
	v.done()
}

// peakChains is the number of independent sums that keep the multipliers busy.
const peakChains = 12

// peakFMA generates a loop that does nothing but multiply and add, for comparison.
func peakFMA(v *vm) {
	v.function("peakFMA", "(rounds int)", fmt.Sprintf("does %d independent multiply-adds per round.", peakChains))
	rounds := v.argument("rounds")
	factor := v.zero()
	var sums [peakChains]reg.VecVirtual
	for i := range sums {
		sums[i] = v.zero()
	}
	loop := v.label("loop")
	v.Label(loop)
	for _, sum := range sums {
		v.accumulate(sum, factor, factor)
	}
	v.DECQ(rounds)
	v.JNZ(operand.LabelRef(loop))
	v.done()
}
