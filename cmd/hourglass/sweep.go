package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hourglass"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/internal/atomicfile"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/progress"
	runs "hourglass/run"
	"hourglass/sweep"
)

// sweepFlags are those of sweep, and those of train for all of its trials.
type sweepFlags struct {
	output                      outputFlags
	out, resume, search, rankBy string
	overwrite                   bool
	trials, jobs, threads       int
	reduction                   int
	searchSeed                  uint64
	train                       trainCommandFlags // of which only what cannot be varied is set
	values                      map[string]*valuesFlag
	fixed                       []string // names of flags that cannot be varied
}

// defaultSettings is how many settings are drawn where nobody says.
const defaultSettings = 20

func newSweepCommand() *cobra.Command {
	f := &sweepFlags{values: map[string]*valuesFlag{}}
	cmd := &cobra.Command{
		Use:   "sweep DATA",
		Short: "Train with many settings side by side and rank them",
		Long: `Sweep trains on your data with many settings, several trainings at a time, and ranks
them by how well the models do on the samples set aside for validation. It knows the
flags of "hourglass train"; each that takes one value there may be given several here:

  --codes 8,16,32                 these values
  --seed 1..5                     whole numbers from 1 to 5
  --learning-rate 1e-4..1e-2      any number in between; equal ratios count alike where the
                                  ends are a factor of 10 apart
  --learning-rate 1e-4..1e-2/5    five of them, as far apart as can be
  --kind default,vae,sparse       words; "default" leaves the flag out
  --architecture @a.txt --architecture @b.txt   and so --augment and mixed losses, which may have
                                  commas in them: the flag once for each value

Flags with one value are the same for all. What says how data is read, scaled and divided can
not be varied: models are compared by the same samples.

--search grid tries every combination, random draws --trials of them, which finds good
settings sooner where some of what is varied matters little. Without it every combination is tried if
they can be counted and --trials is not given. --trials counts trainings, of all seeds together; which ones
are drawn depends on --search-seed alone.

--search halving draws settings, too, but gives most of them few epochs: it trains all for some,
goes on with the best third (--reduction) for three times as many, and so on, until some
have had all --epochs. So it looks at more settings in the same time; one that starts slowly
may be missed. A trial that goes on makes the bits of one that never paused.

A setting is ranked by the mean over its seeds (--seed, --split-seed), with their standard
deviation beside it: differences smaller than that are chance. What counts is the validation
loss of the last epoch, or with early stopping of the best; where --architecture, --kind or
--loss vary losses do not compare, and it is the mean squared error. --rank-by says otherwise.
All trials have the same samples to validate with (--split-seed). As the best of many is
chosen by them, its own value is a little too good: --test keeps samples apart that say how good it is.

Sweep writes into a folder (--out, default runs/NAME-sweep of the data):

  model.safetensors  the best model, with all that train gives one
  sweep.csv          every trial: what it had, all numbers, its folder
  sweep.png          the trials' scores against each thing that was varied
  trials/00001 …     a run each, as train leaves it but for the figures; the best one's are there
  sweep.json, .jsonl what was asked, and what each trial came to, for --resume

The cores are shared out among --jobs trials at a time. A trial's bits depend on its flags
alone, not on where and beside what it ran: "hourglass train" with them makes the same
model, and "hourglass verify" checks it. A trial that fails, since its loss is not finite, say, is
ranked last. Ctrl-C stops; what is done stays, even if the program was killed, and --resume goes on,
with more --trials if you like.`,
		Example: `  hourglass sweep digits --train-size 2000 --epochs 5 --codes 8,16,32 --seed 1..3
  hourglass sweep wine.csv --label cultivar --codes 2..8 --learning-rate 1e-4..1e-1 --batch-size 8,16,32 --trials 50
  hourglass sweep fashion.npy --codes 16 --kind default,denoising,sparse,vae --epochs 10 --seed 1..5 --test 0.1
  hourglass sweep wine.csv --label cultivar --codes 4 --learning-rate 1e-4..1e-1/7 --optimizer adam,rmsprop --search grid
  hourglass sweep mnist --codes 4..64 --learning-rate 1e-4..1e-1 --epochs 27 --search halving --trials 54
  hourglass sweep --resume runs/wine-sweep --trials 100`,
		Args: arguments(oneOrResumed),
		RunE: f.run,
	}
	flags := cmd.Flags()
	f.output.add(cmd)
	flags.StringVar(&f.out, "out", "", "`folder` to write into (default runs/NAME-sweep)")
	cmd.MarkFlagDirname("out")
	flags.StringVar(&f.resume, "resume", "", "go on with the sweep in this `folder`; it knows its flags")
	cmd.MarkFlagDirname("resume")
	flags.BoolVar(&f.overwrite, "overwrite", false, "start anew though there is a sweep in the folder, which is removed")
	flags.StringVar(&f.search, "search", "", "how to find settings: `"+searchNames("|")+"` (default grid where combinations can be counted and --trials is not given, else random)")
	flags.IntVar(&f.trials, "trials", 0, fmt.Sprintf("how many trainings to draw at random, of all seeds together (default %d settings; halving takes all if they can be counted)", defaultSettings))
	flags.IntVar(&f.reduction, "reduction", 3, "with --search halving, keep the best of so many settings at a time")
	flags.Uint64Var(&f.searchSeed, "search-seed", hourglass.DefaultSeed, "seed of the settings that are drawn")
	flags.StringVar(&f.rankBy, "rank-by", "", "`NUMBER` to rank by: val_loss, or val_ and the name of a metric: "+strings.Join(metric.Names(), ", "))
	flags.IntVar(&f.jobs, "jobs", 0, "trainings at a time (default one for each core)")
	flags.IntVar(&f.threads, "threads", 0, "cores to use at most, of all trainings together; results do not depend on it (default all)")
	f.addTrainFlags(cmd)
	return cmd
}

