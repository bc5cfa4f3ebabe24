package tsne

import (
	"fmt"
	"math"

	kernels "hourglass/internal/kernel"
	"hourglass/internal/parallel"
	"hourglass/tensor"
)

// KL returns the divergence KL(P‖Q) = Σ P·ln(P/Q) of a map of shape N×2, with
//
//	Q_ij = q(y_i-y_j)/Z    q(d) = 1/(1+|d|²)    Z = Σ_{i≠j} q(y_i-y_j)
//
// summed over the stored P. Z is summed over all pairs, at a cost of N².
func (a *Affinities) KL(y tensor.Tensor) (float64, error) {
	points, err := a.pointsOf(y)
	if err != nil {
		return 0, fmt.Errorf("tsne: divergence: %w", err)
	}
	var kl float64
	err = parallel.Try(func() error {
		c := newCrew(0)
		defer c.team.Close()
		z := (&exactRepulsion{}).forces(c, points, make([]point, len(points)))
		kl = a.divergence(c, points, z)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("tsne: divergence: %w", err)
	}
	return kl, nil
}

// pointsOf reads a map of as many points as there are samples.
func (a *Affinities) pointsOf(y tensor.Tensor) ([]point, error) {
	want := tensor.Shape{a.Len(), 2}
	if !y.Shape.Equal(want) || len(y.Data) != 2*a.Len() {
		return nil, fmt.Errorf("the map has shape %v, want %v: one point of the plane for each sample", y.Shape, want)
	}
	points := make([]point, a.Len())
	for i, v := range y.Data {
		if !(math.Abs(float64(v)) < mapLimit) {
			return nil, fmt.Errorf("point %d of the map is at %v, want finite coordinates below %v", i/2, y.Row(i/2), mapLimit)
		}
		points[i/2][i%2] = float64(v)
	}
	return points, nil
}

// divergence returns KL(P‖Q) where Z is known.
func (a *Affinities) divergence(c *crew, points []point, z float64) float64 {
	sums := make([]float64, blocksOf(len(points), pointBlock))
	c.each(len(sums), func(_, b int) {
		var distances []float32
		for i := b * pointBlock; i < min((b+1)*pointBlock, len(points)); i++ {
			row := a.row(i)
			distances = grow(distances, len(row))
			sums[b] += logDistances(points[i], points, row, distances)
		}
	})
	return a.entropy + sum(sums) + math.Log(z)*a.total
}

// logDistances returns Σ_j P_ij·ln(1/q) of a row. Distances are scratch.
func logDistances(y point, points []point, row []affinity, distances []float32) (s float64) {
	for k, e := range row {
		dx, dy := y[0]-points[e.j][0], y[1]-points[e.j][1]
		distances[k] = float32(1 + dx*dx + dy*dy)
	}
	kernels.Log(distances, distances)
	for k, e := range row {
		s += float64(e.p) * float64(distances[k])
	}
	return s
}
