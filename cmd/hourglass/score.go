package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/workflow"
)

func newScoreCommand() *cobra.Command {
	var (
		data                  loadFlags
		model                 modelFlag
		output                outputFlags
		out, figurePath       string
		quantile              float64
		top                   int
		failing               bool
		thresholdIsOptional   = func(cmd *cobra.Command) bool { return !cmd.Flags().Changed("quantile") && !failing }
		errThresholdIsMissing = errors.New("none of the samples is called an outlier: the model has not learned how normal samples score")
	)
	cmd := &cobra.Command{
		Use:   "score DATA --model FILE",
		Short: "Rank samples by how badly the model reconstructs them",
		Long: `Score writes a table (CSV) of all samples with their reconstruction error, the mean
squared error in the units the model works in, highest first: the samples least like
the training data. Those above the score that a share of normal samples (--quantile)
are not expected to exceed, as learned from those set aside for validation, are
marked as outliers.

With --fail the exit status is 3 if there are outliers, 0 if there are none; 1 and 2
remain for errors. The figure (--figure) shows how the scores are spread.

` + dataHelp,
		Example: `  hourglass score digits --model runs/mine/model.safetensors --top 10
  hourglass score digits --model runs/mine/model.safetensors --quantile 0.999 --out scores.csv
  hourglass score today.csv --model runs/sensors/model.safetensors --fail --quiet || echo "look at it"`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case !(quantile >= 0 && quantile <= 1):
				return usagef("--quantile is %v, want 0 to 1", quantile)
			case cmd.Flags().Changed("top") && top < 1:
				return usagef("--top is %d, want at least 1", top)
			}
			if err := checkFile("out", out, workflow.Table); err != nil {
				return err
			}
			log := output.logBeside(cmd, out)
			m, err := model.open(cmd)
			if err != nil {
				return err
			}
			r := ranking{Quantile: quantile}
			if threshold, err := m.Threshold(quantile); err == nil {
				r.Threshold = &threshold
			} else if !thresholdIsOptional(cmd) {
				return err
			} else {
				fmt.Fprintln(log, errThresholdIsMissing)
			}
			in, err := data.load(cmd, m, args[0], log)
			if err != nil {
				return err
			}
			defer in.Close()
			if r.Scores, err = m.Rank(cmd.Context(), in, meter(log, "score")); err != nil {
				return err
			}
			r.count()
			if err := r.write(cmd, in, out, top, &output); err != nil {
				return err
			}
			if path := pictureBeside(cmd, figurePath, out); path != "" {
				if err := r.draw(path); err != nil {
					return err
				}
			}
			if r.Threshold == nil {
				return nil
			}
			said := fmt.Sprintf("%d of %d samples are outliers, above %.6g, which %v %% of normal ones are not expected to exceed%s",
				r.Outliers, r.Samples, *r.Threshold, 100*quantile, learnedFrom(m.ThresholdSamples()))
			if failing && r.Outliers > 0 {
				return outliersError{errors.New(said)}
			}
			fmt.Fprintln(log, said)
			return nil
		},
	}
	data.add(cmd, testPart)
	model.add(cmd, "required")
	output.add(cmd)
	cmd.Flags().StringVar(&out, "out", stdoutPath, "`file` to write, .csv, or - for the standard output")
	cmd.Flags().StringVar(&figurePath, "figure", "", "PNG `file` of the scores' histogram (default --out with .png)")
	cmd.Flags().Float64Var(&quantile, "quantile", 0.99, "`share` of normal samples that are not to be called outliers")
	cmd.Flags().IntVar(&top, "top", 0, "write only so many, the highest (default all)")
	cmd.Flags().BoolVar(&failing, "fail", false, "exit with status 3 if there are outliers")
	return cmd
}

// learnedFrom says from how many samples a threshold was learned, if that is known.
func learnedFrom(samples int) string {
	if samples == 0 {
		return ""
	}
	return fmt.Sprintf(" (learned from %d samples)", samples)
}

// outliersError says that there are outliers, which is an error to those who asked.
type outliersError struct{ error }

// ranking is the result of the command.
type ranking struct {
	Samples   int               `json:"samples"`
	Quantile  float64           `json:"quantile"`
	Threshold *float64          `json:"threshold"` // null if the model has none
	Outliers  int               `json:"outliers"`
	Scores    []workflow.Scored `json:"scores"` // highest first
}

// count counts samples and outliers, which come first.
func (r *ranking) count() {
	r.Samples = len(r.Scores)
	for r.Threshold != nil && r.Outliers < r.Samples && r.Scores[r.Outliers].Score > *r.Threshold {
		r.Outliers++
	}
}

// write writes the highest scores, to the standard output as JSON if that is asked for.
func (r *ranking) write(cmd *cobra.Command, in *workflow.Input, out string, top int, output *outputFlags) error {
	shown := *r
	if top > 0 {
		shown.Scores = r.Scores[:min(top, r.Samples)]
	}
	columns := []string{workflow.SampleColumn, "score"}
	if r.Threshold != nil {
		columns = append(columns, "outlier")
	}
	if in.Labels != nil {
		columns = append(columns, workflow.LabelColumn)
	}
	fill := func(w *dataset.CSVWriter) error {
		for i, s := range shown.Scores {
			row := []string{s.Sample, strconv.FormatFloat(s.Score, 'g', 8, 64)}
			if r.Threshold != nil {
				row = append(row, yesNo(i < r.Outliers))
			}
			if in.Labels != nil {
				row = append(row, s.Label)
			}
			if err := w.Append(nil, row...); err != nil {
				return err
			}
		}
		return nil
	}
	if output.json {
		if err := writeJSON(cmd, shown); err != nil || out == stdoutPath {
			return err
		}
	}
	return writeTable(cmd, out, columns, fill)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// writeTable writes rows to a file or the standard output.
func writeTable(cmd *cobra.Command, out string, columns []string, fill func(*dataset.CSVWriter) error) error {
	if out != stdoutPath {
		return dataset.WriteCSVFileFunc(out, columns, fill)
	}
	w, err := dataset.NewCSVWriter(cmd.OutOrStdout(), columns)
	if err != nil {
		return err
	}
	return errors.Join(fill(w), w.Close())
}

// draw draws how the scores are spread, and the threshold.
func (r *ranking) draw(path string) error {
	values := make([]float64, len(r.Scores))
	for i, s := range r.Scores {
		values[i] = s.Score
	}
	o := figure.HistogramOptions{XLabel: "reconstruction error"}
	if r.Threshold != nil {
		o.Thresholds = []figure.Threshold{{Name: fmt.Sprintf("%v %% of the training data", 100*r.Quantile), Value: *r.Threshold}}
	}
	f, err := figure.Histogram([]figure.Sample{{Name: "samples", Values: values}}, o)
	if err != nil {
		return err
	}
	return figure.Save(path, f)
}
