package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// instructionSet is what the code is generated for.
type instructionSet struct {
	suffix string // of the functions' names
	width  int    // float32s in a vector
}

var (
	avx2   = instructionSet{"AVX2", 8}
	avx512 = instructionSet{"AVX512", 16}
)

// owns tells whether the function of this name is for s.
func (s instructionSet) owns(name string) bool { return strings.HasSuffix(name, s.suffix) }

// wide tells whether s is AVX-512.
func (s instructionSet) wide() bool { return s == avx512 }

// vm is a machine with vectors of the width of its instruction set. Its methods append
// instructions to the function being built; those that compute return the register
// with the result, and use up only what they say.
type vm struct {
	*build.Context
	instructionSet
	offsets map[uint32]int // of the constants, by their bits, in the file's data
	order   []uint32       // the constants in the order of their offsets
	labels  int
	tail    operand.Op // the mask of the last, partial vector: a K register or a vector
}

// constant is a number, the same in every lane, that an instruction takes from memory.
type constant uint32

// f32 is the constant with the value x.
func f32(x float64) constant { return constant(math.Float32bits(float32(x))) }

// value is a vector register, a memory operand or a constant.
type value any

// constantBytes is the size of a constant's copies in memory: a vector of AVX2; AVX-512 broadcasts the first.
const constantBytes = 32

// address returns where c is kept.
func (v *vm) address(c constant) operand.Mem {
	offset, ok := v.offsets[uint32(c)]
	if !ok {
		offset = constantBytes * len(v.order)
		v.offsets[uint32(c)] = offset
		v.order = append(v.order, uint32(c))
	}
	return operand.NewDataAddr(operand.NewStaticSymbol("constants"), offset)
}

// tailMasks is the symbol of eight words of ones, then eight zeros.
func tailMasks() operand.Mem {
	return operand.NewDataAddr(operand.NewStaticSymbol("tailMasks"), 0)
}

// emitConstants writes the file's data.
func (v *vm) emitConstants() {
	v.StaticGlobal("constants")
	v.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, bits := range v.order {
		for j := 0; j < constantBytes; j += 4 {
			v.AddDatum(i*constantBytes+j, operand.U32(bits))
		}
	}
	if len(v.order) == 0 {
		v.AddDatum(0, operand.U32(0))
	}
	v.StaticGlobal("tailMasks")
	v.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		word := operand.U32(0)
		if i < 8 {
			word = math.MaxUint32
		}
		v.AddDatum(4*i, word)
	}
	v.StaticGlobal("evenLanes")
	v.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 8 {
		v.AddDatum(8*i, operand.U64(2*i))
	}
}

// function starts a function called name and the instruction set.
func (v *vm) function(name, signature, doc string) {
	v.Function(name + v.suffix)
	v.Attributes(attr.NOSPLIT)
	v.SignatureExpr("func" + signature)
	v.Doc(name + v.suffix + " " + doc)
	v.Pragma("noescape")
}

// done ends a function.
func (v *vm) done() {
	v.VZEROUPPER()
	v.RET()
}

// label returns a new label.
func (v *vm) label(name string) string {
	v.labels++
	return fmt.Sprintf("%s%d", name, v.labels)
}

// register returns a new vector register.
func (v *vm) register() reg.VecVirtual {
	if v.wide() {
		return v.ZMM()
	}
	return v.YMM()
}

// apply emits an instruction whose second source may be a constant.
func (v *vm) apply(plain, broadcast func(...operand.Op), source value, rest ...operand.Op) {
	switch s := source.(type) {
	case constant:
		op := plain
		if v.wide() {
			op = broadcast
		}
		op(append([]operand.Op{v.address(s)}, rest...)...)
	case operand.Op:
		plain(append([]operand.Op{s}, rest...)...)
	default:
		panic(fmt.Sprintf("gen: operand of type %T", source))
	}
}

// binary emits a three-operand instruction into a new register.
func (v *vm) binary(plain, broadcast func(...operand.Op), x operand.Op, y value) reg.VecVirtual {
	r := v.register()
	v.apply(plain, broadcast, y, x, r)
	return r
}

func (v *vm) add(x reg.Register, y value) reg.VecVirtual {
	return v.binary(v.VADDPS, v.VADDPS_BCST, x, y)
}
func (v *vm) sub(x reg.Register, y value) reg.VecVirtual {
	return v.binary(v.VSUBPS, v.VSUBPS_BCST, x, y)
}
func (v *vm) mul(x reg.Register, y value) reg.VecVirtual {
	return v.binary(v.VMULPS, v.VMULPS_BCST, x, y)
}
func (v *vm) div(x reg.Register, y value) reg.VecVirtual {
	return v.binary(v.VDIVPS, v.VDIVPS_BCST, x, y)
}

