package figure_test

import (
	"fmt"
	"math"
	"testing"

	"hourglass/figure"
)

func TestCurvesPanels(t *testing.T) {
	values := []float64{3, 2, 1}
	f := must(t)(figure.Curves(
		figure.Series{Axis: "loss", Name: "training", Values: values},
		figure.Series{Axis: "accuracy", Name: "training", Values: values},
		figure.Series{Axis: "loss", Name: "validation", Values: values[:2]}))
	wantSize(t, f, 2*1380, 1020)
	left, right := 0, 0 // pixels of the second line's colour
	for y := range 1020 {
		for x := range 2760 {
			if f.Image.RGBAAt(x, y) == figure.ClassColor(1) {
				if x < 1380 {
					left++
				} else {
					right++
				}
			}
		}
	}
	if left == 0 || right != 0 {
		t.Errorf("the second line of loss has %d pixels in its panel and %d in the other's", left, right)
	}
}

func TestCurvesLeaveGaps(t *testing.T) {
	draw := func(v float64) int {
		values := make([]float64, 40) // too long for a dot at each epoch
		values[20] = v
		return count(must(t)(figure.Curves(figure.Series{Axis: "loss", Values: values})), figure.ClassColor(0))
	}
	whole := draw(0)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300} {
		if got := draw(v); got >= whole || got < whole*9/10 {
			t.Errorf("with %v in the middle the line has %d pixels, want a little less than %d", v, got, whole)
		}
	}
}

func TestCurvesOfOneEpochAreDots(t *testing.T) {
	f := must(t)(figure.Curves(figure.Series{Axis: "loss", Values: []float64{0.3}}))
	if got := count(f, figure.ClassColor(0)); got < 100 {
		t.Errorf("one epoch has %d pixels, want a dot", got)
	}
	// A single value between gaps, in a series too long for dots.
	values := make([]float64, 100)
	for i := range values {
		values[i] = math.NaN()
	}
	values[50] = 1
	f = must(t)(figure.Curves(figure.Series{Axis: "loss", Values: values}))
	if got := count(f, figure.ClassColor(0)); got < 100 {
		t.Errorf("a value between gaps has %d pixels, want a dot", got)
	}
}

func TestCurvesErrors(t *testing.T) {
	_, err := figure.Curves()
	wantError(t, "no series", err, "there are no series")
	_, err = figure.Curves(figure.Series{Name: "training"})
	wantError(t, "no values", err, `series "training" has no finite value`)
	_, err = figure.Curves(figure.Series{Name: "training", Values: []float64{math.NaN(), math.Inf(1)}})
	wantError(t, "no finite value", err, "no finite value")
	many := make([]figure.Series, 100)
	for i := range many {
		many[i] = figure.Series{Axis: fmt.Sprint(i), Values: []float64{1}}
	}
	_, err = figure.Curves(many...)
	wantError(t, "too many panels", err, "want at most 100 million")
}

func ExampleCurves() {
	f, err := figure.Curves(
		figure.Series{Axis: "loss", Name: "training", Values: []float64{0.17, 0.11, 0.10}},
		figure.Series{Axis: "loss", Name: "validation", Values: []float64{0.12, 0.11, 0.10}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Image.Rect.Size())
	// Output: (1380,1020)
}
