package figure

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// numpy.histogram([0, 1, 1, 2.5, 4, 4], bins=4, range=(0, 4)) gives [1 2 1 2].
func TestSharesAreNumPys(t *testing.T) {
	values := []float64{0, 1, math.NaN(), 1, 2.5, 4, math.Inf(1), 4}
	got := shares(values, span{0, 4}, 4)
	want := []float64{100. / 6, 200. / 6, 100. / 6, 200. / 6}
	if !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
		t.Errorf("shares are %v, want %v", got, want)
	}
}

func TestHistogramMarksThreshold(t *testing.T) {
	samples := []Sample{{"normal", []float64{0, 1, 2, 10}}}
	plain, err := Histogram(samples, HistogramOptions{Bins: 5})
	if err != nil {
		t.Fatal(err)
	}
	marked, err := Histogram(samples, HistogramOptions{Bins: 5, Thresholds: []Threshold{{"", 5}}})
	if err != nil {
		t.Fatal(err)
	}
	// The value in the middle of the range stands in the middle of the axis.
	left, right := marked.Image.Rect.Dx(), 0
	for y := range marked.Image.Rect.Dy() {
		for x := range marked.Image.Rect.Dx() {
			if marked.Image.RGBAAt(x, y) != plain.Image.RGBAAt(x, y) {
				left, right = min(left, x), max(right, x)
			}
		}
	}
	if right < left || right-left > 6 {
		t.Errorf("the threshold spans columns %d to %d, want a thin line", left, right)
	}
}

func TestHistogramOfOddValues(t *testing.T) {
	for _, values := range [][]float64{{1}, {3, 3, 3}, {0, 1e30}, {1e-300, 2e-300}, {-5, math.NaN()}} {
		if f, err := Histogram([]Sample{{Values: values}}, HistogramOptions{}); err != nil || f == nil {
			t.Errorf("%v: got error %v", values, err)
		}
	}
}

func TestHistogramErrors(t *testing.T) {
	good := []Sample{{"a", []float64{1, 2}}}
	for want, args := range map[string]struct {
		samples []Sample
		o       HistogramOptions
	}{
		"there are no samples":              {nil, HistogramOptions{}},
		`sample "b" has no finite value`:    {[]Sample{{"b", []float64{math.NaN()}}}, HistogramOptions{}},
		"bins is -1":                        {good, HistogramOptions{Bins: -1}},
		`threshold "limit" is NaN`:          {good, HistogramOptions{Thresholds: []Threshold{{"limit", math.NaN()}}}},
		"bins is 1000000, want 0 (automati": {good, HistogramOptions{Bins: 1_000_000}},
	} {
		_, err := Histogram(args.samples, args.o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}

func ExampleHistogram() {
	f, err := Histogram([]Sample{
		{Name: "normal", Values: []float64{0.010, 0.012, 0.011, 0.015}},
		{Name: "anomalous", Values: []float64{0.030, 0.034}},
	}, HistogramOptions{XLabel: "reconstruction error", Thresholds: []Threshold{{"threshold", 0.02}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Image.Rect.Size())
	// Output: (1920,1200)
}
