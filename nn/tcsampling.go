package nn

import (
	"fmt"
	"math"

	"hourglass/internal/kernel"
	"hourglass/internal/portable"
	"hourglass/tensor"
)

// TCSampling draws codes from normal distributions whose means and log-variances it is
// given, as [Sampling] does, and takes their divergence from N(0, 1) apart into three terms, of which
// the second counts Correlation times (Chen et al. 2018, Isolating sources of disentanglement in
// variational autoencoders, β-TCVAE):
//
//	Weight · ( [ln q(z|x) - ln q(z)] + Correlation·[ln q(z) - Σ ln q(z_c)] + Σ [ln q(z_c) - ln p(z_c)] )
//
// "mutual_information" between codes and samples, "total_correlation", which is 0 where the numbers of
// a code are independent, and "dimension_kl". The densities q(z) over all samples are estimated within the
// batch by the paper's minibatch weighted sampling: 1/(batch·Samples) Σ_j q(z|x_j). In a batch of
// one they say nothing and only their constants remain. The cost grows with the square of the batch.
type TCSampling struct {
	Weight      float64 `json:"weight"`      // of the divergence, at least 0; see Sampling
	Correlation float64 `json:"correlation"` // the β of the total correlation, at least 0; 6 in the paper
	Samples     int     `json:"samples"`     // for training, at least 1
}

var _ Composite = TCSampling{}

// Bind refuses: a network expands the layer.
func (l TCSampling) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts vectors of an even length.
func (l TCSampling) Expand(b *Builder, in Value) (Value, error) {
	if l.Samples < 1 {
		return 0, fmt.Errorf("samples is %d, want at least 1", l.Samples)
	}
	if err := firstError(checkWeight("weight", l.Weight), checkWeight("correlation", l.Correlation)); err != nil {
		return 0, err
	}
	shape := b.Shape(in)
	if len(shape) != 1 || shape[0]%2 != 0 {
		return 0, fmt.Errorf("got samples of shape %v, want a vector of as many means and log-variances", shape)
	}
	drawn, err := b.AddStage(tcDraw{shape[0] / 2}, in)
	if err != nil {
		return 0, err
	}
	return b.AddStage(&tcStage{TCSampling: l, codes: shape[0] / 2}, drawn)
}

// tcDraw draws codes, and writes all that densities of codes need: codes, means,
// log-variances and precisions exp(-log-variance).
type tcDraw struct{ codes int }

// The four parts of what it writes.
const (
	tcCode = iota
	tcMean
	tcLogVariance
	tcPrecision
	tcParts
)

// logTwoPi is ln 2π.
const logTwoPi = 1.8378770664093453

// tcPart returns a part of sample i.
func tcPart(data []float32, i, part, codes int) []float32 {
	return rows(data, i*tcParts+part, i*tcParts+part+1, codes)
}

func (s tcDraw) Plan() Plan {
	return Plan{Output: tensor.Shape{tcParts * s.codes}, Memory: []int{s.codes, s.codes}}
}

func (s tcDraw) Forward(f *Frame) {
	for i := range f.N {
		x := rows(f.X, i, i+1, 2*s.codes)
		mean, logVariance := x[:s.codes], x[s.codes:]
		z := tcPart(f.Y, i, tcCode, s.codes)
		copy(z, mean)
		copy(tcPart(f.Y, i, tcMean, s.codes), mean)
		copy(tcPart(f.Y, i, tcLogVariance, s.codes), logVariance)
		if !f.Training && !f.Evaluating {
			continue
		}
		noise, deviation := rows(f.Memory[samplingNoise], i, i+1, s.codes), rows(f.Memory[samplingDeviation], i, i+1, s.codes)
		key, counter := f.Random.stream(i)
		kernel.Normal(noise, key, counter)
		kernel.Scale(deviation, logVariance, 0.5)
		kernel.Exp(deviation, deviation)
		precision := tcPart(f.Y, i, tcPrecision, s.codes)
		kernel.Scale(precision, logVariance, -1)
		kernel.Exp(precision, precision)
		for c, d := range deviation {
			z[c] += float32(d * noise[c])
		}
	}
}

