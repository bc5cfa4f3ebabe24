package nn

import (
	"fmt"
	"math"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// GroupNormalization standardises every group of neighbouring channels of a sample over
// all its positions, and scales the channels (Wu & He 2018):
//
//	y = γ ⊙ (x - mean) / √(variance + ε) + β
//
// with mean and variance of the sample's own group, so that it does the same in training
// and afterwards, for batches of any size. It takes samples of any shape (…, channels). As
// Keras' GroupNormalization, and PyTorch's GroupNorm apart from the default of ε. gamma
// and beta have a value for every channel.
type GroupNormalization struct {
	Groups  int     `json:"groups,omitempty"`  // a divisor of the channels, 32 by default; -1 for a group a channel (instance normalisation)
	Epsilon float64 `json:"epsilon,omitempty"` // ε; 0.001 by default
}

// Bind accepts every shape of at least one axis whose channels the groups divide.
func (l GroupNormalization) Bind(in tensor.Shape) (Stage, error) {
	const defaultGroups = 32
	epsilon, err := bindEpsilon(l.Epsilon)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("got a scalar, want samples of at least one axis")
	}
	channels, groups := in[len(in)-1], l.Groups
	switch {
	case groups == 0:
		groups = defaultGroups
	case groups == -1:
		groups = channels
	case groups < 0:
		return nil, fmt.Errorf("groups is %d, want at least 1, or -1 for one a channel", groups)
	}
	if channels%groups != 0 {
		return nil, fmt.Errorf("cannot cut %d channels into %d groups, want a divisor", channels, groups)
	}
	return &groupNormStage{shape: in.Clone(), size: in.Size(), channels: channels, groups: groups, epsilon: epsilon}, nil
}

type groupNormStage struct {
	shape            tensor.Shape
	size             int // of a sample
	channels, groups int
	epsilon          float64
}

var _ Trainable = (*groupNormStage)(nil)

// The arrays of Frame.Memory.
const (
	groupMeans     = iota // of the groups
	groupScales           // 1/√(variance + ε)
	groupGammaGrad        // Σ dy·x̂ of the channels
	groupBetaGrad         // Σ dy of the channels
)

func (s *groupNormStage) Plan() Plan {
	param := func(name string, init Initializer) Param {
		return Param{Name: name, Shape: tensor.Shape{s.channels}, Init: init, FanIn: s.channels, FanOut: s.channels}
	}
	return Plan{
		Output:    s.shape,
		Params:    []Param{param("gamma", Ones), param("beta", Zeros)},
		Memory:    []int{groupMeans: s.groups, groupScales: s.groups, groupGammaGrad: s.channels, groupBetaGrad: s.channels},
		Workspace: 2 * s.channels,
		Solo:      true,
	}
}

// Forward: y = (γ·scale)·(x - mean) + β.
func (s *groupNormStage) Forward(f *Frame) {
	gamma, beta := f.Params[normGamma], f.Params[normBeta]
	factors, centres := rows(f.Workspace, 0, 1, s.channels), rows(f.Workspace, 1, 2, s.channels)
	for n := range f.N {
		x, y := rows(f.X, n, n+1, s.size), rows(f.Y, n, n+1, s.size)
		means, scales := rows(f.Memory[groupMeans], n, n+1, s.groups), rows(f.Memory[groupScales], n, n+1, s.groups)
		for g := range means {
			means[g], scales[g] = s.standard(x, g)
		}
		for c := range factors {
			g := s.group(c)
			factors[c], centres[c] = gamma[c]*scales[g], means[g]
		}
		for at := 0; at < len(x); at += s.channels {
			to := y[at : at+s.channels]
			for c, v := range x[at : at+s.channels] {
				to[c] = float32(factors[c]*(v-centres[c])) + beta[c]
			}
		}
	}
}

// group returns the group of a channel.
func (s *groupNormStage) group(channel int) int { return channel / (s.channels / s.groups) }

// standard returns mean and 1/√(variance + ε) of a group, the variance from deviations so
// that it keeps its digits where the mean is large. Every channel's sum is float64 in the
// order of the positions; then the channels follow one another.
func (s *groupNormStage) standard(x []float32, group int) (mean, scale float32) {
	width := s.channels / s.groups
	count := float64(s.size / s.groups)
	m := s.sumDeviations(x, group*width, width, 0, false) / count
	variance := s.sumDeviations(x, group*width, width, m, true) / count
	return float32(m), float32(1 / math.Sqrt(variance+s.epsilon))
}

