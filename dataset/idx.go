package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"hourglass/tensor"
)

// IDX is one array of an IDX file, the format of the MNIST files
// (http://yann.lecun.com/exdb/mnist): two zero bytes, a byte for the type of
// the elements, a byte for the number of axes, the length of each axis as a
// 32-bit number, and the elements in row-major order, everything big-endian.
type IDX struct {
	// Shape is the length of each axis, at least one axis of at least 1.
	Shape tensor.Shape
	// Data is a []uint8, []int8, []int16, []int32, []float32 or []float64 of
	// Shape.Size() elements.
	Data any
}

// The type byte of each kind of element.
const (
	idxUint8   = 0x08
	idxInt8    = 0x09
	idxInt16   = 0x0B
	idxInt32   = 0x0C
	idxFloat32 = 0x0D
	idxFloat64 = 0x0E
)

type idxElement interface {
	uint8 | int8 | int16 | int32 | float32 | float64
}

const (
	// idxChunk bounds how much is asked of a file at a time, and what is
	// allocated for a header's promises before any data came.
	idxChunk = 1 << 20
	// gzipRatio is how far images usually compress at most (MNIST to a fifth).
	gzipRatio = 8
)

// ReadIDX reads one array, plain or compressed by gzip or zstd, which it recognises
// by the first bytes, up to the end of r.
//
// Memory grows with the data that arrives, not with what a header promises. A
// wrong magic number, a missing or surplus byte and a wrong checksum are errors.
func ReadIDX(r io.Reader) (IDX, error) {
	a, err := decodeIDX(r, idxDecoder{limit: math.MaxInt})
	if err != nil {
		return IDX{}, fmt.Errorf("dataset: read IDX: %w", err)
	}
	return a, nil
}

// ReadIDXFile reads the array in the file at path as [ReadIDX] does. The error
// names the file.
func ReadIDXFile(path string) (IDX, error) {
	return readIDXFile(path, idxDecoder{limit: math.MaxInt})
}

func readIDXFile(path string, d idxDecoder) (IDX, error) {
	f, err := os.Open(path)
	if err != nil {
		return IDX{}, fmt.Errorf("dataset: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		d.known = int(min(info.Size(), math.MaxInt))
	}
	a, err := decodeIDX(f, d)
	if err != nil {
		return IDX{}, fmt.Errorf("dataset: read %s: %w", path, err)
	}
	return a, nil
}

// decodeIDX reads an array from r, of which d.known bytes are known to exist.
func decodeIDX(r io.Reader, d idxDecoder) (IDX, error) {
	plain, packing, err := decompressed(r)
	if err != nil {
		return IDX{}, err
	}
	d.r = plain
	// What the file probably holds may be allocated at once, which spares most
	// files growing and copying.
	if packing != "" {
		d.known = min(d.known, math.MaxInt/gzipRatio) * gzipRatio
	}
	return d.decode()
}

// idxDecoder reads one array and counts the bytes it came from.
type idxDecoder struct {
	r     io.Reader
	limit int          // bytes that the uncompressed file may have
	known int          // bytes that may be allocated before they arrive
	seen  func([]byte) // given each piece of the uncompressed file, to keep if it likes; or nil
	got   int
	want  int // size of the whole file, from its header
}

func (d *idxDecoder) decode() (IDX, error) {
	code, shape, err := d.header()
	if err != nil {
		return IDX{}, err
	}
	a := IDX{Shape: shape}
	n := shape.Size()
	switch code {
	case idxUint8:
		a.Data, err = idxElements[uint8](d, n)
	case idxInt8:
		a.Data, err = idxElements[int8](d, n)
	case idxInt16:
		a.Data, err = idxElements[int16](d, n)
	case idxInt32:
		a.Data, err = idxElements[int32](d, n)
	case idxFloat32:
		a.Data, err = idxElements[float32](d, n)
	case idxFloat64:
		a.Data, err = idxElements[float64](d, n)
	}
	if err != nil {
		return IDX{}, err
	}
	return a, d.end()
}

// header reads the magic number and the axes, and sets want.
func (d *idxDecoder) header() (code byte, shape tensor.Shape, err error) {
	d.want = 4
	magic := make([]byte, 4)
	if err := d.fill(magic); err != nil {
		return 0, nil, err
	}
	code, axes := magic[2], int(magic[3])
	width := idxWidth(code)
	if magic[0] != 0 || magic[1] != 0 || width == 0 || axes == 0 {
		return 0, nil, fmt.Errorf("starts with bytes %x, want those of an IDX file such as 00000803", magic)
	}
	d.want += 4 * axes
	lengths := make([]byte, 4*axes)
	if err := d.fill(lengths); err != nil {
		return 0, nil, err
	}
	shape = make(tensor.Shape, axes)
	n := 1
	for i := range shape {
		length := binary.BigEndian.Uint32(lengths[4*i:])
		if length == 0 {
			return 0, nil, fmt.Errorf("axis %d has length 0, want at least 1", i)
		}
		if uint64(length) > uint64((math.MaxInt-d.want)/width/n) {
			return 0, nil, fmt.Errorf("%d axes, the first %d of which alone are more than memory can hold", axes, i+1)
		}
		shape[i] = int(length)
		n *= shape[i]
	}
	d.want += n * width
	if d.want > d.limit {
		return 0, nil, fmt.Errorf("holds %d bytes, more than the %d of memory allowed", d.want, d.limit)
	}
	return code, shape, nil
}

// idxWidth is the size in bytes of an element of the given type, 0 for none.
func idxWidth(code byte) int {
	switch code {
	case idxUint8, idxInt8:
		return 1
	case idxInt16:
		return 2
	case idxInt32, idxFloat32:
		return 4
	case idxFloat64:
		return 8
	}
	return 0
}

// idxElements reads the n elements that follow the header.
func idxElements[T idxElement](d *idxDecoder, n int) ([]T, error) {
	width := binary.Size(T(0))
	chunk := idxChunk / width
	data := make([]T, min(n, max(d.known/width, chunk)))
	for filled := 0; filled < n; {
		if filled == len(data) {
			data = append(make([]T, 0, min(n, 2*filled)), data...)
			data = data[:cap(data)]
		}
		part := data[filled:min(filled+chunk, len(data))]
		if err := fillElements(d, part, width); err != nil {
			return nil, err
		}
		filled += len(part)
	}
	return data, nil
}

// fillElements reads as many elements as part has. Bytes go straight there.
func fillElements[T idxElement](d *idxDecoder, part []T, width int) error {
	if raw, ok := any(part).([]byte); ok {
		return d.fill(raw)
	}
	raw := make([]byte, len(part)*width)
	if err := d.fill(raw); err != nil {
		return err
	}
	_, err := binary.Decode(raw, binary.BigEndian, part)
	return err
}

// fill reads len(raw) bytes.
func (d *idxDecoder) fill(raw []byte) error {
	n, err := io.ReadFull(d.r, raw)
	d.got += n
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("want %s bytes, got %d", d.wantText(), d.got)
	}
	if err == nil && d.seen != nil {
		d.seen(raw)
	}
	return err
}

