package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hourglass"
	"hourglass/dataset"
	"hourglass/recipe"
	runs "hourglass/run"
)

// dataFlags say which data a command works on.
type dataFlags struct{ dataset, dir string }

func (f *dataFlags) add(cmd *cobra.Command, fallback string) {
	addDatasetName(cmd, &f.dataset, fallback)
	cmd.Flags().StringVar(&f.dir, "data-dir", "", "`folder` to look for the data set in, instead of $HOURGLASS_DATA and the cache")
	cmd.MarkFlagDirname("data-dir")
}

// addDatasetName adds the flag that names a data set.
func addDatasetName(cmd *cobra.Command, name *string, fallback string) {
	cmd.Flags().StringVar(name, "dataset", "", "`mnist|fashion-mnist|digits|PATH` ("+fallback+")")
	cmd.RegisterFlagCompletionFunc("dataset", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return datasetNames(), cobra.ShellCompDirectiveDefault
	})
}

func datasetNames() []string {
	var names []string
	for _, info := range dataset.Sets() {
		names = append(names, info.Name)
	}
	return names
}

// trainFlags say how long and in which steps something is trained.
type trainFlags struct {
	epochs, batchSize, threads, trainSize int
	rate                                  float64
	augment                               string
	seed                                  uint64
}

func (f *trainFlags) add(cmd *cobra.Command) {
	f.addFor(cmd, "the recipe's", "the recipe's", "the recipe's")
}

// addFor adds the flags for a command with defaults of its own, which it names.
func (f *trainFlags) addFor(cmd *cobra.Command, epochs, batchSize, rate string) {
	flags := cmd.Flags()
	flags.IntVar(&f.epochs, "epochs", 0, "how often to go through the training data (default "+epochs+")")
	flags.IntVar(&f.batchSize, "batch-size", 0, "samples per step (default "+batchSize+")")
	flags.Float64Var(&f.rate, "learning-rate", 0, "step size of the optimiser (default "+rate+")")
	flags.IntVar(&f.trainSize, "train-size", 0, "take only the first so many training samples (default all)")
	flags.Uint64Var(&f.seed, "seed", hourglass.DefaultSeed, "seed of weights, data order and noise")
	flags.StringVar(&f.augment, "augment", "", "vary the training samples from epoch to epoch by some `OF` shift=PIXELS, rotate=DEGREES, flip, noise=DEVIATION: shift=2,rotate=10")
	flags.IntVar(&f.threads, "threads", 0, "cores to use at most; the result does not depend on it (default all)")
}

// check refuses numbers that make no sense. A flag left out is 0, which stands
// for its default; a 0 that was given is refused.
func (f *trainFlags) check(cmd *cobra.Command) error {
	for _, flag := range []struct {
		name  string
		value float64
		want  string
	}{
		{"epochs", float64(f.epochs), "at least 1"},
		{"batch-size", float64(f.batchSize), "at least 1"},
		{"learning-rate", f.rate, "a number above 0"},
		{"train-size", float64(f.trainSize), "at least 1"},
		{"threads", float64(f.threads), "at least 1"},
	} {
		if cmd.Flags().Changed(flag.name) && !(flag.value > 0) {
			return usagef("--%s is %v, want %s", flag.name, flag.value, flag.want)
		}
	}
	return nil
}

// augmentation returns how the training samples are to vary.
func (f *trainFlags) augmentation() (dataset.Augmentation, error) {
	if f.augment == "" {
		return dataset.Augmentation{}, nil
	}
	a, err := dataset.ParseAugmentation(f.augment)
	if err != nil {
		return a, usageError{err}
	}
	return a, nil
}

// options returns what the flags mean to a recipe.
func (f *trainFlags) options(data dataFlags) recipe.Options {
	return recipe.Options{
		Dataset: data.dataset, DataDir: data.dir,
		Epochs: f.epochs, BatchSize: f.batchSize, LearningRate: f.rate, Seed: f.seed,
		TrainSize: f.trainSize, Options: runs.Options{Threads: f.threads},
	}
}

// addBaseline adds the flag that asks for a comparison.
func addBaseline(cmd *cobra.Command, baseline *string) {
	cmd.Flags().StringVar(baseline, "baseline", "", "also measure `pca`, the best linear code of the same size")
}

// isPCA reports whether the value of --baseline is the only one there is.
func isPCA(baseline string) (bool, error) {
	const pca = "pca"
	if baseline != "" && baseline != pca {
		return false, usagef("--baseline is %q, want %s", baseline, pca)
	}
	return baseline == pca, nil
}

// checkpointFlags say when a run writes checkpoints, and where it goes on.
type checkpointFlags struct {
	every, resume string
	keep          int
	overwrite     bool
}

