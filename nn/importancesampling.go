package nn

import (
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// ImportanceSampling draws several codes of each sample from normal distributions whose
// means and log-variances it is given, as [Sampling] does, and makes training follow the bound
// that is the tighter the more there are (Burda et al. 2016, importance weighted
// autoencoders): the loss of a sample is
//
//	-ln 1/k Σ exp(-reconstruction - Weight·V·D),  D = ln q(z|x) - ln p(z) = ½ Σ (z² - ε² - log-variance)
//
// over its k = Samples codes z, with the reconstruction loss summed over the V values of a
// sample, divided by V. That is the paper's bound where Weight is 1/V and the reconstruction loss
// is a negative log-likelihood, as binary cross-entropy is. Draws share out the gradient by
// their part in the sum. With one draw it is the variational autoencoder with the divergence
// of the code drawn, not the expected one.
//
// It reports the mean of Weight·D as "kl" and, at most 0, by how much the bound is
// tighter than the mean over the draws, as "tightening". Where nothing is trained or evaluated
// the code is the mean, and one. Everything behind it runs k times in training.
type ImportanceSampling struct {
	Samples int     `json:"samples"` // k, at least 1
	Weight  float64 `json:"weight"`  // of the divergence, at least 0
}

// Bind accepts a last axis that can be halved.
func (l ImportanceSampling) Bind(in tensor.Shape) (Stage, error) {
	if l.Samples < 1 {
		return nil, fmt.Errorf("samples is %d, want at least 1", l.Samples)
	}
	s, err := Sampling{Weight: l.Weight}.bind(in)
	if err != nil {
		return nil, err
	}
	return &importanceStage{*s, l.Samples}, nil
}

// importanceStage is a samplingStage that draws more than once.
type importanceStage struct {
	samplingStage
	draws int
}

var _ Penalizer = (*importanceStage)(nil)

func (s *importanceStage) Plan() Plan {
	return Plan{Output: s.output, Memory: []int{s.draws * s.size, s.size}, Copies: s.draws, Weighs: true}
}

// Forward draws, or hands the means on.
func (s *importanceStage) Forward(f *Frame) {
	draws, count := f.Training || f.Evaluating, s.size/s.codes
	for i := range f.N {
		if !draws {
			for k := range f.Copies {
				s.means(rows(f.Y, i*f.Copies+k, i*f.Copies+k+1, s.size), f.X, i)
			}
			continue
		}
		key, counter := f.Random.stream(i)
		kernel.Normal(rows(f.Memory[samplingNoise], i, i+1, s.draws*s.size), key, counter)
		for r := i * count; r < (i+1)*count; r++ {
			s.deviations(f, r)
		}
		var mean float64
		for k := range s.draws {
			d := float64(f.Factors[0] * s.Weight * s.draw(f, i, k))
			f.LogWeights[i*s.draws+k] = -d
			mean += d
		}
		f.Penalties[0][i] = mean / float64(s.draws)
	}
}

// means copies the means of sample i of x.
func (s *samplingStage) means(dst, x []float32, i int) {
	for r := range s.size / s.codes {
		mean, _ := s.halves(x, i*s.size/s.codes+r)
		copy(dst[r*s.codes:], mean)
	}
}

// place returns rows of a draw: r-th of the k-th code of sample i.
func (s *importanceStage) place(data []float32, i, k, r int) []float32 {
	at := (i*s.draws+k)*s.size + r*s.codes
	return data[at : at+s.codes]
}

// draw makes the k-th code of sample i and returns ln q(z|x) - ln p(z).
func (s *importanceStage) draw(f *Frame, i, k int) (divergence float64) {
	count := s.size / s.codes
	for r := range count {
		mean, logVariance := s.halves(f.X, i*count+r)
		deviation := rows(f.Memory[samplingDeviation], i*count+r, i*count+r+1, s.codes)
		z, noise := s.place(f.Y, i, k, r), s.place(f.Memory[samplingNoise], i, k, r)
		for c, e := range noise {
			z[c] = mean[c] + float32(deviation[c]*e)
			v, n := float64(z[c]), float64(e)
			divergence += float64((float64(v*v) - float64(n*n) - float64(logVariance[c])) / 2)
		}
	}
	return divergence
}

// Backward: with g = dz + share·Weight·z/batch for each draw, the mean's gradient is Σ g and
// that of the log-variance ½ Σ (g·ε·σ - share·Weight/batch).
func (s *importanceStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	scale, count := float32(f.Factors[0]*s.Weight/float64(f.Batch)), s.size/s.codes
	for i := range f.N {
		for r := range count {
			dmean, dlog := s.halves(f.DX, i*count+r)
			clear(dmean)
			clear(dlog)
			deviation := rows(f.Memory[samplingDeviation], i*count+r, i*count+r+1, s.codes)
			for k := range s.draws {
				share := float32(scale * f.Shares[i*s.draws+k])
				z, noise := s.place(f.Y, i, k, r), s.place(f.Memory[samplingNoise], i, k, r)
				for c, dz := range s.place(f.DY, i, k, r) {
					g := dz + float32(share*z[c])
					dmean[c] += g
					dlog[c] += float32(0.5 * (float32(float32(g*noise[c])*deviation[c]) - share))
				}
			}
		}
	}
}
