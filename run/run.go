// Package run trains a model and leaves a folder that can be trusted: what a recipe
// of the lecture and a training on one's own data have in common once their choices
// are made.
//
// A run's folder holds that run and nothing else:
//
//	run.json            what was asked, what decides the bits, how far it is, digests
//	model.safetensors   the model, with the record of its training
//	metrics.json        all numbers
//	*.png, report.html  figures and the report
//	checkpoints         where to go on
//	epochs.jsonl        the epochs so far, while it trains
//
// [Open] locks the folder. [Session.Do] trains, saves and draws. A run that was
// interrupted, or killed, goes on with [Options].Resume; what decides the bits must
// then be what it was, and a run that is refused changes nothing in the folder.
// [Compare] holds two runs together, bit by bit.
package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"hourglass"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/internal/kernel"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/optim"
	"hourglass/progress"
	"hourglass/ranks"
	"hourglass/train"
)

// Options are what a user may choose of any run. They change nothing of its result.
type Options struct {
	Out       string // folder for what the run writes; made if need be
	Resume    bool   // go on with the run in Out
	Overwrite bool   // start anew though there is one
	TrainOnly bool   // leave out what comes after training, to compare
	Until     int    // epochs after which the run is interrupted, to be resumed perhaps; 0 for none

	// Checkpoints says when checkpoints are written into a folder below Out; nil for
	// one at the end, however it comes.
	Checkpoints *hourglass.Checkpoints
	Threads     int // 0 for all cores

	// Ranks are those that train the model together, nil for this process alone. Those but rank 0
	// have a folder Out of their own, for nobody to see, and say with Follows in which folder
	// the run is, to go on with it if they are to Resume.
	Ranks   ranks.Group
	Follows string

	Command Command // that makes the run, to be remembered
	Like    *Record // what decides the bits must be as it is there; nil for no such run

	// Started is when the program was started, to tell how long the first step took to
	// come; the time of the call by default.
	Started time.Time
	Log     io.Writer // progress and results in words; nil for silence
}

