package workflow

import (
	"cmp"
	"context"
	"slices"

	"hourglass/dataset"
)

// Scored is a sample and its reconstruction error.
type Scored struct {
	Index  int     `json:"index"` // among the samples, from 0
	Sample string  `json:"sample"`
	Score  float64 `json:"score"`
	Label  string  `json:"label,omitempty"`
}

// Rank returns the reconstruction error of all samples, see [hourglass.Autoencoder.Score],
// highest first; of equals the earlier sample is first. Progress is told now and
// then how many are done; it may be nil.
func (m *Model) Rank(ctx context.Context, in *Input, progress func(done, total int)) ([]Scored, error) {
	const block = 1 << 13 // samples between two reports
	source, err := m.samples(in)
	if err != nil {
		return nil, err
	}
	ranking := make([]Scored, 0, source.Len())
	for at := 0; at < source.Len(); at += block {
		indices := make([]int, min(block, source.Len()-at))
		for i := range indices {
			indices[i] = at + i
		}
		part, err := dataset.Subset(source, indices)
		if err != nil {
			return nil, err
		}
		scores, err := m.ScoreAll(ctx, part)
		if err != nil {
			return nil, err
		}
		for i, score := range scores {
			ranking = append(ranking, Scored{at + i, in.SampleName(at + i), score, in.Label(at + i)})
		}
		if progress != nil {
			progress(len(ranking), source.Len())
		}
	}
	slices.SortStableFunc(ranking, func(a, b Scored) int { return cmp.Compare(b.Score, a.Score) })
	return ranking, nil
}
