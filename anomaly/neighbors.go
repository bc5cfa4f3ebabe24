package anomaly

import (
	"context"
	"math"

	"hourglass/neighbors"
	"hourglass/tensor"
)

const (
	nearestCount = 5    // neighbours whose distances count
	nearestMost  = 5000 // references that are kept
)

// nearest are the references that distances are measured to.
type nearest struct {
	references tensor.Tensor
	index      *neighbors.Index
	k          int
}

func newNearest(references tensor.Tensor, threads int) (*nearest, error) {
	index, err := neighbors.NewIndex(references)
	if err != nil {
		return nil, err
	}
	index.Threads = threads
	return &nearest{references, index, min(nearestCount, references.Len())}, nil
}

// score returns the mean distance of each sample to the nearest references.
func (m *nearest) score(ctx context.Context, x tensor.Tensor) ([]float64, error) {
	near, err := m.index.Search(ctx, x, m.k)
	return meanDistances(near), err
}

// scoreReferences returns that of each reference to the nearest others.
func (m *nearest) scoreReferences(ctx context.Context) ([]float64, error) {
	near, err := m.index.Others(ctx, min(m.k, m.references.Len()-1))
	return meanDistances(near), err
}

func meanDistances(near neighbors.Neighbors) []float64 {
	means := make([]float64, near.Len())
	for i := range means {
		_, squared := near.Row(i)
		for _, d := range squared {
			means[i] += math.Sqrt(float64(d)) / float64(near.K)
		}
	}
	return means
}
