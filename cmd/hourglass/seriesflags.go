package main

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hourglass/dataset"
	"hourglass/workflow"
)

// seriesFlags say how samples are cut out of a long table.
type seriesFlags struct {
	window, stride   int
	time, group, gap string
}

func (f *seriesFlags) add(flags *pflag.FlagSet) {
	flags.IntVar(&f.window, "window", 0, "cut a table whose rows follow each other in time into samples of so many `rows`")
	flags.IntVar(&f.stride, "stride", 0, "with --window, how many `rows` there are from one to the next (default an eighth of it)")
	flags.StringVar(&f.time, "time", "", "with --window, `column` of times, by which rows are put in order and gaps are found")
	flags.StringVar(&f.group, "group", "", "with --window, `column` that tells which of several series a row is of")
	flags.StringVar(&f.gap, "gap", "", "with --time, `time` between two rows, such as 90s, above which no window goes over it (default ten times the median)")
}

// options returns what the flags mean, and refuses those that mean nothing. That windows
// are wanted at all a model may know.
func (f *seriesFlags) options(cmd *cobra.Command) (o dataset.SeriesOptions, err error) {
	o = dataset.SeriesOptions{Window: f.window, Stride: f.stride, Time: f.time, Group: f.group}
	changed := cmd.Flags().Changed
	switch {
	case changed("window") && f.window < 2:
		return o, usagef("--window is %d, want at least 2", f.window)
	case changed("stride") && f.stride < 1:
		return o, usagef("--stride is %d, want at least 1", f.stride)
	case f.time != "" && f.time == f.group:
		return o, usagef("--time and --group are both %q, want two columns", f.time)
	case cmd.Flags().Lookup("model") == nil && f.window == 0 && (changed("stride") || changed("time") || changed("group") || changed("gap")):
		return o, usagef("--stride, --time, --group and --gap are for windows; want --window, too")
	case !changed("gap"):
		return o, nil
	}
	if d, err := time.ParseDuration(f.gap); err == nil {
		o.Gap = d.Seconds()
	} else if o.Gap, err = strconv.ParseFloat(f.gap, 64); err != nil {
		return o, usagef("--gap is %q, want a time such as 90s or 1h30m, or a number of seconds", f.gap)
	}
	if !(o.Gap > 0) {
		return o, usagef("--gap is %q, want more than 0", f.gap)
	}
	return o, nil
}

// writeRows writes what the model makes of each row of a series.
func writeRows(cmd *cobra.Command, m *workflow.Model, in *workflow.Input, out string, progress func(done, total int)) error {
	rows, err := m.ReconstructRows(cmd.Context(), in)
	if err != nil {
		return err
	}
	o := workflow.Output{Path: out, Stdout: cmd.OutOrStdout(), Count: in.Series.Rows.Len(), Shape: in.Series.Rows.Sample(),
		Columns: m.RowColumns(in), Further: in.RowTexts(), Progress: progress}
	return o.Write(cmd.Context(), rows)
}