func (f *checkpointFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.every, "checkpoint", "", "write a checkpoint every so often: `5epochs|1000steps|10m` (default at the end and when interrupted)")
	cmd.Flags().IntVar(&f.keep, "keep", 3, "how many of the last checkpoints to keep, beside the best model")
	cmd.Flags().StringVar(&f.resume, "resume", "", "go on with the run in this `folder`; it knows its flags")
	cmd.MarkFlagDirname("resume")
	cmd.Flags().BoolVar(&f.overwrite, "overwrite", false, "start anew though there is a run in the folder, which is removed")
}

// checkpoints returns what --checkpoint and --keep mean, nil without --checkpoint.
func (f *checkpointFlags) checkpoints() (*hourglass.Checkpoints, error) {
	if f.keep < 1 {
		return nil, usagef("--keep is %d, want at least 1", f.keep)
	}
	if f.every == "" {
		return nil, nil
	}
	c := &hourglass.Checkpoints{Keep: f.keep}
	bad := usagef("--checkpoint is %q, want a number of epochs, of steps, or a time: 5epochs, 1000steps, 10m", f.every)
	for _, unit := range []struct {
		suffix string
		count  *int
	}{{"epochs", &c.Epochs}, {"epoch", &c.Epochs}, {"steps", &c.Steps}, {"step", &c.Steps}} {
		if digits, ok := strings.CutSuffix(f.every, unit.suffix); ok {
			n, err := strconv.Atoi(digits)
			if err != nil || n < 1 {
				return nil, bad
			}
			*unit.count = n
			return c, nil
		}
	}
	d, err := time.ParseDuration(f.every)
	if err != nil || d <= 0 {
		return nil, bad
	}
	c.Every = d
	return c, nil
}

// folder returns the folder of the run, which is that of --resume if it was given.
func (f *checkpointFlags) folder(out string) (string, error) {
	if f.resume == "" {
		return out, nil
	}
	if out != "" && out != f.resume {
		return "", usagef("--resume %s goes on in that folder, so --out cannot be %s", f.resume, out)
	}
	return f.resume, nil
}

// commandLine returns the command line as it was given, fit for a shell, but for
// where the results go.
func commandLine(cmd *cobra.Command, args []string) string {
	line := []string{cmd.CommandPath()}
	for _, arg := range args {
		line = append(line, quoted(arg))
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		several, isList := f.Value.(pflag.SliceValue)
		switch {
		case forgotten[f.Name]:
		case isList:
			for _, value := range several.GetSlice() {
				line = append(line, "--"+f.Name, quoted(value))
			}
		case f.Value.Type() == "bool":
			line = append(line, "--"+f.Name)
		default:
			line = append(line, "--"+f.Name, quoted(f.Value.String()))
		}
	})
	return strings.Join(line, " ")
}

// quoted writes a word of a command line so that a shell reads it as one, on one line.
func quoted(word string) string {
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-./:,@%+=", r)
	}
	if word != "" && !strings.ContainsFunc(word, special) {
		return word
	}
	return "'" + strings.ReplaceAll(strings.Join(strings.Fields(word), " "), "'", `'\''`) + "'"
}

// outputFlags say what a command tells, and where.
type outputFlags struct{ quiet, json bool }

func (f *outputFlags) add(cmd *cobra.Command) {
	f.addQuiet(cmd)
	f.addJSON(cmd)
}

func (f *outputFlags) addQuiet(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.quiet, "quiet", false, "say nothing but errors")
}

func (f *outputFlags) addJSON(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.json, "json", false, "write the result as JSON to standard output")
}

// log returns where to tell of progress: standard output is left to the result
// where that is JSON.
func (f *outputFlags) log(cmd *cobra.Command) io.Writer {
	switch {
	case f.quiet:
		return io.Discard
	case f.json:
		return cmd.ErrOrStderr()
	}
	return cmd.OutOrStdout()
}

// warnings returns where to tell of what should not be overlooked, apart from results.
func (f *outputFlags) warnings(cmd *cobra.Command) io.Writer {
	if f.quiet {
		return io.Discard
	}
	return cmd.ErrOrStderr()
}

// writeJSON writes a result to standard output.
func writeJSON(cmd *cobra.Command, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
	return err
}

// downloadBar returns a function that shows downloads on w, one bar a file.
func downloadBar(w io.Writer) func(dataset.Progress) {
	var mu sync.Mutex
	bars := map[string]*progressbar.ProgressBar{}
	return func(p dataset.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if p.Total == 0 {
			return
		}
		bar, ok := bars[p.File]
		if !ok {
			bar = progressbar.NewOptions64(p.Total, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true),
				progressbar.OptionSetDescription(p.File), progressbar.OptionSetWidth(20),
				progressbar.OptionOnCompletion(func() { fmt.Fprintln(w) }))
			bars[p.File] = bar
		}
		bar.Set64(p.Done)
	}
}

// defaultOut is the folder for a run's results where none is given.
func defaultOut(parts ...string) string {
	return filepath.Join("runs", strings.Join(parts, "-"))
}
