package nn

import (
	"cmp"
	"errors"
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/internal/portable"
	"hourglass/tensor"
)

// VectorQuantizer replaces each vector along the last axis, of d numbers, by the nearest of
// Codes vectors e, its codebook (van den Oord, Vinyals & Kavukcuoglu 2017):
//
//	y = e(k), k = argmin |x - e(k)|
//
// The gradient goes through as if nothing had happened (straight-through), and to the loss is
// added, under the name "commitment", what draws the encoder to the codebook:
//
//	Commitment · mean of (x - e(k))², the mean over the values of a sample
//
// The codebook has no gradient. It follows the vectors that it stands for, as their moving
// averages do (the paper's appendix A.1): with n(k) the vectors of a batch next to e(k),
//
//	N(k) ← Decay·N(k) + (1-Decay)·n(k)
//	e(k) ← (Decay·N(k)·e(k) + (1-Decay)·Σ x) / N(k)
//
// A vector whose count N falls below Revive is put on a vector of the batch, drawn at random,
// and gets the mean count, so that none lies idle for good. The history has, under "perplexity", how many
// vectors are in use: exp(-Σ p·ln p) of the shares p(k) of the counts.
//
// It takes samples of shape (…, d): a vector, or an image of d channels, which becomes height×width
// codes. Its arrays are "codebook", Codes×d, and "counts", Codes, which start at 1.
type VectorQuantizer struct {
	Codes      int         `json:"codes"`                          // in the codebook, at least 1
	Commitment float64     `json:"commitment"`                     // at least 0; 0.25 in the paper
	Decay      float64     `json:"decay,omitempty"`                // below 1; 0.99 by default
	Revive     float64     `json:"revive,omitempty"`               // vectors a batch, such as 0.5; 0 for never
	Init       Initializer `json:"codebook_initializer,omitempty"` // LeCunUniform by default
}

// Bind accepts every shape of at least one axis.
func (l VectorQuantizer) Bind(in tensor.Shape) (Stage, error) {
	l.Decay = cmp.Or(l.Decay, 0.99)
	if err := firstError(checkOption("codes", l.Codes, 1), checkWeight("commitment", l.Commitment),
		checkWeight("revive", l.Revive), l.Init.validate()); err != nil {
		return nil, err
	}
	if !(l.Decay > 0 && l.Decay < 1) {
		return nil, fmt.Errorf("decay is %v, want above 0 and below 1", l.Decay)
	}
	if len(in) == 0 {
		return nil, errors.New("got a scalar, want samples of at least one axis")
	}
	width := in[len(in)-1]
	return &quantizerStage{VectorQuantizer: l, shape: in.Clone(), width: width, rows: in.Size() / width}, nil
}

type quantizerStage struct {
	VectorQuantizer
	shape tensor.Shape
	width int // d
	rows  int // vectors of a sample
}

var (
	_ Coupled   = (*quantizerStage)(nil)
	_ Follower  = (*quantizerStage)(nil)
	_ Penalizer = (*quantizerStage)(nil)
	_ Measurer  = (*quantizerStage)(nil)
)

// The parameters' places in Frame.Params.
const (
	quantizerBook = iota
	quantizerCounts
)

// quantizerBlock is how many vectors are compared with the codebook at a time.
const quantizerBlock = 16

func (s *quantizerStage) Plan() Plan {
	return Plan{
		Output: s.shape,
		Params: []Param{
			{Name: "codebook", Shape: tensor.Shape{s.Codes, s.width}, Init: cmp.Or(s.Init, LeCunUniform), FanIn: s.width, FanOut: s.Codes, Frozen: true},
			{Name: "counts", Shape: tensor.Shape{s.Codes}, Init: Ones, FanIn: s.Codes, FanOut: s.Codes, Frozen: true}},
		Memory:    []int{s.rows},                                      // k of each vector
		Workspace: s.Codes*s.width + s.Codes + quantizerBlock*s.Codes, // transposed codebook, half its squares, products
		Shared:    s.Codes*s.width + s.Codes,                          // what codebook and counts become
	}
}

func (s *quantizerStage) Penalties() []string { return []string{"commitment"} }
func (s *quantizerStage) Measures() []string  { return []string{"perplexity"} }

// Channels are the vectors of the codebook.
func (s *quantizerStage) Channels() int { return s.Codes }

// GatherForward has nothing to gather.
func (s *quantizerStage) GatherForward(*Frame, int, int) {}