func searchNames(separator string) string {
	var list []string
	for _, s := range sweep.Searches() {
		list = append(list, string(s))
	}
	return strings.Join(list, separator)
}

// notVaried are flags of train that are the same for all trials: what models are measured by must be.
var notVaried = []string{"scale", "validation", "test", "only", "from", "ema", "baseline", "checkpoint", "keep"}

// notSwept are flags of train that a sweep has of its own, or that are for a single training.
var notSwept = []string{"out", "resume", "overwrite", "quiet", "json", "threads", "studio", "no-open", "tensorboard"}

// ofTexts are flags whose values may have commas in them.
var ofTexts = []string{"architecture", "augment"}

// ofRepeats are the flags that settings are not told apart by: the mean over them counts.
var ofRepeats = []string{"seed", "split-seed"}

// addTrainFlags adds the flags of train: those that can be varied take several values here.
func (f *sweepFlags) addTrainFlags(cmd *cobra.Command) {
	train := f.train.command()
	reading := &cobra.Command{}
	new(loadFlags).add(reading, "")
	train.Flags().VisitAll(func(flag *pflag.Flag) {
		_, isList := flag.Value.(pflag.SliceValue)
		switch {
		case slices.Contains(notSwept, flag.Name):
		case isList, flag.Value.Type() == "bool", slices.Contains(notVaried, flag.Name), reading.Flags().Lookup(flag.Name) != nil:
			cmd.Flags().AddFlag(flag)
			f.fixed = append(f.fixed, flag.Name)
		default:
			v := &valuesFlag{of: flag.Value.Type()}
			f.values[flag.Name] = v
			cmd.Flags().AddFlag(&pflag.Flag{Name: flag.Name, Usage: flag.Usage, Value: v, DefValue: flag.DefValue, Annotations: flag.Annotations})
		}
	})
}

// valuesFlag is a flag of train that takes several values here. It keeps them as they were given.
type valuesFlag struct {
	of    string // what the flag of train takes
	texts []string
}

var _ pflag.SliceValue = (*valuesFlag)(nil)

func (v *valuesFlag) String() string { return strings.Join(v.texts, ",") }
func (v *valuesFlag) Type() string   { return "values" }

// Set adds values. A path is made one that holds in any working directory.
func (v *valuesFlag) Set(text string) error { return v.Append(text) }

func (v *valuesFlag) Append(text string) error {
	if v.of == "string" {
		text = anywhere(text)
	}
	v.texts = append(v.texts, text)
	return nil
}

func (v *valuesFlag) Replace(texts []string) error {
	v.texts = slices.Clone(texts)
	return nil
}

func (v *valuesFlag) GetSlice() []string { return v.texts }

