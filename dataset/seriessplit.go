package dataset

import (
	"fmt"
	"math"
)

const (
	// manyStretches is from how many on whole stretches are set aside.
	manyStretches = 20
	// mostAside is the largest part of a stretch that may be set aside to have a few
	// windows, where the share wanted would have none.
	mostAside = 3
)

// splitSeries divides windows by their rows, no row being in two parts: overlapping
// windows in training and validation would let a network be judged by what it has learned
// by heart. Of many stretches whole ones, drawn by the seed, are set aside; of few, the end of each.
func (d *Data) splitSeries(seed uint64, validation, test float64) (Parts, error) {
	s := d.Series
	var parts [3][]Stretch // training, validation, test
	if len(s.Stretches) >= manyStretches {
		parts = s.drawn(seed, validation, test)
	} else {
		for _, stretch := range s.Stretches {
			rest, end := s.withoutEnd(stretch, test)
			parts[2] = append(parts[2], end...)
			rest, end = s.withoutEnd(rest, validation)
			parts[1] = append(parts[1], end...)
			parts[0] = append(parts[0], rest)
		}
	}
	var p Parts
	for i, part := range []struct {
		data  **Data
		what  string
		share float64
	}{{&p.Train, "training", 1}, {&p.Validation, "validation", validation}, {&p.Test, "test", test}} {
		if part.share == 0 {
			continue
		}
		view := *d
		if err := view.setSeries(s.within(parts[i])); err != nil {
			return Parts{}, fmt.Errorf("dataset: split %s: %s fraction %v: no window of %d rows is left for it; want a shorter window, or nothing set aside for validation", d.Path, part.what, part.share, s.Options.Window)
		}
		*part.data = &view
	}
	return p, nil
}

// withoutEnd takes a share of the rows off the end of a stretch: at least as many as have
// some windows, if that is no more than a third; none if there is no room for one.
func (s *Series) withoutEnd(stretch Stretch, share float64) (rest Stretch, end []Stretch) {
	if share == 0 {
		return stretch, nil
	}
	rows := int(math.Round(share * float64(stretch.Len)))
	rows = max(rows, min(2*s.Options.Window-1, stretch.Len/mostAside))
	if rows < s.Options.Window {
		return stretch, nil
	}
	rest = stretch
	rest.Len -= rows
	return rest, []Stretch{{stretch.Group, stretch.First + rest.Len, rows}}
}

// drawn draws whole stretches for each part until it has its share of the rows. Those that
// have no window do not count.
func (s *Series) drawn(seed uint64, validation, test float64) (parts [3][]Stretch) {
	order, total := make([]int, len(s.Stretches)), 0
	Permutation(seed, splitEpoch, order)
	for _, stretch := range s.Stretches {
		if stretch.Len >= s.Options.Window {
			total += stretch.Len
		}
	}
	of, rows := make([]int, len(order)), [3]int{}
	for _, i := range order {
		n := s.Stretches[i].Len
		if n < s.Options.Window {
			continue
		}
		switch {
		case float64(rows[2]) < test*float64(total):
			of[i] = 2
		case float64(rows[1]) < validation*float64(total):
			of[i] = 1
		}
		rows[of[i]] += n
	}
	for i, stretch := range s.Stretches {
		parts[of[i]] = append(parts[of[i]], stretch)
	}
	return parts
}
