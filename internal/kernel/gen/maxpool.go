package main

import (
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// maxPoolKernels generates the maxima of windows of 2×2 pixels, and their gradient.
func maxPoolKernels(v *vm) {
	v.function("maxPool", "(pixels, channels int, y, top, bottom *float32)",
		"writes the maxima of windows of two pixels of a row and the two below.")
	p := newPixels(v, []string{"y"}, []string{"top", "bottom"})
	p.each(func(at func(string, int) operand.Mem, partial bool) {
		best := v.load(at("top", 0), partial)
		for _, m := range []operand.Mem{at("top", 1), at("bottom", 0), at("bottom", 1)} {
			x := v.load(m, partial)
			// Where one of them is not a number, the two are different and one is not a number: so is
			// what has the bits of both.
			best = v.or(v.max(best, x), v.max(x, best))
		}
		v.store(best, at("y", 0), partial)
	})
	v.done()

	v.function("maxPoolGrad", "(pixels, channels int, dtop, dbottom, dy, y, top, bottom *float32)",
		"gives dy to the first pixel of each window that equals y.")
	p = newPixels(v, []string{"dy", "y"}, []string{"dtop", "dbottom", "top", "bottom"})
	zero := v.zero()
	p.each(func(at func(string, int) operand.Mem, partial bool) {
		y, left := v.load(at("y", 0), partial), v.load(at("dy", 0), partial)
		for _, row := range []string{"top", "bottom"} {
			for column := range 2 {
				equal := v.compare(equalTo, v.load(at(row, column), partial), y)
				v.store(v.only(equal, left), at("d"+row, column), partial)
				left = v.choose(equal, zero, left)
			}
		}
	})
	v.done()
}

// pixels walks over the channels of pixels in a row, and of pairs of pixels.
type pixels struct {
	*vm
	bases    map[string]reg.GPVirtual
	pairs    map[string]bool
	channels reg.GPVirtual // in bytes
	count    reg.GPVirtual
}

// newPixels reads the arguments: singles point to pixels, pairs to twice as many.
func newPixels(v *vm, singles, pairs []string) *pixels {
	p := &pixels{vm: v, bases: map[string]reg.GPVirtual{}, pairs: map[string]bool{}, count: v.argument("pixels"), channels: v.argument("channels")}
	for _, name := range append(append([]string{}, singles...), pairs...) {
		p.bases[name] = v.argument(name)
	}
	for _, name := range pairs {
		p.pairs[name] = true
	}
	rest := v.GP64()
	v.MOVQ(p.channels, rest)
	v.ANDQ(operand.U8(v.width-1), rest)
	v.setTail(rest)
	v.SHLQ(operand.U8(2), p.channels)
	return p
}

// each generates body for every vector of channels of every pixel. At gives the address in a
// single pixel, or in the first or second one of a pair.
func (p *pixels) each(body func(at func(name string, pixel int) operand.Mem, partial bool)) {
	pixel, channel, partial, next := p.label("pixel"), p.label("channel"), p.label("partial"), p.label("next")
	i := p.GP64()
	at := func(name string, pixel int) operand.Mem {
		m := operand.Mem{Base: p.bases[name]}
		if pixel == 1 {
			m.Index, m.Scale = p.channels, 1
		}
		return m
	}
	advance := func(bytes operand.Op) {
		for _, name := range p.names() {
			p.ADDQ(bytes, p.bases[name])
		}
	}
	p.Label(pixel)
	p.MOVQ(p.channels, i)
	p.SHRQ(operand.U8(2+bits.TrailingZeros(uint(p.width))), i)
	p.JZ(operand.LabelRef(partial))
	p.Label(channel)
	body(at, false)
	advance(operand.U32(4 * p.width))
	p.DECQ(i)
	p.JNZ(operand.LabelRef(channel))
	p.Label(partial)
	p.MOVQ(p.channels, i)
	p.ANDQ(operand.U32(4*p.width-1), i)
	p.JZ(operand.LabelRef(next))
	body(at, true)
	advance(i)
	p.Label(next)
	for _, name := range p.names() {
		if p.pairs[name] {
			p.ADDQ(p.channels, p.bases[name])
		}
	}
	p.DECQ(p.count)
	p.JNZ(operand.LabelRef(pixel))
}

// names lists the arrays in a fixed order.
func (p *pixels) names() []string {
	var names []string
	for _, name := range []string{"dtop", "dbottom", "dy", "y", "top", "bottom"} {
		if _, ok := p.bases[name]; ok {
			names = append(names, name)
		}
	}
	return names
}
