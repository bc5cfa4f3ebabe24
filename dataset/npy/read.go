package npy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// Array is an array in memory, in C order.
type Array struct {
	Header
	// Bytes holds the elements of an array of uint8, or of bool as 0 and 1.
	Bytes []byte
	// Values holds those of every other array.
	Values []float32
}

const (
	// chunk is how much is read, and allocated for a promise, at a time.
	chunk = 1 << 16
	// readBuffer is large enough that reading a file costs few system calls.
	readBuffer = 1 << 18
)

// Read reads one array up to the end of r. An array that would take more than
// limit bytes of memory is refused, and so is anything after the array. While
// an array in Fortran order is brought into C order it takes twice its memory.
func Read(r io.Reader, limit int64) (Array, error) {
	a, err := decode(r, -1, limit)
	if err != nil {
		return Array{}, fmt.Errorf("npy: read: %w", err)
	}
	return a, nil
}

// ReadFile reads the array in the file at path as [Read] does. The error names
// the file.
func ReadFile(path string, limit int64) (Array, error) {
	var a Array
	err := withFile(path, func(f *os.File, size int64) (err error) {
		a, err = decode(bufio.NewReaderSize(f, readBuffer), size, limit)
		return err
	})
	return a, err
}

// ReadInts reads an array of integers or bools along one axis, such as labels,
// as [Read] does.
func ReadInts(r io.Reader, limit int64) ([]int64, error) {
	v, err := decodeInts(r, -1, limit)
	if err != nil {
		return nil, fmt.Errorf("npy: read: %w", err)
	}
	return v, nil
}

// ReadIntsFile reads the array in the file at path as [ReadInts] does. The
// error names the file.
func ReadIntsFile(path string, limit int64) ([]int64, error) {
	var v []int64
	err := withFile(path, func(f *os.File, size int64) (err error) {
		v, err = decodeInts(bufio.NewReaderSize(f, readBuffer), size, limit)
		return err
	})
	return v, err
}

// ReadHeaderFile reads what the file at path holds, and not more. The error
// names the file.
func ReadHeaderFile(path string) (Header, error) {
	var h Header
	err := withFile(path, func(f *os.File, _ int64) (err error) {
		h, _, err = readHeader(f)
		return err
	})
	return h, err
}

// withFile opens a file and tells read how large it is, -1 where that is not
// known, as of a pipe.
func withFile(path string, read func(f *os.File, size int64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	defer f.Close()
	size := int64(-1)
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	if err := read(f, size); err != nil {
		return fmt.Errorf("npy: read %s: %w", path, err)
	}
	return nil
}

// decode reads an array from r, of which size bytes are known to exist; -1
// means that nothing is known.
func decode(r io.Reader, size, limit int64) (Array, error) {
	h, known, err := start(r, size)
	if err != nil {
		return Array{}, err
	}
	if need := h.Memory(); need > limit {
		return Array{}, fmt.Errorf("is %v of %v and takes %d bytes of memory, more than the %d allowed", h.Shape, h.Type, need, limit)
	}
	a := Array{Header: h}
	a.Fortran = false
	if h.Type.bytes() {
		a.Bytes, err = inOrder(h, func() ([]byte, error) { return collect(r, h, known, h.keepBytes) })
	} else {
		a.Values, err = inOrder(h, func() ([]float32, error) { return collect(r, h, known, h.convert) })
	}
	return a, err
}

// inOrder reads elements and brings them into C order.
func inOrder[T byte | float32](h Header, read func() ([]T, error)) ([]T, error) {
	data, err := read()
	if err != nil || !h.Fortran || len(h.Shape) < 2 {
		return data, err
	}
	return rowMajor(data, h.Shape), nil
}

func decodeInts(r io.Reader, size, limit int64) ([]int64, error) {
	h, known, err := start(r, size)
	if err != nil {
		return nil, err
	}
	if len(h.Shape) != 1 || h.Type.Kind == Float {
		return nil, fmt.Errorf("is %v of %v, want integers along one axis", h.Shape, h.Type)
	}
	if need := 8 * h.elements(); need > limit {
		return nil, fmt.Errorf("takes %d bytes of memory, more than the %d allowed", need, limit)
	}
	return collect(r, h, known, h.integers)
}

// start reads the header, and refuses a file whose size is known and another
// than the header's. Only then are all its elements known to exist.
func start(r io.Reader, size int64) (h Header, known int64, err error) {
	h, length, err := readHeader(r)
	if err != nil || size < 0 {
		return h, 0, err
	}
	return h, h.elements(), h.checkSize(length, size)
}

// checkSize compares the size of a file with that of its header and elements.
func (h Header) checkSize(header, size int64) error {
	if have := size - header; have != h.size() {
		return fmt.Errorf("has %d bytes after its header, want %d for %v of %v", have, h.size(), h.Shape, h.Type)
	}
	return nil
}

// collect reads all elements, chunk by chunk, and converts each chunk.
func collect[T byte | float32 | int64](r io.Reader, h Header, known int64, convert func(dst []T, raw []byte, place int64) error) ([]T, error) {
	width := h.Type.Size
	n := int(h.elements()) // below the limit, so an int
	raw := make([]byte, min(chunk, n*width))
	data := make([]T, 0, min(n, max(int(known), chunk/width)))
	for len(data) < n {
		part := raw[:min(len(raw), (n-len(data))*width)]
		if got, err := io.ReadFull(r, part); err != nil {
			return nil, cutShort(err, fmt.Sprintf("its elements, of which %v of %v have %d bytes", h.Shape, h.Type, h.size()), int64(len(data)*width+got))
		}
		lo, count := len(data), len(part)/width
		if lo+count > cap(data) {
			data = append(make([]T, 0, min(n, 2*cap(data))), data...)
		}
		data = data[:lo+count]
		if err := convert(data[lo:], part, int64(lo)); err != nil {
			return nil, err
		}
	}
	return data, atEnd(r)
}

// atEnd makes sure that nothing follows. Reading on also makes zip compare its
// checksum.
func atEnd(r io.Reader) error {
	var surplus [1]byte
	n, err := io.ReadFull(r, surplus[:])
	switch {
	case n > 0:
		return errors.New("goes on after its elements")
	case errors.Is(err, io.EOF):
		return nil
	}
	return err
}

func (h Header) keepBytes(dst, raw []byte, _ int64) error {
	if h.Type.Kind != Bool {
		copy(dst, raw)
		return nil
	}
	for i, b := range raw {
		dst[i] = truth(b)
	}
	return nil
}

func (h Header) convert(dst []float32, raw []byte, place int64) error {
	h.Type.decode(dst, raw)
	if i := h.Type.unusable(dst); i >= 0 {
		return h.errUnusable(place+int64(i), dst[i])
	}
	return nil
}

func (h Header) integers(dst []int64, raw []byte, place int64) error {
	for i := range dst {
		v, ok := h.Type.integer(raw, i)
		if !ok {
			return fmt.Errorf("element %d is beyond int64", place+int64(i))
		}
		dst[i] = v
	}
	return nil
}
