package dataset

import (
	"fmt"
	"math"
	"slices"
)

// Parts is data divided by purpose. Validation and Test are nil where there are
// no samples for them.
type Parts struct {
	Train, Validation, Test *Data
}

// splitEpoch is the epoch whose [Permutation] divides data; training counts its
// epochs from 1, so none of them visits samples in that order.
const splitEpoch = 0

// SplitBy divides the samples at random, a function of seed and of their number
// alone. Validation and test are the fractions set aside, each rounded to whole
// samples; the rest is for training. The parts are views and keep the order of
// the samples.
//
// Data that has samples for testing of its own keeps those, and the fraction
// for testing must be 0.
//
// Of a series ([Data.Series]) the parts are no random samples, but the ends of its stretches,
// or whole stretches where there are many; windows that reach from one part into another are
// left out.
func (d *Data) SplitBy(seed uint64, validation, test float64) (Parts, error) {
	n := d.Len()
	for _, f := range []struct {
		what  string
		value float64
	}{{"validation", validation}, {"test", test}} {
		if !(f.value >= 0 && f.value < 1) {
			return Parts{}, fmt.Errorf("dataset: split %s: %s fraction %v, want 0 to below 1", d.Path, f.what, f.value)
		}
		if f.value > 0 && math.Round(f.value*float64(n)) < 1 {
			return Parts{}, fmt.Errorf("dataset: split %s: %s fraction %v of %d samples is none", d.Path, f.what, f.value, n)
		}
	}
	if d.Test != nil && test > 0 {
		return Parts{}, fmt.Errorf("dataset: split %s: test fraction %v, want 0: it has %d samples for testing of its own", d.Path, test, d.Test.Len())
	}
	nTest, nValidation := int(math.Round(test*float64(n))), int(math.Round(validation*float64(n)))
	if nTest+nValidation >= n {
		return Parts{}, fmt.Errorf("dataset: split %s: %d samples for validation and %d for testing leave none of %d for training", d.Path, nValidation, nTest, n)
	}
	if d.Series != nil {
		return d.splitSeries(seed, validation, test)
	}
	order := make([]int, n)
	Permutation(seed, splitEpoch, order)
	parts := Parts{Test: d.Test}
	for _, p := range []struct {
		part  **Data
		count int
	}{{&parts.Test, nTest}, {&parts.Validation, nValidation}, {&parts.Train, n - nTest - nValidation}} {
		if p.count == 0 {
			continue
		}
		indices := order[:p.count:p.count]
		order = order[p.count:]
		// In the order of the file, which is the one to read it in.
		slices.Sort(indices)
		part, err := d.Select(indices)
		if err != nil {
			return Parts{}, err
		}
		*p.part = part
	}
	return parts, nil
}
