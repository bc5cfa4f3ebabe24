package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"hourglass/internal/atomicfile"
	"hourglass/tensor"
)

// Writer writes an array of float32, little-endian and in C order, piece by
// piece.
type Writer struct {
	w       io.Writer
	left    int64
	scratch []byte
}

// NewWriter writes the header of an array of that shape, whose axes must be at
// least 1, to w, and returns a Writer for its elements.
func NewWriter(w io.Writer, shape tensor.Shape) (*Writer, error) {
	if err := checkShape(shape); err != nil {
		return nil, fmt.Errorf("npy: write: %w", err)
	}
	h := Header{Type: Type{Kind: Float, Size: 4}, Shape: shape}
	if _, err := w.Write(appendHeader(nil, h)); err != nil {
		return nil, err
	}
	return &Writer{w: w, left: h.elements(), scratch: make([]byte, 0, chunk)}, nil
}

// Append writes the next elements, of which there may not be more than the
// shape has. Other errors are the underlying writer's.
func (w *Writer) Append(values []float32) error {
	if int64(len(values)) > w.left {
		return fmt.Errorf("npy: write: %d elements are %d more than the shape has left", len(values), int64(len(values))-w.left)
	}
	w.left -= int64(len(values))
	for len(values) > 0 {
		part := values[:min(len(values), chunk/4)]
		values = values[len(part):]
		w.scratch = w.scratch[:0]
		for _, v := range part {
			w.scratch = binary.LittleEndian.AppendUint32(w.scratch, math.Float32bits(v))
		}
		if _, err := w.w.Write(w.scratch); err != nil {
			return err
		}
	}
	return nil
}

// Close reports elements that are still to come. It does not close the
// underlying writer.
func (w *Writer) Close() error {
	if w.left > 0 {
		return fmt.Errorf("npy: write: %d elements are missing", w.left)
	}
	return nil
}

// Write writes the array to w. Its elements must be as many as its shape says.
func Write(w io.Writer, t tensor.Tensor) error {
	a, err := NewWriter(w, t.Shape)
	if err != nil {
		return err
	}
	if err := a.Append(t.Data); err != nil {
		return err
	}
	return a.Close()
}

// WriteFile writes the array into the file at path, which appears whole or not
// at all.
func WriteFile(path string, t tensor.Tensor) error {
	return WriteFileFunc(path, t.Shape, func(a *Writer) error { return a.Append(t.Data) })
}

// WriteFileFunc creates the file at path, of an array of that shape whose
// elements fill appends piece by piece. The file appears whole or not at all.
func WriteFileFunc(path string, shape tensor.Shape, fill func(*Writer) error) error {
	err := atomicfile.Write(path, func(w io.Writer) error {
		a, err := NewWriter(w, shape)
		if err != nil {
			return err
		}
		if err := fill(a); err != nil {
			return err
		}
		return a.Close()
	})
	if err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}
