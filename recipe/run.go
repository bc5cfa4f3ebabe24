package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"hourglass"
	"hourglass/dataset"
	"hourglass/internal/atomicfile"
	"hourglass/internal/kernel"
	"hourglass/progress"
	"hourglass/train"
)

// The files of a run beside its figures.
const (
	MetricsFile = "metrics.json"
	ModelFile   = "model.safetensors"

	CheckpointFolder = "checkpoints"
)

// Session is a run of a recipe: its data, its model, and where its results go.
type Session struct {
	Recipe  Recipe
	Options Options
	Data    *dataset.Split // nil where the recipe has data of its own
	Model   *hourglass.Autoencoder
	Metrics *Metrics

	training, test dataset.Source
	figures        []string // drawn so far
}

// Metrics is what a run comes to, the content of metrics.json.
type Metrics struct {
	Recipe     string         `json:"recipe"`
	Dataset    DatasetSize    `json:"dataset"`
	Seed       uint64         `json:"seed"`
	Threads    int            `json:"threads"`
	SIMD       string         `json:"simd"`
	Parameters int            `json:"parameters"`
	Loss       string         `json:"loss"`
	BatchSize  int            `json:"batch_size"`
	Rate       float64        `json:"learning_rate"`
	Epochs     *train.History `json:"epochs"`
	// SummedLoss is the loss summed over an epoch's steps, every tenth epoch.
	SummedLoss []EpochLoss `json:"summed_loss,omitempty"`
	// Baseline is what principal component analysis reaches with codes of the same size.
	Baseline *Baseline `json:"baseline,omitempty"`
	// PCA compares the linear autoencoder with principal component analysis.
	PCA *PlaneComparison `json:"pca,omitempty"`
	// TSNE is the map of the codes.
	TSNE *Embedding `json:"tsne,omitempty"`
	// Recognition is what recognising test images by their codes came to.
	Recognition *Recognition `json:"recognition,omitempty"`
	// Test is the loss on the test images, after training.
	Test *float64 `json:"test_loss,omitempty"`
	// FirstStep is how many seconds after its start the program had taken the first step.
	FirstStep float64 `json:"first_step_seconds"`
	// Interrupted is set when the run was stopped before its last epoch.
	Interrupted bool `json:"interrupted,omitempty"`
}

// DatasetSize says which data a run used, and how many samples of it.
type DatasetSize struct {
	Name       string `json:"name"`
	Train      int    `json:"train"`
	Validation int    `json:"validation"`
	Test       int    `json:"test"`
	// Dir is the folder in which it was looked for, if one was given.
	Dir string `json:"dir,omitempty"`
}

// Run trains the recipe and writes metrics.json, model.safetensors and the
// figures into o.Out.
//
// If ctx is cancelled while training, the model and the metrics so far are
// saved, and the error wraps ctx.Err().
func (r Recipe) Run(ctx context.Context, o Options) (*Metrics, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Started.IsZero() {
		o.Started = time.Now()
	}
	if o.Quick {
		o = o.quick(r)
	}
	if err := PrepareFolder(o.Out); err != nil {
		return nil, err
	}
	s, err := r.prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	err = s.train(ctx)
	if errors.Is(err, context.Canceled) {
		s.Metrics.Interrupted = true
		return s.Metrics, errors.Join(err, s.save())
	}
	if err != nil {
		return nil, err
	}
	if err := s.save(); err != nil {
		return nil, err
	}
	if err := s.finish(ctx); err != nil {
		return nil, err
	}
	s.logf("written to %s: %s, %s, %s\n", o.Out, ModelFile, MetricsFile, strings.Join(s.figures, ", "))
	return s.Metrics, nil
}

// PrepareFolder makes the folder for a run's results and checks that files can be
// made in it, before time is spent on training.
func PrepareFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("recipe: output folder: %w", err)
	}
	probe, err := os.CreateTemp(dir, ".hourglass-*")
	if err != nil {
		return fmt.Errorf("recipe: output folder %s: cannot write: %w", dir, err)
	}
	probe.Close()
	return os.Remove(probe.Name())
}

// prepare opens the data and builds the model.
func (r Recipe) prepare(ctx context.Context, o Options) (*Session, error) {
	s := &Session{Recipe: o.apply(r), Options: o}
	model, err := hourglass.New(r.Encoder, r.Decoder)
	if err != nil {
		return nil, err
	}
	model.Init(o.Seed)
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	s.Model = model
	threads := o.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	s.Metrics = &Metrics{
		Recipe:     r.Name,
		Dataset:    s.size(),
		Seed:       o.Seed,
		Threads:    threads,
		SIMD:       kernel.SIMD(),
		Parameters: len(model.Network().Weights()),
		Loss:       s.Recipe.Loss.Name(),
		BatchSize:  s.Recipe.BatchSize,
		Rate:       s.Recipe.Optimizer.Rate(),
		Epochs:     &train.History{},
	}
	return s, nil
}

// open finds the data that the options ask for.
func (s *Session) open(ctx context.Context) error {
	r, o := s.Recipe, s.Options
	if r.Own != nil {
		if o.Dataset != "" || o.DataDir != "" || o.TrainSize != 0 {
			return fmt.Errorf("recipe: %s has data of its own, %d points; no other can be chosen", r.Name, r.Own().Len())
		}
		s.training, s.test = r.Own(), r.Own()
		return nil
	}
	split, err := o.open(ctx, r.Validation)
	if err != nil {
		return err
	}
	if r.Std != 0 {
		for _, images := range []**dataset.Images{&split.Train, &split.Validation, &split.Test} {
			*images = (*images).Normalize(r.Mean, r.Std)
		}
	}
	s.Data, s.training, s.test = split, split.Train, split.Test
	return nil
}

