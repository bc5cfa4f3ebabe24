package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Philox's multipliers, key increments and rounds.
const (
	philoxM0     = constant(0xD2511F53)
	philoxM1     = constant(0xCD9E8D57)
	philoxW0     = constant(0x9E3779B9)
	philoxW1     = constant(0xBB67AE85)
	philoxRounds = 10
)

// words is the number of words in a block, group the number of elements that sixteen blocks make.
const (
	words = 4
	group = words * chunk
)

// randomKernel describes a function that fills dst with what transform makes of random words.
type randomKernel struct {
	name, doc string
	element   string // type of dst's elements
	x         bool   // whether there is a slice x to load
	scalars   string // float32 parameters
	// start emits what comes before the loop and returns what makes four vectors, by word, of four vectors of
	// random words. X loads the part of x that belongs to a word.
	start func(v *vm) func(w [words]reg.VecVirtual, x func(word int) reg.VecVirtual) [words]reg.VecVirtual
}

// randomKernels generates the random numbers.
func randomKernels(v *vm) {
	setup := func(f func(v *vm, w [words]reg.VecVirtual) [words]reg.VecVirtual) func(*vm) func([words]reg.VecVirtual, func(int) reg.VecVirtual) [words]reg.VecVirtual {
		return func(v *vm) func([words]reg.VecVirtual, func(int) reg.VecVirtual) [words]reg.VecVirtual {
			return func(w [words]reg.VecVirtual, _ func(int) reg.VecVirtual) [words]reg.VecVirtual { return f(v, w) }
		}
	}
	randomKernel{name: "uint32s", doc: "fills dst with random words.", element: "uint32",
		start: setup(func(_ *vm, w [words]reg.VecVirtual) [words]reg.VecVirtual { return w })}.emit(v)
	randomKernel{name: "uniform", doc: "fills dst with uniform numbers.", element: "float32", start: setup((*vm).uniforms)}.emit(v)
	randomKernel{name: "normal", doc: "fills dst with standard normal numbers.", element: "float32", start: setup((*vm).normals)}.emit(v)
	randomKernel{name: "addNormal", doc: "writes x + sigma·z.", element: "float32", x: true, scalars: "sigma", start: addNormal}.emit(v)
	randomKernel{name: "dropout", doc: "writes scale·x or 0.", element: "float32", x: true, scalars: "keep, scale", start: dropout}.emit(v)
}

func addNormal(v *vm) func([words]reg.VecVirtual, func(int) reg.VecVirtual) [words]reg.VecVirtual {
	sigma := v.scalar("sigma")
	return func(w [words]reg.VecVirtual, x func(int) reg.VecVirtual) [words]reg.VecVirtual {
		z := v.normals(w)
		for i := range z {
			z[i] = v.mulAdd(z[i], sigma, x(i))
		}
		return z
	}
}

func dropout(v *vm) func([words]reg.VecVirtual, func(int) reg.VecVirtual) [words]reg.VecVirtual {
	keep, scale := v.scalar("keep"), v.scalar("scale")
	return func(w [words]reg.VecVirtual, x func(int) reg.VecVirtual) [words]reg.VecVirtual {
		for i, u := range v.uniforms(w) {
			w[i] = v.only(v.compare(lessThan, u, keep), v.mul(scale, x(i)))
		}
		return w
	}
}

// uniforms returns the upper 24 bits of every lane as a fraction.
func (v *vm) uniforms(w [words]reg.VecVirtual) [words]reg.VecVirtual {
	for i := range w {
		w[i] = v.mul(v.toFloat(v.shiftRight(w[i], 8)), f32(1.0/(1<<24)))
	}
	return w
}

// normals makes normal numbers of pairs of words.
func (v *vm) normals(w [words]reg.VecVirtual) [words]reg.VecVirtual {
	for i := 0; i < words; i += 2 {
		u := v.accumulate(v.broadcast(f32(1.0/(1<<32))), v.toFloat(v.shiftRight(w[i], 1)), f32(1.0/(1<<31)))
		r := v.sqrt(v.mul(v.logPositive(u), f32(-2)))
		sin, cos := v.sinCosPi(w[i+1])
		w[i], w[i+1] = v.mul(r, cos), v.mul(r, sin)
	}
	return w
}

// emit generates the function: a loop over whole groups, and the group that is left.
func (k randomKernel) emit(v *vm) {
	v.function(k.name, k.signature(), k.doc)
	g := &randomState{vm: v, k: k, dst: v.GP64(), n: v.GP64()}
	v.Load(v.Param("dst").Base(), g.dst)
	v.Load(v.Param("dst").Len(), g.n)
	if k.x {
		g.x = v.GP64()
		v.Load(v.Param("x").Base(), g.x)
	}
	g.counter = v.GP32()
	v.Load(v.Param("counter").Index(0), g.counter)
	g.transform = k.start(v)

	more, rest, end := v.label("more"), v.label("rest"), v.label("end")
	v.SUBQ(operand.U8(group), g.n)
	v.JLT(operand.LabelRef(rest))
	v.Label(more)
	g.group(false)
	v.ADDQ(operand.U32(4*group), g.dst)
	if k.x {
		v.ADDQ(operand.U32(4*group), g.x)
	}
	v.SUBQ(operand.U8(group), g.n)
	v.JGE(operand.LabelRef(more))
	v.Label(rest)
	v.ADDQ(operand.U8(group), g.n)
	v.JZ(operand.LabelRef(end))
	g.group(true)
	v.Label(end)
	v.done()
}

