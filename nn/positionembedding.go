package nn

import (
	"cmp"
	"fmt"
	"math"
	"sync"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// PositionEmbedding adds to every step of a sequence a vector that tells its position:
//
//	y(t) = x(t) + e(t)
//
// It takes samples of steps×features. The embeddings e, steps×features, are learned, as in
// KerasHub's PositionEmbedding behind an addition; or, with Sinusoidal, they are the waves
// of Vaswani et al. (2017),
//
//	e(t, 2i) = sin(t / 10000^(2i/features)), e(t, 2i+1) = cos(t / 10000^(2i/features))
type PositionEmbedding struct {
	Sinusoidal bool        `json:"sinusoidal,omitempty"`             // waves instead of learned embeddings
	Init       Initializer `json:"embeddings_initializer,omitempty"` // of learned embeddings; GlorotUniform by default
}

// Bind accepts sequences of steps×features.
func (l PositionEmbedding) Bind(in tensor.Shape) (Stage, error) {
	if err := firstError(l.Init.validate(), wantSequence(in)); err != nil {
		return nil, err
	}
	if !l.Sinusoidal {
		return &positionStage{l.Init, in.Clone()}, nil
	}
	if l.Init != DefaultInit {
		return nil, fmt.Errorf("sinusoidal positions are not learned, want no embeddings_initializer")
	}
	steps, features := in[0], in[1]
	return &waveStage{in.Clone(), sync.OnceValue(func() []float32 { return waves(steps, features) })}, nil
}

// positionStage adds learned embeddings.
type positionStage struct {
	init  Initializer
	shape tensor.Shape
}

var _ Trainable = (*positionStage)(nil)

func (s *positionStage) Plan() Plan {
	return Plan{Output: s.shape, Params: []Param{{Name: "embeddings", Shape: s.shape,
		Init: cmp.Or(s.init, GlorotUniform), FanIn: s.shape[0], FanOut: s.shape[1]}}}
}

func (s *positionStage) Forward(f *Frame)  { addToSamples(f, f.Params[0]) }
func (s *positionStage) Backward(f *Frame) { copy(f.DX, f.DY) }

func (s *positionStage) gradientReads() reads { return reads{dy: true} }

// Gradient: de(t) = Σ dy(t) over the samples.
func (s *positionStage) Gradient(f *Frame, _, lo, hi int) {
	features := s.shape[1]
	kernel.ColumnSums(f.Grads[0][lo*features:hi*features], f.DY[lo*features:], f.N, (hi-lo)*features, s.shape.Size(), false)
}

// waveStage adds waves.
type waveStage struct {
	shape tensor.Shape
	waves func() []float32 // computed when they are first wanted
}

func (s *waveStage) Plan() Plan        { return Plan{Output: s.shape} }
func (s *waveStage) Forward(f *Frame)  { addToSamples(f, s.waves()) }
func (s *waveStage) Backward(f *Frame) { copy(f.DX, f.DY) }

// addToSamples sets Y to X with the same values added to every sample.
func addToSamples(f *Frame, values []float32) {
	for n := range f.N {
		kernel.Add(rows(f.Y, n, n+1, len(values)), rows(f.X, n, n+1, len(values)), values)
	}
}

// waves returns the sines and cosines of all positions. It takes angles in turns, of which
// only the fraction counts, and calls no function whose last bits differ from platform to
// platform.
func waves(steps, features int) []float32 {
	const log2Longest = 13.287712379549449 // log₂ 10000
	table := make([]float32, steps*features)
	for j := range features {
		turns := exp2(-log2Longest*float64(j-j%2)/float64(features)) / (2 * math.Pi)
		for t := range steps {
			angle := float64(float64(t) * turns)
			sin, cos := kernel.SinCos(uint32((angle - math.Floor(angle)) * (1 << 32)))
			if j%2 == 0 {
				table[t*features+j] = sin
			} else {
				table[t*features+j] = cos
			}
		}
	}
	return table
}

// exp2 returns 2ˣ for x ≤ 0, by Taylor's series of its fraction.
func exp2(x float64) float64 {
	whole := math.Floor(x)
	z := (x - whole) * math.Ln2
	sum := 1.0
	for k := 20; k > 0; k-- {
		sum = float64(float64(z/float64(k))*sum) + 1
	}
	return math.Ldexp(sum, int(whole))
}
