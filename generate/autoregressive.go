package generate

import (
	"fmt"
	"math"
	"math/rand/v2"

	"hourglass/tensor"
)

// Autoregressive draws codes that are grids of vectors of a codebook, as those of nn.VectorQuantizer
// are, one vector after another, row by row: each by how often it followed those to its left and above
// it in the codes that were fitted. Longer contexts count as far as they have been seen (Witten and Bell
// 1991): with N occurrences of a context c, of which T are different ones,
//
//	p(k|c) = (n(k|c) + T·p(k|shorter c)) / (N + T)
//
// through the contexts position, left and above; left and above; position; none; and 1/K at last.
type Autoregressive struct {
	codebook      tensor.Tensor // K×d
	height, width int
	levels        [contexts]map[uint64]*counts
}

// contexts is how many there are of a vector, the shortest first.
const contexts = 4

// counts says what followed a context.
type counts struct {
	total int
	of    map[int32]int
}

var _ Sampler = (*Autoregressive)(nil)

// FitAutoregressive counts what follows what in codes of shape N×(…, steps, d), whose vectors are
// those of a codebook K×d, or near to them.
func FitAutoregressive(codes, codebook tensor.Tensor) (*Autoregressive, error) {
	if err := checkCodes("fit an autoregressive prior to codes", codes); err != nil {
		return nil, err
	}
	if err := checkCodes("fit an autoregressive prior by a codebook", codebook); err != nil {
		return nil, err
	}
	shape, d := codes.Sample(), codebook.Sample().Size()
	if len(shape) == 0 || shape[len(shape)-1] != d {
		return nil, fmt.Errorf("generate: fit an autoregressive prior to codes of shape %v, want vectors of %d as those of the codebook", shape, d)
	}
	a := &Autoregressive{codebook: codebook, height: 1, width: 1}
	if len(shape) > 1 {
		a.width = shape[len(shape)-2]
		a.height = shape.Size() / d / a.width
	}
	for l := range a.levels {
		a.levels[l] = map[uint64]*counts{}
	}
	grid, size := a.indices(codes), a.height*a.width
	for i := range codes.Len() {
		one := grid[i*size : (i+1)*size]
		for at, k := range one {
			for l, key := range a.keys(one, at) {
				c := a.levels[l][key]
				if c == nil {
					c = &counts{of: map[int32]int{}}
					a.levels[l][key] = c
				}
				c.total++
				c.of[k]++
			}
		}
	}
	return a, nil
}

// indices returns which vector of the codebook each vector of codes is nearest to.
func (a *Autoregressive) indices(codes tensor.Tensor) []int32 {
	d := a.codebook.Sample().Size()
	list := make([]int32, codes.Shape.Size()/d)
	for i := range list {
		vector, best, least := codes.Data[i*d:(i+1)*d], 0, math.Inf(1)
		for k := range a.codebook.Len() {
			if distance := squaredBelow(vector, a.codebook.Row(k), least); distance < least {
				best, least = k, distance
			}
		}
		list[i] = int32(best)
	}
	return list
}

// squaredBelow returns the squared distance of two vectors, or something above limit if it is.
func squaredBelow(a, b []float32, limit float64) (sum float64) {
	for i, v := range a {
		d := float64(v) - float64(b[i])
		if sum += d * d; sum > limit {
			return sum
		}
	}
	return sum
}

// keys names the contexts of a place, the shortest first. Outside of the grid is a vector too.
func (a *Autoregressive) keys(grid []int32, at int) [contexts]uint64 {
	left, above := uint64(0), uint64(0)
	if at%a.width > 0 {
		left = uint64(grid[at-1]) + 1
	}
	if at >= a.width {
		above = uint64(grid[at-a.width]) + 1
	}
	const bits = 20 // of a vector's number
	pair := left<<bits | above
	return [contexts]uint64{0, uint64(at), pair, uint64(at)<<(2*bits) | pair}
}

// probabilities sets p to those of the vectors at a place.
func (a *Autoregressive) probabilities(p []float64, grid []int32, at int) {
	for k := range p {
		p[k] = 1 / float64(len(p))
	}
	for l, key := range a.keys(grid, at) {
		c := a.levels[l][key]
		if c == nil {
			return // nor has a longer one been seen
		}
		different := float64(len(c.of))
		sum := float64(c.total) + different
		for k := range p {
			p[k] *= different / sum
		}
		for k, n := range c.of {
			p[k] += float64(n) / sum
		}
	}
}

// Sample draws codes, N×(height·width·d).
func (a *Autoregressive) Sample(n int, seed uint64) tensor.Tensor {
	d, size := a.codebook.Sample().Size(), a.height*a.width
	codes, p, grid := tensor.New(n, size*d), make([]float64, a.codebook.Len()), make([]int32, size)
	for i := range n {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		for at := range grid {
			a.probabilities(p, grid, at)
			grid[at] = int32(pick(p, rng.Float64()))
			copy(codes.Row(i)[at*d:], a.codebook.Row(int(grid[at])))
		}
	}
	return codes
}

// pick returns the place where the sum of probabilities passes u.
func pick(p []float64, u float64) int {
	for k, v := range p {
		if u -= v; u < 0 {
			return k
		}
	}
	return len(p) - 1
}

// LogLikelihood returns the mean of ln p over codes, in nats a code.
func (a *Autoregressive) LogLikelihood(codes tensor.Tensor) (mean float64, err error) {
	size := a.height * a.width
	if err := checkCodes("judge codes by a prior", codes); err != nil {
		return 0, err
	}
	if want := size * a.codebook.Sample().Size(); codes.Sample().Size() != want {
		return 0, fmt.Errorf("generate: judge codes of shape %v by a prior of codes of %d numbers", codes.Sample(), want)
	}
	grid, p := a.indices(codes), make([]float64, a.codebook.Len())
	for i := range codes.Len() {
		one := grid[i*size : (i+1)*size]
		for at, k := range one {
			a.probabilities(p, one, at)
			mean += math.Log(p[k]) / float64(codes.Len())
		}
	}
	return mean, nil
}
