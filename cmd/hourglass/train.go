package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/optim"
	runs "hourglass/run"
	"hourglass/tensorboard"
	"hourglass/train"
	"hourglass/workflow"
)

// trainCommandFlags are those of train.
type trainCommandFlags struct {
	data   loadFlags
	table  tableFlags
	choice choiceFlags
	common trainFlags
	saving checkpointFlags
	output outputFlags
	out    string

	watch, notToOpen bool
}

func newTrainCommand() *cobra.Command { return new(trainCommandFlags).command() }

func (f *trainCommandFlags) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "train DATA",
		Short: "Train an autoencoder on data of your own",
		Long: `Train trains an autoencoder on your own arrays, images or tables, and writes into a
folder (--out, default runs/NAME of the data):

  model.safetensors        the model, with the data's scaling in it
  metrics.json             all numbers: settings, loss and metrics of every epoch
  curves.png               loss and metrics over the epochs
  reconstruction_plot.png  for images and series: some with what the model makes of them
  checkpoints              to go on from with --resume
  run.json                 what decides the bits of the run, for --resume and verify

A folder holds one run: another is refused there unless it is to --overwrite it.

` + dataHelp + `

Values are scaled (--scale): those of images divided by the largest that their type
can hold, 255 for bytes, if the training part reaches above half of it, and otherwise
by the largest there is; each column of a table, and each feature of series over all
their steps, is brought to mean 0 and deviation 1.

The columns of a table may be numbers in any notation (69,15, 1.234,5, 12 %, € 5), words
for yes and no, categories, dates and times, with cells that are missing. What is
understood of each is shown before the training and kept in the model; --column says
otherwise. Free text is refused, or left out with --ignore-text.

It goes through the data 20 times, or as often as makes 5000 steps if that is more,
and stops once the validation loss has not improved for a tenth of that (at least 5
epochs); the best weights are kept. --epochs and --early-stopping say otherwise;
--epochs alone means exactly so many.

Without --architecture one is chosen from the shape of the data and --codes, and
said. An architecture is a line, or a file (@FILE): layers separated by ">", and a
bar where the encoder ends and the decoder begins:

  flatten > dense 100 selu > dense 30 | dense 100 selu > dense 784 sigmoid > reshape 28x28

Ctrl-C stops at the next step, saves the model as it is, and says how to go on. Even
a run that was killed goes on from its last checkpoint (--resume, which needs no
other flag); the model ends with the same bits as without a break, and "hourglass
verify" checks that.

Started by mpirun or srun, in a build with MPI, several processes train the model together, with
the same bits: see docs/cluster.md.

Which codes, learning rate, kind? "hourglass sweep" trains with several of them.

With --studio the training is shown on a web page: curves, reconstructions, codes and
layers as they change. There it can be paused, stopped and given another learning rate,
which is noted in run.json as --learning-rate-at, so that the run can be repeated. The
page stays open after the training, until Ctrl-C.

With --kind the architecture, dense, convolutional or recurrent, becomes an autoencoder of that kind; the
run prints the architecture that comes of it, and docs/kinds.md says what each is for:

` + indent(workflow.KindUsage()) + `

The layers and their arguments:

` + indent(architecture.Usage()),
		Example: `  hourglass train digits --train-size 2000 --epochs 3 --codes 16 --out runs/mine
  hourglass train fashion.npy --early-stopping 5 --checkpoint 1epoch --out runs/fashion
  hourglass train wine.csv --label cultivar --architecture 'dense 8 tanh > dense 2 | dense 8 tanh > dense 13' --epochs 200
  hourglass train wine.csv --label cultivar --kind vae --codes 2
  hourglass train log.csv --window 64 --stride 8 --time datetime --group machine
  hourglass train orders.csv --ignore order --ignore-text --column postcode=category
  hourglass train photos/ --image-size 64x64 --colour rgb --schedule cosine
  hourglass train digits --epochs 20 --studio
  hourglass train --resume runs/photos`,
		Args: arguments(oneOrResumed),
		RunE: f.run,
	}
	f.data.add(cmd, "")
	f.table.add(cmd)
	f.choice.add(cmd)
	f.common.addFor(cmd, "20, or as many as make 5000 steps", "32", "the optimiser's")
	f.saving.add(cmd)
	f.output.add(cmd)
	cmd.Flags().StringVar(&f.out, "out", "", "`folder` to write into (default runs/NAME)")
	cmd.MarkFlagDirname("out")
	cmd.Flags().BoolVar(&f.watch, "studio", false, "show the training on a web page while it goes on, and what was learned then: see hourglass studio")
	cmd.Flags().BoolVar(&f.notToOpen, "no-open", false, "with --studio, print the address and open no browser")
	return cmd
}

