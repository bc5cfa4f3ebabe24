package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"hourglass/exchange/internal/relayout"
	"hourglass/exchange/onnx/internal/schema"
	"hourglass/tensor"
)

// array is a constant: weights, or whole numbers such as shapes, which may be multiples of
// the number of samples.
type array struct {
	axes   []relayout.Axis
	floats []float32
	ints   []relayout.Axis // instead
	// uniform tells that all elements are the only one that is kept.
	uniform bool
}

// size returns the number of elements of axes, false if it is not known or too large.
func size(axes []relayout.Axis) (int, bool) {
	n := 1
	for _, a := range axes {
		if a.Batch || a.Size < 0 || a.Size > 0 && n > maxArray/a.Size {
			return 0, false
		}
		n *= a.Size
	}
	return n, true
}

// vector returns whole numbers on one axis.
func vector(values ...relayout.Axis) *array {
	return &array{axes: plainAxes(len(values)), ints: values}
}

func plainAxes(sizes ...int) []relayout.Axis {
	axes := make([]relayout.Axis, len(sizes))
	for i, n := range sizes {
		axes[i].Size = n
	}
	return axes
}

// shape returns the lengths of an array's axes.
func (a *array) shape() tensor.Shape {
	shape := make(tensor.Shape, len(a.axes))
	for i, x := range a.axes {
		shape[i] = x.Size
	}
	return shape
}

// scalar returns the only number of an array.
func (a *array) scalar() (float32, bool) {
	if n, ok := size(a.axes); len(a.floats) == 1 && (a.uniform || ok && n == 1) {
		return a.floats[0], true
	}
	return 0, false
}

// zero reports whether all elements are 0.
func (a *array) zero() bool {
	return a.floats != nil && !slices.ContainsFunc(a.floats, func(v float32) bool { return v != 0 })
}

// decode returns the array in a tensor of the format.
func decode(t *schema.TensorProto, beside *os.Root) (*array, error) {
	a := &array{}
	for _, d := range t.Dims {
		if d < 0 || d > maxArray {
			return nil, fmt.Errorf("an axis of length %d", d)
		}
		a.axes = append(a.axes, relayout.Axis{Size: int(d)})
	}
	n, ok := size(a.axes)
	if !ok {
		return nil, fmt.Errorf("shape %v has more than %d elements", t.Dims, maxArray)
	}
	raw := t.RawData
	if t.GetDataLocation() == schema.TensorProto_EXTERNAL {
		var err error
		if raw, err = external(t, beside); err != nil {
			return nil, err
		}
	}
	if err := a.fill(t, raw); err != nil {
		return nil, err
	}
	if got := max(len(a.floats), len(a.ints)); got != n {
		return nil, fmt.Errorf("%d values, want %d for shape %v", got, n, t.Dims)
	}
	return a, nil
}

// fill reads the values.
func (a *array) fill(t *schema.TensorProto, raw []byte) error {
	ints := func(width int, value func([]byte) int64, others []int64) {
		a.ints = make([]relayout.Axis, 0, max(len(raw)/width, len(others)))
		for ; len(raw) >= width; raw = raw[width:] {
			a.ints = append(a.ints, relayout.Axis{Size: whole(value(raw))})
		}
		for _, v := range others {
			a.ints = append(a.ints, relayout.Axis{Size: whole(v)})
		}
	}
	floats := func(width int, value func([]byte) float32) {
		a.floats = make([]float32, 0, len(raw)/width)
		for ; len(raw) >= width; raw = raw[width:] {
			a.floats = append(a.floats, value(raw))
		}
	}
	little := binary.LittleEndian
	switch kind := schema.TensorProto_DataType(t.GetDataType()); kind {
	case schema.TensorProto_FLOAT:
		floats(4, func(b []byte) float32 { return math.Float32frombits(little.Uint32(b)) })
		a.floats = append(a.floats, t.FloatData...)
	case schema.TensorProto_DOUBLE:
		floats(8, func(b []byte) float32 { return float32(math.Float64frombits(little.Uint64(b))) })
		for _, v := range t.DoubleData {
			a.floats = append(a.floats, float32(v))
		}
	case schema.TensorProto_FLOAT16:
		floats(2, func(b []byte) float32 { return halfToFloat(little.Uint16(b)) })
		for _, v := range t.Int32Data {
			a.floats = append(a.floats, halfToFloat(uint16(v)))
		}
	case schema.TensorProto_BFLOAT16:
		floats(2, func(b []byte) float32 { return math.Float32frombits(uint32(little.Uint16(b)) << 16) })
		for _, v := range t.Int32Data {
			a.floats = append(a.floats, math.Float32frombits(uint32(uint16(v))<<16))
		}
	case schema.TensorProto_INT64:
		ints(8, func(b []byte) int64 { return int64(little.Uint64(b)) }, t.Int64Data)
	case schema.TensorProto_INT32:
		ints(4, func(b []byte) int64 { return int64(int32(little.Uint32(b))) }, widen(t.Int32Data))
	case schema.TensorProto_BOOL, schema.TensorProto_UINT8:
		ints(1, func(b []byte) int64 { return int64(b[0]) }, widen(t.Int32Data))
	default:
		return fmt.Errorf("values of type %v, want floating-point numbers or whole numbers", kind)
	}
	return nil
}

// whole returns a whole number, or where it is beyond 32 bits the largest or smallest of
// these, which is as far beyond every axis.
func whole(v int64) int { return int(min(max(v, math.MinInt32), math.MaxInt32)) }

func widen(values []int32) []int64 {
	wide := make([]int64, len(values))
	for i, v := range values {
		wide[i] = int64(v)
	}
	return wide
}

// halfToFloat returns the number of 16 bits in IEEE 754's binary16.
func halfToFloat(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // fraction·2⁻²⁴, exactly
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// external returns the bytes of values that stand in a file of their own. The file must
// lie in or below the model's folder; no link leads out of it.
func external(t *schema.TensorProto, beside *os.Root) ([]byte, error) {
	if beside == nil {
		return nil, errors.New("values stand in a file of their own, which needs ReadFile")
	}
	var location string
	offset, length := int64(0), int64(-1)
	for _, e := range t.ExternalData {
		var err error
		switch e.GetKey() {
		case "location":
			location = filepath.FromSlash(e.GetValue())
		case "offset":
			offset, err = strconv.ParseInt(e.GetValue(), 10, 64)
		case "length":
			length, err = strconv.ParseInt(e.GetValue(), 10, 64)
		}
		if err != nil || offset < 0 || length > maxFile {
			return nil, fmt.Errorf("values in %.80q: %s is %.40q, want a number of bytes", location, e.GetKey(), e.GetValue())
		}
	}
	if !filepath.IsLocal(location) {
		return nil, fmt.Errorf("values stand in %.80q, want a file in the model's folder", location)
	}
	f, err := beside.Open(location)
	if err != nil {
		return nil, fmt.Errorf("values stand in another file: %w", err)
	}
	defer f.Close()
	if length < 0 {
		length = maxFile
	}
	return io.ReadAll(io.NewSectionReader(f, offset, length))
}