// max returns the larger of bound and x; x where it is not a number.
func (v *vm) max(bound, x reg.Register) reg.VecVirtual {
	return v.binary(v.VMAXPS, v.VMAXPS_BCST, bound, x)
}

// min returns the smaller of bound and x; x where it is not a number.
func (v *vm) min(bound, x reg.Register) reg.VecVirtual {
	return v.binary(v.VMINPS, v.VMINPS_BCST, bound, x)
}

// bitwise operations take the integer forms, which AVX-512F has for zmm registers.
func (v *vm) and(x reg.Register, y value) reg.VecVirtual {
	return v.binary(v.pick(v.VPAND, v.VPANDD), v.VPANDD_BCST, x, y)
}
func (v *vm) or(x reg.Register, y value) reg.VecVirtual {
	return v.binary(v.pick(v.VPOR, v.VPORD), v.VPORD_BCST, x, y)
}
func (v *vm) xor(x reg.Register, y value) reg.VecVirtual {
	return v.binary(v.pick(v.VPXOR, v.VPXORD), v.VPXORD_BCST, x, y)
}

// pick returns the instruction for the instruction set.
func (v *vm) pick(narrow any, wide func(...operand.Op)) func(...operand.Op) {
	if v.wide() {
		return wide
	}
	switch f := narrow.(type) {
	case func(a, b, c operand.Op):
		return func(ops ...operand.Op) { f(ops[0], ops[1], ops[2]) }
	case func(...operand.Op):
		return f
	}
	panic(fmt.Sprintf("gen: instruction of type %T", narrow))
}

func (v *vm) addInt(x reg.Register, y value) reg.VecVirtual {
	return v.binary(v.VPADDD, v.VPADDD_BCST, x, y)
}
func (v *vm) subInt(x reg.Register, y value) reg.VecVirtual {
	return v.binary(v.VPSUBD, v.VPSUBD_BCST, x, y)
}

// shifts of 32-bit lanes.
func (v *vm) shiftLeft(x reg.Register, n int) reg.VecVirtual  { return v.shift(v.VPSLLD, x, n) }
func (v *vm) shiftRight(x reg.Register, n int) reg.VecVirtual { return v.shift(v.VPSRLD, x, n) }
func (v *vm) shiftArith(x reg.Register, n int) reg.VecVirtual { return v.shift(v.VPSRAD, x, n) }

func (v *vm) shift(op func(...operand.Op), x reg.Register, n int) reg.VecVirtual {
	r := v.register()
	op(operand.U8(n), x, r)
	return r
}

// toInt rounds to 32-bit integers, toFloat converts them back.
func (v *vm) toInt(x reg.Register) reg.VecVirtual   { return v.unary(v.VCVTPS2DQ, x) }
func (v *vm) toFloat(x reg.Register) reg.VecVirtual { return v.unary(v.VCVTDQ2PS, x) }
func (v *vm) sqrt(x reg.Register) reg.VecVirtual    { return v.unary(v.VSQRTPS, x) }

func (v *vm) unary(op func(...operand.Op), x operand.Op) reg.VecVirtual {
	r := v.register()
	op(x, r)
	return r
}

// abs returns |x|.
func (v *vm) abs(x reg.Register) reg.VecVirtual { return v.and(x, constant(0x7fffffff)) }

// copy returns a register that may be used up in place of x.
func (v *vm) copy(x operand.Op) reg.VecVirtual { return v.unary(v.VMOVAPS, x) }

// broadcast returns a register with c in every lane.
func (v *vm) broadcast(c constant) reg.VecVirtual { return v.unary(v.VBROADCASTSS, v.address(c)) }

// zero returns a register of zeros.
func (v *vm) zero() reg.VecVirtual {
	r := v.register()
	v.clear(r)
	return r
}

// clear sets r to zeros. That the result does not depend on what r held has to be told to
// avo for VPXORD.
func (v *vm) clear(r reg.Register) {
	if !v.wide() {
		v.VPXOR(r, r, r)
		return
	}
	i, err := x86.VPXORD(r, r, r)
	if err != nil {
		panic(err)
	}
	i.CancellingInputs = true
	v.Instruction(i)
}

// mulAdd returns x·y + z, using up x.
func (v *vm) mulAdd(x reg.VecVirtual, y reg.Register, z value) reg.VecVirtual {
	v.apply(v.VFMADD213PS, v.VFMADD213PS_BCST, z, y, x)
	return x
}

