package hourglass

import (
	"fmt"
	"iter"
	"runtime"
	"slices"

	"hourglass/tensor"
)

// EncodeSeq returns the codes of a stream of samples, in its order, without
// holding more than a batch of them: some hundred samples are taken at a time and
// encoded on all cores. A sample may be overwritten as soon as the next is asked
// for; a code belongs to who gets it.
//
// A sample of the wrong size, or with values that are not finite, ends the codes with an
// error that names it by its number, from 0. Its range can be left at any time.
func (a *Autoencoder) EncodeSeq(samples iter.Seq[[]float32]) iter.Seq2[[]float32, error] {
	return a.encoding.seq("encode", samples)
}

// DecodeSeq returns the samples that a stream of codes stands for; see EncodeSeq.
func (a *Autoencoder) DecodeSeq(codes iter.Seq[[]float32]) iter.Seq2[[]float32, error] {
	return a.decoding.seq("decode", codes)
}

// ReconstructSeq encodes and decodes a stream of samples; see EncodeSeq.
func (a *Autoencoder) ReconstructSeq(samples iter.Seq[[]float32]) iter.Seq2[[]float32, error] {
	return a.reconstructing.seq("reconstruct", samples)
}

// seq runs the network on a stream of samples.
func (p *passPool) seq(verb string, samples iter.Seq[[]float32]) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		if err := p.complete(verb); err != nil {
			yield(nil, err)
			return
		}
		size, number := p.network.Input().Size(), 0
		batch := make([]float32, 0, runtime.GOMAXPROCS(0)*inferenceBatch*size)
		for x := range samples {
			if len(x) != size {
				if p.yieldBatch(verb, batch, number, yield) {
					yield(nil, fmt.Errorf("hourglass: %s: sample %d has %d values, want %d", verb, number, len(x), size))
				}
				return
			}
			batch = append(batch, x...)
			number++
			if len(batch) == cap(batch) {
				if !p.yieldBatch(verb, batch, number, yield) {
					return
				}
				batch = batch[:0]
			}
		}
		p.yieldBatch(verb, batch, number, yield)
	}
}

// yieldBatch yields the network's output for samples one after another, which may
// be none; so many samples came up to the last of them. It reports whether more is wanted.
func (p *passPool) yieldBatch(verb string, batch []float32, number int, yield func([]float32, error) bool) bool {
	if len(batch) == 0 {
		return true
	}
	size := p.network.Input().Size()
	n := len(batch) / size
	y, err := p.run(verb, tensor.Tensor{Shape: tensor.Shape{n, size}, Data: batch}, number-n)
	if err != nil {
		yield(nil, err)
		return false
	}
	for i := range y.Len() {
		if !yield(slices.Clip(y.Row(i)), nil) {
			return false
		}
	}
	return true
}
