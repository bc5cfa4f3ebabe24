package figure_test

import (
	"testing"

	"hourglass/figure"
)

func TestRatesDrawACurveInEachPanel(t *testing.T) {
	curve := figure.RateCurve{XLabel: "false alarms", YLabel: "recall", Name: "area 0.5", X: []float64{0, 0, 1}, Y: []float64{0, 1, 1}, Chance: [2]float64{0, 1}}
	one := must(t)(figure.Rates(curve))
	wantSize(t, one, 1140, 1140)
	two := must(t)(figure.Rates(curve, curve))
	wantSize(t, two, 2280, 1140)
	single, double := count(one, figure.ClassColor(0)), count(two, figure.ClassColor(0))
	if single == 0 || double < 2*single*9/10 || double > 2*single*11/10 {
		t.Errorf("one curve has %d pixels and two of them %d", single, double)
	}
	for _, bad := range [][]figure.RateCurve{nil, {{}}, {{X: []float64{1}, Y: []float64{1, 2}}}} {
		if _, err := figure.Rates(bad...); err == nil {
			t.Errorf("%v is drawn", bad)
		}
	}
}
