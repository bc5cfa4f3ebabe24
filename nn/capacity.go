package nn

// capacityStage is a samplingStage whose divergence is held at a capacity.
type capacityStage struct{ samplingStage }

var (
	_ Coupled   = (*capacityStage)(nil)
	_ Penalizer = (*capacityStage)(nil)
)

// Shared has the mean divergence of the batch as the sum of two float32s.
const meanDivergence, meanDivergenceRest = 0, 1

func (s *capacityStage) Plan() Plan {
	plan := s.samplingStage.Plan()
	plan.Shared, plan.GatherAlways = 2, true
	return plan
}

func (s *capacityStage) Penalties() []string { return []string{"kl", "capacity"} }
func (s *capacityStage) Channels() int       { return 1 }

// GatherForward computes the mean divergence, in the order of the samples.
func (s *capacityStage) GatherForward(f *Frame, _, _ int) {
	var sum float64
	for r := range f.N * s.size / s.codes {
		mean, logVariance := s.halves(f.X, r)
		for c, d := range s.deviations(f, r) {
			m, v := float64(mean[c]), float64(d)
			sum += float64(m*m) + float64(v*v) - 1 - float64(logVariance[c])
		}
	}
	mean := sum / 2 / float64(f.N)
	f.Shared[meanDivergence] = float32(mean)
	f.Shared[meanDivergenceRest] = float32(mean - float64(f.Shared[meanDivergence]))
}

// GatherBackward has nothing to gather.
func (s *capacityStage) GatherBackward(*Frame, int, int) {}

func (s *capacityStage) gatherReads() reads { return reads{} }

// above returns the mean divergence of the batch, and by how much it exceeds the capacity.
func (s *capacityStage) above(f *Frame) (mean, excess float64) {
	mean = float64(f.Shared[meanDivergence]) + float64(f.Shared[meanDivergenceRest])
	return mean, mean - float64(f.Factors[1]*s.Capacity)
}

// Forward draws, and adds what the capacity changes, for every sample the same.
func (s *capacityStage) Forward(f *Frame) {
	s.samplingStage.Forward(f)
	if f.Penalties == nil {
		return
	}
	mean, excess := s.above(f)
	for i := range f.Penalties[1] {
		f.Penalties[1][i] = f.Factors[0] * s.Weight * (max(excess, -excess) - mean)
	}
}

// Backward is that of a divergence that counts by Weight above the capacity, by -Weight
// below it, and not at all at it.
func (s *capacityStage) Backward(f *Frame) {
	weight := f.Factors[0] * s.Weight
	switch _, excess := s.above(f); {
	case excess < 0:
		weight = -weight
	case excess == 0:
		weight = 0
	}
	s.backward(f, weight)
}
