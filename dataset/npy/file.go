package npy

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
)

// File is a .npy file whose samples, the elements of its first axis, are read
// when they are asked for, so that it may be larger than memory. It is mapped
// into memory where the system can do that, and read piece by piece where it
// cannot.
type File struct {
	Header
	path    string
	file    *os.File
	start   int64  // of the elements
	mapping []byte // the whole file, nil where it could not be mapped
	length  int    // elements of a sample
	offsets []int  // Fortran order: bytes from a sample's first to each element
	scratch sync.Pool
}

// Open opens the file at path, whose array must have two axes at least. Its
// size must be what the header says. An array in Fortran order can be read like
// this only where the file can be mapped.
func Open(path string) (*File, error) { return open(path, mapFile) }

func open(path string, mapFile func(f *os.File, size int64) ([]byte, error)) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	a, err := newFile(path, f, mapFile)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("npy: open %s: %w", path, err)
	}
	return a, nil
}

func newFile(path string, f *os.File, mapFile func(f *os.File, size int64) ([]byte, error)) (*File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	h, start, err := readHeader(f)
	if err != nil {
		return nil, err
	}
	if err := h.checkSize(start, info.Size()); err != nil {
		return nil, err
	}
	if len(h.Shape) < 2 {
		return nil, fmt.Errorf("is %v, want two axes at least, samples first", h.Shape)
	}
	if err := h.Shape[1:].Validate(); err != nil {
		return nil, err
	}
	a := &File{Header: h, path: path, file: f, start: start, length: h.Shape[1:].Size()}
	a.mapping, err = mapFile(f, info.Size())
	if h.Fortran {
		if err != nil {
			return nil, fmt.Errorf("is in Fortran order and cannot be mapped into memory (%w), want C order", err)
		}
		a.offsets = columnOffsets(h.Shape, h.Shape[0]*h.Type.Size)
	}
	size := a.length * h.Type.Size
	a.scratch.New = func() any { b := make([]byte, size); return &b }
	return a, nil
}

// Mapped reports whether the file is mapped into memory.
func (f *File) Mapped() bool { return f.mapping != nil }

// ReadSample decodes the sample of that index into dst, which has as many
// elements. It is safe for concurrent use and allocates nothing. The error says
// that the file can no longer be read, or has become shorter, or that an
// element is NaN, infinite or beyond float32.
func (f *File) ReadSample(dst []float32, index int) error {
	if err := f.decodeSample(dst, index); err != nil {
		return fmt.Errorf("npy: read %s: sample %d: %w", f.path, index, err)
	}
	if i := f.Type.unusable(dst); i >= 0 {
		h := f.Header
		h.Fortran = false // the place is that in C order
		return fmt.Errorf("npy: read %s: %w", f.path, h.errUnusable(int64(index)*int64(f.length)+int64(i), dst[i]))
	}
	return nil
}

func (f *File) decodeSample(dst []float32, index int) error {
	size := f.length * f.Type.Size
	switch {
	case f.mapping == nil:
		raw := f.scratch.Get().(*[]byte)
		defer f.scratch.Put(raw)
		if _, err := f.file.ReadAt(*raw, f.start+int64(index)*int64(size)); err != nil {
			return err
		}
		f.Type.decode(dst, *raw)
		return nil
	case f.Fortran:
		return f.gather(dst, index)
	}
	return f.decodeMapped(dst, int(f.start)+index*size, size)
}

// decodeMapped decodes a sample that lies in one piece.
func (f *File) decodeMapped(dst []float32, at, size int) (err error) {
	defer recoverFault(&err, debug.SetPanicOnFault(true))
	f.Type.decode(dst, f.mapping[at:at+size])
	return nil
}

// gather decodes a sample whose elements are spread over the file.
func (f *File) gather(dst []float32, index int) (err error) {
	defer recoverFault(&err, debug.SetPanicOnFault(true))
	width := f.Type.Size
	at := int(f.start) + index*width
	for i, offset := range f.offsets {
		f.Type.decode(dst[i:i+1], f.mapping[at+offset:at+offset+width])
	}
	return nil
}

// recoverFault turns the fault of a mapped page that the file no longer has, or
// the disk cannot give, into an error. It is deferred; before is the setting
// that it puts back.
func recoverFault(err *error, before bool) {
	debug.SetPanicOnFault(before)
	switch fault := recover().(type) {
	case nil:
	case interface {
		error
		Addr() uintptr
	}:
		*err = errors.New("the file has become shorter or cannot be read any more")
	default:
		panic(fault)
	}
}

// Release tells the system that the pages of the mapping read so far are not
// needed for now. It changes nothing but how much memory is in use.
func (f *File) Release() {
	if f.mapping != nil {
		release(f.mapping)
	}
}

// Close closes the file. Nothing may read it any more.
func (f *File) Close() error {
	if f.mapping != nil {
		unmap(f.mapping)
		f.mapping = nil
	}
	return f.file.Close()
}
