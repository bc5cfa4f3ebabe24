package nn

import (
	"fmt"
	"math"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// BatchNormalization standardises every channel, which is every position on the last
// axis, and scales it (Ioffe & Szegedy 2015):
//
//	y = γ ⊙ (x - mean) / √(variance + ε) + β
//
// In training, mean and variance are those of the batch, over samples and all axes
// but the last, and the running values follow them: running ← m·running + (1-m)·batch.
// Otherwise the running values are used. It takes samples of any shape. As Keras'
// BatchNormalization: the variance is the mean squared deviation, in the running value
// too (PyTorch keeps the unbiased one there). gamma, beta, moving_mean and
// moving_variance have a value for every channel; the optimiser changes only the first two.
type BatchNormalization struct {
	Momentum float64 `json:"momentum,omitempty"` // m, below 1; 0.99 by default
	Epsilon  float64 `json:"epsilon,omitempty"`  // ε; 0.001 by default
}

// Bind accepts every shape of at least one axis.
func (l BatchNormalization) Bind(in tensor.Shape) (Stage, error) {
	if l.Momentum == 0 {
		l.Momentum = 0.99
	}
	if !(l.Momentum > 0 && l.Momentum < 1) {
		return nil, fmt.Errorf("momentum is %v, want above 0 and below 1", l.Momentum)
	}
	epsilon, err := bindEpsilon(l.Epsilon)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("got a scalar, want samples of at least one axis")
	}
	channels := in[len(in)-1]
	return &batchNormStage{shape: in.Clone(), channels: channels, rows: in.Size() / channels,
		momentum: l.Momentum, epsilon: epsilon}, nil
}

// bindEpsilon returns what is added to a variance, 0.001 by default as in Keras.
func bindEpsilon(epsilon float64) (float64, error) {
	if epsilon == 0 {
		return 1e-3, nil
	}
	if !(epsilon > 0 && epsilon < 1) {
		return 0, fmt.Errorf("epsilon is %v, want above 0 and below 1", epsilon)
	}
	return epsilon, nil
}

type batchNormStage struct {
	shape             tensor.Shape
	rows, channels    int // a sample's
	momentum, epsilon float64
}

var (
	_ Coupled  = (*batchNormStage)(nil)
	_ Follower = (*batchNormStage)(nil)
)

// The parameters' places in Frame.Params.
const (
	normGamma = iota
	normBeta
	normMean
	normVariance
)

// What is shared of a batch: an array of a value for every channel each.
const (
	sharedMean       = iota
	sharedVariance   // of the batch
	sharedBetaGrad   // Σ dy
	sharedGammaGrad  // Σ dy·(x - mean)/√(variance + ε)
	sharedStatistics // their number
)

func (s *batchNormStage) Plan() Plan {
	param := func(name string, init Initializer, frozen bool) Param {
		return Param{Name: name, Shape: tensor.Shape{s.channels}, Init: init, FanIn: s.channels, FanOut: s.channels, Frozen: frozen}
	}
	return Plan{
		Output: s.shape,
		Params: []Param{param("gamma", Ones, false), param("beta", Zeros, false),
			param("moving_mean", Zeros, true), param("moving_variance", Ones, true)},
		Shared:    sharedStatistics * s.channels,
		Workspace: 3 * s.channels, // factors of the channels
	}
}

func (s *batchNormStage) Channels() int { return s.channels }

// shared returns one of the shared arrays.
func (s *batchNormStage) shared(f *Frame, which int) []float32 {
	return rows(f.Shared, which, which+1, s.channels)
}

// statistics returns the means and variances to normalise with.
func (s *batchNormStage) statistics(f *Frame) (mean, variance []float32) {
	if f.Training {
		return s.shared(f, sharedMean), s.shared(f, sharedVariance)
	}
	return f.Params[normMean], f.Params[normVariance]
}

// scale returns 1/√(variance + ε).
func (s *batchNormStage) scale(variance float32) float32 {
	return float32(1 / math.Sqrt(float64(variance)+s.epsilon))
}

