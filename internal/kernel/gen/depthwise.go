package main

import (
	"fmt"
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// depthwiseKernels generates a row of a depthwise convolution, and its gradients with respect to the
// weights of up to four taps.
func depthwiseKernels(v *vm) {
	v.function("depthwiseRow", "(pixels, channels, taps int, y *float32, yPixel int, x *float32, xPixel int, w *float32, tap *int, bias *float32)",
		"writes the sums of pixels times weights over the taps.")
	v.eachVector([]string{"y", "x", "w", "bias"}, func(p map[string]reg.GPVirtual, partial bool) {
		v.depthwiseRow(p, partial)
	})
	v.done()
	for taps := 1; taps <= 4; taps++ {
		v.function(fmt.Sprintf("depthwiseGrad%d", taps),
			"(rows, pixels, channels int, dw, x *float32, xRow, xPixel int, dy *float32, yRow, yPixel int, tap *int)",
			"adds the sums of the products of pixels and slopes.")
		v.eachVector([]string{"dw", "x", "dy"}, func(p map[string]reg.GPVirtual, partial bool) {
			v.depthwiseGrad(taps, p, partial)
		})
		v.done()
	}
}

// eachVector generates body for every vector of channels, with pointers that move on along them.
// Body must leave the pointers as they are.
func (v *vm) eachVector(names []string, body func(p map[string]reg.GPVirtual, partial bool)) {
	more, rest, end := v.label("more"), v.label("rest"), v.label("end")
	pointers := map[string]reg.GPVirtual{}
	for _, name := range names {
		pointers[name] = v.argument(name)
	}
	left := v.argument("channels")
	v.ANDQ(operand.U8(v.width-1), left)
	v.setTail(left)
	n := v.argument("channels")
	v.SHRQ(operand.U8(bits.TrailingZeros(uint(v.width))), n)
	v.JZ(operand.LabelRef(rest))
	v.Label(more)
	body(pointers, false)
	for _, name := range names {
		v.ADDQ(operand.U32(4*v.width), pointers[name])
	}
	v.DECQ(n)
	v.JNZ(operand.LabelRef(more))
	v.Label(rest)
	v.TESTQ(left, left)
	v.JZ(operand.LabelRef(end))
	body(pointers, true)
	v.Label(end)
}

// depthwiseRow generates a vector of channels of all pixels, four pixels at a time.
func (v *vm) depthwiseRow(p map[string]reg.GPVirtual, partial bool) {
	four, fewer, one, done := v.label("four"), v.label("fewer"), v.label("one"), v.label("done")
	x, y, n := v.GP64(), v.GP64(), v.argument("pixels")
	v.MOVQ(p["x"], x)
	v.MOVQ(p["y"], y)
	xPixel, yPixel := v.argument("xPixel"), v.argument("yPixel")
	group := func(pixels int) {
		v.depthwisePixels(pixels, x, xPixel, y, yPixel, p["w"], p["bias"], partial)
		v.SUBQ(operand.U8(pixels), n)
	}
	v.Label(four)
	v.CMPQ(n, operand.U8(4))
	v.JLT(operand.LabelRef(fewer))
	group(4)
	v.JMP(operand.LabelRef(four))
	v.Label(fewer)
	v.TESTQ(n, n)
	v.JZ(operand.LabelRef(done))
	v.Label(one)
	group(1)
	v.JNZ(operand.LabelRef(one))
	v.Label(done)
}

// depthwisePixels generates the sums of one or four pixels, and moves x and y behind them.
func (v *vm) depthwisePixels(pixels int, x, xPixel, y, yPixel, w, bias reg.GPVirtual, partial bool) {
	next, zeros, start, end := v.label("tap"), v.label("zeros"), v.label("start"), v.label("end")
	sums := make([]reg.VecVirtual, pixels)
	for i := range sums {
		sums[i] = v.register()
	}
	given := v.argument("bias")
	v.TESTQ(given, given)
	v.JZ(operand.LabelRef(zeros))
	v.loadTo(sums[0], operand.Mem{Base: bias}, partial)
	v.JMP(operand.LabelRef(start))
	v.Label(zeros)
	v.clear(sums[0])
	v.Label(start)
	for _, s := range sums[1:] {
		v.VMOVAPS(sums[0], s)
	}
	tap, count := v.argument("tap"), v.argument("taps")
	at, from := v.GP64(), v.GP64()
	v.TESTQ(count, count)
	v.JZ(operand.LabelRef(end))
	v.Label(next)
	v.MOVQ(operand.Mem{Base: tap}, from)
	v.LEAQ(operand.Mem{Base: x, Index: from, Scale: 4}, from)
	v.MOVQ(operand.Mem{Base: tap, Disp: 8}, at)
	weights := v.load(operand.Mem{Base: w, Index: at, Scale: 4}, partial)
	for i, s := range sums {
		if i > 0 {
			v.ADDQ(xPixel, from)
		}
		if partial {
			v.VFMADD231PS(v.load(operand.Mem{Base: from}, true), weights, s)
		} else {
			v.VFMADD231PS(operand.Mem{Base: from}, weights, s)
		}
	}
	v.ADDQ(operand.U8(16), tap)
	v.DECQ(count)
	v.JNZ(operand.LabelRef(next))
	v.Label(end)
	for _, s := range sums {
		v.store(s, operand.Mem{Base: y}, partial)
		v.ADDQ(yPixel, y)
		v.ADDQ(xPixel, x)
	}
}

// depthwiseGrad generates a vector of channels of the gradient of some taps.
func (v *vm) depthwiseGrad(taps int, p map[string]reg.GPVirtual, partial bool) {
	row, pixel := v.label("row"), v.label("pixel")
	tap := v.argument("tap")
	sums, places := make([]reg.VecVirtual, taps), make([]operand.Mem, taps)
	offsets := make([]reg.GPVirtual, taps)
	for i := range sums {
		place := v.GP64()
		v.MOVQ(operand.Mem{Base: tap, Disp: 16*i + 8}, place)
		places[i] = operand.Mem{Base: p["dw"], Index: place, Scale: 4}
		sums[i] = v.load(places[i], partial)
	}
	for i := range offsets {
		offsets[i] = v.GP64()
		v.MOVQ(operand.Mem{Base: tap, Disp: 16 * i}, offsets[i])
	}
	x, dy, rows := v.GP64(), v.GP64(), v.argument("rows")
	v.MOVQ(p["x"], x)
	v.MOVQ(p["dy"], dy)
	v.Label(row)
	n := v.argument("pixels")
	xAt, yAt := v.GP64(), v.GP64()
	v.MOVQ(x, xAt)
	v.MOVQ(dy, yAt)
	v.Label(pixel)
	slopes := v.load(operand.Mem{Base: yAt}, partial)
	for i, s := range sums {
		from := operand.Mem{Base: xAt, Index: offsets[i], Scale: 4}
		if partial {
			v.VFMADD231PS(v.load(from, true), slopes, s)
		} else {
			v.VFMADD231PS(from, slopes, s)
		}
	}
	for _, step := range []struct {
		name string
		at   reg.GPVirtual
	}{{"xPixel", xAt}, {"yPixel", yAt}} {
		b, err := v.Param(step.name).Resolve()
		if err != nil {
			panic(err)
		}
		v.ADDQ(b.Addr, step.at)
	}
	v.DECQ(n)
	v.JNZ(operand.LabelRef(pixel))
	v.ADDQ(v.argument("xRow"), x)
	v.ADDQ(v.argument("yRow"), dy)
	v.DECQ(rows)
	v.JNZ(operand.LabelRef(row))
	for i, s := range sums {
		place := v.GP64()
		v.MOVQ(operand.Mem{Base: v.argument("tap"), Disp: 16*i + 8}, place)
		places[i].Index = place
		v.store(s, places[i], partial)
	}
}
