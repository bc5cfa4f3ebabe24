package dataset

import (
	"fmt"
	"math"
	"sync/atomic"

	"hourglass/dataset/npy"
	"hourglass/tensor"
)

// Blocks is a [Source] of the samples in a .npy file that is larger than memory,
// or than one wishes to spend of it. Samples are decoded as they are read, from
// pages of the file that the system keeps in memory. They are given back as one
// goes on, so that about as much as the buffer stays in use if samples are read
// in the [Order] that Blocks asks for; the system may add a few MB for each of
// the 32 places that the samples of a buffer come from, because it maps files in
// large pieces.
//
// The values are those of the file, neither scaled nor checked before. A sample
// that holds NaN or infinity, or that can no longer be read, is an error of Read.
type Blocks struct {
	file    *npy.File
	sample  tensor.Shape
	bytes   int64 // of a sample in the file
	buffer  int64
	touched atomic.Int64 // bytes read since memory was last released
}

var _ Source = (*Blocks)(nil)

// blocksPerBuffer is from how many places of the file the samples of one
// bufferful come: enough to mix a sorted file, and few enough that each is a
// long run to read.
const blocksPerBuffer = 32

// OpenBlocks opens the .npy file at path, whose array has two axes at least, to
// be read with a buffer of that many bytes, or a single sample if that is more.
// It must be closed.
func OpenBlocks(path string, buffer int64) (*Blocks, error) {
	if buffer < 1 {
		return nil, fmt.Errorf("dataset: read %s: a buffer of %d bytes, want at least 1", path, buffer)
	}
	f, err := npy.Open(path)
	if err != nil {
		return nil, err
	}
	sample := f.Shape[1:]
	return &Blocks{file: f, sample: sample, bytes: int64(sample.Size()) * int64(f.Type.Size), buffer: buffer}, nil
}

// Len is the number of samples.
func (b *Blocks) Len() int { return b.file.Shape[0] }

// Sample is the shape of one sample.
func (b *Blocks) Sample() tensor.Shape { return b.sample }

// Type is the type of the elements in the file.
func (b *Blocks) Type() npy.Type { return b.file.Type }

// Read decodes the samples of the given indices into dst, one after another. It
// is safe for concurrent use and allocates nothing unless a sample is unusable.
func (b *Blocks) Read(dst []float32, indices []int) error {
	n := b.sample.Size()
	for i, index := range indices {
		if err := b.file.ReadSample(dst[i*n:(i+1)*n], index); err != nil {
			return err
		}
		if touched := b.touched.Add(b.bytes); touched > b.buffer/2 && b.touched.CompareAndSwap(touched, 0) {
			b.file.Release()
		}
	}
	return nil
}

// Close closes the file. Nothing may read from it any more.
func (b *Blocks) Close() error { return b.file.Close() }

// Window leaves room for two bufferfuls, because a step may read the last
// samples of one and the first of the next, unless all samples fit.
func (b *Blocks) Window() (buffer, block int) {
	fit := b.buffer / b.bytes
	if fit < int64(b.Len()) {
		fit /= 2
	}
	buffer = int(max(min(fit, math.MaxInt), 1))
	return buffer, max(buffer/blocksPerBuffer, 1)
}
