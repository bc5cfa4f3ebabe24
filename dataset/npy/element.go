package npy

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"hourglass/tensor"
)

// decode converts the elements of raw to float32, each rounded once, to the
// nearest. dst is as long as raw has elements.
func (t Type) decode(dst []float32, raw []byte) {
	big := t.BigEndian
	switch t {
	case Type{Bool, 1, big}:
		for i := range dst {
			dst[i] = float32(truth(raw[i]))
		}
	case Type{Int, 1, big}:
		for i := range dst {
			dst[i] = float32(int8(raw[i]))
		}
	case Type{Int, 2, big}:
		for i := range dst {
			dst[i] = float32(int16(word16(raw[2*i:], big)))
		}
	case Type{Int, 4, big}:
		for i := range dst {
			dst[i] = float32(int32(word32(raw[4*i:], big)))
		}
	case Type{Int, 8, big}:
		for i := range dst {
			dst[i] = float32(int64(word64(raw[8*i:], big)))
		}
	case Type{Uint, 1, big}:
		for i := range dst {
			dst[i] = float32(raw[i])
		}
	case Type{Uint, 2, big}:
		for i := range dst {
			dst[i] = float32(word16(raw[2*i:], big))
		}
	case Type{Uint, 4, big}:
		for i := range dst {
			dst[i] = float32(word32(raw[4*i:], big))
		}
	case Type{Uint, 8, big}:
		for i := range dst {
			dst[i] = float32(word64(raw[8*i:], big))
		}
	case Type{Float, 2, big}:
		for i := range dst {
			dst[i] = half(word16(raw[2*i:], big))
		}
	case Type{Float, 4, big}:
		for i := range dst {
			dst[i] = math.Float32frombits(word32(raw[4*i:], big))
		}
	case Type{Float, 8, big}:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(word64(raw[8*i:], big)))
		}
	}
}

// truth is 1 for the byte of a bool that is true. NumPy writes 1 only, but
// takes any other byte for true.
func truth(b byte) byte {
	if b != 0 {
		return 1
	}
	return 0
}

func word16(b []byte, big bool) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if big {
		return bits.ReverseBytes16(v)
	}
	return v
}

func word32(b []byte, big bool) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if big {
		return bits.ReverseBytes32(v)
	}
	return v
}

func word64(b []byte, big bool) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if big {
		return bits.ReverseBytes64(v)
	}
	return v
}

// half is the value of an IEEE 754 binary16 number; every one is a float32.
func half(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, fraction := uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch exponent {
	case 0x1f: // infinity or NaN
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	case 0: // zero or subnormal: a multiple of 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// integer returns element i of raw, whose type is an integer or bool; ok is
// false where it does not fit.
func (t Type) integer(raw []byte, i int) (v int64, ok bool) {
	switch {
	case t.Kind == Bool:
		return int64(truth(raw[i])), true
	case t.Kind == Int && t.Size == 1:
		return int64(int8(raw[i])), true
	case t.Kind == Int && t.Size == 2:
		return int64(int16(word16(raw[2*i:], t.BigEndian))), true
	case t.Kind == Int && t.Size == 4:
		return int64(int32(word32(raw[4*i:], t.BigEndian))), true
	case t.Size == 1:
		return int64(raw[i]), true
	case t.Size == 2:
		return int64(word16(raw[2*i:], t.BigEndian)), true
	case t.Size == 4:
		return int64(word32(raw[4*i:], t.BigEndian)), true
	}
	v = int64(word64(raw[8*i:], t.BigEndian))
	return v, t.Kind == Int || v >= 0
}

// unusable returns the place of the first NaN, infinity or number that float32
// cannot hold, or -1. Only floats have such.
func (t Type) unusable(values []float32) int {
	if t.Kind != Float {
		return -1
	}
	return slices.IndexFunc(values, func(v float32) bool { return v-v != 0 })
}

// errUnusable names element number place of the file: in an array of one axis
// the element, in others the sample and the element in it, counted from 0.
func (h Header) errUnusable(place int64, value float32) error {
	what := fmt.Sprint(value)
	if h.Type.Size == 8 {
		what += " or beyond float32"
	}
	index := h.index(place)
	if len(index) < 2 {
		return fmt.Errorf("element %d is %s, want finite numbers", place, what)
	}
	return fmt.Errorf("sample %d, element [%s] (counted from 0) is %s, want finite numbers",
		index[0], strings.ReplaceAll(index[1:].String(), "×", ", "), what)
}

// index returns where in the array element number place of the file belongs.
func (h Header) index(place int64) tensor.Shape {
	index := make(tensor.Shape, len(h.Shape))
	for k := range index {
		axis := len(index) - 1 - k
		if h.Fortran {
			axis = k
		}
		index[axis] = int(place % int64(h.Shape[axis]))
		place /= int64(h.Shape[axis])
	}
	return index
}

// rowMajor brings elements from Fortran into C order.
func rowMajor[T byte | float32](data []T, shape tensor.Shape) []T {
	samples := shape[0]
	order := columnOffsets(shape, 1)
	out := make([]T, len(data))
	// Sample by sample within a tile: a run of the file stays in the cache
	// until all of it is used.
	const tile = 64
	for lo := 0; lo < samples; lo += tile {
		hi := min(lo+tile, samples)
		for element, at := range order {
			column := data[at*samples:]
			for i := lo; i < hi; i++ {
				out[i*len(order)+element] = column[i]
			}
		}
	}
	return out
}

// columnOffsets lists for each element of a sample, in C order, which column of
// a Fortran array holds it, as multiples of unit. A column is as long as there
// are samples, and the axes of a sample run from fastest to slowest.
func columnOffsets(shape tensor.Shape, unit int) []int {
	sample := shape[1:]
	offsets := make([]int, sample.Size())
	for element := range offsets {
		rest, at := element, 0
		for axis := len(sample) - 1; axis >= 0; axis-- {
			at += rest % sample[axis] * tensor.Shape(sample[:axis]).Size()
			rest /= sample[axis]
		}
		offsets[element] = at * unit
	}
	return offsets
}
