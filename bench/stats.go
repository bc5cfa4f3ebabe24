package main

import (
	"fmt"
	"slices"
)

// median returns the middle value of x, the mean of the middle two where their
// number is even, and 0 of nothing. It does not change x.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(x))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// series is what one contestant reached, repetition by repetition.
type series struct {
	values []float64
	err    error // what ended the series early; no value counts then
}

func (s series) median() float64 { return median(s.values) }

// ratioTo divides s by other repetition by repetition, so that what slowed the
// machine down for a while slowed both.
func (s series) ratioTo(other series) ratio {
	if s.err != nil || other.err != nil {
		return ratio{}
	}
	var r ratio
	for i := range min(len(s.values), len(other.values)) {
		r = append(r, s.values[i]/other.values[i])
	}
	return r
}

// ratio is a quotient as measured in each repetition; it is empty where one
// side could not be measured.
type ratio []float64

// String writes the median and, in brackets, the lowest and highest repetition.
func (r ratio) String() string {
	switch len(r) {
	case 0:
		return missing
	case 1:
		return fmt.Sprintf("%.2f", r[0])
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", median(r), slices.Min(r), slices.Max(r))
}

// alternate measures several contestants in turn, A B C A B C …, and so many
// times that none of them has the machine's quiet moments to itself. One that
// fails is not called again.
func alternate(repetitions int, contestants ...func() (float64, error)) []series {
	all := make([]series, len(contestants))
	for range repetitions {
		for i, measure := range contestants {
			s := &all[i]
			if s.err != nil {
				continue
			}
			value, err := measure()
			if err != nil {
				*s = series{err: err}
				continue
			}
			s.values = append(s.values, value)
		}
	}
	return all
}

// lowest returns the index of the series with the lowest median, or -1 if none
// was completed.
func lowest(all []series) int {
	best := -1
	for i, s := range all {
		if s.err == nil && len(s.values) > 0 && (best < 0 || s.median() < all[best].median()) {
			best = i
		}
	}
	return best
}

// firstError returns the first error of the series, nil if there is none.
func firstError(all []series) error {
	for _, s := range all {
		if s.err != nil {
			return s.err
		}
	}
	return nil
}
