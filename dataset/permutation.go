package dataset

import (
	"math/bits"
	"math/rand/v2"
)

// Permutation fills dst with 0 … len(dst)-1 in the order in which an epoch
// visits that many samples: a uniformly random one that depends on nothing but
// seed, epoch and len(dst), so a resumed run goes on as if never interrupted.
// It allocates nothing.
//
// It is Durstenfeld's form of the Fisher–Yates shuffle: for i from len(dst)-1
// down to 1, element i changes places with a random one of 0 … i. The numbers
// come from PCG-DXSM with 128 bits of state, seed in the upper and epoch in the
// lower half, and are brought into range without bias by Lemire's method
// (https://doi.org/10.1145/3230636). All of that is fixed: the same arguments
// give the same order in every version and on every machine.
func Permutation(seed, epoch uint64, dst []int) {
	for i := range dst {
		dst[i] = i
	}
	shuffle(rand.NewPCG(seed, epoch), dst)
}

// shuffle puts the elements of a in random order.
func shuffle(generator *rand.PCG, a []int) {
	for i := len(a) - 1; i > 0; i-- {
		j := below(generator, uint64(i)+1)
		a[i], a[j] = a[j], a[i]
	}
}

// below returns a uniformly random number in [0, n).
func below(generator *rand.PCG, n uint64) uint64 {
	high, low := bits.Mul64(generator.Uint64(), n)
	if low < n {
		// The first 2^64 mod n products of each residue would be one too many.
		for excess := -n % n; low < excess; {
			high, low = bits.Mul64(generator.Uint64(), n)
		}
	}
	return high
}
