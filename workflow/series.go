package workflow

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"hourglass/tensor"
)

// stepColumns names the values of a window: by column and by step from 1.
func stepColumns(names []string, steps int) []string {
	columns := make([]string, 0, steps*len(names))
	for step := range steps {
		for _, name := range names {
			columns = append(columns, fmt.Sprint(name, "_", step+1))
		}
	}
	return columns
}

// ValueNames names each value of a sample, if the columns of the table that the model was
// trained on have names and its rows are samples; else nil.
func (m *Model) ValueNames() []string {
	if len(m.Record.Features) == m.Encoder().Input().Size() {
		return slices.Clone(m.Record.Features)
	}
	return nil
}

// RowColumns names the columns of the table that windows were cut out of.
func (m *Model) RowColumns(in *Input) []string {
	features := in.Series.Rows.Sample().Size()
	if len(in.Features) == features {
		return slices.Clone(in.Features)
	}
	return stepColumns([]string{"value"}, features)
}

// RowTexts are the columns of text that the table has beside its features: of times, of
// groups and of labels.
func (in *Input) RowTexts() []TextColumn {
	s := in.Series
	var columns []TextColumn
	if s.Options.Time != "" {
		columns = append(columns, TextColumn{s.Options.Time, s.Time})
	}
	if s.Options.Group != "" {
		columns = append(columns, TextColumn{s.Options.Group, s.Group})
	}
	if s.Labels != nil {
		columns = append(columns, TextColumn{LabelColumn, func(row int) string { return in.Classes[s.Labels[row]] }})
	}
	return columns
}

// ReconstructRows yields what becomes of each row of a series, in the order of the table:
// the mean over all windows that it is in, and NaN of one that is in none.
func (m *Model) ReconstructRows(ctx context.Context, in *Input) (iter.Seq2[[]float32, error], error) {
	windows, err := m.Reconstruct(ctx, in)
	if err != nil {
		return nil, err
	}
	return func(yield func([]float32, error) bool) {
		rows, err := in.average(windows)
		if err != nil {
			yield(nil, err)
			return
		}
		for i := range rows.Len() {
			if !yield(rows.Row(i), nil) {
				return
			}
		}
	}, nil
}

// average returns the mean of all windows over each row.
func (in *Input) average(windows iter.Seq2[[]float32, error]) (tensor.Tensor, error) {
	s := in.Series
	rows, covered := tensor.New(s.Rows.Shape...), make([]int, s.Rows.Len())
	i, features := 0, rows.Sample().Size()
	for window, err := range windows {
		if err != nil {
			return rows, err
		}
		for step := range len(window) / features {
			row := in.WindowRow(i, step)
			covered[row]++
			for f, v := range window[step*features : (step+1)*features] {
				// The mean so far, so that one window over a row leaves it as it is.
				rows.Row(row)[f] += (v - rows.Row(row)[f]) / float32(covered[row])
			}
		}
		i++
	}
	for row, count := range covered {
		if count == 0 {
			for f := range features {
				rows.Row(row)[f] = float32(math.NaN())
			}
		}
	}
	return rows, nil
}
