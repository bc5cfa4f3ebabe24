package main

import (
	"errors"
	"reflect"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want float64
	}{
		{nil, 0}, {[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}, {[]float64{7, 1, 3, 100}, 5},
	} {
		before := append([]float64(nil), c.x...)
		if got := median(c.x); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.x, got, c.want)
		}
		if !reflect.DeepEqual(c.x, before) {
			t.Errorf("median changed %v to %v", before, c.x)
		}
	}
}

// A repetition in which the machine was slow for both must not move the ratio.
func TestRatioPairsRepetitions(t *testing.T) {
	own, peer := series{values: []float64{1, 10, 2}}, series{values: []float64{3, 30, 7}}
	if got, want := peer.ratioTo(own).String(), "3.00 (3.00–3.50)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := peer.ratioTo(series{err: errors.New("gone")}).String(); got != missing {
		t.Errorf("ratio to a series that failed: got %s, want %s", got, missing)
	}
	if got := (series{}).ratioTo(own).String(); got != missing {
		t.Errorf("ratio of nothing: got %s, want %s", got, missing)
	}
}

func TestAlternate(t *testing.T) {
	var order string
	contestant := func(name string, failAt int) func() (float64, error) {
		calls := 0
		return func() (float64, error) {
			order += name
			if calls++; calls == failAt {
				return 0, errors.New(name + " failed")
			}
			return float64(calls), nil
		}
	}
	all := alternate(3, contestant("a", 0), contestant("b", 2), contestant("c", 0))
	if want := "abcabcac"; order != want {
		t.Errorf("order of calls: got %s, want %s", order, want)
	}
	if want := []float64{1, 2, 3}; !reflect.DeepEqual(all[0].values, want) || !reflect.DeepEqual(all[2].values, want) {
		t.Errorf("values: got %v and %v, want %v", all[0].values, all[2].values, want)
	}
	if all[1].err == nil || all[1].values != nil {
		t.Errorf("a series that failed: got %+v, want its error and no values", all[1])
	}
	if err := firstError(all); err == nil || err.Error() != "b failed" {
		t.Errorf("first error: got %v, want b failed", err)
	}
}

func TestLowest(t *testing.T) {
	failed := series{err: errors.New("gone")}
	for _, c := range []struct {
		all  []series
		want int
	}{
		{nil, -1},
		{[]series{failed}, -1},
		{[]series{{values: []float64{5}}, failed, {values: []float64{4, 1, 9}}, {values: []float64{4.5}}}, 2},
	} {
		if got := lowest(c.all); got != c.want {
			t.Errorf("lowest(%v) = %d, want %d", c.all, got, c.want)
		}
	}
}
