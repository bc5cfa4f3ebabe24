package figure_test

import (
	"math"
	"testing"

	"hourglass/figure"
)

func TestTrialsDrawAPanelForEachAxis(t *testing.T) {
	scores := []float64{0.1, 0.2, math.NaN(), 0.4}
	numbers := figure.TrialAxis{Name: "learning rate", Values: []float64{1e-4, 1e-3, 1e-2, 1e-1}, Log: true}
	words := figure.TrialAxis{Name: "kind", Values: []float64{0, 1, 1, 0}, Categories: []string{"vae", "sparse"}}
	one := must(t)(figure.Trials(scores, []figure.TrialAxis{numbers}, figure.TrialsOptions{YLabel: "val loss"}))
	wantSize(t, one, 1140, 1140)
	wantSize(t, must(t)(figure.Trials(scores, []figure.TrialAxis{numbers, words, numbers, words}, figure.TrialsOptions{})), 3420, 2280)
	if n := count(one, figure.ClassColor(1)); n != 0 {
		t.Errorf("%d pixels are those of the best setting, which nobody named", n)
	}
	best := must(t)(figure.Trials(scores, []figure.TrialAxis{numbers}, figure.TrialsOptions{Best: []bool{true, false, false, false}}))
	if n := count(best, figure.ClassColor(1)); n == 0 {
		t.Error("the best setting is not to be seen")
	}
	if faint := must(t)(figure.Trials(scores, []figure.TrialAxis{numbers}, figure.TrialsOptions{Faint: []bool{true, true, true, true}})); count(faint, figure.ClassColor(0)) >= count(one, figure.ClassColor(0)) {
		t.Error("trials that were ended early look as the others do")
	}
	for name, axis := range map[string]figure.TrialAxis{
		"too few values": {Values: []float64{1}}, "no logarithm": {Values: []float64{0, 1, 2, 3}, Log: true},
		"no category": {Values: []float64{0, 1, 2, 0}, Categories: []string{"a", "b"}}, "infinite": {Values: []float64{0, 1, math.Inf(1), 0}},
	} {
		if _, err := figure.Trials(scores, []figure.TrialAxis{axis}, figure.TrialsOptions{}); err == nil {
			t.Errorf("%s: drawn", name)
		}
	}
	if _, err := figure.Trials(scores, nil, figure.TrialsOptions{}); err == nil {
		t.Error("drawn without axes")
	}
	if _, err := figure.Trials([]float64{math.NaN()}, []figure.TrialAxis{{Values: []float64{1}}}, figure.TrialsOptions{}); err == nil {
		t.Error("drawn without a score")
	}
	if _, err := figure.Trials(scores, []figure.TrialAxis{numbers}, figure.TrialsOptions{Best: []bool{true}}); err == nil {
		t.Error("drawn with too few marks")
	}
}