// sumDeviations returns the sum of x - centre, or of its squares, over width channels from
// first on.
func (s *groupNormStage) sumDeviations(x []float32, first, width int, centre float64, squared bool) (total float64) {
	var sums normSums
	for ; width > 0; first, width = first+len(sums), width-len(sums) {
		sums = normSums{}
		together := min(width, len(sums))
		for at := first; at < len(x); at += s.channels {
			if squared {
				for c, v := range x[at : at+together] {
					d := float64(v) - centre
					sums[c] += float64(d * d)
				}
				continue
			}
			for c, v := range x[at : at+together] {
				sums[c] += float64(v) - centre
			}
		}
		for _, v := range sums[:together] {
			total += v
		}
	}
	return total
}

// Backward: dx = scale·(d - mean of d - x̂ · mean of d·x̂) with d = γ·dy, the normalised x̂
// and means over the group. The sums of the channels are kept for Gradient.
func (s *groupNormStage) Backward(f *Frame) {
	for n := range f.N {
		x, dy := rows(f.X, n, n+1, s.size), rows(f.DY, n, n+1, s.size)
		means, scales := rows(f.Memory[groupMeans], n, n+1, s.groups), rows(f.Memory[groupScales], n, n+1, s.groups)
		dgamma, dbeta := rows(f.Memory[groupGammaGrad], n, n+1, s.channels), rows(f.Memory[groupBetaGrad], n, n+1, s.channels)
		s.sumSlopes(dgamma, dbeta, x, dy, means, scales)
		if f.DX == nil {
			continue
		}
		dx, gamma := rows(f.DX, n, n+1, s.size), f.Params[normGamma]
		width := s.channels / s.groups
		for g := range s.groups {
			lo, hi := g*width, (g+1)*width
			s.spread(dx, x, dy, lo, gamma[lo:hi], dgamma[lo:hi], dbeta[lo:hi], means[g], scales[g])
		}
	}
}

// sumSlopes sets dgamma and dbeta to the sums of dy·x̂ and of dy over the positions.
func (s *groupNormStage) sumSlopes(dgamma, dbeta, x, dy, means, scales []float32) {
	var products, sums, centres normSums
	for first := 0; first < s.channels; first += len(sums) {
		products, sums = normSums{}, normSums{}
		together := min(s.channels-first, len(sums))
		for c := range together {
			centres[c] = float64(means[s.group(first+c)])
		}
		for at := first; at < len(x); at += s.channels {
			slopes := dy[at : at+together]
			for c, v := range x[at : at+together] {
				d := float64(slopes[c])
				sums[c] += d
				products[c] += float64(d * (float64(v) - centres[c]))
			}
		}
		for c := range together {
			dbeta[first+c] = float32(sums[c])
			dgamma[first+c] = float32(products[c] * float64(scales[s.group(first+c)]))
		}
	}
}

// spread computes dx of the channels of one group, from lo on.
func (s *groupNormStage) spread(dx, x, dy []float32, lo int, gamma, dgamma, dbeta []float32, mean, scale float32) {
	var sum, product float64
	for c, v := range gamma {
		sum += float64(float64(v) * float64(dbeta[c]))
		product += float64(float64(v) * float64(dgamma[c]))
	}
	count := float64(s.size / s.groups)
	shift, slope := float32(sum/count), float32(product/count)*scale
	for at := lo; at < len(x); at += s.channels {
		to, slopes := dx[at:at+len(gamma)], dy[at:at+len(gamma)]
		for c, v := range x[at : at+len(gamma)] {
			to[c] = scale * (float32(gamma[c]*slopes[c]) - shift - float32((v-mean)*slope))
		}
	}
}

func (s *groupNormStage) gradientReads() reads { return reads{memory: true} }

// Gradient: dγ = Σ dy·x̂ and dβ = Σ dy, over all samples.
func (s *groupNormStage) Gradient(f *Frame, param, lo, hi int) {
	sums := f.Memory[groupGammaGrad]
	if param == normBeta {
		sums = f.Memory[groupBetaGrad]
	}
	kernel.ColumnSums(f.Grads[param][lo:hi], sums[lo:], f.N, hi-lo, s.channels, false)
}
