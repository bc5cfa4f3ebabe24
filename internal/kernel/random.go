package kernel

import "math/bits"

// Random numbers are Philox4x32-10 (J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011):
// a block of four 32-bit words is a function of a key and a counter and of nothing before it.

// Key selects one of 2⁶⁴ independent streams.
type Key [2]uint32

// Counter is where a call starts in its stream. Word 0 counts blocks within the call
// and wraps around; the other three are the caller's: epoch, step, layer, sample.
type Counter [4]uint32

// randomGroup is the number of elements that 16 blocks make. Element 64g + 16w + l of a call is
// word w of the block with counter {Counter[0] + 16g + l, …}.
const randomGroup = 64

// Skip returns the counter with which a call continues after n elements; n must be a multiple of 64.
// A call for n+r elements gives the same numbers as two calls, for n and, with Skip(n), for r.
func (c Counter) Skip(n int) Counter {
	if n%randomGroup != 0 {
		panic("kernel: Counter.Skip: want a multiple of 64 elements")
	}
	c[0] += uint32(n / randomGroup * lanes)
	return c
}

// Uint32s fills dst with uniform 32-bit integers.
func Uint32s(dst []uint32, key Key, counter Counter) { active.uint32s(dst, key, counter) }

// Uniform fills dst with uniform numbers in [0, 1), multiples of 2⁻²⁴: the upper 24 bits of
// the integers of [Uint32s].
func Uniform(dst []float32, key Key, counter Counter) { active.uniform(dst, key, counter) }

// Normal fills dst with standard normal numbers (Box and Muller 1958). Words 0 and 1 of a block, and 2 and 3, make
// two numbers each: r·cos θ and r·sin θ with r = √(-2 ln u). The largest possible magnitude is 6.66.
func Normal(dst []float32, key Key, counter Counter) { active.normal(dst, key, counter) }

// AddNormal writes x + sigma·z to dst with the z of [Normal].
func AddNormal(dst, x []float32, sigma float32, key Key, counter Counter) {
	sameLength("AddNormal", len(dst), len(x))
	active.addNormal(dst, x, sigma, key, counter)
}

// Dropout writes scale·x where the number of [Uniform] is below keep, and 0 elsewhere, to dst. No mask
// is kept: the same call on the gradient drops the same elements.
func Dropout(dst, x []float32, keep, scale float32, key Key, counter Counter) {
	sameLength("Dropout", len(dst), len(x))
	active.dropout(dst, x, keep, scale, key, counter)
}

// Philox's multipliers and key increments.
const (
	philoxM0 = 0xD2511F53
	philoxM1 = 0xCD9E8D57
	philoxW0 = 0x9E3779B9
	philoxW1 = 0xBB67AE85

	philoxRounds = 10
)

// philox returns the block for one counter.
func philox(key Key, c Counter) [4]uint32 {
	k0, k1 := key[0], key[1]
	for range philoxRounds {
		hi0, lo0 := bits.Mul32(philoxM0, c[0])
		hi1, lo1 := bits.Mul32(philoxM1, c[2])
		c = Counter{hi1 ^ c[1] ^ k0, lo1, hi0 ^ c[3] ^ k1, lo0}
		k0 += philoxW0
		k1 += philoxW1
	}
	return c
}

// group returns the next 64 words and the counter after them.
func group(key [2]uint32, c [4]uint32) (words [randomGroup]uint32, next [4]uint32) {
	for l := range lanes {
		block := philox(key, c)
		for w, v := range block {
			words[w*lanes+l] = v
		}
		c[0]++
	}
	return words, c
}

// unitf returns the upper 24 bits of w as a fraction.
func unitf(w uint32) float32 { return float32(w>>8) * (1.0 / (1 << 24)) }

// boxMuller makes two normal numbers of two words.
func boxMuller(w0, w1 uint32) (z0, z1 float32) {
	u := fma32(float32(int32(w0>>1)), 1.0/(1<<31), 1.0/(1<<32)) // in (0, 1]
	r := sqrtf(float32(-2 * logf(u)))
	sin, cos := sinCosPi(w1)
	return r * cos, r * sin
}

// normals makes 64 normal numbers of 64 words.
func normals(words *[randomGroup]uint32) (z [randomGroup]float32) {
	for pair := 0; pair < randomGroup; pair += 2 * lanes {
		for l := pair; l < pair+lanes; l++ {
			z[l], z[l+lanes] = boxMuller(words[l], words[l+lanes])
		}
	}
	return z
}

func uint32sGeneric(dst []uint32, key [2]uint32, counter [4]uint32) {
	for i := 0; i < len(dst); i += randomGroup {
		var words [randomGroup]uint32
		words, counter = group(key, counter)
		copy(dst[i:], words[:])
	}
}

func uniformGeneric(dst []float32, key [2]uint32, counter [4]uint32) {
	for i := 0; i < len(dst); i += randomGroup {
		var words [randomGroup]uint32
		words, counter = group(key, counter)
		part := dst[i:min(i+randomGroup, len(dst))]
		for j := range part {
			part[j] = unitf(words[j])
		}
	}
}

func normalGeneric(dst []float32, key [2]uint32, counter [4]uint32) {
	for i := 0; i < len(dst); i += randomGroup {
		var words [randomGroup]uint32
		words, counter = group(key, counter)
		z := normals(&words)
		copy(dst[i:], z[:])
	}
}

func addNormalGeneric(dst, x []float32, sigma float32, key [2]uint32, counter [4]uint32) {
	for i := 0; i < len(dst); i += randomGroup {
		var words [randomGroup]uint32
		words, counter = group(key, counter)
		z := normals(&words)
		for j := i; j < min(i+randomGroup, len(dst)); j++ {
			dst[j] = fma32(sigma, z[j-i], x[j])
		}
	}
}

func dropoutGeneric(dst, x []float32, keep, scale float32, key [2]uint32, counter [4]uint32) {
	for i := 0; i < len(dst); i += randomGroup {
		var words [randomGroup]uint32
		words, counter = group(key, counter)
		for j := i; j < min(i+randomGroup, len(dst)); j++ {
			if unitf(words[j-i]) < keep {
				dst[j] = scale * x[j]
			} else {
				dst[j] = 0
			}
		}
	}
}
