package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/workflow"
)

func newRecognizeCommand() *cobra.Command {
	var (
		data, references            loadFlags
		model                       modelFlag
		output                      outputFlags
		labelled, unknown, ownLabel string
		out, figurePath             string
		count                       int
	)
	cmd := &cobra.Command{
		Use:   "recognize --labelled DATA --data DATA",
		Short: "Label samples by the nearest labelled codes",
		Long: `Recognize gives every sample of --data the label that most of the nearest samples of
--labelled have (--neighbors; of labels with as many, that of the nearest). With
--model samples are compared by their codes; without, as they are, which may be codes
that encode has written.

It writes a table (CSV) of samples and their recognised labels. If --data has labels
itself, it says how many are right and draws what was taken for what (--figure).

--label is for --labelled, and for --data where that is a table with this column;
--data-label is for --data alone. Of a data set with a part for testing, --labelled
takes the samples for training and --data those for testing.

` + dataHelp,
		Example: `  hourglass recognize --model runs/mine/model.safetensors --labelled digits --data digits --out recognized.csv
  hourglass recognize --labelled codes.csv --data new_codes.csv --neighbors 5`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case labelled == "" || unknown == "":
				return usagef("want --labelled DATA and --data DATA; see '%s --help'", cmd.CommandPath())
			case labelled == stdoutPath && unknown == stdoutPath:
				return usagef("--labelled and --data cannot both be the standard input")
			case count < 1:
				return usagef("--neighbors is %d, want at least 1", count)
			}
			if err := checkFile("out", out, workflow.Table); err != nil {
				return err
			}
			log := output.logBeside(cmd, out)
			m, err := model.openIfGiven(cmd)
			if err != nil {
				return err
			}
			references = data
			references.part, data.part = trainPart, testPart
			known, err := references.read(cmd, m, labelled, log)
			if err != nil {
				return err
			}
			defer known.Close()
			if data.label = ownLabel; ownLabel == "" {
				if data.label, err = workflow.ColumnIfAny(unknown, references.label); err != nil {
					return err
				}
			}
			in, err := data.read(cmd, m, unknown, log)
			if err != nil {
				return err
			}
			defer in.Close()
			if err := checkApplies(cmd, known.Data, in.Data); err != nil {
				return err
			}
			r, err := recognize(cmd, m, known, in, count, meter(log, "encode"))
			if err != nil {
				return err
			}
			if r.Copies > 0 {
				fmt.Fprintf(output.warnings(cmd), "%d of %d samples are the same as one of the labelled ones, which is then the nearest to them: if it is the sample itself, nothing was recognised\n", r.Copies, in.Len())
			}
			if err := writeRecognized(cmd, in, r, out, &output); err != nil {
				return err
			}
			if r.Truth == nil {
				return nil
			}
			fmt.Fprintf(log, "%.2f %% of %d samples recognised by %d labelled ones\n", 100*r.Confusion.Accuracy(), in.Len(), known.Len())
			if path := pictureBeside(cmd, figurePath, out); path != "" {
				f, err := figure.Confusion(r.Confusion, r.Classes, figure.ConfusionOptions{Title: fmt.Sprintf("%.2f %% right", 100*r.Confusion.Accuracy())})
				if err != nil {
					return err
				}
				return figure.Save(path, f)
			}
			return nil
		},
	}
	data.add(cmd, "")
	model.add(cmd, "default none, for data that is codes already")
	output.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&labelled, "labelled", "", "`data` with labels (required)")
	flags.StringVar(&unknown, "data", "", "`data` to recognise (required)")
	flags.StringVar(&ownLabel, "data-label", "", "labels of --data: a `column`, array or file, as for --label")
	flags.IntVar(&count, "neighbors", 1, "how many of the nearest vote")
	flags.StringVar(&out, "out", stdoutPath, "`file` to write, .csv, or - for the standard output")
	flags.StringVar(&figurePath, "figure", "", "PNG `file` of what was taken for what (default --out with .png)")
	return cmd
}

// recognize encodes both sets and compares them.
func recognize(cmd *cobra.Command, m *workflow.Model, known, in *workflow.Input, count int, progress func(done, total int)) (*workflow.Recognized, error) {
	if known.Shape().Size() != in.Shape().Size() {
		return nil, fmt.Errorf("recognize: %s has samples of shape %v, %s of %v; want the same", known.Path, known.Shape(), in.Path, in.Shape())
	}
	references, err := workflow.Vectors(cmd.Context(), m, known, progress)
	if err != nil {
		return nil, err
	}
	vectors, err := workflow.Vectors(cmd.Context(), m, in, progress)
	if err != nil {
		return nil, err
	}
	return workflow.Recognize(cmd.Context(), references, known, vectors, in, count)
}

// recognized is the result of the command.
type recognized struct {
	Samples  int      `json:"samples"`
	Accuracy *float64 `json:"accuracy,omitempty"` // 0 to 1, of data with labels
	Labels   []string `json:"labels"`             // of each sample
}

// writeRecognized writes the labels.
func writeRecognized(cmd *cobra.Command, in *workflow.Input, r *workflow.Recognized, out string, output *outputFlags) error {
	if output.json {
		result := recognized{Samples: in.Len()}
		for _, class := range r.Predicted {
			result.Labels = append(result.Labels, r.Classes[class])
		}
		if r.Truth != nil {
			accuracy := r.Confusion.Accuracy()
			result.Accuracy = &accuracy
		}
		if err := writeJSON(cmd, result); err != nil || out == stdoutPath {
			return err
		}
	}
	columns := []string{workflow.SampleColumn, "recognized"}
	if r.Truth != nil {
		columns = append(columns, workflow.LabelColumn)
	}
	return writeTable(cmd, out, columns, func(w *dataset.CSVWriter) error {
		for i, class := range r.Predicted {
			row := []string{in.SampleName(i), r.Classes[class]}
			if r.Truth != nil {
				row = append(row, r.Classes[r.Truth[i]])
			}
			if err := w.Append(nil, row...); err != nil {
				return err
			}
		}
		return nil
	})
}
