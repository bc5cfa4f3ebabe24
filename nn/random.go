package nn

import "hourglass/internal/kernel"

// Random names the random numbers of one stage in one training step: they are a
// function of these fields and of nothing else, so that a sample gets the same
// noise whichever worker computes it, and a resumed run the same as an
// uninterrupted one.
type Random struct {
	Seed  uint64 // of the run
	Step  uint64 // counts the run's training steps, below 2⁴⁸
	Stage uint16 // position in the network
	First int    // index in the batch of the frame's first sample
}

// stream returns key and counter of the numbers for the frame's i-th sample.
func (r Random) stream(i int) (kernel.Key, kernel.Counter) {
	return kernel.Key{uint32(r.Seed), uint32(r.Seed >> 32)},
		kernel.Counter{0, uint32(r.First + i), uint32(r.Step), uint32(r.Step>>32)<<16 | uint32(r.Stage)}
}

// Uniform sets dst to numbers of the frame's sample i, uniform in [0, 1). A stage that
// draws more than once for a sample takes them from one longer dst: the same sample gets
// the same numbers at every call of a step.
func (r Random) Uniform(dst []float32, i int) {
	key, counter := r.stream(i)
	kernel.Uniform(dst, key, counter)
}

// Normal sets dst to numbers of the frame's sample i, normal with mean 0 and deviation 1.
func (r Random) Normal(dst []float32, i int) {
	key, counter := r.stream(i)
	kernel.Normal(dst, key, counter)
}