// Backward: the mean's gradient is those of code and mean, that of the log-variance its own and
// ½·dz·ε·σ. The precision is part of the log-variance's.
func (s tcDraw) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	for i := range f.N {
		dx := rows(f.DX, i, i+1, 2*s.codes)
		dz, dmean, dlog := tcPart(f.DY, i, tcCode, s.codes), tcPart(f.DY, i, tcMean, s.codes), tcPart(f.DY, i, tcLogVariance, s.codes)
		noise, deviation := rows(f.Memory[samplingNoise], i, i+1, s.codes), rows(f.Memory[samplingDeviation], i, i+1, s.codes)
		for c := range s.codes {
			dx[c] = dz[c] + dmean[c]
			dx[s.codes+c] = dlog[c] + float32(0.5*float32(float32(dz[c]*noise[c])*deviation[c]))
		}
	}
}

// tcStage hands the codes on and adds the three terms.
type tcStage struct {
	TCSampling
	codes int
}

var (
	_ Coupled   = (*tcStage)(nil)
	_ Penalizer = (*tcStage)(nil)
)

// What is kept of a sample: for each number of its code, and last for all of them together, the
// logarithm of the sum of densities over the batch, and the gradient with respect to the code.
const (
	tcSums = iota
	tcGradient
)

func (s *tcStage) Plan() Plan {
	return Plan{Output: tensor.Shape{s.codes}, Memory: []int{s.codes + 1, s.codes}, Workspace: 3 * (s.codes + 1), GatherAlways: true}
}

func (s *tcStage) Penalties() []string {
	return []string{"mutual_information", "total_correlation", "dimension_kl"}
}

// Channels are shares of the samples, as in [MMDRegularization].
func (s *tcStage) Channels() int { return mmdShares }

// GatherForward compares the codes of some shares with the distributions of all of the batch.
func (s *tcStage) GatherForward(f *Frame, lo, hi int) {
	for share := lo; share < hi; share++ {
		for i := share; i < f.N; i += mmdShares {
			s.addDensities(f, i)
			s.differentiate(f, i)
		}
	}
}

// logDensities sets list to the log-densities of code i under distribution j, of each number and
// last of all together.
func (s *tcStage) logDensities(list []float32, f *Frame, i, j int) {
	z, mean := tcPart(f.X, i, tcCode, s.codes), tcPart(f.X, j, tcMean, s.codes)
	logVariance, precision := tcPart(f.X, j, tcLogVariance, s.codes), tcPart(f.X, j, tcPrecision, s.codes)
	var sum float32
	for c := range s.codes {
		d := z[c] - mean[c]
		list[c] = float32(-0.5 * (logTwoPi + logVariance[c] + float32(float32(d*d)*precision[c])))
		sum += list[c]
	}
	list[s.codes] = sum
}

// workspace returns the three lists of a worker.
func (s *tcStage) workspace(f *Frame) (densities, most, sums []float32) {
	n := s.codes + 1
	return f.Workspace[:n], f.Workspace[n : 2*n], f.Workspace[2*n : 3*n]
}

// addDensities computes the logarithms of the sums of code i's densities, with the largest taken
// out of each sum.
func (s *tcStage) addDensities(f *Frame, i int) {
	densities, most, sums := s.workspace(f)
	for c := range most {
		most[c], sums[c] = float32(math.Inf(-1)), 0
	}
	for j := range f.N {
		s.logDensities(densities, f, i, j)
		for c, d := range densities {
			most[c] = max(most[c], d)
		}
	}
	for j := range f.N {
		s.logDensities(densities, f, i, j)
		kernel.Axpy(densities, -1, most)
		kernel.Exp(densities, densities)
		kernel.Add(sums, sums, densities)
	}
	logs := rows(f.Memory[tcSums], i, i+1, s.codes+1)
	kernel.Log(logs, sums)
	kernel.Add(logs, logs, most)
}

// slopes sets list to the derivatives of sample i's terms, divided by Weight, with respect to the
// log-densities of its code under distribution j, number by number, but for ln q(z|x).
func (s *tcStage) slopes(list []float32, f *Frame, i, j int) {
	s.logDensities(list, f, i, j)
	kernel.Axpy(list, -1, rows(f.Memory[tcSums], i, i+1, s.codes+1))
	kernel.Exp(list, list)
	correlation, whole := float64(f.Factors[1]*s.Correlation), list[s.codes]
	beta, share := float32(correlation-f.Factors[0]), float32(f.Factors[2]-correlation)
	for c := range s.codes {
		list[c] = float32(beta*whole) + float32(share*list[c])
	}
}

