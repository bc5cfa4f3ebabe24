package main

import (
	"slices"
	"testing"

	"hourglass/recipe"
)

func TestSystemProducts(t *testing.T) {
	r, err := recipe.ByName("stacked")
	if err != nil {
		t.Fatal(err)
	}
	got := systemProducts([]recipe.Recipe{r, r})
	want := []product{ // m, n, k
		{32, 100, 784, plainForm, "stacked, 784 → 100: outputs"},
		{784, 100, 32, transA, "stacked, 784 → 100: dW"},
		{32, 30, 100, plainForm, "stacked, 100 → 30: outputs"},
		{32, 100, 30, plainForm, "stacked, 100 → 30: dX"},
		{100, 30, 32, transA, "stacked, 100 → 30: dW"},
		{30, 100, 32, transA, "stacked, 30 → 100: dW"},
		{32, 784, 100, plainForm, "stacked, 100 → 784: outputs"},
		{100, 784, 32, transA, "stacked, 100 → 784: dW"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestLeast(t *testing.T) {
	value := func(r gemmResult) float64 { return median(r.own.values) }
	results := []gemmResult{
		{own: series{values: []float64{3}}},
		{own: series{}},
		{product: product{m: 7}, own: series{values: []float64{2}}},
	}
	if worst, found := least(results, value); !found || worst.m != 7 {
		t.Errorf("got %+v, %v, want the third", worst, found)
	}
	if _, found := least(results[1:2], value); found {
		t.Error("found a least one where nothing was measured")
	}
}

func TestRateOf(t *testing.T) {
	for _, c := range []struct {
		rate, peak []float64
		want       string
	}{
		{[]float64{54, 110}, []float64{60, 100}, "82.0 GFLOP/s, 100 % of peak"},
		{[]float64{82}, nil, "82.0 GFLOP/s"},
		{nil, []float64{100}, missing},
	} {
		if got := rateOf(series{values: c.rate}, series{values: c.peak}); got != c.want {
			t.Errorf("%v of %v: got %q, want %q", c.rate, c.peak, got, c.want)
		}
	}
}
