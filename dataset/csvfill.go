package dataset

import (
	"fmt"
	"slices"
)

// fill replaces missing cells.
func (t *table) fill() error {
	if t.options.Missing != MissingMean {
		return nil
	}
	t.data.Fill = slices.Clone(t.options.Fill)
	if len(t.data.Fill) == 0 {
		means, err := t.means()
		if err != nil {
			return err
		}
		t.data.Fill = means
	}
	for _, at := range t.gaps {
		t.values[at] = t.data.Fill[at%len(t.features)]
	}
	return nil
}

// means returns the mean of each feature over the rows that have it.
func (t *table) means() ([]float32, error) {
	n := len(t.features)
	sums, counts := make([]float64, n), make([]int, n)
	gaps := t.gaps
	for at, v := range t.values {
		if len(gaps) > 0 && gaps[0] == at {
			gaps = gaps[1:]
			continue
		}
		sums[at%n] += float64(v)
		counts[at%n]++
	}
	means := make([]float32, n)
	for i := range means {
		if counts[i] == 0 {
			return nil, fmt.Errorf("column %d has no number in any row, so that it has no mean", t.features[i]+1)
		}
		means[i] = float32(sums[i] / float64(counts[i]))
	}
	return means, nil
}
