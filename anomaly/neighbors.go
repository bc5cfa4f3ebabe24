package anomaly

import (
	"context"
	"fmt"
	"math"

	"hourglass/neighbors"
	"hourglass/tensor"
)

const (
	nearestCount = 5    // neighbours whose distances count
	nearestMost  = 5000 // references that are kept
	spacingFloor = 1e-3 // of the mean spacing: samples may be there several times
)

// nearest are the references that distances are measured to.
type nearest struct {
	references tensor.Tensor
	index      *neighbors.Index
	k          int
	// spacing is how far each reference is from those nearest to it, on average; nil where [Local]
	// is not learned.
	spacing []float32
}

func newNearest(references tensor.Tensor, threads int) (*nearest, error) {
	index, err := neighbors.NewIndex(references)
	if err != nil {
		return nil, err
	}
	index.Threads = threads
	return &nearest{references: references, index: index, k: min(nearestCount, references.Len())}, nil
}

// others returns of each reference the nearest others.
func (m *nearest) others(ctx context.Context) (neighbors.Neighbors, error) {
	return m.index.Others(ctx, min(m.k, m.references.Len()-1))
}

// score returns the mean distance of each sample to the nearest references.
func (m *nearest) score(ctx context.Context, x tensor.Tensor) ([]float64, error) {
	near, err := m.index.Search(ctx, x, m.k)
	return meanDistances(near), err
}

// scoreLocally returns that distance in units of the spacing of these references.
func (m *nearest) scoreLocally(ctx context.Context, x tensor.Tensor) ([]float64, error) {
	if m.spacing == nil {
		return nil, fmt.Errorf("anomaly: the method %s is not learned: it is for samples of up to %d values that are no windows of a series", Local, directValues)
	}
	near, err := m.index.Search(ctx, x, m.k)
	return m.inSpacings(near), err
}

// setSpacing learns the spacing from the nearest others of each reference.
func (m *nearest) setSpacing(near neighbors.Neighbors) {
	distances := meanDistances(near)
	mean := 0.0
	for _, d := range distances {
		mean += d / float64(len(distances))
	}
	if mean == 0 {
		mean = 1 // all references are the same
	}
	m.spacing = make([]float32, len(distances))
	for i, d := range distances {
		m.spacing[i] = float32(max(d, spacingFloor*mean))
	}
}

// inSpacings returns mean distances divided by the mean spacing of what they are measured to.
func (m *nearest) inSpacings(near neighbors.Neighbors) []float64 {
	ratios := meanDistances(near)
	for i := range ratios {
		references, _ := near.Row(i)
		spacing := 0.0
		for _, r := range references {
			spacing += float64(m.spacing[r]) / float64(near.K)
		}
		ratios[i] /= spacing
	}
	return ratios
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