// axis reads the values.
func (v *valuesFlag) axis(name string) (sweep.Axis, error) {
	kind, want := sweep.Word, ""
	switch {
	case slices.Contains(ofTexts, name), name == "loss" && slices.ContainsFunc(v.texts, func(s string) bool { return strings.HasPrefix(s, loss.MixedPrefix) }):
		kind = sweep.Text
	case v.of == "float64":
		kind, want = sweep.Number, "; a list such as 0.1,0.2 or a range such as 1e-4..1e-2"
	case v.of != "string":
		kind, want = sweep.Whole, "; a list such as 8,16 or a range such as 1..5"
	}
	a, err := sweep.ParseAxis(name, kind, v.texts...)
	if err != nil {
		return a, usagef("--%s%s", strings.TrimPrefix(err.Error(), "sweep: "), want)
	}
	return a, nil
}

// asDefault is the value that leaves a flag out.
const asDefault = "default"

// plan returns what the flags mean: what is varied, and what all trials have.
func (f *sweepFlags) plan(cmd *cobra.Command) (p sweep.Plan, common sweep.Values, err error) {
	common = sweep.Values{"split-seed": strconv.FormatUint(hourglass.DefaultSeed, 10)}
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		if !cmd.Flags().Changed(name) {
			continue
		}
		a, err := f.values[name].axis(name)
		switch {
		case err != nil:
			return p, nil, err
		case a.Count() == 1:
			common[name] = a.At(0)
		case slices.Contains(ofRepeats, name):
			p.Repeats = append(p.Repeats, a)
			delete(common, name)
		default:
			p.Axes = append(p.Axes, a)
		}
	}
	if len(p.Axes)+len(p.Repeats) == 0 {
		return p, nil, usagef("there is nothing to vary; want several values of some flag, such as --codes 8,16,32; see '%s --help'", cmd.CommandPath())
	}
	if err := f.chooseSearch(cmd, &p); err != nil {
		return p, nil, err
	}
	if err := f.chooseScore(&p); err != nil {
		return p, nil, err
	}
	if err := p.Validate(); err != nil {
		return p, nil, usageError{err}
	}
	return p, common, nil
}

// chooseSearch decides how settings are found, and how many there are.
func (f *sweepFlags) chooseSearch(cmd *cobra.Command, p *sweep.Plan) error {
	combinations, counted := 1, true
	for _, a := range p.Axes {
		counted = counted && a.Count() > 0
		combinations = min(combinations*a.Count(), sweep.MostTrials+1)
	}
	switch p.Search = sweep.Search(f.search); {
	case p.Search != "" && !slices.Contains(sweep.Searches(), p.Search):
		return usagef("--search is %q, want one of %s", f.search, searchNames(", "))
	case p.Search != "":
	case counted && f.trials == 0:
		p.Search = sweep.Grid
	default:
		p.Search = sweep.Random
	}
	if cmd.Flags().Changed("trials") && f.trials < 1 {
		return usagef("--trials is %d, want at least 1", f.trials)
	}
	if cmd.Flags().Changed("reduction") && p.Search != sweep.Halving {
		return usagef("--reduction is for --search halving")
	}
	if p.Search == sweep.Grid {
		if f.trials > 0 {
			return usagef("--trials says how many settings to draw, but --search grid tries all")
		}
		return nil
	}
	p.Seed, p.Settings = f.searchSeed, defaultSettings
	if counted && p.Search == sweep.Halving {
		p.Settings = combinations
	}
	if p.Search == sweep.Halving {
		epochs := f.values["epochs"].texts
		if p.Reduction = f.reduction; p.Reduction < 2 {
			return usagef("--reduction is %d, want at least 2", p.Reduction)
		}
		if len(epochs) == 0 || slices.ContainsFunc(p.Axes, func(a sweep.Axis) bool { return a.Name == "epochs" }) {
			return usagef("--search halving divides the epochs up; want --epochs with one value, which the last settings get")
		}
		p.Epochs, _ = strconv.Atoi(epochs[0]) // which has been read as a number
	}
	if f.trials > 0 {
		seeds := 1
		for _, a := range p.Repeats {
			seeds *= max(a.Count(), 1)
		}
		if p.Settings = f.trials / seeds; p.Settings == 0 {
			return usagef("--trials is %d, want at least %d: one for each seed of a setting", f.trials, seeds)
		}
	}
	return nil
}

