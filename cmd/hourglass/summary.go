package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hourglass"
	"hourglass/architecture"
	"hourglass/figure"
	"hourglass/nn"
	"hourglass/recipe"
	runs "hourglass/run"
)

func newSummaryCommand() *cobra.Command {
	var (
		output  outputFlags
		model   string
		picture string
	)
	cmd := &cobra.Command{
		Use:   "summary RECIPE|MODEL",
		Short: "Show layers, output shapes and parameters",
		Long: `Summary lists the layers of encoder and decoder as Keras prints them, of a recipe
or of a model (its file or the folder of its run), and says the architecture in the line that train --architecture
takes.`,
		Example: `  hourglass summary stacked
  hourglass summary runs/stacked --figure stacked.png`,
		Args:              arguments(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeRecipe,
		RunE: func(cmd *cobra.Command, args []string) error {
			ae, path, err := summarised(model, args)
			if err != nil {
				return err
			}
			noteUnverified(cmd, ae, path)
			if picture != "" {
				if err := drawNetwork(ae, picture); err != nil {
					return err
				}
			}
			if output.json {
				return writeJSON(cmd, summary{architectureLine(ae), ae.Encoder().Table(), ae.Decoder().Table()})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s%s\n", ae.Summary(), architectureLine(ae))
			return err
		},
	}
	cmd.Flags().StringVar(&model, "model", "", "the model's `file`, or the folder of a run")
	cmd.MarkFlagFilename("model", "safetensors")
	cmd.Flags().StringVar(&picture, "figure", "", "also draw the network, to a `file` that ends in .png")
	cmd.MarkFlagFilename("figure", "png")
	output.addJSON(cmd)
	return cmd
}

// summary is the result of the command.
type summary struct {
	Architecture string         `json:"architecture"`
	Encoder      []nn.LayerInfo `json:"encoder"`
	Decoder      []nn.LayerInfo `json:"decoder"`
}

// architectureLine says an autoencoder in one line.
func architectureLine(ae *hourglass.Autoencoder) string {
	return architecture.Format(ae.Encoder().Layers(), ae.Decoder().Layers())
}

// drawNetwork draws an autoencoder into a PNG file.
func drawNetwork(ae *hourglass.Autoencoder, path string) error {
	if strings.ToLower(filepath.Ext(path)) != ".png" {
		return usagef("--figure is %q, want a file that ends in .png", path)
	}
	side := func(n *nn.Network) []figure.NetworkLayer {
		var layers []figure.NetworkLayer
		for _, l := range n.Table() {
			layers = append(layers, figure.NetworkLayer{Name: l.Name, Output: l.Output.String(), Values: l.Output.Size()})
		}
		return layers
	}
	in := ae.Encoder().Input()
	f, err := figure.Network(figure.NetworkLayer{Name: "samples", Output: in.String(), Values: in.Size()}, side(ae.Encoder()), side(ae.Decoder()))
	if err != nil {
		return err
	}
	return figure.Save(path, f)
}

// summarised returns the autoencoder to summarise, a recipe's or that in a file, and the file.
func summarised(model string, args []string) (ae *hourglass.Autoencoder, path string, err error) {
	if (model == "") == (len(args) == 0) {
		return nil, "", usagef("want either a recipe or a model; see 'hourglass summary --help'")
	}
	if model == "" {
		r, err := recipe.ByName(args[0])
		if err == nil {
			ae, err = hourglass.New(r.Encoder, r.Decoder)
			return ae, "", err
		}
		if _, missing := os.Stat(args[0]); missing != nil {
			return nil, "", usageError{err}
		}
		model = args[0]
	}
	path = runs.ModelPath(model)
	ae, err = hourglass.Load(path)
	return ae, path, err
}