// SetDefaults sets what was left out.
func (o *Options) SetDefaults() {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Started.IsZero() {
		o.Started = time.Now()
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
}

// Plan is a training whose choices are all made.
type Plan struct {
	Model                   *hourglass.Autoencoder
	Train, Validation, Test dataset.Source // all but the first may be nil

	Loss      loss.Loss
	Optimizer optim.Optimizer
	// Optimizers are those of groups of weights, and Penalties the schedules of penalties; see
	// train.Trainer.
	Optimizers map[string]optim.Optimizer
	Penalties  map[string]train.Schedule
	Schedule   train.Schedule         // nil for none
	Plateau    *train.ReduceOnPlateau // nil for none
	Rates      *train.RateChanges     // nil for none
	Clipping   train.Clipping
	Metrics    []metric.Metric
	Epochs     int
	BatchSize  int
	Seed       uint64
	Patience   int     // epochs without improvement after which to stop; 0 for never
	Binarize   bool    // draw samples as zeros and ones whenever they are used
	Average    float64 // decay of the weights' running mean, which the run ends with; 0 for none
	Forecast   bool    // tell after some steps how long the run will take

	Observers []train.Observer // beside those that every run has
	Record    Record           // what is known of the data; Do adds the rest

	// Stages returns the optimiser of each stage, from 1, where the model is trained stage by
	// stage before it is as a whole; nil where it is not.
	Stages func(stage int) optim.Optimizer
	// Trained is called with the trained model before it is saved, and Finish then;
	// both are left out by TrainOnly. Nil for nothing.
	Trained func(ctx context.Context) error
	Finish  func(ctx context.Context) error
	// Results is what metrics.json is to hold, a struct with the session's Numbers in
	// it; those by themselves by default.
	Results any
}

// Session is a run: its plan, its folder, and what it comes to.
type Session struct {
	Plan
	Options
	Folder  *Folder
	Numbers *Metrics

	digests *weightDigests
	stop    *train.EarlyStopping // nil without
	written []string             // the figures drawn so far
	begun   bool
	stage   string // that is being trained before the run's own training; empty else
}

// Interrupted is the error of a run that was cancelled and can go on. It wraps the
// error of the context.
type Interrupted struct {
	Out   string // its folder
	Phase string // "in epoch 3", "while drawing"
	Err   error
}

// Error says where the run is kept.
func (e *Interrupted) Error() string {
	return fmt.Sprintf("interrupted %s and saved in %s", e.Phase, e.Out)
}

// Unwrap returns the context's error.
func (e *Interrupted) Unwrap() error { return e.Err }

// NewMetrics returns the numbers of a run that has not begun.
func (s *Session) NewMetrics(name, data string) *Metrics {
	together := 0
	if s.Ranks != nil {
		together = s.Ranks.Size()
	}
	return &Metrics{
		Recipe: name, Ranks: together,
		Dataset: DatasetSize{Name: data, Train: length(s.Train), Validation: length(s.Validation), Test: length(s.Test)},
		Seed:    s.Seed, Threads: s.Threads, SIMD: kernel.SIMD(), Parameters: len(s.Model.Network().Weights()),
		Loss: s.Loss.Name(), BatchSize: s.BatchSize, Rate: s.Optimizer.Rate(), Epochs: &train.History{},
	}
}

// length returns the number of samples of data that may be nil.
func length(s dataset.Source) int {
	if s == nil {
		return 0
	}
	return s.Len()
}

// Do trains the model, saves it, and does what comes then.
//
// If ctx is cancelled, what there is is saved, and the error is *Interrupted. An
// error before the first step leaves the folder as it was.
func (s *Session) Do(ctx context.Context) error {
	if err := s.fit(ctx); err != nil {
		return s.failed(err)
	}
	if s.stop != nil {
		s.Numbers.BestEpoch = s.stop.BestEpoch()
		s.Logf("weights of epoch %d, the best\n", s.Numbers.BestEpoch)
	}
	if s.Plan.Trained != nil && !s.TrainOnly {
		if err := s.Plan.Trained(ctx); err != nil {
			return s.late(err)
		}
	}
	if err := errors.Join(s.save(), s.note(Trained)); err != nil {
		return err
	}
	if !s.TrainOnly && s.Finish != nil {
		if err := s.Finish(ctx); err != nil {
			return s.late(err)
		}
	}
	if err := errors.Join(s.SaveMetrics(), s.note(Finished)); err != nil {
		return err
	}
	if s.TrainOnly {
		return nil
	}
	s.Logf("written to %s: %s\n", s.Out, strings.Join(append([]string{ModelFile, MetricsFile}, s.written...), ", "))
	return nil
}

// failed keeps what there is of a run whose training ended with an error.
func (s *Session) failed(err error) error {
	if !s.begun {
		return err
	}
	if !errors.Is(err, context.Canceled) {
		return errors.Join(err, s.note(Failed))
	}
	s.Numbers.Interrupted = true
	phase := fmt.Sprintf("in epoch %d", len(s.Numbers.Epochs.Epochs)+1)
	if s.stage != "" {
		phase = "while it trained " + s.stage
	}
	where := &Interrupted{s.Out, phase, err}
	if failure := errors.Join(s.save(), s.note(Stopped)); failure != nil {
		return errors.Join(where, failure)
	}
	return where
}

// late keeps what there is of a run that ended after its training.
func (s *Session) late(err error) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	where := &Interrupted{s.Out, "after training", err}
	if failure := errors.Join(s.save(), s.note(Trained)); failure != nil {
		return errors.Join(where, failure)
	}
	return where
}

