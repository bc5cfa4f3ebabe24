package main

import (
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// chunk is the number of elements that a loop handles at a time, for every instruction set: one vector of AVX-512, two
// of AVX2. Reductions keep a chunk of partial sums.
const chunk = 16

// kernel describes a function over slices of equal length.
type kernel struct {
	name    string
	doc     string
	reads   []string // slices of float32 that are loaded
	writes  []string // slices of float32 that are stored; some of them may be loaded as well
	order   string   // all slices in the order of the parameters, separated by ", "
	scalars string   // float32 parameters after them, separated by ", "
	result  string   // type of the result of a reduction

	// start emits what comes before the loop and returns what the loop does with one vector: it takes the
	// vectors of reads and returns those of writes.
	start func(v *vm) func(in []reg.VecVirtual, p part) []reg.VecVirtual
	// finish, in a reduction, emits what comes after the loop.
	finish func(v *vm)
}

// part tells which part of a chunk a vector is, and whether only the lanes of the tail count.
type part struct {
	half    int
	partial bool
}

// signature returns the function's type.
func (k kernel) signature() string {
	parameters := k.order + " []float32"
	if k.scalars != "" {
		parameters += ", " + k.scalars + " float32"
	}
	result := ""
	if k.result != "" {
		result = " " + k.result
	}
	return "(" + parameters + ")" + result
}

// emit generates the function: a loop over chunks, then what is left.
func (k kernel) emit(v *vm) {
	v.function(k.name, k.signature(), k.doc)
	bases := map[string]reg.GPVirtual{}
	for _, s := range append(append([]string{}, k.reads...), k.writes...) {
		if _, ok := bases[s]; !ok {
			bases[s] = v.GP64()
			v.Load(v.Param(s).Base(), bases[s])
		}
	}
	first, _, _ := strings.Cut(k.order, ", ")
	n, i := v.GP64(), v.GP64()
	v.Load(v.Param(first).Len(), n)
	v.XORQ(i, i)
	body := k.start(v)

	vector := func(p part) {
		var in []reg.VecVirtual
		for _, s := range k.reads {
			in = append(in, v.load(operand.Mem{Base: bases[s], Index: i, Scale: 4}, p.partial))
		}
		for j, out := range body(in, p) {
			v.store(out, operand.Mem{Base: bases[k.writes[j]], Index: i, Scale: 4}, p.partial)
		}
	}
	step := func(p part) {
		vector(p)
		v.ADDQ(operand.U8(v.width), i)
	}
	partial := func(half int) {
		v.setTail(n)
		vector(part{half, true})
	}
	v.loop(n, step, partial, k.result != "")
	if k.finish != nil {
		k.finish(v)
	}
	v.done()
}

// loop generates step for every full vector of n elements and partial for the rest. The halves of
// a chunk are told apart at the end only where it matters, in a reduction.
func (v *vm) loop(n reg.GPVirtual, step func(part), partial func(half int), reduction bool) {
	more, rest, end := v.label("more"), v.label("rest"), v.label("end")
	v.SUBQ(operand.U8(chunk), n)
	v.JLT(operand.LabelRef(rest))
	v.Label(more)
	for half := range chunk / v.width {
		step(part{half: half})
	}
	v.SUBQ(operand.U8(chunk), n)
	v.JGE(operand.LabelRef(more))
	v.Label(rest)
	v.ADDQ(operand.U8(chunk), n)
	v.JZ(operand.LabelRef(end))
	if !v.wide() {
		first := v.label("first")
		v.CMPQ(n, operand.U8(v.width))
		v.JLT(operand.LabelRef(first))
		step(part{half: 0})
		v.SUBQ(operand.U8(v.width), n)
		v.JZ(operand.LabelRef(end))
		if reduction {
			partial(1)
			v.JMP(operand.LabelRef(end))
		}
		v.Label(first)
	}
	partial(0)
	v.Label(end)
}

// unaryKernel describes dst = f(x).
func unaryKernel(name, doc, scalars string, f func(v *vm) func(x reg.VecVirtual) reg.VecVirtual) kernel {
	return kernel{
		name: name, doc: doc, reads: []string{"x"}, writes: []string{"dst"}, order: "dst, x", scalars: scalars,
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			body := f(v)
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual { return []reg.VecVirtual{body(in[0])} }
		},
	}
}

// pure is a function of one vector that needs nothing before the loop.
func pure(f func(v *vm, x reg.VecVirtual) reg.VecVirtual) func(*vm) func(reg.VecVirtual) reg.VecVirtual {
	return func(v *vm) func(reg.VecVirtual) reg.VecVirtual {
		return func(x reg.VecVirtual) reg.VecVirtual { return f(v, x) }
	}
}

// elementwiseKernels generates arithmetic, exp and log.
func elementwiseKernels(v *vm) {
	unaryKernel("exp", "writes eˣ.", "", pure((*vm).exp)).emit(v)
	unaryKernel("log", "writes ln x.", "", pure((*vm).log)).emit(v)
	unaryKernel("scale", "writes a·x.", "a", func(v *vm) func(reg.VecVirtual) reg.VecVirtual {
		a := v.scalar("a")
		return func(x reg.VecVirtual) reg.VecVirtual { return v.mul(a, x) }
	}).emit(v)
	binaryKernel("add", "writes x+y.", func(v *vm, x, y reg.VecVirtual) reg.VecVirtual { return v.add(x, y) }).emit(v)
	binaryKernel("mul", "writes x·y.", func(v *vm, x, y reg.VecVirtual) reg.VecVirtual { return v.mul(x, y) }).emit(v)
	axpyKernel().emit(v)
}

// binaryKernel describes dst = f(x, y).
func binaryKernel(name, doc string, f func(v *vm, x, y reg.VecVirtual) reg.VecVirtual) kernel {
	return kernel{
		name: name, doc: doc, reads: []string{"x", "y"}, writes: []string{"dst"}, order: "dst, x, y",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				return []reg.VecVirtual{f(v, in[0], in[1])}
			}
		},
	}
}

func axpyKernel() kernel {
	return kernel{
		name: "axpy", doc: "adds a·x to y.", reads: []string{"y", "x"}, writes: []string{"y"}, order: "y, x", scalars: "a",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			a := v.scalar("a")
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				return []reg.VecVirtual{v.accumulate(in[0], a, in[1])}
			}
		},
	}
}
