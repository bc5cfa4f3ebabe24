package oip

import (
	"encoding/binary"
	"fmt"
	"math"

	"hourglass/internal/kernel"
)

// elementSize returns the bytes of a value of an input's datatype, 0 if no input
// can have it. What is a float means the same as float32; an integer could be a
// pixel or a category, and is for the client to convert.
func elementSize(datatype string) int64 {
	switch datatype {
	case FP32:
		return 4
	case FP64:
		return 8
	case FP16:
		return 2
	}
	return 0
}

// decode reads little-endian values from bytes.
func (in *Input) decode(raw []byte) error {
	size := int(elementSize(in.Datatype))
	if len(raw)%size != 0 {
		return fmt.Errorf("%d bytes are no whole number of %s values", len(raw), in.Datatype)
	}
	n := len(raw) / size
	if cap(in.Data) < n {
		in.Data = make([]float32, n)
	}
	in.Data = in.Data[:n]
	switch in.Datatype {
	case FP32:
		readFloats(in.Data, raw)
	case FP64:
		for i := range in.Data {
			in.Data[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	case FP16:
		for i := range in.Data {
			in.Data[i] = half(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	}
	return CheckFinite(in.Data)
}

// half converts a 16-bit float (IEEE 754 binary16).
func half(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent, fraction := uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch exponent {
	case 0:
		v := float32(fraction) * (1.0 / (1 << 24)) // exact
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// CheckFinite reports the first value that is NaN or infinite.
func CheckFinite(values []float32) error {
	if kernel.Finite(values) {
		return nil
	}
	for i, v := range values {
		if v-v != 0 {
			return fmt.Errorf("value %d is %v, want finite numbers", i, v)
		}
	}
	return nil
}