// fit trains the model, showing progress.
func (s *Session) fit(ctx context.Context) error {
	digests, stop := s.startDigests(ctx)
	defer stop()
	if like := s.like(); like != nil {
		data, err := digests()
		if err != nil {
			return err
		}
		here := s.record()
		here.Data = data
		if err := like.Differ(here); err != nil {
			return err
		}
	}
	if s.Until > 0 {
		var interrupt context.CancelFunc
		ctx, interrupt = context.WithCancel(ctx)
		defer interrupt()
		s.Observers = append(s.Observers, s.until(digests, interrupt))
	}
	s.digests = &weightDigests{}
	if s.Ranks != nil {
		s.Logf("on %d ranks\n", s.Ranks.Size())
	}
	if s.Stages != nil {
		if !s.Resume || s.Folder.checkpoints == 0 {
			if err := s.trainStagewise(ctx); err != nil {
				return err
			}
		}
		s.Observers = append(s.Observers, stageKeeper{s.Numbers})
	}
	options := []hourglass.FitOption{
		hourglass.Epochs(s.Epochs), hourglass.BatchSize(s.BatchSize), hourglass.Loss(s.Loss),
		hourglass.Optimizer(s.Optimizer), hourglass.Schedule(s.Schedule), hourglass.Clip(s.Clipping), hourglass.Metrics(s.Plan.Metrics...),
		hourglass.Seed(s.Seed), hourglass.Threads(s.Threads), hourglass.Ranks(s.Ranks),
		hourglass.DataDigests(func() (hourglass.Digests, error) { return s.recordData(digests) }),
		hourglass.Observe(observer(s.watch), &progress.Bar{Out: s.Log, Forecast: s.Forecast}),
		hourglass.Observe(s.Observers...),
	}
	if s.Validation != nil {
		options = append(options, hourglass.Validation(s.Validation))
	}
	for name, o := range s.Optimizers {
		options = append(options, hourglass.OptimizerFor(name, o))
	}
	for name, schedule := range s.Penalties {
		options = append(options, hourglass.Penalty(name, schedule))
	}
	if s.Binarize {
		options = append(options, hourglass.Binarize())
	}
	if s.Plateau != nil {
		options = append(options, hourglass.Observe(s.Plateau))
	}
	if s.Average > 0 {
		options = append(options, hourglass.Observe(&train.WeightAverage{Decay: s.Average}))
	}
	if s.Patience > 0 {
		s.stop = &train.EarlyStopping{Patience: s.Patience}
		if s.Validation == nil {
			s.stop.Monitor = "loss"
		}
		options = append(options, hourglass.Observe(s.stop))
	}
	options = append(options, hourglass.Observe(s.digests))
	if s.Rates != nil { // last of those with a memory, which older runs do without
		s.Rates.Changed = s.noteRates
		options = append(options, hourglass.Observe(s.Rates))
	}
	options = append(options, hourglass.Observe(s.journal()))
	options = append(options, s.checkpointOptions()...)
	history, err := s.Model.Fit(ctx, s.Train, options...)
	if history != nil {
		s.Numbers.Epochs = history
	}
	return err
}

// like returns the record that this run's must not differ from, or nil.
func (s *Session) like() *Record {
	if s.Like != nil {
		return s.Like
	}
	if s.Resume && s.Folder.notes != nil {
		return &s.Folder.notes.Record
	}
	return nil
}

// checkpointOptions says where checkpoints go and come from.
func (s *Session) checkpointOptions() []hourglass.FitOption {
	var c hourglass.Checkpoints
	if s.Checkpoints != nil {
		c = *s.Checkpoints
	}
	c.Dir = s.checkpointFolder()
	var options []hourglass.FitOption
	if s.Follows == "" {
		options = append(options, hourglass.Checkpoint(c))
	}
	switch {
	case !s.Resume:
	case s.Folder.checkpoints == 0:
		s.Logf("no checkpoint in %s yet, starting at the beginning\n", s.Out)
	default:
		options = append(options, hourglass.Resume(c.Dir))
	}
	return options
}

// checkpointFolder is where the run's checkpoints are, or those of the run that it follows.
func (s *Session) checkpointFolder() string {
	return filepath.Join(cmp.Or(s.Follows, s.Out), CheckpointFolder)
}

// observer is a function that follows a training.
type observer func(e train.Event, r *train.Run) error

func (f observer) Observe(e train.Event, r *train.Run) error { return f(e, r) }

// watch begins the run's folder once nothing stands in the way of the first step,
// and notes when that is done.
func (s *Session) watch(e train.Event, _ *train.Run) error {
	switch {
	case e == train.Started && !s.begun:
		s.begun = true
		return s.Folder.Begin(&Notes{Command: s.Command, Record: s.record(), Threads: s.Threads, SIMD: kernel.SIMD()})
	case e == train.Stepped && s.Numbers.FirstStep == 0:
		s.Numbers.FirstStep = time.Since(s.Started).Seconds()
	}
	return nil
}

