package tsne

import (
	"context"
	"fmt"
	"math"
	"slices"

	"hourglass/internal/parallel"
	"hourglass/neighbors"
	"hourglass/tensor"
)

// Affinities say how much each two samples belong together: a symmetric sparse
// matrix P that sums to one. They are the first stage of t-SNE.
//
// For every sample i, p(j|i) ∝ exp(-β_i·|x_i-x_j|²) over its 3·perplexity+1
// nearest neighbours j, with β_i such that the distribution has the perplexity
// asked for, exp(-Σ_j p(j|i)·ln p(j|i)): an effective number of neighbours. Then
// P_ij = (p(j|i) + p(i|j)) / 2N.
type Affinities struct {
	// Perplexity is that of the distributions: the one asked for, or (N-1)/3 if
	// that is less, but at least 1.
	Perplexity float64

	starts  []int // where each row begins in entries, and the last ends
	entries []affinity
	total   float64 // Σ P: 1, but for rounding
	entropy float64 // Σ P·ln P
}

// mostNeighbours bounds the memory for them, of all samples together, to some four
// gigabytes.
const mostNeighbours = 1 << 27

// affinity is P_ij in the row of i.
type affinity struct {
	j int32
	p float32
}

// NewAffinities finds the affinities of at least two samples, of shape N×(code).
// A perplexity of 0 is 30, scikit-learn's; where N is less than 3·perplexity+1 it
// is lowered, as in openTSNE. Threads below 1 are one per processor.
func NewAffinities(ctx context.Context, codes tensor.Tensor, perplexity float64, threads int) (*Affinities, error) {
	if perplexity == 0 {
		perplexity = defaultPerplexity
	}
	if !(perplexity >= 1) || math.IsInf(perplexity, 1) {
		return nil, fmt.Errorf("tsne: affinities: perplexity is %v, want at least 1", perplexity)
	}
	index, err := neighbors.NewIndex(codes)
	if err != nil {
		return nil, fmt.Errorf("tsne: affinities: %w", err)
	}
	n := index.Len()
	if n < 2 {
		return nil, fmt.Errorf("tsne: affinities: got %d sample, want at least 2", n)
	}
	perplexity = max(1, min(perplexity, float64(n-1)/3))
	index.Threads = threads
	k := min(int(3*perplexity+1), n-1)
	if k > mostNeighbours/n {
		return nil, fmt.Errorf("tsne: affinities: perplexity %v of %d samples needs %d neighbours of each, want at most %d",
			perplexity, n, k, mostNeighbours/n)
	}
	near, err := index.Others(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("tsne: affinities: %w", err)
	}
	a := &Affinities{Perplexity: perplexity}
	if err := parallel.Try(func() error { return a.fill(near, threads) }); err != nil {
		return nil, fmt.Errorf("tsne: affinities: %w", err)
	}
	return a, nil
}

// fill computes the affinities of samples whose nearest neighbours are known.
func (a *Affinities) fill(near neighbors.Neighbors, threads int) error {
	c := newCrew(threads)
	defer c.team.Close()
	n := len(near.Squared) / near.K
	conditional := make([]float32, len(near.Squared))
	c.each(blocksOf(n, pointBlock), func(_, b int) {
		p := make([]float64, near.K)
		for i := b * pointBlock; i < min((b+1)*pointBlock, n); i++ {
			_, squared := near.Row(i)
			calibrate(p, squared, a.Perplexity)
			for k, v := range p {
				conditional[i*near.K+k] = float32(v)
			}
		}
	})
	a.symmetrise(c, near, conditional)
	return nil
}

// Len returns the number of samples.
func (a *Affinities) Len() int { return len(a.starts) - 1 }

// Stored returns the number of affinities that are not zero.
func (a *Affinities) Stored() int { return len(a.entries) }

// Row calls f with every j and P_ij > 0 of sample i, in ascending order of j.
func (a *Affinities) Row(i int, f func(j int, p float64)) {
	for _, e := range a.row(i) {
		f(int(e.j), float64(e.p))
	}
}

func (a *Affinities) row(i int) []affinity { return a.entries[a.starts[i]:a.starts[i+1]] }