// Forward finds the nearest vectors: those with the largest x·e - |e|²/2.
func (s *quantizerStage) Forward(f *Frame) {
	book := f.Params[quantizerBook]
	transposed := f.Workspace[:s.Codes*s.width]
	halves := f.Workspace[len(transposed):][:s.Codes]
	products := f.Workspace[len(transposed)+s.Codes:]
	kernel.Transpose(transposed, s.Codes, book, s.width, s.Codes, s.width)
	for k := range halves {
		halves[k] = float32(kernel.SumSquares(rows(book, k, k+1, s.width)) / 2)
	}
	for lo := 0; lo < f.N*s.rows; lo += quantizerBlock {
		hi := min(lo+quantizerBlock, f.N*s.rows)
		kernel.Gemm(hi-lo, s.Codes, s.width, rows(f.X, lo, hi, s.width), s.width, 1, transposed, s.Codes, products, s.Codes, kernel.Overwrite, nil)
		for r := lo; r < hi; r++ {
			k := nearest(rows(products, r-lo, r-lo+1, s.Codes), halves)
			f.Memory[0][r] = float32(k)
			copy(rows(f.Y, r, r+1, s.width), rows(book, k, k+1, s.width))
		}
	}
	s.tell(f)
}

// nearest returns the first of the largest differences.
func nearest(products, halves []float32) int {
	best, largest := 0, products[0]-halves[0]
	for k, p := range products {
		if d := p - halves[k]; d > largest {
			best, largest = k, d
		}
	}
	return best
}

// tell writes what the samples add to the loss, and the perplexity.
func (s *quantizerStage) tell(f *Frame) {
	if f.Penalties == nil {
		return
	}
	size := s.shape.Size()
	usage := perplexity(f.Params[quantizerCounts])
	for i := range f.N {
		var squares float64
		y := rows(f.Y, i, i+1, size)
		for j, x := range rows(f.X, i, i+1, size) {
			d := float64(x) - float64(y[j])
			squares += float64(d * d)
		}
		f.Penalties[0][i] = f.Factors[0] * s.Commitment * squares / float64(size)
		f.Measures[0][i] = usage
	}
}

// perplexity returns exp(-Σ p·ln p) of the shares of counts.
func perplexity(counts []float32) float64 {
	var total, entropy float64
	for _, c := range counts {
		total += float64(c)
	}
	for _, c := range counts {
		if p := float64(c) / total; p > 0 {
			entropy -= float64(p * portable.Log(p))
		}
	}
	return portable.Exp(entropy)
}

// Backward: dx = dy + 2·Commitment·(x - y)/(values of the batch).
func (s *quantizerStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	scale := float32(2 * f.Factors[0] * s.Commitment / float64(f.Batch*s.shape.Size()))
	for i, x := range f.X {
		f.DX[i] = f.DY[i] + float32(scale*(x-f.Y[i]))
	}
}

// GatherBackward finds what vectors lo to hi of the codebook and their counts become, from
// all vectors of the batch in their order.
func (s *quantizerStage) GatherBackward(f *Frame, lo, hi int) {
	book, counts := f.Shared[:s.Codes*s.width], f.Shared[s.Codes*s.width:]
	clear(rows(book, lo, hi, s.width))
	clear(counts[lo:hi])
	for r, k := range f.Memory[0] {
		if k := int(k); lo <= k && k < hi {
			sum := rows(book, k, k+1, s.width)
			kernel.Add(sum, sum, rows(f.X, r, r+1, s.width))
			counts[k]++
		}
	}
	for k := lo; k < hi; k++ {
		s.follow(f, rows(book, k, k+1, s.width), &counts[k], k)
	}
}

func (s *quantizerStage) gatherReads() reads   { return reads{x: true, memory: true} }
func (s *quantizerStage) gradientReads() reads { return reads{} }

// follow makes of the sum of the batch's vectors, of which there are n, what vector k
// becomes, and of n its count.
func (s *quantizerStage) follow(f *Frame, sum []float32, n *float32, k int) {
	old, batch := rows(f.Params[quantizerBook], k, k+1, s.width), *n
	kept := float64(s.Decay * float64(f.Params[quantizerCounts][k]))
	*n = float32(kept + float64((1-s.Decay)*float64(batch)))
	switch {
	case float64(*n) < s.Revive:
		*n = float32(max(float64(len(f.Memory[0]))/float64(s.Codes), s.Revive))
		copy(sum, s.draw(f, k))
	case batch == 0:
		copy(sum, old)
	default:
		for c, e := range old {
			sum[c] = float32((float64(kept*float64(e)) + float64((1-s.Decay)*float64(sum[c]))) / float64(*n))
		}
	}
}

// draw returns a vector of the batch at random, for vector k of the codebook.
func (s *quantizerStage) draw(f *Frame, k int) []float32 {
	u := f.Workspace[:1]
	f.Random.Uniform(u, k)
	r := int(float64(u[0]) * float64(len(f.Memory[0])))
	return rows(f.X, r, r+1, s.width)
}

// Gradient has nothing to compute: the codebook follows.
func (s *quantizerStage) Gradient(*Frame, int, int, int) {}

// Follow takes what GatherBackward has found.
func (s *quantizerStage) Follow(f *Frame, param, lo, hi int) {
	book, counts := f.Shared[:s.Codes*s.width], f.Shared[s.Codes*s.width:]
	if param == quantizerCounts {
		copy(f.Params[param][lo:hi], counts[lo:hi])
		return
	}
	copy(rows(f.Params[param], lo, hi, s.width), rows(book, lo, hi, s.width))
}
