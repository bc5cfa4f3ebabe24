package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hourglass/dataset"
	"hourglass/recipe"
	runs "hourglass/run"
)

// runFlags are those of run.
type runFlags struct {
	data   dataFlags
	train  trainFlags
	output outputFlags
	saving checkpointFlags
	out    string

	quick, reporting bool
	samples, draws   int
	baseline         string
}

func newRunCommand() *cobra.Command { return new(runFlags).command() }

func (f *runFlags) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run RECIPE|all",
		Short: "Train one of the lecture's systems",
		Long: `Run trains one of the lecture's systems, with the lecture's settings unless
flags say otherwise, and writes into a folder (--out):

  model.safetensors  the trained model, architecture and weights
  metrics.json       all numbers: settings, loss and metrics of every epoch
  *.png              the figures, under the lecture's names
  run.json           what decides the bits of the run, for --resume and verify

A folder holds one run: another is refused there unless it is to --overwrite it.

Without --dataset it takes MNIST where it is on this machine or can be
downloaded, and the built-in digits otherwise. Ctrl-C stops at the next step,
saves the model as it is, and says how to go on. The same seed gives the same
model, bit for bit, for any number of threads and however often the run was
interrupted; "hourglass verify" checks it.

Started by mpirun or srun, in a build with MPI, several processes train the model together, with
the same bits: see docs/cluster.md.

"hourglass recipes" lists the systems; "all" runs one after another, each into a
folder of its own below --out.`,
		Example: `  hourglass run stacked
  hourglass run all --quick --report
  hourglass run stacked --dataset fashion-mnist --epochs 5 --learning-rate 0.5 --out runs/fashion
  hourglass run iwae-paper --samples 1 --checkpoint 5m
  hourglass run --resume runs/fashion`,
		Args:              arguments(oneOrResumed),
		ValidArgsFunction: completeRecipe,
		RunE:              f.run,
	}
	f.data.add(cmd, "default mnist, else digits")
	f.train.add(cmd)
	f.saving.add(cmd)
	f.output.add(cmd)
	cmd.Flags().BoolVar(&f.quick, "quick", false, "a fifth of the epochs, on 20,000 images, to see it work")
	cmd.Flags().BoolVar(&f.reporting, "report", false, "also write report.html, one page with everything on it")
	cmd.Flags().IntVar(&f.samples, "samples", 0, "codes drawn of each image in training, of iwae and iwae-paper (default the recipe's)")
	cmd.Flags().IntVar(&f.draws, "likelihood", 0, "estimate the likelihood of a test image by so many codes, where codes are drawn (default the recipe's)")
	addBaseline(cmd, &f.baseline)
	cmd.Flags().StringVar(&f.out, "out", "", "`folder` to write into (default runs/RECIPE)")
	cmd.MarkFlagDirname("out")
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command, args []string) error {
	var err error
	if f.out, err = f.saving.folder(f.out); err != nil {
		return err
	}
	if f.saving.resume != "" {
		if args, err = recall(cmd, args, f.saving.resume); err != nil {
			return err
		}
	}
	o, err := f.options(cmd, args)
	if err != nil {
		return err
	}
	if args[0] == allRecipes {
		return f.runAll(cmd, o)
	}
	r, err := recipe.ByName(args[0])
	if err != nil {
		return usageError{err}
	}
	if o.Out = f.out; o.Out == "" {
		o.Out = defaultOut(r.Name)
	}
	aside, err := follow(cmd, &o.Options)
	if err != nil {
		return err
	}
	defer aside()
	metrics, err := r.Run(cmd.Context(), o)
	if err == nil && f.reporting {
		err = writeReport(o.Log, o.Out, o.Out)
	}
	if err == nil && f.output.json {
		err = writeJSON(cmd, metrics)
	}
	return explain(cmd, err, o.Out)
}