// GatherForward computes mean and variance, the latter from deviations so that it
// keeps its digits where the mean is large. Sums are float64, in the order of the rows.
func (s *batchNormStage) GatherForward(f *Frame, lo, hi int) {
	count := float64(f.N * s.rows)
	mean, variance := s.shared(f, sharedMean)[lo:hi], s.shared(f, sharedVariance)[lo:hi]
	var sums normSums
	for at := 0; at < hi-lo; at += len(sums) {
		m, v := mean[at:min(at+len(sums), hi-lo)], variance[at:min(at+len(sums), hi-lo)]
		sums = normSums{}
		for x := lo + at; x < len(f.X); x += s.channels {
			for c, value := range f.X[x : x+len(m)] {
				sums[c] += float64(value)
			}
		}
		for c := range m {
			sums[c] /= count
			m[c] = float32(sums[c])
		}
		var squares normSums
		for x := lo + at; x < len(f.X); x += s.channels {
			for c, value := range f.X[x : x+len(m)] {
				d := float64(value) - sums[c]
				squares[c] += float64(d * d)
			}
		}
		for c := range v {
			v[c] = float32(squares[c] / count)
		}
	}
}

// normSums are sums of the channels in a cache line.
type normSums [16]float64

// GatherBackward computes the gradients of β and γ, which those of x depend on.
func (s *batchNormStage) GatherBackward(f *Frame, lo, hi int) {
	mean, variance := s.statistics(f)
	dbeta, dgamma := s.shared(f, sharedBetaGrad), s.shared(f, sharedGammaGrad)
	var sums, products normSums
	for at := lo; at < hi; at += len(sums) {
		sums, products = normSums{}, normSums{}
		m := mean[at:min(at+len(sums), hi)]
		for x := at; x < len(f.X); x += s.channels {
			dy := f.DY[x : x+len(m)]
			for c, value := range f.X[x : x+len(m)] {
				d := float64(dy[c])
				sums[c] += d
				products[c] += float64(d * (float64(value) - float64(m[c])))
			}
		}
		for c := range m {
			dbeta[at+c] = float32(sums[c])
			dgamma[at+c] = float32(products[c] * float64(s.scale(variance[at+c])))
		}
	}
}

func (s *batchNormStage) gatherReads() reads { return reads{x: true, dy: true} }

// Forward: y = (γ·scale)·(x - mean) + β.
func (s *batchNormStage) Forward(f *Frame) {
	mean, variance := s.statistics(f)
	gamma, beta := f.Params[normGamma], f.Params[normBeta]
	factors := f.Workspace[:s.channels]
	for c := range factors {
		factors[c] = gamma[c] * s.scale(variance[c])
	}
	for r := range f.N * s.rows {
		x, y := rows(f.X, r, r+1, s.channels), rows(f.Y, r, r+1, s.channels)
		kernel.Normalize(y, x, mean, factors, beta)
	}
}

// Backward: dx = γ·scale·(dy - mean of dy - x̂ · mean of dy·x̂) for the normalised x̂ where
// the statistics are the batch's, dx = γ·scale·dy where they are constants.
func (s *batchNormStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	mean, variance := s.statistics(f)
	gamma, dbeta, dgamma := f.Params[normGamma], s.shared(f, sharedBetaGrad), s.shared(f, sharedGammaGrad)
	factors, shifts, slopes := rows(f.Workspace, 0, 1, s.channels), rows(f.Workspace, 1, 2, s.channels), rows(f.Workspace, 2, 3, s.channels)
	for c := range factors {
		scale, count := s.scale(variance[c]), float32(f.Batch*s.rows)
		factors[c], shifts[c], slopes[c] = gamma[c]*scale, 0, 0
		if f.Training {
			shifts[c], slopes[c] = dbeta[c]/count, dgamma[c]/count*scale
		}
	}
	for r := range f.N * s.rows {
		kernel.NormalizeGrad(rows(f.DX, r, r+1, s.channels), rows(f.DY, r, r+1, s.channels), rows(f.X, r, r+1, s.channels),
			mean, factors, shifts, slopes)
	}
}

func (s *batchNormStage) Gradient(f *Frame, param, lo, hi int) {
	switch param {
	case normGamma:
		copy(f.Grads[param][lo:hi], s.shared(f, sharedGammaGrad)[lo:hi])
	case normBeta:
		copy(f.Grads[param][lo:hi], s.shared(f, sharedBetaGrad)[lo:hi])
	}
}

// gradientReads: nothing but what has been gathered.
func (s *batchNormStage) gradientReads() reads { return reads{} }

// Follow moves the running values towards those of the batch.
func (s *batchNormStage) Follow(f *Frame, param, lo, hi int) {
	batch := s.shared(f, sharedMean)
	if param == normVariance {
		batch = s.shared(f, sharedVariance)
	}
	for c := lo; c < hi; c++ {
		running := &f.Params[param][c]
		*running = float32(float64(s.momentum*float64(*running)) + float64((1-s.momentum)*float64(batch[c])))
	}
}
