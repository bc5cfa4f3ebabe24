package hourglass

import (
	"cmp"
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
	return a.Given().EncodeSeq(samples)
}

// DecodeSeq returns the samples that a stream of codes stands for; see EncodeSeq.
func (a *Autoencoder) DecodeSeq(codes iter.Seq[[]float32]) iter.Seq2[[]float32, error] {
	return a.Given().DecodeSeq(codes)
}

// ReconstructSeq encodes and decodes a stream of samples; see EncodeSeq.
func (a *Autoencoder) ReconstructSeq(samples iter.Seq[[]float32]) iter.Seq2[[]float32, error] {
	return a.Given().ReconstructSeq(samples)
}

// batchFunc runs the n samples of a call.
type batchFunc func(c call, n int) (tensor.Tensor, error)

// seq runs a stream of samples, some for each core at a time.
func (g Conditioned) seq(verb string, entry *lender, samples iter.Seq[[]float32], run batchFunc) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		size, number := entry.network.Input().Size(), 0
		full := cmp.Or(g.model.threads, runtime.GOMAXPROCS(0)) * entry.batch()
		var batch []float32
		for x := range samples {
			if len(x) != size {
				if g.yieldBatch(verb, batch, number, size, run, yield) {
					yield(nil, fmt.Errorf("hourglass: %s: sample %d has %d values, want %d", verb, number, len(x), size))
				}
				return
			}
			batch = append(batch, x...)
			number++
			if len(batch) == full*size {
				if !g.yieldBatch(verb, batch, number, size, run, yield) {
					return
				}
				batch = batch[:0]
			}
		}
		g.yieldBatch(verb, batch, number, size, run, yield)
	}
}

// yieldBatch yields the results for samples one after another, which may be none; so many
// samples came up to the last of them. It reports whether more is wanted.
func (g Conditioned) yieldBatch(verb string, batch []float32, number, size int, run batchFunc, yield func([]float32, error) bool) bool {
	if len(batch) == 0 {
		return true
	}
	n := len(batch) / size
	y, err := run(call{verb: verb, x: batch, first: number - n, labels: g.part(number-n, n)}, n)
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
