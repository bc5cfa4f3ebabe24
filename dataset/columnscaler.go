package dataset

import (
	"context"
	"fmt"

	"hourglass/dataset/schema"
)

// FitColumnScaler is [FitScaler] for the samples of a table whose columns are of several
// kinds. Numbers and elapsed times are scaled, all else stays from -1 to 1; what is missing
// ([Mask]) does not count. It cannot be [UnitScaling], which has one scale for all.
func FitColumnScaler(ctx context.Context, kind Scaling, source Source, s *schema.Schema) (*Scaler, error) {
	if kind != StandardScaling && kind != MinMaxScaling && kind != NoScaling {
		return nil, fmt.Errorf("dataset: scale: kind %q, want one of %q for a table whose columns are of several kinds", kind, []Scaling{StandardScaling, MinMaxScaling, NoScaling})
	}
	if source.Sample().Size() != s.Width() || source.Len() < 1 {
		return nil, fmt.Errorf("dataset: scale %s: %d samples of %v, want some of %d values, as the columns become", kind, source.Len(), source.Sample(), s.Width())
	}
	if kind == NoScaling {
		return &Scaler{Kind: kind}, nil
	}
	stats, counts, err := measurePresent(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("dataset: scale %s: %w", kind, err)
	}
	if err := stats.checkRange(source.Sample()); err != nil {
		return nil, fmt.Errorf("dataset: scale %s: %w", kind, err)
	}
	out := &Scaler{Kind: kind, Offset: make([]float32, s.Width()), Scale: make([]float32, s.Width())}
	for i, scales := range s.Scales() {
		if out.Scale[i] = 1; scales && counts[i] > 0 {
			stats.count = counts[i]
			out.Offset[i], out.Scale[i] = stats.factors(kind, i)
		}
	}
	return out, nil
}

// measurePresent returns the statistics of the values that are not missing, and how many
// there are of each element, by Welford's update (1962).
func measurePresent(ctx context.Context, source Source) (*statistics, []int, error) {
	size := source.Sample().Size()
	s, counts := newStatistics(size), make([]int, size)
	x, there, index := make([]float32, size), make([]float32, size), make([]int, 1)
	mask := FaceOf(source, Mask)
	for index[0] = range source.Len() {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if err := source.Read(x, index); err != nil {
			return nil, nil, err
		}
		if mask != nil {
			if err := mask.Read(there, index); err != nil {
				return nil, nil, err
			}
		}
		for j, v := range x {
			if mask == nil || there[j] == 1 {
				counts[j]++
				s.include(j, counts[j], v)
			}
		}
	}
	return s, counts, nil
}

// include adds value number n, counted from 1, of element j.
func (s *statistics) include(j, n int, v float32) {
	if n == 1 {
		s.low[j], s.high[j] = v, v
	}
	s.low[j], s.high[j] = min(s.low[j], v), max(s.high[j], v)
	d := float64(v) - s.mean[j]
	s.mean[j] += d / float64(n)
	s.squares[j] += float64(d * (float64(v) - s.mean[j]))
}
