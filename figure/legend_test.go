package figure

import (
	"fmt"
	"testing"

	"gonum.org/v1/plot/vg"
)

// entries returns dots called 0, 1 …
func entries(count int) []legendEntry {
	list := make([]legendEntry, count)
	for i := range list {
		list[i] = legendEntry{symbol: dotSymbol, text: fmt.Sprint(i)}
	}
	return list
}

func TestLegendColumns(t *testing.T) {
	for _, c := range []struct {
		entries, rows int
		limit         vg.Length
		columns       int
		last          string
	}{
		{10, 20, 100, 1, "9"},
		{25, 10, 200, 3, "24"},
		{25, 10, 60, 2, "…"}, // a third column would be too wide
		{25, 10, 1, 1, "…"},  // the first always stays
	} {
		columns, width := chooseColumns(entries(c.entries), c.rows, c.limit)
		if len(columns) != c.columns {
			t.Fatalf("%d entries are in %d columns, want %d", c.entries, len(columns), c.columns)
		}
		last := columns[len(columns)-1]
		if got := last[len(last)-1].text; got != c.last {
			t.Errorf("%d entries within %v end with %q, want %q", c.entries, c.limit, got, c.last)
		}
		if len(columns) > 1 && width > c.limit {
			t.Errorf("%d columns are %v wide, want at most %v", len(columns), width, c.limit)
		}
	}
}

func TestLegendWraps(t *testing.T) {
	list := entries(30)
	lines := wrap(list, 200)
	total := 0
	for _, line := range lines {
		var width vg.Length
		for _, e := range line {
			width += e.width()
		}
		if width += vg.Length(len(line)-1) * legendSpacing; width > 200 {
			t.Errorf("a line is %v wide, want at most 200", width)
		}
		total += len(line)
	}
	if total != 30 || len(lines) < 2 {
		t.Errorf("30 entries became %d on %d lines", total, len(lines))
	}
}
