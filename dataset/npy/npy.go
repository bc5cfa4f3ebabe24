// Package npy reads and writes NumPy's array files: .npy, one array, and .npz,
// a zip archive of them
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
//
// Elements may be bool, integers of 8 to 64 bits or floats of 16, 32 or 64, in
// either byte order, and arrays in C or Fortran order. They are read as float32,
// each the nearest there is, or, where an element is a byte or a bool, as bytes.
// [Read] takes a whole array into memory; [Open] leaves it in the file, mapped
// into memory where the system can, and decodes the samples asked for.
//
// Files are not trusted. Memory grows with the bytes that arrive and never with
// what a header promises, and NaN, infinity and numbers beyond float32 are
// refused. That is why headers are parsed here and not by the npyio module,
// which slices them without looking and allocates what they ask for.
package npy

import (
	"fmt"
	"math"

	"hourglass/tensor"
)

// Header describes an array.
type Header struct {
	Type Type
	// Shape is the length of each axis, none for a scalar; each is at least 1.
	Shape tensor.Shape
	// Fortran says that the first axis changes fastest in the file. Arrays that
	// [Read] returns are in C order, whatever the file's.
	Fortran bool
}

// Kind is what the elements of an array are.
type Kind byte

// The kinds, as NumPy abbreviates them.
const (
	Bool  Kind = 'b'
	Int   Kind = 'i'
	Uint  Kind = 'u'
	Float Kind = 'f'
)

// wantedTypes ends the error about any other type.
const wantedTypes = "want bool, integers or floats of at most 64 bits"

// Type is the type of an element.
type Type struct {
	Kind      Kind
	Size      int // in bytes
	BigEndian bool
}

// String returns NumPy's name of the type: "float32", "uint8", "bool"; ">" before
// it marks big-endian bytes.
func (t Type) String() string {
	name := "bool"
	switch t.Kind {
	case Int:
		name = fmt.Sprintf("int%d", 8*t.Size)
	case Uint:
		name = fmt.Sprintf("uint%d", 8*t.Size)
	case Float:
		name = fmt.Sprintf("float%d", 8*t.Size)
	}
	if t.BigEndian {
		return ">" + name
	}
	return name
}

// Max is the number that stands for white or full in arrays of small unsigned
// integers: 1 for bool, 255 and 65535 for integers of 8 and 16 bits, and 0, for
// none, of every other type.
func (t Type) Max() float32 {
	switch {
	case t.Kind == Bool:
		return 1
	case t.Kind == Uint && t.Size <= 2:
		return float32(uint(1)<<(8*t.Size) - 1)
	}
	return 0
}

// bytes reports whether arrays of the type are kept as bytes.
func (t Type) bytes() bool { return t.Kind == Bool || t == Type{Kind: Uint, Size: 1} }

// parseType reads a type as headers spell it, such as "<f4".
func parseType(descr string) (Type, error) {
	refused := fmt.Errorf("holds elements of type %.40q, %s", descr, wantedTypes)
	if len(descr) != 3 {
		return Type{}, refused
	}
	t := Type{Kind: Kind(descr[1]), Size: int(descr[2] - '0'), BigEndian: descr[0] == '>'}
	switch descr[0] {
	case '<', '>':
	case '|':
		if t.Size != 1 {
			return Type{}, refused
		}
	default:
		return Type{}, refused
	}
	if t.Size == 1 {
		t.BigEndian = false
	}
	switch descr[1:] {
	case "b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8":
		return t, nil
	}
	return Type{}, refused
}

// elements is the number of elements, and size that of their bytes. A shape
// that passed checkShape does not overflow.
func (h Header) elements() int64 {
	n := int64(1)
	for _, length := range h.Shape {
		n *= int64(length)
	}
	return n
}

func (h Header) size() int64 { return h.elements() * int64(h.Type.Size) }

// Memory is how many bytes the array takes once [Read] has read it.
func (h Header) Memory() int64 {
	if h.Type.bytes() {
		return h.elements()
	}
	return 4 * h.elements()
}

// maxAxes is NumPy's own limit.
const maxAxes = 64

// checkShape refuses axes without elements and arrays too large to address,
// whose size in bytes, four or more for each element, would overflow.
func checkShape(shape tensor.Shape) error {
	if len(shape) > maxAxes {
		return fmt.Errorf("%d axes, want at most %d", len(shape), maxAxes)
	}
	n := int64(1)
	for i, length := range shape {
		if length < 1 {
			return fmt.Errorf("shape %v: axis %d has length %d, want at least 1", shape, i, length)
		}
		if int64(length) > math.MaxInt64/8/n {
			return fmt.Errorf("shape %v has more elements than any file", shape)
		}
		n *= int64(length)
	}
	return nil
}