// differentiate computes the gradient with respect to code i.
func (s *tcStage) differentiate(f *Frame, i int) {
	if !f.Training {
		return
	}
	gradient := rows(f.Memory[tcGradient], i, i+1, s.codes)
	slopes, _, _ := s.workspace(f)
	z := tcPart(f.X, i, tcCode, s.codes)
	clear(gradient)
	for j := range f.N {
		s.slopes(slopes, f, i, j)
		mean, precision := tcPart(f.X, j, tcMean, s.codes), tcPart(f.X, j, tcPrecision, s.codes)
		for c := range gradient {
			gradient[c] -= float32(slopes[c] * float32((z[c]-mean[c])*precision[c]))
		}
	}
	// ln q(z|x) depends on the code and on its distribution alike, and on -ln p(z) = ½z²
	mean, precision := tcPart(f.X, i, tcMean, s.codes), tcPart(f.X, i, tcPrecision, s.codes)
	own, prior := float32(f.Factors[0]), float32(f.Factors[2])
	for c := range gradient {
		gradient[c] += float32(prior*z[c]) - float32(own*float32((z[c]-mean[c])*precision[c]))
	}
}

// GatherBackward computes the gradients with respect to the distributions of some shares.
func (s *tcStage) GatherBackward(f *Frame, lo, hi int) {
	if f.DX == nil {
		return
	}
	for share := lo; share < hi; share++ {
		for j := share; j < f.N; j += mmdShares {
			s.differentiateDistribution(f, j)
		}
	}
}

// gatherReads: every rank has gathered all sums.
func (s *tcStage) gatherReads() reads { return reads{x: true} }

// differentiateDistribution writes the gradient of distribution j, in the order of the codes.
func (s *tcStage) differentiateDistribution(f *Frame, j int) {
	slopes, _, _ := s.workspace(f)
	mean, precision := tcPart(f.X, j, tcMean, s.codes), tcPart(f.X, j, tcPrecision, s.codes)
	dmean, dlog := tcPart(f.DX, j, tcMean, s.codes), tcPart(f.DX, j, tcLogVariance, s.codes)
	clear(dmean)
	clear(dlog)
	scale, own := float32(s.Weight/float64(f.Batch)), float32(f.Factors[0])
	for i := range f.N {
		s.slopes(slopes, f, i, j)
		z := tcPart(f.X, i, tcCode, s.codes)
		for c, slope := range slopes[:s.codes] {
			if i == j {
				slope += own
			}
			d := z[c] - mean[c]
			p := float32(d * precision[c])
			dmean[c] += float32(slope * p)
			dlog[c] += float32(slope * float32(0.5*(float32(d*p)-1)))
		}
	}
	kernel.Scale(dmean, dmean, scale)
	kernel.Scale(dlog, dlog, scale)
}

// Forward hands the codes on and adds what each sample adds.
func (s *tcStage) Forward(f *Frame) {
	for i := range f.N {
		copy(rows(f.Y, i, i+1, s.codes), tcPart(f.X, i, tcCode, s.codes))
	}
	if f.Penalties == nil || !f.Training && !f.Evaluating {
		return
	}
	constant := portable.Log(float64(f.Batch) * float64(s.Samples))
	densities, _, _ := s.workspace(f)
	for i := range f.N {
		s.logDensities(densities, f, i, i)
		sums := rows(f.Memory[tcSums], i, i+1, s.codes+1)
		joint, product, prior := float64(sums[s.codes])-constant, 0.0, 0.0
		for c, z := range tcPart(f.X, i, tcCode, s.codes) {
			product += float64(sums[c]) - constant
			prior -= float64((logTwoPi + float64(float64(z)*float64(z))) / 2)
		}
		for t, term := range [...]float64{float64(densities[s.codes]) - joint, s.Correlation * (joint - product), product - prior} {
			f.Penalties[t][i] = f.Factors[t] * s.Weight * term
		}
	}
}

// Backward: dz = dy + Weight · the gradient / batch. GatherBackward has written the others.
func (s *tcStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	scale := float32(s.Weight / float64(f.Batch))
	for i := range f.N {
		dz, dy := tcPart(f.DX, i, tcCode, s.codes), rows(f.DY, i, i+1, s.codes)
		for c, g := range rows(f.Memory[tcGradient], i, i+1, s.codes) {
			dz[c] = dy[c] + float32(scale*g)
		}
	}
}