// wantText is the size the file should have; before the header said how many
// axes there are, it is only a lower bound.
func (d *idxDecoder) wantText() string {
	if d.want == 4 {
		return "at least 4"
	}
	return fmt.Sprint(d.want)
}

// end makes sure that nothing follows the elements. Reading on also makes gzip
// compare its checksum.
func (d *idxDecoder) end() error {
	var surplus [1]byte
	n, err := io.ReadFull(d.r, surplus[:])
	switch {
	case n > 0:
		return fmt.Errorf("want %d bytes, got more", d.want)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("gzip stream does not end where it should")
	case errors.Is(err, io.EOF):
		return nil
	}
	return err
}

// WriteIDX writes the array in IDX format, uncompressed. The error is w's, or
// says that the array has no elements, not as many as its shape or of a type
// that the format lacks.
func WriteIDX(w io.Writer, a IDX) error {
	if err := writeIDX(w, a); err != nil {
		return fmt.Errorf("dataset: write IDX: %w", err)
	}
	return nil
}

func writeIDX(w io.Writer, a IDX) error {
	switch data := a.Data.(type) {
	case []uint8:
		return encodeIDX(w, idxUint8, a.Shape, data)
	case []int8:
		return encodeIDX(w, idxInt8, a.Shape, data)
	case []int16:
		return encodeIDX(w, idxInt16, a.Shape, data)
	case []int32:
		return encodeIDX(w, idxInt32, a.Shape, data)
	case []float32:
		return encodeIDX(w, idxFloat32, a.Shape, data)
	case []float64:
		return encodeIDX(w, idxFloat64, a.Shape, data)
	}
	return fmt.Errorf("elements are %T, want []uint8, []int8, []int16, []int32, []float32 or []float64", a.Data)
}

func encodeIDX[T idxElement](w io.Writer, code byte, shape tensor.Shape, data []T) error {
	if len(shape) < 1 || len(shape) > math.MaxUint8 {
		return fmt.Errorf("%d axes, want 1 to %d", len(shape), math.MaxUint8)
	}
	header := []byte{0, 0, code, byte(len(shape))}
	n := 1
	for i, length := range shape {
		if length < 1 || uint64(length) > math.MaxUint32 || length > math.MaxInt/n {
			return fmt.Errorf("axis %d of shape %v has length %d, which no IDX file can hold", i, shape, length)
		}
		header = binary.BigEndian.AppendUint32(header, uint32(length))
		n *= length
	}
	if n != len(data) {
		return fmt.Errorf("%d elements do not fill shape %v, want %d", len(data), shape, n)
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for part := range slices.Chunk(data, idxChunk/8) {
		if err := binary.Write(w, binary.BigEndian, part); err != nil {
			return err
		}
	}
	return nil
}

// Tensor returns the array as float32, each element the nearest there is. An
// array that holds float32 already is shared, not copied.
func (a IDX) Tensor() (tensor.Tensor, error) {
	if err := a.Shape.Validate(); err != nil {
		return tensor.Tensor{}, fmt.Errorf("dataset: %w", err)
	}
	var values []float32
	switch data := a.Data.(type) {
	case []uint8:
		values = toFloat32(data)
	case []int8:
		values = toFloat32(data)
	case []int16:
		values = toFloat32(data)
	case []int32:
		values = toFloat32(data)
	case []float32:
		values = data
	case []float64:
		values = toFloat32(data)
	}
	t, err := tensor.FromSlice(values, a.Shape...)
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("dataset: %w", err)
	}
	return t, nil
}

func toFloat32[T idxElement](data []T) []float32 {
	values := make([]float32, len(data))
	for i, v := range data {
		values[i] = float32(v)
	}
	return values
}
