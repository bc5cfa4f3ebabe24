package neighbors

import (
	"fmt"
	"slices"
)

// Confusion counts what was taken for what: of the queries that are class i,
// Confusion[i][j] were recognised as class j. It is square.
type Confusion [][]int

// NewConfusion counts predictions against the truth. It has as many classes as
// the labels need, and at least classes.
func NewConfusion(truth, predicted []int, classes int) (Confusion, error) {
	const doing = "count confusions"
	if len(truth) != len(predicted) {
		return nil, fmt.Errorf("neighbors: %s: %d predictions, want one for each of %d labels", doing, len(predicted), len(truth))
	}
	for _, labels := range [][]int{truth, predicted} {
		if err := checkLabels(doing, labels); err != nil {
			return nil, err
		}
		if len(labels) > 0 {
			classes = max(classes, slices.Max(labels)+1)
		}
	}
	if classes > maxClasses {
		return nil, fmt.Errorf("neighbors: %s: %d classes, want at most %d", doing, classes, maxClasses)
	}
	c := make(Confusion, max(classes, 0))
	for i := range c {
		c[i] = make([]int, len(c))
	}
	for i, t := range truth {
		c[t][predicted[i]]++
	}
	return c, nil
}

// Total returns the number of queries counted.
func (c Confusion) Total() int {
	n := 0
	for _, row := range c {
		for _, count := range row {
			n += count
		}
	}
	return n
}

// Accuracy returns the share of queries recognised as what they are, 0 to 1; 0 of
// none.
func (c Confusion) Accuracy() float64 {
	right := 0
	for i, row := range c {
		right += row[i]
	}
	return float64(right) / float64(max(c.Total(), 1))
}
