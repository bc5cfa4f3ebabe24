package oip

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// littleEndian is whether memory has numbers as the protocol does.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// readFloats reads values from little-endian bytes, four for each.
func readFloats(values []float32, raw []byte) {
	if littleEndian {
		copy(memory(values), raw)
		return
	}
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
}

// appendFloats appends values as little-endian bytes.
func appendFloats(b []byte, values []float32) []byte {
	if littleEndian {
		return append(b, memory(values)...)
	}
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// memory returns the bytes of values as they lie in memory.
func memory(values []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), 4*len(values))
}