// options returns what the flags mean, but for the folder.
func (f *runFlags) options(cmd *cobra.Command, args []string) (o recipe.Options, err error) {
	if err := f.train.check(cmd); err != nil {
		return o, err
	}
	for _, flag := range []struct {
		name  string
		value int
	}{{"samples", f.samples}, {"likelihood", f.draws}} {
		if cmd.Flags().Changed(flag.name) && flag.value < 1 {
			return o, usagef("--%s is %d, want at least 1", flag.name, flag.value)
		}
	}
	baseline, err := isPCA(f.baseline)
	if err != nil {
		return o, err
	}
	if _, known := dataset.Lookup(f.data.dataset); f.data.dir != "" && f.data.dataset != "" && (!known || f.data.dataset == dataset.Digits) {
		return o, usagef("--data-dir is where a data set is looked for by its name; --dataset %s is not looked for", f.data.dataset)
	}
	o = f.train.options(f.data)
	o.Quick, o.Baseline, o.Samples, o.Draws = f.quick, baseline, f.samples, f.draws
	if o.Augment, err = f.train.augmentation(); err != nil {
		return o, err
	}
	o.Log, o.Started = f.output.log(cmd), started
	o.Download = downloadBar(o.Log)
	o.Resume, o.Overwrite, o.Command = f.saving.resume != "", f.saving.overwrite, rememberedCommand(cmd, args)
	o.Checkpoints, err = f.saving.checkpoints()
	return o, err
}

// allRecipes stands for every recipe.
const allRecipes = "all"

// runAll runs the whole lecture, or what is left of it.
func (f *runFlags) runAll(cmd *cobra.Command, o recipe.Options) (err error) {
	if o.Out = f.out; o.Out == "" {
		o.Out = defaultOut(allRecipes)
	}
	folder, err := runs.Open(&o.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	if err := folder.Begin(&runs.Notes{Command: o.Command}); err != nil {
		return err
	}
	results := map[string]json.RawMessage{}
	var dirs []string
	for _, r := range recipe.Lecture() {
		dir := filepath.Join(o.Out, r.Name)
		if err := runPart(cmd, r, o, dir, len(dirs) == 0); err != nil {
			return explain(cmd, fmt.Errorf("%s: %w", r.Name, err), o.Out)
		}
		if results[r.Name], err = os.ReadFile(filepath.Join(dir, runs.MetricsFile)); err != nil {
			return err
		}
		dirs = append(dirs, dir)
		fmt.Fprintln(o.Log)
	}
	if f.reporting {
		if err := writeReport(o.Log, o.Out, dirs...); err != nil {
			return err
		}
	}
	if err := folder.Note(runs.Finished); err != nil {
		return err
	}
	if f.output.json {
		return writeJSON(cmd, results)
	}
	return nil
}

// runPart runs a recipe of the lecture into a folder. One that is finished is left as
// it is where the lecture goes on.
func runPart(cmd *cobra.Command, r recipe.Recipe, o recipe.Options, dir string, first bool) error {
	o.Out = dir
	o.Command = runs.Command{Name: o.Command.Name, Args: []string{r.Name}, Flags: maps.Clone(o.Command.Flags)}
	delete(o.Command.Flags, "report")
	if !first {
		o.Started = time.Time{} // only the first recipe starts with the program
	}
	if r.Own != nil {
		o.Dataset, o.DataDir, o.TrainSize = "", "", 0
		for _, name := range []string{"dataset", "data-dir", "train-size"} {
			delete(o.Command.Flags, name)
		}
	}
	if o.Resume {
		notes, err := runs.ReadNotes(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			o.Resume = false
		case err != nil:
			return err
		case notes.State == runs.Finished:
			fmt.Fprintf(o.Log, "%s: finished before\n", r.Title)
			return nil
		}
	}
	_, err := r.Run(cmd.Context(), o)
	return err
}

// completeRecipe completes the name of a recipe.
func completeRecipe(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return append(recipe.Names(), allRecipes), cobra.ShellCompDirectiveNoFileComp
}
