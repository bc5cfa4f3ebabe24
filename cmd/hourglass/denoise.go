package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"hourglass/figure"
	"hourglass/workflow"
)

func newDenoiseCommand() *cobra.Command {
	var (
		data        loadFlags
		model       modelFlag
		output      outputFlags
		out, figure string
	)
	cmd := &cobra.Command{
		Use:   "denoise DATA --model FILE --out FILE|FOLDER",
		Short: "Clean samples by a model trained on clean ones",
		Long: `Denoise runs noisy samples through a model and writes what comes out: what does not
look like the data the model knows is left behind. The best model for it was trained
with noise in front (gaussian_noise or dropout in its architecture).

Samples are written as an array (.npy), as a table with the columns of the training
data (.csv, or "-" for the standard output), or for images as PNG files in a folder,
under the names they had. Some images or series are drawn before and after (--figure).

` + dataHelp,
		Example: `  hourglass denoise noisy.npy --model runs/mine/model.safetensors --out clean.npy
  hourglass denoise scans/ --model runs/scans/model.safetensors --out clean --figure before_after.png`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			log := output.logBeside(cmd, out)
			m, in, err := openBoth(cmd, &model, &data, &output, args[0], out)
			if err != nil {
				return err
			}
			defer in.Close()
			if figure != "" && !workflow.CanDraw(in) {
				return usagef("--figure is for images and series, but %s has samples of shape %v", in.Path, in.Shape())
			}
			if err := writeReconstructions(cmd, m, in, out, meter(log, "denoise")); err != nil {
				return err
			}
			fmt.Fprintf(log, "%d cleaned samples in %s\n", in.Len(), placeOf(out))
			if path := pictureBeside(cmd, figure, out); path != "" && workflow.CanDraw(in) {
				if err := drawPairs(m, in, shownPairs, "noisy", "denoised", path); err != nil {
					return err
				}
				fmt.Fprintf(log, "some before and after in %s\n", path)
			}
			return nil
		},
	}
	data.add(cmd, testPart)
	model.add(cmd, "required")
	output.addQuiet(cmd)
	cmd.Flags().StringVar(&out, "out", "", "`file` to write, .npy or .csv, -, or a folder for images (required)")
	cmd.Flags().StringVar(&figure, "figure", "", "PNG `file` of images or series before and after (default --out with .png)")
	return cmd
}

// shownPairs is how many images are drawn with what became of them.
const shownPairs = 5

// openBoth opens a model and data for it that is to be written to out.
func openBoth(cmd *cobra.Command, model *modelFlag, data *loadFlags, output *outputFlags, path, out string) (*workflow.Model, *workflow.Input, error) {
	if err := checkFile("out", out, workflow.NPY, workflow.Table, workflow.Images); err != nil {
		return nil, nil, err
	}
	m, err := model.open(cmd)
	if err != nil {
		return nil, nil, err
	}
	in, err := data.load(cmd, m, path, output.logBeside(cmd, out))
	return m, in, err
}

// writeReconstructions writes what the model makes of all samples, of a series that of
// all rows.
func writeReconstructions(cmd *cobra.Command, m *workflow.Model, in *workflow.Input, out string, progress func(done, total int)) error {
	if in.Series != nil {
		return writeRows(cmd, m, in, out, progress)
	}
	samples, err := m.Reconstruct(cmd.Context(), in)
	if err != nil {
		return err
	}
	o := sampleOutput(cmd, m, in, out)
	o.Progress = progress
	return o.Write(cmd.Context(), samples)
}

// drawPairs draws the first samples beside what the model makes of them.
func drawPairs(m *workflow.Model, in *workflow.Input, count int, before, after, path string) error {
	f, err := m.Draw(in, count, before, after)
	if err != nil {
		return err
	}
	return figure.Save(path, f)
}
