package nn

import (
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Sampling draws codes from normal distributions whose means and log-variances it is
// given, the first and the second half of the last axis: from (…, 2·k) it makes (…, k),
//
//	z = mean + exp(log-variance/2) · ε,  ε from N(0, 1)
//
// (the reparameterisation of Kingma and Welling 2014). It draws in training and where a
// loss is evaluated; otherwise the codes are the means. To the loss it adds, under the
// name "kl", how far the distributions are from N(0, 1), in nats a sample:
//
//	Weight · ½ Σ (mean² + exp(log-variance) - 1 - log-variance)
//
// A loss that is a mean over values, as all of package loss, is that of a variational
// autoencoder where Weight is 1 divided by the number of values in a sample; more is a
// β-VAE (Higgins et al. 2017). In front of it stand two layers beside each other:
//
//	nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 10}}, {nn.Dense{Units: 10}}}}
//
// With a Capacity, in nats, the divergence is held there instead of being made small (Burgess
// et al. 2018, Understanding disentangling in β-VAE): with its mean m over the batch the
// loss has
//
//	Weight · |m - Capacity|
//
// of which Weight·m is reported as "kl" and the rest as "capacity". A schedule of the factor of
// "capacity" lets the Capacity rise from 0; see train.Ramp.
type Sampling struct {
	Weight   float64 `json:"weight"`             // of the divergence, at least 0
	Capacity float64 `json:"capacity,omitempty"` // that it is held at; 0 for none
}

// Bind accepts a last axis that can be halved.
func (l Sampling) Bind(in tensor.Shape) (Stage, error) {
	s, err := l.bind(in)
	if err != nil || l.Capacity == 0 {
		return s, err
	}
	return &capacityStage{*s}, nil
}

func (l Sampling) bind(in tensor.Shape) (*samplingStage, error) {
	if err := firstError(checkWeight("weight", l.Weight), checkWeight("capacity", l.Capacity)); err != nil {
		return nil, err
	}
	if len(in) == 0 || in[len(in)-1]%2 != 0 {
		return nil, fmt.Errorf("got samples of shape %v, want an even last axis, of means and log-variances", in)
	}
	output := in.Clone()
	output[len(in)-1] /= 2
	return &samplingStage{Sampling: l, output: output, codes: output[len(in)-1], size: output.Size()}, nil
}

type samplingStage struct {
	Sampling
	output tensor.Shape
	codes  int // k
	size   int // values in an output sample
}

var _ Penalizer = (*samplingStage)(nil)

// What Forward keeps of a sample.
const (
	samplingNoise     = iota // ε
	samplingDeviation        // exp(log-variance/2)
)

func (s *samplingStage) Plan() Plan          { return Plan{Output: s.output, Memory: []int{s.size, s.size}} }
func (s *samplingStage) Penalties() []string { return []string{"kl"} }

// halves returns the means and the log-variances of row r of an input.
func (s *samplingStage) halves(x []float32, r int) (mean, logVariance []float32) {
	row := rows(x, r, r+1, 2*s.codes)
	return row[:s.codes], row[s.codes:]
}

// Forward draws, or hands the means on.
func (s *samplingStage) Forward(f *Frame) {
	draws := f.Training || f.Evaluating
	for i := range f.N {
		if draws {
			key, counter := f.Random.stream(i)
			kernel.Normal(rows(f.Memory[samplingNoise], i, i+1, s.size), key, counter)
		}
		var divergence float64
		for r := i * s.size / s.codes; r < (i+1)*s.size/s.codes; r++ {
			mean, logVariance := s.halves(f.X, r)
			z := rows(f.Y, r, r+1, s.codes)
			copy(z, mean)
			if !draws {
				continue
			}
			noise, deviation := rows(f.Memory[samplingNoise], r, r+1, s.codes), s.deviations(f, r)
			for c, d := range deviation {
				z[c] += float32(d * noise[c])
				m, v := float64(mean[c]), float64(d)
				divergence += float64(m*m) + float64(v*v) - 1 - float64(logVariance[c])
			}
		}
		if f.Penalties != nil {
			f.Penalties[0][i] = f.Factors[0] * s.Weight * divergence / 2
		}
	}
}

// deviations computes exp(log-variance/2) of row r of the input.
func (s *samplingStage) deviations(f *Frame, r int) []float32 {
	_, logVariance := s.halves(f.X, r)
	deviation := rows(f.Memory[samplingDeviation], r, r+1, s.codes)
	kernel.Scale(deviation, logVariance, 0.5)
	kernel.Exp(deviation, deviation)
	return deviation
}

// Backward: the mean's gradient is dz + Weight·mean/batch, that of the log-variance
// ½·(dz·ε·σ + Weight·(σ² - 1)/batch) with the deviation σ.
func (s *samplingStage) Backward(f *Frame) { s.backward(f, f.Factors[0]*s.Weight) }

// backward is Backward for a divergence that counts by a weight.
func (s *samplingStage) backward(f *Frame, weight float64) {
	if f.DX == nil {
		return
	}
	scale := float32(weight / float64(f.Batch))
	for r := range f.N * s.size / s.codes {
		mean, _ := s.halves(f.X, r)
		dmean, dlog := s.halves(f.DX, r)
		noise, deviation := rows(f.Memory[samplingNoise], r, r+1, s.codes), rows(f.Memory[samplingDeviation], r, r+1, s.codes)
		for c, dz := range rows(f.DY, r, r+1, s.codes) {
			d := deviation[c]
			dmean[c] = dz + float32(scale*mean[c])
			dlog[c] = 0.5 * (float32(float32(dz*noise[c])*d) + float32(scale*(float32(d*d)-1)))
		}
	}
}