func (f *trainCommandFlags) run(cmd *cobra.Command, args []string) error {
	var err error
	if f.out, err = f.saving.folder(f.out); err != nil {
		return err
	}
	if f.notToOpen && !f.watch {
		return usagef("--no-open is for --studio; want both or neither")
	}
	if f.saving.resume != "" {
		if args, err = recall(cmd, args, f.saving.resume); err != nil {
			return err
		}
	}
	o, in, err := f.options(cmd, args)
	if err != nil {
		return err
	}
	defer in.Close()
	if o.Out = f.out; o.Out == "" {
		o.Out = defaultOut(baseName(args[0]))
	}
	ctx, ended := cmd.Context(), func(error) error { return nil }
	aside, err := follow(cmd, &o.Options)
	if err != nil {
		return err
	}
	defer aside()
	if f.watch {
		if ctx, ended, err = f.openToWatch(cmd, args[0], in, &o); err != nil {
			return err
		}
	}
	metrics, err := workflow.Train(ctx, in.Data, o)
	if err == nil && f.output.json {
		err = writeJSON(cmd, metrics)
	}
	err = errors.Join(err, ended(err))
	return pointAt(cmd, explain(cmd, err, o.Out))
}

// options returns what the flags mean, but for the folder, and the data.
func (f *trainCommandFlags) options(cmd *cobra.Command, args []string) (o workflow.TrainOptions, in *workflow.Input, err error) {
	if o, err = f.choices(cmd, args); err != nil {
		return o, nil, err
	}
	if in, err = f.load(cmd, o.From, args[0], o.LoadOptions); err != nil {
		return o, nil, err
	}
	f.choice.adapt(cmd, in, &o)
	return o, in, nil
}

// choices returns what the flags mean, but for the folder and what depends on the data.
func (f *trainCommandFlags) choices(cmd *cobra.Command, args []string) (o workflow.TrainOptions, err error) {
	if o, err = f.choice.options(cmd, &f.common); err != nil {
		return o, err
	}
	if o.Checkpoints, err = f.saving.checkpoints(); err != nil {
		return o, err
	}
	log := f.output.log(cmd)
	o.Resume, o.Overwrite, o.Log, o.Started = f.saving.resume != "", f.saving.overwrite, log, started
	o.Command, o.Repeat = rememberedCommand(cmd, args), commandLine(cmd, args)
	o.LoadOptions, err = f.loadOptions(cmd, log)
	return o, err
}

// loadOptions says how the data is read.
func (f *trainCommandFlags) loadOptions(cmd *cobra.Command, log io.Writer) (dataset.LoadOptions, error) {
	o, err := f.data.options(cmd, log)
	if err != nil {
		return o, err
	}
	return o, f.table.set(&o.CSV)
}

