package digits

import (
	"math/bits"
	"math/rand/v2"
)

// random is a source of random numbers for one purpose of one sample. They are integers, or integers times a
// constant, and so the same everywhere.
type random struct{ pcg rand.PCG }

// The purposes that randomness serves. Each has a stream of its own for every index.
const (
	forLabels  = iota // by ten
	forDrawing        // by sample
	forPoints         // by point of the skeleton
)

// newRandom returns the source of a seed's stream with the given purpose and index.
func newRandom(seed, purpose, index uint64) random {
	var r random
	r.pcg.Seed(scramble(seed)+purpose, index)
	return r
}

// below returns an integer in [0, n).
func (r *random) below(n int) int {
	hi, _ := bits.Mul64(r.pcg.Uint64(), uint64(n))
	return int(hi)
}

// normal returns a number of mean 0 and standard deviation 1, nearly normally distributed yet never beyond ±3.5: the
// sum of four uniform numbers of 16 bits, each of which has the variance (2¹⁶)²/12.
func (r *random) normal() float64 {
	u := r.pcg.Uint64()
	sum := int(u&0xffff) + int(u>>16&0xffff) + int(u>>32&0xffff) + int(u>>48)
	const mean, deviation = 2 * 0xffff, 37837.227
	return (float64(sum) - mean) / deviation
}

// around returns a nearly normal number of the given mean and standard deviation.
func (r *random) around(mean, deviation float64) float64 { return mean + mul(deviation, r.normal()) }

// scramble lets every bit of x change about half of the result's bits (the finaliser of SplitMix64).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
