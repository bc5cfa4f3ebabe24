package nn

import (
	"math"
	"slices"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

// refQuantizer is a codebook with its moving averages as the paper has them: sums m, counts N
// and e = m/N, in float64.
type refQuantizer struct {
	e, m  [][]float64
	count []float64
}

func newRefQuantizer(book []float32, codes int) *refQuantizer {
	q := &refQuantizer{}
	for k := range codes {
		e := doubles(book[k*len(book)/codes : (k+1)*len(book)/codes])
		q.e, q.m, q.count = append(q.e, e), append(q.m, slices.Clone(e)), append(q.count, 1)
	}
	return q
}

// nearest returns the vector of the codebook next to x.
func (q *refQuantizer) nearest(x []float64) int {
	best, least := 0, math.Inf(1)
	for k, e := range q.e {
		var d float64
		for c := range x {
			d += (x[c] - e[c]) * (x[c] - e[c])
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// follow takes a step of the averages.
func (q *refQuantizer) follow(xs [][]float64, decay float64) {
	n, sums := make([]float64, len(q.e)), make([][]float64, len(q.e))
	for k := range sums {
		sums[k] = make([]float64, len(q.e[0]))
	}
	for _, x := range xs {
		k := q.nearest(x)
		n[k]++
		for c := range x {
			sums[k][c] += x[c]
		}
	}
	for k := range q.e {
		q.count[k] = decay*q.count[k] + (1-decay)*n[k]
		for c := range q.e[k] {
			q.m[k][c] = decay*q.m[k][c] + (1-decay)*sums[k][c]
			q.e[k][c] = q.m[k][c] / q.count[k]
		}
	}
}

// The layer beside the formulas of the paper in float64, over several steps: outputs,
// penalty, perplexity, the gradient that goes through, and what the codebook becomes.
func TestVectorQuantizer(t *testing.T) {
	const n, positions, width, codes, decay, commitment = 5, 3, 2, 6, 0.9, 0.25
	net := newTestNetwork(t, tensor.Shape{positions, width}, Dense{Units: width, NoBias: true}, VectorQuantizer{Codes: codes, Commitment: commitment, Decay: decay})
	arrays := net.Arrays()
	kernel, book, counts := arrays[0].Values, arrays[1].Values, arrays[2].Values
	for k := range counts {
		counts[k] = 1
	}
	ref := newRefQuantizer(book, codes)
	pass := net.NewTrainingPass(n, PassOptions{})
	for step := range 12 {
		x, dy := golden.Values(uint64(20+step), n*positions*width, -1, 1), golden.Values(50, n*positions*width, -1, 1)
		y := pass.ForwardTraining(x, n, 1, uint64(step))
		var want []float64
		var vectors [][]float64
		penalty, gradient := make([]float64, n), make([]float64, len(kernel))
		for r := range n * positions {
			in := doubles(x[r*width : (r+1)*width])
			z := make([]float64, width)
			for i := range in {
				for c := range z {
					z[c] += in[i] * float64(kernel[i*width+c])
				}
			}
			e := ref.e[ref.nearest(z)]
			want, vectors = append(want, e...), append(vectors, z)
			for c := range z {
				penalty[r/positions] += commitment * (z[c] - e[c]) * (z[c] - e[c]) / (positions * width)
				slope := float64(dy[r*width+c]) + 2*commitment*(z[c]-e[c])/(n*positions*width)
				for i := range in {
					gradient[i*width+c] += in[i] * slope
				}
			}
		}
		golden.Close(t, "outputs", y, want, 1e-5)
		var entropy, total float64
		for _, c := range ref.count {
			total += c
		}
		for _, c := range ref.count {
			entropy -= c / total * math.Log(c/total)
		}
		for i := range n {
			if got := pass.Penalty(0, i); math.Abs(got-penalty[i]) > 1e-6 {
				t.Errorf("step %d: penalty of sample %d is %v, want %v", step, i, got, penalty[i])
			}
			if got := pass.Measure(0, i); math.Abs(got-math.Exp(entropy)) > 1e-5 {
				t.Errorf("step %d: perplexity %v, want %v", step, got, math.Exp(entropy))
			}
		}
		copy(pass.OutputGradients(0, n), dy)
		pass.BackwardShare(pass.solo, 0, n)
		pass.GradientShare(pass.solo, func(int, int) {})
		golden.Close(t, "gradient", pass.Gradients()[:len(kernel)], gradient, 1e-5)
		ref.follow(vectors, decay)
		var wantBook []float64
		for _, e := range ref.e {
			wantBook = append(wantBook, e...)
		}
		golden.Close(t, "codebook", book, wantBook, 1e-5)
		golden.Close(t, "counts", counts, ref.count, 1e-5)
	}
}

// A vector of the codebook that nothing is near is put on a vector of the batch, the same
// one whenever the step is repeated, and only if that is asked for.
func TestVectorQuantizerRevives(t *testing.T) {
	const n, codes = 8, 3
	for _, revive := range []float64{0, 0.95} {
		net := newTestNetwork(t, tensor.Shape{2}, VectorQuantizer{Codes: codes, Decay: 0.9, Revive: revive})
		start := []float32{0, 0, 50, 50, -70, 70, 1, 1, 1}
		x := golden.Values(7, n*2, -1, 1)
		var first []float32
		for range 2 {
			copy(net.Weights(), start)
			pass := net.NewTrainingPass(n, PassOptions{})
			pass.ForwardTraining(x, n, 3, 4)
			pass.BackwardShare(pass.solo, 0, n)
			pass.GradientShare(pass.solo, func(int, int) {})
			if first == nil {
				first = slices.Clone(net.Weights())
			}
		}
		if !slices.Equal(net.Weights(), first) {
			t.Errorf("repeated, the step makes %v of %v", net.Weights(), first)
		}
		for k := 1; k < codes; k++ {
			e, count := first[2*k:2*k+2], first[2*codes+k]
			among := slices.ContainsFunc([]int{0, 1, 2, 3, 4, 5, 6, 7}, func(i int) bool { return slices.Equal(e, x[2*i:2*i+2]) })
			if idle := slices.Equal(e, start[2*k:2*k+2]) && count == 0.9; revive == 0 && !idle || revive > 0 && (!among || math.Abs(float64(count)-n/3.0) > 1e-6) {
				t.Errorf("revive %v: vector %d became %v with the count %v", revive, k, e, count)
			}
		}
	}
}