// load reads the data, for a run that starts from a model if it does, and refuses flags that
// are for other data.
func (f *trainCommandFlags) load(cmd *cobra.Command, from, path string, o dataset.LoadOptions) (*workflow.Input, error) {
	in, err := workflow.LoadFor(cmd.Context(), from, path, o)
	if err != nil {
		return nil, err
	}
	if err := checkApplies(cmd, in.Data); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

// choiceFlags say what is trained: what a recipe has decided and one's own data has not.
type choiceFlags struct {
	architecture, loss, optimizer, schedule, scale string
	metrics                                        []string
	from, kind                                     string
	codes, patience, warmup                        int
	baseline                                       string
	clip                                           train.Clipping
	tensorboard                                    string
	average                                        float64
	penalties, groups, rates                       []string
	plateau                                        string
	validation, test                               float64
	splitSeed                                      uint64
	only                                           string
}

func (f *choiceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.architecture, "architecture", "", "layers in a `line`, or in a file: @FILE (default chosen from the data)")
	flags.StringVar(&f.kind, "kind", "", "`NAME` of a kind of autoencoder to make the architecture into, given or chosen: see below")
	flags.StringVar(&f.from, "from", "", "model `file`, or folder of a run, whose layers, weights and scaling to start from, instead of an architecture")
	cmd.MarkFlagFilename("from", "safetensors")
	flags.IntVar(&f.codes, "codes", 0, "numbers in a code, for an architecture that is chosen (default 30, or a quarter of the values)")
	flags.StringVar(&f.loss, "loss", "", "`NAME` of "+strings.Join(loss.Names(), ", ")+" (default binary_crossentropy behind a sigmoid, else mse)")
	flags.StringVar(&f.optimizer, "optimizer", "adam", "`NAME` of "+strings.Join(optim.Names(), ", "))
	flags.StringVar(&f.schedule, "schedule", "constant", "learning rate over time: `constant|cosine|step:EPOCHS:FACTOR|exponential:FACTOR|onecycle|cyclic:EPOCHS:LOW`")
	flags.IntVar(&f.warmup, "warmup", 0, "let the learning rate rise from 0 in the first so many epochs, before --schedule begins")
	flags.StringVar(&f.plateau, "reduce-on-plateau", "", "multiply the learning rate by a factor whenever the validation loss has not improved for so many epochs: `EPOCHS[:FACTOR]` such as 5:0.1")
	flags.StringArrayVar(&f.rates, runs.RateChangesFlag, nil, "another learning rate after so many steps: `STEP:RATE` such as 1200:0.0005; may be given several times")
	flags.StringArrayVar(&f.penalties, "penalty", nil, "let the factor of a penalty change: `NAME=SCHEDULE` such as kl=ramp:10, kl=cycles:10:0.5; may be given several times")
	flags.StringArrayVar(&f.groups, "group-optimizer", nil, "another optimiser for a group of weights: `GROUP=NAME[:RATE]` such as adversary=adam:0.0002; may be given several times")
	flags.Float64Var(&f.clip.Value, "clip-value", 0, "keep every value of the gradients within ±`LIMIT`")
	flags.Float64Var(&f.clip.Norm, "clip-norm", 0, "keep the norm of each array's gradient below a `LIMIT`")
	flags.Float64Var(&f.clip.GlobalNorm, "clip-global-norm", 0, "keep the norm of all gradients together below a `LIMIT`")
	flags.Float64Var(&f.average, "ema", 0, "end with the weights' running mean, with a `DECAY` of 0.99, say, and without early stopping")
	flags.StringVar(&f.tensorboard, "tensorboard", "", "write the numbers of every step and epoch into a `folder` for TensorBoard")
	cmd.MarkFlagDirname("tensorboard")
	flags.StringArrayVar(&f.metrics, "metric", nil, "`NAME` of "+strings.Join(metric.Names(), ", ")+" to report; may be given several times")
	flags.StringVar(&f.scale, "scale", "", "scaling `unit|standard|minmax|none`, learned on the training part, or a number to divide by (default unit for images, else standard)")
	flags.StringVar(&f.only, "only", "", "`LABEL` of the samples to train on, the normal ones; others are left out (default all)")
	flags.Float64Var(&f.validation, "validation", 0.1, "share of the samples to validate with, drawn by --split-seed; 0 for none")
	flags.Float64Var(&f.test, "test", 0, "share of the samples to keep apart until the model is trained, and to test it with then, drawn by --split-seed")
	flags.Uint64Var(&f.splitSeed, "split-seed", 0, "seed of which samples are set aside to validate and test with (default that of --seed)")
	addBaseline(cmd, &f.baseline)
	flags.IntVar(&f.patience, "early-stopping", 0, "stop after so many epochs without improvement, and keep the best weights (default a tenth of the epochs, at least 5, unless --epochs is given)")
}

