package workflow

import (
	"context"
	"math"
	"slices"

	"hourglass"
	"hourglass/anomaly"
	"hourglass/figure"
	"hourglass/tensor"
)

// stepViews returns windows as a detector sees them, which judges the row that each ends
// with: as samples the mean residual over the window and the mean value, of each column; as
// residuals that of the row, and the mean. Means tell of small changes that last, which are lost in the
// noise of a single row (control charts of moving averages, Roberts 1959), and they look back only.
func stepViews(x tensor.Tensor, r hourglass.Results, window int) anomaly.Views {
	n, features := x.Len(), x.Sample().Size()/window
	samples, residuals := tensor.New(n, 2*features), tensor.New(n, 2*features)
	for i := range n {
		row, wrong := samples.Row(i), r.Residuals.Row(i)
		meanOfSteps(row[:features], wrong)
		meanOfSteps(row[features:], x.Row(i))
		copy(residuals.Row(i), wrong[len(wrong)-features:])
		copy(residuals.Row(i)[features:], row[:features])
	}
	return anomaly.Views{Samples: samples, Codes: flat(r.Codes), Residuals: residuals}
}

// meanOfSteps writes the mean over all steps of each feature.
func meanOfSteps(dst, steps []float32) {
	clear(dst)
	count := float32(len(steps) / len(dst))
	for i, v := range steps {
		dst[i%len(dst)] += v
	}
	for f := range dst {
		dst[f] /= count
	}
}

// together returns the samples of two views.
func together(a, b anomaly.Views) anomaly.Views {
	join := func(a, b tensor.Tensor) tensor.Tensor {
		return tensor.Tensor{Shape: append(tensor.Shape{a.Len() + b.Len()}, a.Sample()...), Data: slices.Concat(a.Data, b.Data)}
	}
	return anomaly.Views{Samples: join(a.Samples, b.Samples), Codes: join(a.Codes, b.Codes), Residuals: join(a.Residuals, b.Residuals)}
}

// reasons names what can make a sample unusual: its values, or of a series the columns.
func (m *Model) reasons(in *Input) []string {
	switch s := m.Record.Series; {
	case in.Series != nil:
		return m.RowColumns(in)
	case in.Schema != nil:
		return in.Schema.Titles()
	case s != nil && len(m.Record.Features) > 0:
		return m.Record.Features
	case s != nil:
		return stepColumns([]string{"value"}, m.Encoder().Input().Size()/s.Window)
	}
	return m.Columns(in)
}

// byColumn adds up the shares of a column, which a detector of series sees twice.
func byColumn(shares []float32, columns int) []float32 {
	sums := make([]float32, columns)
	for i, share := range shares {
		sums[i%columns] += share
	}
	return sums
}

// explainOutliers gives the reasons of those samples that are outliers.
func (m *Model) explainOutliers(ctx context.Context, in *Input, detector *anomaly.Detector, scored []Scored, most int) error {
	var outliers []Scored
	for _, s := range scored {
		if s.Outlier {
			outliers = append(outliers, s)
		}
	}
	if err := m.explain(ctx, in, detector, outliers, most); err != nil {
		return err
	}
	for _, s := range outliers {
		scored[s.Index].Because = s.Because
	}
	return nil
}

// spread gives each row of a series what was found for the window that it is judged by.
func (r *Ranking) spread(in *Input) {
	s := in.Series
	windows := r.Scores
	r.Scores = make([]Scored, s.Rows.Len())
	for row, sample := range s.WindowOf() {
		scored := Scored{Unscored: true}
		if sample >= 0 {
			scored = windows[sample]
		}
		scored.Index, scored.Sample, scored.Group, scored.Label = row, s.RowName(row), s.Group(row), ""
		if s.Labels != nil {
			scored.Label = in.Classes[s.Labels[row]]
		}
		if r.Scores[row] = scored; scored.Outlier {
			r.Outliers++
		}
	}
	r.Samples = len(r.Scores)
}

// Timeline draws the table of a series with the rows that the model makes of it and, if it
// was scored, the scores, and with the stretches of outliers marked.
func (m *Model) Timeline(ctx context.Context, in *Input, r *Ranking) (*figure.Figure, error) {
	windows, err := m.Reconstruct(ctx, in)
	if err != nil {
		return nil, err
	}
	rows, err := in.average(windows)
	if err != nil {
		return nil, err
	}
	o := figure.TimelineOptions{Names: m.RowColumns(in), Threshold: math.NaN()}
	if r != nil {
		o.Marked, o.Scores = r.marked()
		if r.Threshold != nil {
			o.Threshold = *r.Threshold
		}
	}
	return figure.Timeline(in.Series.Rows, rows, o)
}

// marked returns the stretches of outliers, and the scores of all rows.
func (r *Ranking) marked() (stretches [][2]int, scores []float64) {
	scores = make([]float64, len(r.Scores))
	for i, s := range r.Scores {
		if scores[i] = s.Score; s.Unscored {
			scores[i] = math.NaN()
		}
		switch last := len(stretches) - 1; {
		case !s.Outlier:
		case last >= 0 && stretches[last][1] == i-1:
			stretches[last][1] = i
		default:
			stretches = append(stretches, [2]int{i, i})
		}
	}
	return stretches, scores
}