// chooseScore decides what settings are ranked by.
func (f *sweepFlags) chooseScore(p *sweep.Plan) error {
	p.Score = "val_loss"
	if slices.ContainsFunc(p.Axes, func(a sweep.Axis) bool {
		return a.Name == "architecture" || a.Name == "kind" || a.Name == "loss"
	}) {
		p.Score = "val_mse" // what a loss is differs from one to another
	}
	p.Score = cmp.Or(f.rankBy, p.Score)
	if p.Score == "val_loss" {
		return nil
	}
	name, ok := strings.CutPrefix(p.Score, "val_")
	m, err := metric.ByName(name)
	if !ok || err != nil {
		return usagef("--rank-by is %q, want val_loss, or val_ and one of %s", f.rankBy, strings.Join(metric.Names(), ", "))
	}
	ordered, ok := m.(metric.Ordered)
	p.HigherIsBetter = ok && ordered.HigherIsBetter()
	if !slices.Contains(f.train.choice.metrics, name) {
		f.train.choice.metrics = append(f.train.choice.metrics, name)
	}
	return nil
}

func (f *sweepFlags) run(cmd *cobra.Command, args []string) (err error) {
	if f.out, err = (&checkpointFlags{resume: f.resume}).folder(f.out); err != nil {
		return err
	}
	for name, n := range map[string]int{"jobs": f.jobs, "threads": f.threads} {
		if cmd.Flags().Changed(name) && n < 1 {
			return usagef("--%s is %d, want at least 1", name, n)
		}
	}
	if f.resume != "" {
		if args, err = f.recall(cmd, args); err != nil {
			return err
		}
	}
	if args[0] == stdoutPath {
		return usagef("a sweep reads its data from a file or folder, so that its trials can be repeated")
	}
	plan, common, err := f.plan(cmd)
	if err != nil {
		return err
	}
	if f.out == "" {
		f.out = defaultOut(baseName(args[0]), "sweep")
	}
	t := &trials{flags: f, cmd: cmd, data: args[0], common: common}
	if err := t.check(plan); err != nil {
		return err
	}
	store, err := sweep.Open(f.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := f.mayWrite(store); err != nil {
		return err
	}
	if err := t.load(); err != nil {
		return err
	}
	defer t.in.Close()
	notes := sweep.Notes{Command: rememberedCommand(cmd, args), Plan: plan, Fixed: t.described()}
	if notes.Data, err = dataset.Digest(cmd.Context(), t.in.Samples); err != nil {
		return err
	}
	if f.resume != "" {
		if err := same(store.Notes(), &notes); err != nil {
			return fmt.Errorf("resume %s: %w", f.out, err)
		}
	}
	if err := store.Begin(notes, f.resume != ""); err != nil {
		return err
	}
	return f.sweep(cmd, t, store, plan)
}

// recall gives the command the arguments and flags of the sweep that it is to go on with, but for those
// that it was given itself.
func (f *sweepFlags) recall(cmd *cobra.Command, args []string) ([]string, error) {
	notes, err := sweep.ReadNotes(f.resume)
	if err != nil {
		return nil, fmt.Errorf("resume: there is no sweep in %s: %w", f.resume, err)
	}
	for name, list := range notes.Command.Flags {
		flag := cmd.Flags().Lookup(name)
		switch {
		case flag == nil:
			return nil, fmt.Errorf("the sweep was given --%s, which this version of Hourglass does not know", name)
		case flag.Changed:
			continue
		}
		for _, value := range list {
			if err := cmd.Flags().Set(name, value); err != nil {
				return nil, fmt.Errorf("--%s of the sweep: %w", name, err)
			}
		}
	}
	if len(args) == 0 {
		args = notes.Command.Args
	}
	if len(args) != 1 {
		return nil, fmt.Errorf("resume: the sweep in %s has %d arguments, want 1", f.resume, len(args))
	}
	return args, nil
}

// mayWrite refuses a folder with something in it that a sweep would replace.
func (f *sweepFlags) mayWrite(store *sweep.Store) error {
	switch _, err := runs.ReadNotes(f.out); {
	case err == nil:
		return fmt.Errorf("%s holds a run; choose another folder (--out)", f.out)
	case store.Notes() != nil && f.resume == "" && !f.overwrite:
		return fmt.Errorf("%s holds a sweep already; go on with it (hourglass sweep --resume %s), choose another folder (--out), or overwrite it (--overwrite)", f.out, quoted(f.out))
	}
	return nil
}

// same reports the first thing in which a sweep that is to go on is not what it was.
func same(was, here *sweep.Notes) error {
	if err := was.Plan.Differ(&here.Plan); err != nil {
		return err
	}
	if !slices.Equal(was.Fixed, here.Fixed) {
		return fmt.Errorf("its trials have the flags %s, not %s", strings.Join(was.Fixed, " "), strings.Join(here.Fixed, " "))
	}
	if was.Data != here.Data {
		return fmt.Errorf("the data has changed: its digest was %.12s, now it is %.12s", was.Data, here.Data)
	}
	return nil
}

// sweep runs the trials that are left, ranks all, and completes the best.
func (f *sweepFlags) sweep(cmd *cobra.Command, t *trials, store *sweep.Store, plan sweep.Plan) error {
	log := f.output.log(cmd)
	t.store = store
	threads := cmp.Or(f.threads, runtime.GOMAXPROCS(0))
	jobs := cmp.Or(f.jobs, threads)
	f.describe(log, t, store, plan)
	err := sweep.Run(cmd.Context(), store, sweep.Local{Jobs: jobs, Cores: threads, Try: t.try}, tell(log, plan))
	results := store.Results()
	if err == nil {
		err = t.complete(results)
	}
	if saved := saveResults(store, results); saved != nil {
		return errors.Join(err, saved)
	}
	goOn := "to go on: hourglass sweep --resume " + quoted(f.out)
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("interrupted after %d of %d trials and saved in %s; %s", results.Trials, results.Of, f.out, goOn)
	case errors.Is(err, sweep.ErrNothing):
		return err
	case err != nil:
		return fmt.Errorf("%w; %s", err, goOn)
	}
	if f.output.json {
		return writeJSON(cmd, results)
	}
	const shown = 20
	if err := results.WriteTable(log, shown); err != nil {
		return err
	}
	best, err := results.Best()
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "best model, of trial %d: hourglass %s\n", best.Trial, t.line(best.Task))
	if test := results.Test; test != nil {
		fmt.Fprintf(log, "its loss (%s) on the samples for testing: %.5g\n", results.Loss, *test)
	}
	fmt.Fprintf(log, "written to %s: %s\n", f.out, strings.Join(store.Files(), ", "))
	return nil
}