// accumulate returns sum + x·y, using up sum.
func (v *vm) accumulate(sum reg.VecVirtual, x reg.Register, y value) reg.VecVirtual {
	v.apply(v.VFMADD231PS, v.VFMADD231PS_BCST, y, x, sum)
	return sum
}

// deduct returns sum - x·y, using up sum.
func (v *vm) deduct(sum reg.VecVirtual, x reg.Register, y value) reg.VecVirtual {
	v.apply(v.VFNMADD231PS, v.VFNMADD231PS_BCST, y, x, sum)
	return sum
}

// horner returns the polynomial with these coefficients, highest power first, at x.
func (v *vm) horner(x reg.Register, coefficients ...float64) reg.VecVirtual {
	r := v.broadcast(f32(coefficients[0]))
	for _, c := range coefficients[1:] {
		r = v.mulAdd(r, x, f32(c))
	}
	return r
}

// Predicates of compare; false for NaN unless they say otherwise.
const (
	lessThan    = operand.U8(0x11)
	equalTo     = operand.U8(0x00)
	greaterThan = operand.U8(0x1e)
	notAtLeast  = operand.U8(0x19) // true for NaN
)

// mask is the outcome of a comparison: a K register or a vector of ones and zeros.
type mask operand.Op

// compare compares x with y.
func (v *vm) compare(predicate operand.U8, x reg.Register, y value) mask {
	with := func(op func(...operand.Op)) func(...operand.Op) {
		return func(ops ...operand.Op) { op(append([]operand.Op{predicate}, ops...)...) }
	}
	var m mask
	if v.wide() {
		m = v.K()
	} else {
		m = v.register()
	}
	v.apply(with(v.VCMPPS), with(v.VCMPPS_BCST), y, x, m)
	return m
}

// choose returns yes where m holds and no elsewhere.
func (v *vm) choose(m mask, yes, no reg.Register) reg.VecVirtual {
	r := v.register()
	if v.wide() {
		v.VBLENDMPS(yes, no, m, r)
	} else {
		v.VBLENDVPS(m, yes, no, r)
	}
	return r
}

// only returns x where m holds and 0 elsewhere.
func (v *vm) only(m mask, x reg.Register) reg.VecVirtual {
	r := v.register()
	if v.wide() {
		v.VMOVAPS_Z(x, m, r)
	} else {
		v.VANDPS(x, m, r)
	}
	return r
}

// setTail makes the mask of the first n lanes, 0 ≤ n ≤ width.
func (v *vm) setTail(n reg.GPVirtual) {
	if v.wide() {
		ones, k := v.GP32(), v.K()
		v.MOVL(operand.U32(math.MaxUint32), ones)
		v.BZHIL(n.As32(), ones, ones)
		v.KMOVW(ones, k)
		v.tail = k
		return
	}
	address, negative := v.GP64(), v.GP64()
	v.LEAQ(tailMasks().Offset(32), address)
	v.MOVQ(n, negative)
	v.NEGQ(negative)
	m := v.register()
	v.VMOVUPS(operand.Mem{Base: address, Index: negative, Scale: 4}, m)
	v.tail = m
}

// load returns the vector at m; of a partial one the lanes of the tail, and zeros.
func (v *vm) load(m operand.Mem, partial bool) reg.VecVirtual {
	r := v.register()
	v.loadTo(r, m, partial)
	return r
}

// loadTo is load into a given register.
func (v *vm) loadTo(r reg.VecVirtual, m operand.Mem, partial bool) {
	switch {
	case !partial:
		v.VMOVUPS(m, r)
	case v.wide():
		v.VMOVUPS_Z(m, v.tail, r)
	default:
		v.VMASKMOVPS(m, v.tail, r)
	}
}

// store writes r to m, of a partial vector the lanes of the tail.
func (v *vm) store(r reg.Register, m operand.Mem, partial bool) {
	switch {
	case !partial:
		v.VMOVUPS(r, m)
	case v.wide():
		v.VMOVUPS(r, v.tail, m)
	default:
		v.VMASKMOVPS(r, v.tail, m)
	}
}

// argument returns the integer or pointer parameter of this name.
func (v *vm) argument(name string) reg.GPVirtual {
	r := v.GP64()
	v.Load(v.Param(name), r)
	return r
}

// scalar returns a register with the float32 parameter of this name in every lane.
func (v *vm) scalar(name string) reg.VecVirtual {
	b, err := v.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return v.unary(v.VBROADCASTSS, b.Addr)
}
