package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"hourglass"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/loss"
	"hourglass/metric"
)

func newReconstructCommand() *cobra.Command {
	var (
		data       dataFlags
		output     outputFlags
		model, out string
		images     int
	)
	cmd := &cobra.Command{
		Use:   "reconstruct --model FILE",
		Short: "Run images through a model and show what comes out",
		Long: `Reconstruct runs the test images of a data set through a trained model, reports the
reconstruction error over all of them, and draws the first ones over their
reconstructions (reconstructions.png in --out).`,
		Example: `  hourglass reconstruct --model runs/stacked/model.safetensors --dataset digits
  hourglass reconstruct --model runs/stacked/model.safetensors --dataset fashion-mnist --images 10 --json`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if model == "" || data.dataset == "" {
				return usagef("want --model FILE and --dataset NAME; see 'hourglass reconstruct --help'")
			}
			if images < 1 {
				return usagef("--images is %d, want at least 1", images)
			}
			ae, err := hourglass.Load(model)
			if err != nil {
				return err
			}
			split, err := dataset.Open(cmd.Context(), data.dataset,
				dataset.Options{DataDir: data.dir, Download: true, Progress: downloadBar(output.log(cmd))})
			if err != nil {
				return err
			}
			result, err := reconstruct(cmd, ae, split.Test, images, out)
			if err != nil {
				return err
			}
			if output.json {
				return writeJSON(cmd, result)
			}
			fmt.Fprintf(output.log(cmd), "%d test images of %s: mse %.5f, mae %.5f, rounded accuracy %.4f; see %s\n",
				result.Images, result.Dataset, result.MSE, result.MAE, result.RoundedAccuracy, result.Figure)
			return nil
		},
	}
	data.add(cmd, "required")
	output.add(cmd)
	cmd.Flags().StringVar(&model, "model", "", "model `file` (required)")
	cmd.MarkFlagFilename("model", "safetensors")
	cmd.Flags().StringVar(&out, "out", defaultOut("reconstruct"), "`folder` to write into")
	cmd.MarkFlagDirname("out")
	cmd.Flags().IntVar(&images, "images", 5, "how many images to draw")
	return cmd
}

// reconstruction is the result of the command.
type reconstruction struct {
	Dataset         string  `json:"dataset"`
	Images          int     `json:"images"`
	MSE             float64 `json:"mse"`
	MAE             float64 `json:"mae"`
	RoundedAccuracy float64 `json:"rounded_accuracy"`
	Figure          string  `json:"figure"`
}

// reconstruct evaluates the model on all images and draws the first ones.
func reconstruct(cmd *cobra.Command, ae *hourglass.Autoencoder, images *dataset.Images, shown int, out string) (*reconstruction, error) {
	scores, err := ae.Evaluate(cmd.Context(), images, loss.MeanSquaredError{}, metric.MeanAbsoluteError{}, metric.RoundedAccuracy{})
	if err != nil {
		return nil, err
	}
	originals := images.Tensor(0, min(shown, images.Len()))
	outputs, err := ae.Reconstruct(originals)
	if err != nil {
		return nil, err
	}
	outputs.Shape = originals.Shape
	f, err := figure.Reconstructions(originals, outputs, figure.ReconstructionOptions{})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return nil, fmt.Errorf("reconstruct: output folder: %w", err)
	}
	path := filepath.Join(out, "reconstructions.png")
	if err := figure.Save(path, f); err != nil {
		return nil, err
	}
	return &reconstruction{images.Name, images.Len(), scores.Loss, scores.Metrics[0], scores.Metrics[1], path}, nil
}