// describe tells what is going to be done.
func (f *sweepFlags) describe(log io.Writer, t *trials, store *sweep.Store, plan sweep.Plan) {
	fmt.Fprintf(log, "%s: %d samples of shape %v\n", filepath.Base(t.data), t.in.Len(), t.in.Shape())
	for _, note := range t.in.Notes() {
		fmt.Fprintln(log, note)
	}
	all, settings, each := len(plan.Tasks()), len(plan.All()), ""
	if seeds := all / settings; seeds > 1 {
		each = fmt.Sprintf(", each with %d seeds", seeds)
	}
	fmt.Fprintf(log, "%d trials: %d settings (%s)%s, ranked by %s\n", all, settings, plan.Search, each, plan.Score)
	if plan.Search == sweep.Halving {
		fmt.Fprintln(log, plan.Rungs(settings))
	}
	if r := store.Results(); r.Trials > 0 {
		fmt.Fprintf(log, "%d of %d are done\n", r.Trials, r.Of)
	}
}

// tell returns what shows each trial in a line, with how long the others will take.
func tell(log io.Writer, plan sweep.Plan) func(sweep.Progress) {
	begin, first := time.Now(), -1
	return func(p sweep.Progress) {
		if first < 0 {
			first = p.Done - 1
		}
		var text strings.Builder
		fmt.Fprintf(&text, "[%*d/%d] trial %d:", len(fmt.Sprint(p.Of)), p.Done, p.Of, p.Last.Trial)
		for _, a := range slices.Concat(plan.Axes, plan.Repeats) {
			fmt.Fprintf(&text, " %s %.40s,", a.Name, p.Last.Values[a.Name])
		}
		if p.Last.Failed != "" {
			fmt.Fprintf(&text, " failed: %s", p.Last.Failed)
		} else {
			fmt.Fprintf(&text, " %s %.5g, %d epochs, %.1fs", plan.Score, p.Last.Score, p.Last.Epochs, p.Last.Seconds)
		}
		if remaining := p.Of - p.Done; remaining > 0 && time.Since(begin) > progress.Patience {
			each := time.Since(begin) / time.Duration(p.Done-first)
			fmt.Fprintf(&text, "; about %v left", (each * time.Duration(remaining)).Round(time.Second))
		}
		fmt.Fprintln(log, text.String())
	}
}

// saveResults writes table and figure.
func saveResults(store *sweep.Store, results *sweep.Results) error {
	err := atomicfile.Write(store.Path(sweep.TableFile), results.WriteCSV)
	picture, failed := results.Draw()
	if err = errors.Join(err, failed); err != nil || picture == nil {
		return err
	}
	return figure.Save(store.Path(sweep.FigureFile), picture)
}
