package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"hourglass"
	"hourglass/dataset"
	"hourglass/dataset/npy"
	"hourglass/figure"
	"hourglass/progress"
	"hourglass/tensor"
	"hourglass/tsne"
	"hourglass/workflow"
)

func newEmbedCommand() *cobra.Command {
	var (
		data        loadFlags
		model       modelFlag
		output      outputFlags
		out, figure string
		method      string
		o           tsne.Options
	)
	cmd := &cobra.Command{
		Use:   "embed DATA",
		Short: "Draw a map of codes, or of any data",
		Long: `Embed places every sample in the plane, so that those that are alike lie together:
by t-SNE, or by the first two principal components. It writes the points (.csv with
the samples' names and labels, or .npy) and a figure of them in the colours of their
labels; for images another one with thumbnails (…-images.png).

With --model the map is one of the data's codes; without, of the data itself, which
may be codes that encode has written.

` + dataHelp,
		Example: `  hourglass embed digits --model runs/mine/model.safetensors --method pca --out map.csv
  hourglass embed codes.npy --perplexity 20 --out map.npy --figure map.png`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch changed := cmd.Flags().Changed; {
			case method != string(workflow.TSNE) && method != string(workflow.PCA):
				return usagef("--method is %q, want tsne or pca", method)
			case changed("perplexity") && !(o.Perplexity >= 1 && !math.IsInf(o.Perplexity, 1)):
				return usagef("--perplexity is %v, want at least 1", o.Perplexity)
			case method == string(workflow.PCA) && (changed("perplexity") || changed("seed") || changed("threads")):
				return usagef("--perplexity, --seed and --threads are for --method tsne, not for pca")
			case changed("threads") && o.Threads < 1:
				return usagef("--threads is %d, want at least 1", o.Threads)
			}
			if err := checkFile("out", out, workflow.NPY, workflow.Table); err != nil {
				return err
			}
			log := output.logBeside(cmd, out)
			m, err := model.openIfGiven(cmd)
			if err != nil {
				return err
			}
			in, err := data.load(cmd, m, args[0], log)
			if err != nil {
				return err
			}
			defer in.Close()
			vectors, err := workflow.Vectors(cmd.Context(), m, in, meter(log, "encode"))
			if err != nil {
				return err
			}
			o.Observe = tellMap(log)
			points, kl, err := workflow.Embed(cmd.Context(), vectors, workflow.Method(method), o)
			if err != nil {
				return err
			}
			result := mapped{Points: in.Len(), Method: method, Out: out}
			if !math.IsNaN(kl) {
				result.KL = &kl
			}
			if err := writePoints(cmd, in, points, out); err != nil {
				return err
			}
			if path := pictureBeside(cmd, figure, out); path != "" {
				if result.Figures, err = drawMap(in, points, path); err != nil {
					return err
				}
			}
			if output.json {
				return writeJSON(cmd, result)
			}
			fmt.Fprintf(log, "a map of %d points in %s%s\n", in.Len(), placeOf(out), alsoIn(result.Figures))
			return nil
		},
	}
	data.add(cmd, testPart)
	model.add(cmd, "default none, for data that is codes already")
	output.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "map.csv", "`file` to write, .csv or .npy, or -")
	flags.StringVar(&figure, "figure", "", "PNG `file` of the map (default --out with .png)")
	flags.StringVar(&method, "method", string(workflow.TSNE), "`tsne|pca`")
	flags.Float64Var(&o.Perplexity, "perplexity", 0, "t-SNE: how many neighbours count (default 30)")
	flags.Uint64Var(&o.Seed, "seed", hourglass.DefaultSeed, "t-SNE: seed of what it draws at random")
	flags.IntVar(&o.Threads, "threads", 0, "cores to use at most; the result does not depend on it (default all)")
	return cmd
}

// mapped is the result of the command.
type mapped struct {
	Points  int      `json:"points"`
	Method  string   `json:"method"`
	KL      *float64 `json:"kl,omitempty"` // divergence of a t-SNE map from the data
	Out     string   `json:"out"`
	Figures []string `json:"figures"`
}

// tellMap tells of the stages of a t-SNE that takes long.
func tellMap(log io.Writer) func(tsne.Event) error {
	begin, said := time.Now(), time.Time{}
	return func(e tsne.Event) error {
		if e.Embedding == nil || time.Since(begin) < progress.Patience || time.Since(said) < progress.Patience {
			return nil
		}
		said = time.Now()
		_, err := fmt.Fprintf(log, "t-SNE: %v, iteration %d of %d, KL %.3f\n", e.Stage, e.Iteration, e.Iterations, e.Embedding.KL())
		return err
	}
}

// writePoints writes the map's points.
func writePoints(cmd *cobra.Command, in *workflow.Input, points tensor.Tensor, out string) error {
	if kind, err := workflow.KindOf(out); err != nil || kind == workflow.NPY {
		return npy.WriteFile(out, points)
	}
	columns := append(workflow.MapColumns(), workflow.SampleColumn)
	if in.Labels != nil {
		columns = append(columns, workflow.LabelColumn)
	}
	return writeTable(cmd, out, columns, func(w *dataset.CSVWriter) error {
		for i := range points.Len() {
			text := []string{in.SampleName(i)}
			if in.Labels != nil {
				text = append(text, in.Label(i))
			}
			if err := w.Append(points.Row(i), text...); err != nil {
				return err
			}
		}
		return nil
	})
}

// drawMap draws the points, and for images a second time with thumbnails. It returns
// the paths of the figures.
func drawMap(in *workflow.Input, points tensor.Tensor, path string) ([]string, error) {
	f, err := figure.Scatter(points, in.Labels, figure.ScatterOptions{Names: in.Classes})
	if err != nil {
		return nil, err
	}
	if err := figure.Save(path, f); err != nil {
		return nil, err
	}
	if workflow.IsSeries(in.Data) || !workflow.IsImage(in.Shape()) {
		return []string{path}, nil
	}
	images, white, err := workflow.Pixels(in)
	if err != nil {
		return nil, err
	}
	f, err = figure.Thumbnails(points, in.Labels, images, figure.ThumbnailOptions{Names: in.Classes, Range: figure.Range{High: white}})
	if err != nil {
		return nil, err
	}
	second := withoutExtension(path) + "-images.png"
	return []string{path, second}, figure.Save(second, f)
}

// alsoIn says where the figures are.
func alsoIn(figures []string) string {
	text := ""
	for i, path := range figures {
		text += []string{", drawn in ", " and "}[min(i, 1)] + path
	}
	return text
}
