package sweep

import (
	"slices"
	"strconv"
	"strings"

	"hourglass/figure"
)

// Draw draws the score of each trial against what it had of every axis that settings differ in; nil where
// there is no such axis or no trial that did not fail.
func (r *Results) Draw() (*figure.Figure, error) {
	var outcomes []Outcome
	var o figure.TrialsOptions
	for rank, s := range r.Settings {
		for _, one := range s.Outcomes {
			if one.Failed == "" {
				outcomes, o.Best = append(outcomes, one), append(o.Best, rank == 0)
				o.Faint = append(o.Faint, s.Rung < r.Settings[0].Rung)
			}
		}
	}
	if len(outcomes) == 0 || len(r.plan.Axes) == 0 {
		return nil, nil
	}
	o.YLabel = words(r.Score)
	var scores []float64
	for _, one := range outcomes {
		scores = append(scores, one.Score)
	}
	var axes []figure.TrialAxis
	for _, a := range r.plan.Axes {
		axis := figure.TrialAxis{Name: words(a.Name), Log: a.Log}
		if !a.IsNumeric() {
			axis.Categories = a.Values
		}
		for _, one := range outcomes {
			v := float64(slices.Index(a.Values, one.Values[a.Name]))
			if axis.Categories == nil {
				v, _ = strconv.ParseFloat(one.Values[a.Name], 64) // which is numeric
			}
			axis.Values = append(axis.Values, v)
		}
		axes = append(axes, axis)
	}
	return figure.Trials(scores, axes, o)
}

// words makes a name of words.
func words(name string) string { return strings.NewReplacer("_", " ", "-", " ").Replace(name) }
