package dataset

import (
	"math"

	"gonum.org/v1/gonum/mathext/prng"
)

// numpyRandom draws what NumPy's legacy generator (np.random.seed and the
// functions of np.random, since version 1.17 RandomState) draws, bit for bit.
type numpyRandom struct {
	source  *prng.MT19937
	spare   float64 // second number of a pair of Gaussians
	hasPair bool
}

// newNumpyRandom is np.random.seed(seed).
func newNumpyRandom(seed uint32) *numpyRandom {
	source := prng.NewMT19937()
	source.Seed(uint64(seed))
	return &numpyRandom{source: source}
}

// uniform is np.random.rand(): a multiple of 2^-53 in [0, 1) from the upper 27
// and 26 bits of two words.
func (g *numpyRandom) uniform() float64 {
	high, low := g.source.Uint32()>>5, g.source.Uint32()>>6
	return (float64(float64(high)*(1<<26)) + float64(low)) / (1 << 53)
}

// normal is np.random.randn() by Marsaglia's polar method (SIAM Review 6,
// 1964), which makes two numbers at a time.
func (g *numpyRandom) normal() float64 {
	if g.hasPair {
		g.hasPair = false
		return g.spare
	}
	for {
		x, y := 2*g.uniform()-1, 2*g.uniform()-1
		// The conversions keep compilers from fusing products and sums.
		r := float64(x*x) + float64(y*y)
		if r == 0 || r >= 1 {
			continue
		}
		scale := math.Sqrt(-2 * log(r) / r)
		g.spare, g.hasPair = scale*x, true
		return scale * y
	}
}
