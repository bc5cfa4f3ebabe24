package generate

import (
	"context"
	"fmt"
	"sync/atomic"

	"hourglass/internal/parallel"
	"hourglass/neighbors"
	"hourglass/tensor"
)

// Quality says how samples that were generated lie to real ones, by the balls around
// each sample that reach to its k-th nearest neighbour among its own.
type Quality struct {
	K int `json:"k"`
	// Precision is the share of generated samples that lie in a ball of a real one,
	// Recall that of real samples in a ball of a generated one (Kynkäänniemi et al. 2019).
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	// Density is in how many balls of real samples a generated one lies, in the mean
	// and divided by k: 1 for samples of the same distribution, and more where many
	// crowd together. Coverage is the share of real samples in whose ball a generated
	// one lies (Naeem et al. 2020).
	Density  float64 `json:"density"`
	Coverage float64 `json:"coverage"`
}

// Judge compares generated samples with real ones, N×(sample) and M×(sample): as they
// are, or better as features of them, for instance codes. k is 5 in the papers. The
// cost is N·M·D multiply-adds, so some thousands of each are wanted.
func Judge(ctx context.Context, real, generated tensor.Tensor, k int) (Quality, error) {
	q := Quality{K: k}
	for _, set := range []struct {
		name string
		x    tensor.Tensor
	}{{"real", real}, {"generated", generated}} {
		if err := checkCodes("judge "+set.name+" samples", set.x); err != nil {
			return q, err
		}
		if k < 1 || k >= set.x.Len() {
			return q, fmt.Errorf("generate: judge %d %s samples by %d neighbours, want 1 to %d", set.x.Len(), set.name, k, set.x.Len()-1)
		}
	}
	if real.Sample().Size() != generated.Sample().Size() {
		return q, fmt.Errorf("generate: judge samples of shape %v by real ones of %v, want the same", generated.Sample(), real.Sample())
	}
	realRadii, err := radii(ctx, real, k)
	if err != nil {
		return q, err
	}
	generatedRadii, err := radii(ctx, generated, k)
	if err != nil {
		return q, err
	}
	inReal, covered, err := hits(ctx, generated, real, realRadii)
	if err != nil {
		return q, err
	}
	inGenerated, _, err := hits(ctx, real, generated, generatedRadii)
	if err != nil {
		return q, err
	}
	total := 0
	for _, n := range inReal {
		total += int(n)
	}
	q.Precision, q.Recall = share(inReal), share(inGenerated)
	q.Density = float64(total) / float64(k*len(inReal))
	q.Coverage = share(covered)
	return q, nil
}

// radii returns each sample's squared distance to its k-th nearest other.
func radii(ctx context.Context, x tensor.Tensor, k int) ([]float32, error) {
	index, err := neighbors.NewIndex(x)
	if err != nil {
		return nil, err
	}
	near, err := index.Others(ctx, k)
	if err != nil {
		return nil, err
	}
	list := make([]float32, x.Len())
	for i := range list {
		_, squared := near.Row(i)
		list[i] = squared[k-1]
	}
	return list, nil
}

// hits counts for each point the balls around centers that it lies in, and for each
// ball the points.
func hits(ctx context.Context, points, centers tensor.Tensor, squaredRadii []float32) (ofPoints, ofBalls []int32, err error) {
	ofPoints, ofBalls = make([]int32, points.Len()), make([]int32, centers.Len())
	err = parallel.Each(ctx, 0, points.Len(), func(_, i int) error {
		point := points.Row(i)
		for j := range centers.Len() {
			if within(point, centers.Row(j), float64(squaredRadii[j])) {
				ofPoints[i]++
				atomic.AddInt32(&ofBalls[j], 1)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("generate: judge: %w", err)
	}
	return ofPoints, ofBalls, nil
}

// within reports whether the squared distance of a and b is at most limit, which is
// known for most pairs before all of their numbers are looked at. The tolerance lets
// a ball reach the neighbour that its radius, a rounded number, is the distance of.
func within(a, b []float32, limit float64) bool {
	const block = 16
	limit *= 1 + 1e-6
	sum := 0.0
	for at := 0; at < len(a); at += block {
		end := min(at+block, len(a))
		for i := at; i < end; i++ {
			d := float64(a[i]) - float64(b[i])
			sum += d * d
		}
		if sum > limit {
			return false
		}
	}
	return true
}

// share returns the share of counts that are above zero.
func share(counts []int32) float64 {
	n := 0
	for _, c := range counts {
		if c > 0 {
			n++
		}
	}
	return float64(n) / float64(max(len(counts), 1))
}