// calibrate writes to p the distribution exp(-β·squared[k])/Σ whose perplexity is
// the one given. Where the nearest neighbours are equally near and too many, it is
// uniform over them.
//
// The entropy H falls with ln β, at the rate β²·Var(squared). Newton's steps are
// kept within the bracket that the search has found so far.
func calibrate(p []float64, squared []float32, perplexity float64) {
	const tolerance, most = 1e-8, 200
	target := math.Log(perplexity)
	logBeta, low, high := 0.0, math.Inf(-1), math.Inf(1)
	if mean := meanExcess(squared); mean > 0 {
		logBeta = -math.Log(mean)
	}
	for range most {
		beta := math.Exp(logBeta)
		entropy, variance := distribute(p, squared, beta)
		excess := entropy - target
		if math.Abs(excess) < tolerance {
			return
		}
		if excess > 0 {
			low = logBeta
		} else {
			high = logBeta
		}
		logBeta += newtonStep(excess, beta*beta*variance)
		if logBeta <= low || logBeta >= high {
			logBeta = (low + high) / 2
		}
		if high-low < 1e-12 || math.Abs(logBeta) > 300 {
			return
		}
	}
}

// newtonStep is at most a factor of e⁴ in β.
func newtonStep(excess, slope float64) float64 {
	const longest = 4
	return max(-longest, min(longest, excess/max(slope, 1e-300)))
}

// meanExcess is how much farther than the nearest neighbour they are on average.
func meanExcess(squared []float32) float64 {
	var s float64
	for _, d := range squared {
		s += float64(d) - float64(squared[0])
	}
	return s / float64(len(squared))
}

// distribute writes the distribution of β to p and returns its entropy and the
// variance of the squared distances under it. Distances are taken relative to the
// nearest, squared[0], which changes no probability and keeps the sum above zero.
func distribute(p []float64, squared []float32, beta float64) (entropy, variance float64) {
	var s, mean, meanSquare float64
	for k, d := range squared {
		excess := float64(d) - float64(squared[0])
		e := math.Exp(-beta * excess)
		p[k] = e
		s += e
		mean += e * excess
		meanSquare += e * excess * excess
	}
	mean, meanSquare = mean/s, meanSquare/s
	for k := range p {
		p[k] /= s
	}
	return math.Log(s) + beta*mean, max(0, meanSquare-mean*mean)
}

// symmetrise fills the matrix from the conditional probabilities of each sample's
// neighbours.
func (a *Affinities) symmetrise(c *crew, near neighbors.Neighbors, conditional []float32) {
	n := near.Len()
	starts, both := bothDirections(near, conditional)
	kept, sums := make([]int, n), make([]float64, n)
	c.each(blocksOf(n, pointBlock), func(_, b int) {
		for i := b * pointBlock; i < min((b+1)*pointBlock, n); i++ {
			kept[i], sums[i] = mergeRow(both[starts[i]:starts[i+1]])
		}
	})
	a.starts = make([]int, 1, n+1)
	a.entries = both[:0] // rows only move forward, so none is overwritten before it was copied
	total := sum(sums)
	for i := range n {
		for _, e := range both[starts[i] : starts[i]+kept[i]] {
			e.p = float32(float64(e.p) / total)
			if e.p > 0 {
				a.entries = append(a.entries, e)
				a.total += float64(e.p)
				a.entropy += float64(e.p) * math.Log(float64(e.p))
			}
		}
		a.starts = append(a.starts, len(a.entries))
	}
}

// bothDirections lists, in the row of i, every p(j|i) and every p(i|j).
func bothDirections(near neighbors.Neighbors, conditional []float32) (starts []int, entries []affinity) {
	n := near.Len()
	starts = make([]int, n+2)
	for i := range n {
		starts[i+2] += near.K
	}
	for _, j := range near.Indices {
		starts[j+2]++
	}
	for i := 2; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	entries = make([]affinity, starts[n+1])
	put := func(row, j int32, p float32) {
		entries[starts[row+1]] = affinity{j, p}
		starts[row+1]++
	}
	for i := range int32(n) {
		indices, _ := near.Row(int(i))
		for k, j := range indices {
			p := conditional[int(i)*near.K+k]
			put(i, j, p)
			put(j, i, p)
		}
	}
	return starts[:n+1], entries
}

// mergeRow sorts a row by j and adds up the two entries of the same j. It returns
// how many are left, at the front, and their sum.
func mergeRow(row []affinity) (kept int, sum float64) {
	slices.SortFunc(row, func(a, b affinity) int { return int(a.j) - int(b.j) })
	for _, e := range row {
		sum += float64(e.p)
		if kept > 0 && row[kept-1].j == e.j {
			row[kept-1].p += e.p
			continue
		}
		row[kept] = e
		kept++
	}
	return kept, sum
}