// options returns what the flags mean.
func (f *choiceFlags) options(cmd *cobra.Command, common *trainFlags) (o workflow.TrainOptions, err error) {
	if err := common.check(cmd); err != nil {
		return o, err
	}
	switch changed := cmd.Flags().Changed; {
	case changed("early-stopping") && f.patience < 1:
		return o, usagef("--early-stopping is %d, want at least 1", f.patience)
	case changed("ema") && !(f.average > 0 && f.average < 1):
		return o, usagef("--ema is %v, want a decay above 0 and below 1", f.average)
	case f.average > 0 && f.patience > 0:
		return o, usagef("--ema and --early-stopping each end a run with weights of their own; want one of them")
	case changed("warmup") && f.warmup < 1:
		return o, usagef("--warmup is %d, want at least 1", f.warmup)
	case changed("codes") && f.codes < 1:
		return o, usagef("--codes is %d, want at least 1", f.codes)
	case f.from != "" && (f.codes > 0 || f.architecture != ""):
		return o, usagef("--from takes the layers of a model; want it without --architecture and --codes")
	case f.from != "" && f.kind != "":
		return o, usagef("--from takes the layers of a model, which is of some kind already; want it without --kind")
	case f.kind != "" && workflow.CheckKind(f.kind) != nil:
		return o, usageError{workflow.CheckKind(f.kind)}
	case f.codes > 0 && f.architecture != "":
		return o, usagef("--codes is for an architecture that is chosen; in --architecture the layer in front of the bar says it")
	case !(f.validation >= 0 && f.validation < 1):
		return o, usagef("--validation is %v, want a share from 0 to below 1", f.validation)
	case changed("test") && !(f.test > 0 && f.test < 1):
		return o, usagef("--test is %v, want a share above 0 and below 1", f.test)
	}
	if o.Baseline, err = isPCA(f.baseline); err != nil {
		return o, err
	}
	scale, divisor, err := parseScale(f.scale)
	if err != nil {
		return o, err
	}
	o = workflow.TrainOptions{Codes: f.codes, Kind: f.kind, From: f.from, Scale: scale, Divisor: divisor, Baseline: o.Baseline, Only: f.only, Validation: f.validation, Test: f.test, Patience: f.patience,
		TrainSize: common.trainSize, Epochs: common.epochs, BatchSize: common.batchSize, Seed: common.seed,
		Options: runs.Options{Threads: common.threads}}
	if cmd.Flags().Changed("split-seed") {
		o.SplitSeed = &f.splitSeed
	}
	if f.loss != "" {
		if o.Loss, err = loss.ByName(f.loss); err != nil {
			return o, usageError{err}
		}
	}
	if o.Optimizer, err = optim.ByName(f.optimizer, common.rate); err != nil {
		return o, usageError{err}
	}
	if err := f.clip.Validate(); err != nil {
		return o, usageError{err}
	}
	o.Clipping, o.Average = f.clip, f.average
	if f.tensorboard != "" {
		o.Observers = append(o.Observers, &tensorboard.Events{Dir: f.tensorboard})
	}
	schedule := f.schedule
	if f.warmup > 0 {
		schedule = fmt.Sprintf("warmup:%d:%s", f.warmup, schedule)
	}
	if o.Schedule, err = train.ParseSchedule(schedule, o.Epochs); err != nil {
		return o, usageError{err}
	}
	if o.Augment, err = common.augmentation(); err != nil {
		return o, err
	}
	if o.Penalties, o.Optimizers, err = f.byName(o.Epochs); err != nil {
		return o, usageError{err}
	}
	if f.plateau != "" {
		if o.Plateau, err = train.ParsePlateau(f.plateau); err != nil {
			return o, usageError{err}
		}
	}
	if o.Rates, err = f.rateChanges(); err != nil {
		return o, usageError{err}
	}
	for _, name := range f.metrics {
		m, err := metric.ByName(name)
		if err != nil {
			return o, usageError{err}
		}
		o.Metrics = append(o.Metrics, m)
	}
	o.Architecture, err = f.line(cmd)
	return o, err
}

