package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hourglass/dataset"
	"hourglass/recipe"
)

func newRunCommand() *cobra.Command {
	var (
		data   dataFlags
		train  trainFlags
		output outputFlags
		saving checkpointFlags
		out    string

		quick, reporting bool
		baseline         string
	)
	cmd := &cobra.Command{
		Use:   "run RECIPE|all",
		Short: "Train one of the lecture's systems",
		Long: `Run trains one of the lecture's systems, with the lecture's settings unless
flags say otherwise, and writes into a folder (--out):

  model.safetensors  the trained model, architecture and weights
  metrics.json       all numbers: settings, loss and metrics of every epoch
  *.png              the figures, under the lecture's names

Without --dataset it takes MNIST where it is on this machine or can be
downloaded, and the built-in digits otherwise. Ctrl-C stops at the next step,
saves the model as it is, and says how to go on. The same seed gives the same
model, bit for bit, for any number of threads and however often the run was
interrupted.

"hourglass recipes" lists the systems; "all" runs one after another, each into a
folder of its own below --out.`,
		Example: `  hourglass run stacked
  hourglass run all --quick --report
  hourglass run stacked --dataset fashion-mnist --epochs 5 --learning-rate 0.5 --out runs/fashion`,
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: completeRecipe,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := train.check(cmd); err != nil {
				return err
			}
			o := train.options(data)
			var err error
			if o.Baseline, err = isPCA(baseline); err != nil {
				return err
			}
			o.Quick, o.Log = quick, output.log(cmd)
			o.Download, o.Started = downloadBar(o.Log), started
			if _, known := dataset.Lookup(data.dataset); data.dir != "" && data.dataset != "" && (!known || data.dataset == dataset.Digits) {
				return usagef("--data-dir is where a data set is looked for by its name; --dataset %s is not looked for", data.dataset)
			}
			checkpoints, err := saving.checkpoints()
			if err != nil {
				return err
			}
			o.Checkpoints = checkpoints
			if out, err = saving.folder(out); err != nil {
				return err
			}
			o.Resume = saving.resume != ""
			if args[0] == allRecipes {
				return runAll(cmd, o, out, output, reporting)
			}
			r, err := recipe.ByName(args[0])
			if err != nil {
				return usageError{err}
			}
			if o.Out = out; out == "" {
				o.Out = defaultOut(r.Name)
			}
			metrics, err := runOne(cmd, args, r, o)
			if err == nil && reporting {
				err = writeReport(o.Log, o.Out, o.Out)
			}
			if err == nil && output.json {
				err = writeJSON(cmd, metrics)
			}
			return err
		},
	}
	data.add(cmd, "default mnist, else digits")
	train.add(cmd)
	saving.add(cmd)
	output.add(cmd)
	cmd.Flags().BoolVar(&quick, "quick", false, "a fifth of the epochs, on 20,000 images, to see it work")
	cmd.Flags().BoolVar(&reporting, "report", false, "also write report.html, one page with everything on it")
	addBaseline(cmd, &baseline)
	cmd.Flags().StringVar(&out, "out", "", "`folder` to write into (default runs/RECIPE)")
	cmd.MarkFlagDirname("out")
	return cmd
}

// allRecipes stands for every recipe.
const allRecipes = "all"

// runOne runs a recipe and explains an interruption.
func runOne(cmd *cobra.Command, args []string, r recipe.Recipe, o recipe.Options) (*recipe.Metrics, error) {
	metrics, err := r.Run(cmd.Context(), o)
	if errors.Is(err, context.Canceled) && metrics != nil {
		return nil, fmt.Errorf("interrupted in epoch %d and saved in %s; to go on: %s",
			len(metrics.Epochs.Epochs)+1, o.Out, resumeLine(cmd, args, o.Out))
	}
	return metrics, err
}

// runAll runs the whole lecture.
func runAll(cmd *cobra.Command, o recipe.Options, out string, output outputFlags, reporting bool) error {
	if o.Resume {
		return usagef("--resume goes on with one recipe; name it instead of %q", allRecipes)
	}
	if out == "" {
		out = defaultOut(allRecipes)
	}
	results := map[string]*recipe.Metrics{}
	var dirs []string
	for _, r := range recipe.All() {
		one := o
		one.Out = filepath.Join(out, r.Name)
		if len(dirs) > 0 {
			one.Started = time.Time{} // only the first recipe starts with the program
		}
		if r.Own != nil {
			one.Dataset, one.DataDir, one.TrainSize = "", "", 0
		}
		metrics, err := runOne(cmd, []string{r.Name}, r, one)
		if err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		results[r.Name] = metrics
		dirs = append(dirs, one.Out)
		fmt.Fprintln(o.Log)
	}
	if reporting {
		if err := writeReport(o.Log, out, dirs...); err != nil {
			return err
		}
	}
	if output.json {
		return writeJSON(cmd, results)
	}
	return nil
}

// completeRecipe completes the name of a recipe.
func completeRecipe(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return append(recipe.Names(), allRecipes), cobra.ShellCompDirectiveNoFileComp
}