// until returns what interrupts the run after so many epochs, or at once where it has had them before. It
// waits for the digests of the data, so that what is saved is the same however fast they are.
func (s *Session) until(digests func() (Digests, error), interrupt func()) observer {
	return func(e train.Event, r *train.Run) error {
		if (e == train.Started || e == train.EpochEnded) && len(r.History.Epochs) >= s.Until {
			digests() // whose error is told where they are recorded
			interrupt()
		}
		return nil
	}
}

// RateChangesFlag is the flag of a command that makes changes of the learning rate, each as
// train.RateChange writes it.
const RateChangesFlag = "learning-rate-at"

// noteRates notes changes of the learning rate that were asked for on the way, so that the
// run can be repeated.
func (s *Session) noteRates(changes []train.RateChange) error {
	command := &s.Folder.notes.Command
	flags := maps.Clone(command.Flags)
	if flags == nil {
		flags = map[string][]string{}
	}
	flags[RateChangesFlag] = nil
	for _, c := range changes {
		flags[RateChangesFlag] = append(flags[RateChangesFlag], c.String())
	}
	command.Flags = flags
	return s.Folder.Note(Running)
}

// journal returns what follows the run's epochs in its folder.
func (s *Session) journal() journal { return journal{s.Path(JournalFile)} }

// save writes the model and the numbers.
func (s *Session) save() error {
	record := s.record()
	record.Epochs, record.BestEpoch = len(s.Numbers.Epochs.Epochs), s.Numbers.BestEpoch
	if err := s.Model.SaveRecord(s.Path(ModelFile), record); err != nil {
		return err
	}
	return errors.Join(s.SaveMetrics(), s.journal().remove())
}

// note writes how far the run is and what it has come to.
func (s *Session) note(state State) error {
	n := s.Folder.notes
	n.Record.Data = s.Record.Data
	n.Files = s.written
	n.EpochWeights = s.digests.epochs
	n.Weights = digestOf(s.Model.Network().Weights())
	return s.Folder.Note(state)
}

// SaveMetrics writes metrics.json.
func (s *Session) SaveMetrics() error {
	if s.Results != nil {
		return saveJSON(s.Path(MetricsFile), s.Results)
	}
	return saveJSON(s.Path(MetricsFile), s.Numbers)
}

// Draw returns a function that saves a figure, unless there was an error in drawing
// it.
func (s *Session) Draw(name string) func(*figure.Figure, error) error {
	return func(f *figure.Figure, err error) error {
		if err != nil {
			return err
		}
		s.written = append(s.written, name)
		return figure.Save(s.Path(name), f)
	}
}

// DrawCurves draws loss and metrics over the epochs.
func (s *Session) DrawCurves() error {
	var series []figure.Series
	history := s.Numbers.Epochs
	for _, name := range append([]string{"loss"}, history.Metrics...) {
		axis := strings.ReplaceAll(name, "_", " ")
		series = append(series, figure.Series{Axis: axis, Name: "training", Values: history.Series(name)})
		if values := history.Series("val_" + name); values != nil {
			series = append(series, figure.Series{Axis: axis, Name: "validation", Values: values})
		}
	}
	return s.Draw(CurvesFigure)(figure.Curves(series...))
}

// Evaluate measures the loss on the data for testing, if there is some.
func (s *Session) Evaluate(ctx context.Context) error {
	if s.Test == nil {
		return nil
	}
	test, err := s.Model.Evaluate(ctx, s.Test, s.Loss)
	if err != nil {
		return err
	}
	s.Numbers.Test = &test.Loss
	s.Logf("test loss %.5f\n", test.Loss)
	return nil
}

// Path returns the path of a file in the run's folder.
func (s *Session) Path(name string) string { return filepath.Join(s.Out, name) }

// Logf tells of the run.
func (s *Session) Logf(format string, args ...any) { fmt.Fprintf(s.Log, format, args...) }