// signature returns the function's type.
func (k randomKernel) signature() string {
	s := "(dst []" + k.element
	if k.x {
		s += ", x []float32"
	}
	if k.scalars != "" {
		s += ", " + k.scalars + " float32"
	}
	return s + ", key [2]uint32, counter [4]uint32)"
}

// randomState is the state of the function being generated.
type randomState struct {
	*vm
	k         randomKernel
	dst, x, n reg.GPVirtual // where the group starts, and how many elements are left
	counter   reg.GPVirtual // of the next block
	transform func(w [words]reg.VecVirtual, x func(word int) reg.VecVirtual) [words]reg.VecVirtual
}

// group generates 64 elements, of a partial group those that are left.
func (g *randomState) group(partial bool) {
	for half := range chunk / g.width {
		position := func(word int) int { return word*chunk + half*g.width }
		at := func(base reg.Register, word int) operand.Mem {
			if partial {
				g.setTailAfter(position(word))
			}
			return operand.Mem{Base: base, Disp: 4 * position(word)}
		}
		values := g.transform(g.philox(), func(word int) reg.VecVirtual { return g.load(at(g.x, word), partial) })
		for word, value := range values {
			g.store(value, at(g.dst, word), partial)
		}
	}
}

// setTailAfter makes the mask of a vector that starts at the given position of a partial group.
func (g *randomState) setTailAfter(position int) {
	left, bound := g.GP64(), g.GP64()
	g.MOVQ(g.n, left)
	g.SUBQ(operand.U8(position), left)
	g.XORL(bound.As32(), bound.As32())
	g.CMPQ(left, bound)
	g.CMOVQLT(bound, left)
	g.MOVL(operand.U32(g.width), bound.As32())
	g.CMPQ(left, bound)
	g.CMOVQGT(bound, left)
	g.setTail(left)
}

// philox returns the words of one block per lane, and moves the counter on. While it works, the even and the odd
// lanes are in registers of their own, one in each 64 bits with the upper 32 undefined, so that the
// products fit.
func (g *randomState) philox() [words]reg.VecVirtual {
	even, odd := g.firstState(), g.firstState()
	lane := g.fromGeneral(g.counter)
	first := g.register()
	g.VPBROADCASTD(lane, first)
	even[0] = g.addInt(first, g.evenLanes())
	odd[0] = g.addInt(even[0], constant(1))
	g.ADDL(operand.U8(g.width), g.counter)

	key0, key1 := g.parameterWord("key", 0), g.parameterWord("key", 1)
	for round := range philoxRounds {
		if round > 0 {
			key0, key1 = g.addInt(key0, philoxW0), g.addInt(key1, philoxW1)
		}
		even = g.philoxRound(even, key0, key1)
		odd = g.philoxRound(odd, key0, key1)
	}
	var w [words]reg.VecVirtual
	for i := range w {
		w[i] = g.interleave(even[i], odd[i])
	}
	return w
}

// firstState returns a state with all but word 0 of the counter set.
func (g *randomState) firstState() [words]reg.VecVirtual {
	var s [words]reg.VecVirtual
	for i := 1; i < words; i++ {
		s[i] = g.parameterWord("counter", i)
	}
	return s
}

// parameterWord returns a word of an array parameter in all lanes.
func (g *randomState) parameterWord(name string, i int) reg.VecVirtual {
	b, err := g.Param(name).Index(i).Resolve()
	if err != nil {
		panic(err)
	}
	return g.unary(g.VBROADCASTSS, b.Addr)
}

// fromGeneral returns the 32-bit register r in a vector register.
func (v *vm) fromGeneral(r reg.GPVirtual) reg.VecVirtual {
	x := v.XMM()
	v.VMOVD(r.As32(), x)
	return x
}

// evenLanes returns where the numbers 0, 2, 4, … are, one in each 64 bits.
func (v *vm) evenLanes() operand.Mem {
	return operand.NewDataAddr(operand.NewStaticSymbol("evenLanes"), 0)
}

// philoxRound returns the state after one round.
func (v *vm) philoxRound(s [words]reg.VecVirtual, key0, key1 reg.VecVirtual) [words]reg.VecVirtual {
	p0 := v.binary(v.VPMULUDQ, v.VPMULUDQ_BCST, s[0], philoxM0)
	p1 := v.binary(v.VPMULUDQ, v.VPMULUDQ_BCST, s[2], philoxM1)
	return [words]reg.VecVirtual{
		v.xor3(v.shift(v.VPSRLQ, p1, 32), s[1], key0), p1,
		v.xor3(v.shift(v.VPSRLQ, p0, 32), s[3], key1), p0,
	}
}

// xor3 returns x ^ y ^ z, using up x.
func (v *vm) xor3(x, y, z reg.VecVirtual) reg.VecVirtual {
	if v.wide() {
		v.VPTERNLOGD(operand.U8(0x96), z, y, x)
		return x
	}
	return v.xor(v.xor(x, y), z)
}

// interleave returns the lower halves of the 64-bit lanes of even and odd, in turn.
func (v *vm) interleave(even, odd reg.VecVirtual) reg.VecVirtual {
	upper := v.shift(v.VPSLLQ, odd, 32)
	r := v.register()
	if v.wide() {
		bits, k := v.GP32(), v.K()
		v.MOVL(operand.U32(0xaaaa), bits)
		v.KMOVW(bits, k)
		v.VPBLENDMD(upper, even, k, r)
	} else {
		v.VPBLENDD(operand.U8(0xaa), upper, even, r)
	}
	return r
}