// rateChanges returns the changes of the learning rate that are known before the run.
func (f *choiceFlags) rateChanges() (*train.RateChanges, error) {
	if len(f.rates) == 0 {
		return nil, nil
	}
	var list []train.RateChange
	for _, text := range f.rates {
		one, err := train.ParseRateChange(text)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return train.NewRateChanges(list...)
}

// byName returns the schedules of penalties and the optimisers of groups, by their names.
func (f *choiceFlags) byName(epochs int) (penalties map[string]train.Schedule, groups map[string]optim.Optimizer, err error) {
	for _, text := range f.penalties {
		name, schedule, err := train.ParsePenalty(text, epochs)
		if err != nil {
			return nil, nil, err
		}
		if penalties == nil {
			penalties = map[string]train.Schedule{}
		}
		penalties[name] = schedule
	}
	for _, text := range f.groups {
		name, rule, found := strings.Cut(text, "=")
		if !found || name == "" {
			return nil, nil, fmt.Errorf("--group-optimizer is %q, want GROUP=NAME[:RATE] such as adversary=adam:0.0002", text)
		}
		if groups == nil {
			groups = map[string]optim.Optimizer{}
		}
		if groups[name], err = optim.Parse(rule); err != nil {
			return nil, nil, err
		}
	}
	return penalties, groups, nil
}

// parseScale reads a kind of scaling or a number to divide by.
func parseScale(text string) (kind dataset.Scaling, divisor float32, err error) {
	if kind = dataset.Scaling(text); text == "" || slices.Contains(dataset.Scalings(), kind) {
		return kind, 0, nil
	}
	if v, err := strconv.ParseFloat(text, 32); err == nil && v > 0 && !math.IsInf(v, 0) {
		return dataset.UnitScaling, float32(v), nil
	}
	return "", 0, usagef("--scale is %q, want unit, standard, minmax, none, or a number above 0 to divide by", text)
}

// line returns the text of the architecture, from a file perhaps, once it is known
// to be one.
func (f *choiceFlags) line(cmd *cobra.Command) (string, error) {
	text := f.architecture
	if path, ok := strings.CutPrefix(text, "@"); ok {
		file, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("--architecture: %w", err)
		}
		text = string(file)
	}
	if text == "" && !cmd.Flags().Changed("architecture") {
		return "", nil
	}
	_, _, err := architecture.Parse(text)
	return text, pointAt(cmd, err)
}

// adapt gives up on validating with a few samples where that was not asked for.
func (f *choiceFlags) adapt(cmd *cobra.Command, in *workflow.Input, o *workflow.TrainOptions) {
	const fewest = 10
	if !cmd.Flags().Changed("validation") && in.Len() < fewest {
		o.Validation = 0
	}
}

// pointAt shows the word of an architecture that an error is about, and makes it an
// error of usage; any other it leaves as it is.
func pointAt(cmd *cobra.Command, err error) error {
	var where *architecture.Error
	if !errors.As(err, &where) {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), where.Caret())
	return usageError{err}
}

// baseName is what a run on the data at path is called.
func baseName(path string) string {
	if path == stdoutPath {
		return "stdin"
	}
	if dataset.IsPattern(path) { // runs/logs of logs/*.csv
		path = filepath.Dir(path)
	}
	return withoutExtension(filepath.Base(filepath.Clean(path)))
}

// indent moves lines of help to the right.
func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}