// size says which data the session has.
func (s *Session) size() DatasetSize {
	if s.Data == nil {
		return DatasetSize{Name: s.Recipe.Name, Train: s.training.Len(), Test: s.test.Len()}
	}
	return DatasetSize{s.Data.Name, s.Data.Train.Len(), s.Data.Validation.Len(), s.Data.Test.Len(), s.Options.DataDir}
}

// train fits the model, showing progress.
func (s *Session) train(ctx context.Context) error {
	r, m := s.Recipe, s.Metrics
	s.logf("%s: %s, %d training, %d validation and %d test samples, %d parameters, %d threads (%s)\n",
		r.Title, m.Dataset.Name, m.Dataset.Train, m.Dataset.Validation, m.Dataset.Test, m.Parameters, m.Threads, m.SIMD)
	options := []hourglass.FitOption{
		hourglass.Epochs(r.Epochs), hourglass.BatchSize(r.BatchSize),
		hourglass.Loss(r.Loss), hourglass.Optimizer(r.Optimizer), hourglass.Metrics(r.Metrics...),
		hourglass.Seed(s.Options.Seed), hourglass.Threads(s.Options.Threads),
		hourglass.Observe(firstStep{s}, &progress.Bar{Out: s.Options.Log}),
	}
	options = append(options, s.checkpointOptions()...)
	if r.Watch != nil {
		options = append(options, hourglass.Observe(r.Watch(s)))
	}
	if r.Validation > 0 {
		options = append(options, hourglass.Validation(s.Data.Validation))
	}
	history, err := s.Model.Fit(ctx, s.training, options...)
	if history != nil {
		m.Epochs = history
	}
	return err
}

// firstStep notes when the first step of a session is done.
type firstStep struct{ session *Session }

// Observe waits for the first step.
func (o firstStep) Observe(e train.Event, r *train.Run) error {
	if m := o.session.Metrics; e == train.Stepped && m.FirstStep == 0 {
		m.FirstStep = time.Since(o.session.Options.Started).Seconds()
	}
	return nil
}

// checkpointOptions says where checkpoints go and come from.
func (s *Session) checkpointOptions() []hourglass.FitOption {
	var c hourglass.Checkpoints
	if s.Options.Checkpoints != nil {
		c = *s.Options.Checkpoints
	}
	c.Dir = s.path(CheckpointFolder)
	options := []hourglass.FitOption{hourglass.Checkpoint(c)}
	if s.Options.Resume {
		options = append(options, hourglass.Resume(c.Dir))
	}
	return options
}

// finish draws what every recipe draws, and then what this one does.
func (s *Session) finish(ctx context.Context) error {
	test, err := s.Model.Evaluate(ctx, s.test, s.Recipe.Loss)
	if err != nil {
		return err
	}
	s.Metrics.Test = &test.Loss
	s.logf("test loss %.5f\n", test.Loss)
	if err := s.showCurves(); err != nil {
		return err
	}
	if s.Options.Baseline {
		if err := s.compareBaseline(ctx); err != nil {
			return err
		}
	}
	if s.Recipe.After != nil {
		if err := s.Recipe.After(ctx, s); err != nil {
			return err
		}
	}
	return s.saveMetrics()
}

// record is what a model file says about its training: all that decided the
// weights, and nothing that did not.
type record struct {
	Recipe       string  `json:"recipe"`
	Dataset      string  `json:"dataset"`
	TrainSize    int     `json:"train_size"`
	Seed         uint64  `json:"seed"`
	Epochs       int     `json:"epochs"`
	BatchSize    int     `json:"batch_size"`
	Loss         string  `json:"loss"`
	Optimizer    string  `json:"optimizer"`
	LearningRate float64 `json:"learning_rate"`
}

// save writes the model and the metrics.
func (s *Session) save() error {
	r := s.Recipe
	err := s.Model.SaveRecord(s.path(ModelFile), record{
		Recipe: r.Name, Dataset: s.Metrics.Dataset.Name, TrainSize: s.training.Len(), Seed: s.Options.Seed,
		Epochs: len(s.Metrics.Epochs.Epochs), BatchSize: r.BatchSize,
		Loss: r.Loss.Name(), Optimizer: r.Optimizer.Name(), LearningRate: r.Optimizer.Rate(),
	})
	if err != nil {
		return err
	}
	return s.saveMetrics()
}

func (s *Session) saveMetrics() error { return SaveMetrics(s.Options.Out, s.Metrics) }

// SaveMetrics writes metrics.json, of a Metrics or what has one in it, into the
// folder of a run.
func SaveMetrics(dir string, metrics any) error {
	text, err := json.MarshalIndent(metrics, "", "  ")
	if err != nil {
		return fmt.Errorf("recipe: %s: %w", MetricsFile, err)
	}
	if err := atomicfile.WriteFile(filepath.Join(dir, MetricsFile), append(text, '\n')); err != nil {
		return fmt.Errorf("recipe: %w", err)
	}
	return nil
}

func (s *Session) path(name string) string { return filepath.Join(s.Options.Out, name) }

func (s *Session) logf(format string, args ...any) { fmt.Fprintf(s.Options.Log, format, args...) }
