package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"hourglass/figure"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/workflow"
)

func newReconstructCommand() *cobra.Command {
	var (
		data       loadFlags
		model      modelFlag
		output     outputFlags
		named, out string
		images     int
		fill       bool
	)
	cmd := &cobra.Command{
		Use:   "reconstruct [DATA] --model FILE",
		Short: "Run samples through a model and show what comes out",
		Long: `Reconstruct runs samples through a trained model, reports the reconstruction error
over all of them, in the units the model works in, and draws some images over their
reconstructions, or series with them, a table in windows whole (reconstructions.png in --out).

Of a data set by name (--dataset) it takes the images for testing. Of DATA it also
writes all reconstructions: as an array (--out FILE.npy), as a table (--out FILE.csv,
or "-" for the standard output), or into the folder: images as PNG files, series as
reconstructions.npy. Of a table that was cut into windows (--window) these are its rows in
their order, each the mean over all windows that it is in, and empty if it is in none.

Tables come back with their columns as they were: categories by name, dates as dates,
numbers in their notation. With --fill every cell that is there is written as it is,
and only those that are missing become what the model makes of them.

` + dataHelp,
		Example: `  hourglass reconstruct --model runs/stacked/model.safetensors --dataset digits
  hourglass reconstruct --model runs/stacked/model.safetensors --dataset fashion-mnist --images 10 --json
  hourglass reconstruct wine.csv --label cultivar --model runs/wine/model.safetensors --out reconstructed.csv
  hourglass reconstruct orders.csv --model runs/orders --fill --out filled.csv`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if model.path == "" || (named == "") == (len(args) == 0) {
				return usagef("want --model FILE and --dataset NAME or DATA; see 'hourglass reconstruct --help'")
			}
			if images < 1 {
				return usagef("--images is %d, want at least 1", images)
			}
			if err := checkFile("out", out, workflow.NPY, workflow.Table, workflow.Images); err != nil {
				return err
			}
			if kind, _ := workflow.KindOf(out); fill && (kind != workflow.Table || len(args) == 0) {
				return usagef("--fill is for tables, want DATA and --out FILE.csv or - for the standard output")
			}
			log := output.logBeside(cmd, out)
			m, err := model.open(cmd)
			if err != nil {
				return err
			}
			in, err := data.load(cmd, m, append(args, named)[0], log)
			if err != nil {
				return err
			}
			defer in.Close()
			if kind, _ := workflow.KindOf(out); kind != workflow.Images && cmd.Flags().Changed("images") {
				return usagef("--images is for the figure in a folder, but --out is %s", out)
			}
			if fill {
				return fillCells(cmd, m, in, out, output, log)
			}
			result, err := reconstruct(cmd, m, in, images, out)
			if err == nil && len(args) > 0 {
				err = writeReconstructions(cmd, m, in, samplesFile(in, out), meter(log, "reconstruct"))
			}
			if err != nil {
				return err
			}
			if output.json {
				return writeJSON(cmd, result)
			}
			rounded := ""
			if result.RoundedAccuracy != nil {
				rounded = fmt.Sprintf(", rounded accuracy %.4f", *result.RoundedAccuracy)
			}
			fmt.Fprintf(log, "%d samples of %s: mse %.5f, mae %.5f%s; see %s\n",
				result.Images, result.Dataset, result.MSE, result.MAE, rounded, cmp.Or(result.Figure, placeOf(out)))
			return nil
		},
	}
	data.add(cmd, testPart)
	model.add(cmd, "required")
	output.add(cmd)
	addDatasetName(cmd, &named, "or DATA, required")
	cmd.Flags().StringVar(&out, "out", defaultOut("reconstruct"), "`file` to write, .npy or .csv, -, or a folder for images")
	cmd.Flags().BoolVar(&fill, "fill", false, "write a table as it is, but for the missing cells, which the model fills")
	cmd.Flags().IntVar(&images, "images", 5, "how many images or series to draw")
	return cmd
}

// fillCells writes a table with its missing cells filled.
func fillCells(cmd *cobra.Command, m *workflow.Model, in *workflow.Input, out string, output outputFlags, log io.Writer) error {
	samples, err := m.Impute(cmd.Context(), in)
	if err != nil {
		return err
	}
	o := sampleOutput(cmd, m, in, out)
	o.Progress = meter(log, "reconstruct")
	missing, err := m.SetFilled(&o, in)
	if err != nil {
		return err
	}
	if err := o.Write(cmd.Context(), samples); err != nil {
		return err
	}
	if output.json {
		return writeJSON(cmd, map[string]any{"dataset": in.Path, "samples": in.Len(), "filled": missing})
	}
	fmt.Fprintf(log, "%d cells of %d samples of %s filled; see %s\n", missing, in.Len(), in.Path, placeOf(out))
	return nil
}

// reconstruction is the result of the command.
type reconstruction struct {
	Dataset         string   `json:"dataset"`
	Images          int      `json:"images"`
	MSE             float64  `json:"mse"`
	MAE             float64  `json:"mae"`
	RoundedAccuracy *float64 `json:"rounded_accuracy,omitempty"` // of images
	Figure          string   `json:"figure,omitempty"`           // of images, in a folder
}

// samplesFile is what is written to out: series are no pictures to be in a folder.
func samplesFile(in *workflow.Input, out string) string {
	if kind, err := workflow.KindOf(out); err == nil && kind == workflow.Images && workflow.IsSeries(in.Data) {
		return filepath.Join(out, "reconstructions.npy")
	}
	return out
}

// reconstruct evaluates the model on all samples and, if they are images and out is
// a folder, draws the first ones.
func reconstruct(cmd *cobra.Command, m *workflow.Model, in *workflow.Input, shown int, out string) (*reconstruction, error) {
	scores, err := m.Evaluate(cmd.Context(), in, loss.MeanSquaredError{}, metric.MeanAbsoluteError{}, metric.RoundedAccuracy{})
	if err != nil {
		return nil, err
	}
	r := &reconstruction{Dataset: in.Path, Images: in.Len(), MSE: scores.Loss, MAE: scores.Metrics[0]}
	if m.IsBlackAndWhite() {
		r.RoundedAccuracy = &scores.Metrics[1]
	}
	if kind, _ := workflow.KindOf(out); kind != workflow.Images {
		return r, nil
	}
	if !workflow.CanDraw(in) {
		return nil, fmt.Errorf("reconstruct: samples of shape %v cannot be drawn, want --out FILE.npy or FILE.csv", in.Shape())
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return nil, fmt.Errorf("reconstruct: output folder: %w", err)
	}
	r.Figure = filepath.Join(out, "reconstructions.png")
	if in.Series != nil {
		f, err := m.Timeline(cmd.Context(), in, nil)
		if err != nil {
			return nil, err
		}
		return r, figure.Save(r.Figure, f)
	}
	return r, drawPairs(m, in, shown, "", "", r.Figure)
}
