// Package columns reads what kinds of values stand side by side in a sample, a row of a table
// for instance: "numbers:3,classes:4,booleans:2" are three numbers, a class of four that is
// spelled out as 0s and a 1 (one-hot), and two values of 0 or 1. "numbers:3*0.5" says besides
// what each of them counts in a loss, 1 where nothing is said.
package columns

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is a kind of values.
type Kind uint8

// The kinds.
const (
	Numbers  Kind = iota // each by itself
	Classes              // one of several
	Booleans             // each by itself
)

var kinds = []string{"numbers", "classes", "booleans"}

// Group is values of one kind that stand side by side.
type Group struct {
	Kind   Kind
	Lo, Hi int     // in the sample
	Weight float64 // in a loss
}

// most bounds the values of a sample.
const most = 1 << 20

// heaviest bounds weights.
const heaviest = 1e6

// Parse reads groups, of which there must be one at least.
func Parse(text string) ([]Group, error) {
	var groups []Group
	at := 0
	for word := range strings.SplitSeq(text, ",") {
		name, count, _ := strings.Cut(strings.TrimSpace(word), ":")
		count, factor, weighted := strings.Cut(count, "*")
		width, err := strconv.Atoi(count)
		weight := 1.0
		if weighted && err == nil {
			weight, err = strconv.ParseFloat(factor, 64)
		}
		kind := -1
		for i, k := range kinds {
			if k == name {
				kind = i
			}
		}
		if kind < 0 || err != nil || width < 1 || width > most-at || !(weight > 0 && weight <= heaviest) {
			return nil, fmt.Errorf("columns are %q, want groups such as numbers:3,classes:4,booleans:2*0.5 of at most %d values together, with weights above 0 up to %v", text, most, heaviest)
		}
		groups = append(groups, Group{Kind(kind), at, at + width, weight})
		at += width
	}
	return groups, nil
}

// Check reports groups of other than so many values.
func Check(groups []Group, values int) error {
	if got := groups[len(groups)-1].Hi; got != values {
		return fmt.Errorf("got samples of %d values along the last axis, want %d, as many as columns", values, got)
	}
	return nil
}
