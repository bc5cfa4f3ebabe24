package workflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"hourglass"
	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/internal/kernel"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/progress"
	"hourglass/recipe"
	"hourglass/train"
)

// TrainOptions are the choices of [Train]. A field left zero means its default.
type TrainOptions struct {
	Architecture string // in a line, see package architecture; chosen from the data where empty
	Codes        int    // numbers in a code, where the architecture is chosen

	Loss        loss.Loss       // binary cross-entropy behind a sigmoid, else mean squared error
	Optimizer   optim.Optimizer // Adam
	Schedule    train.Schedule  // of the learning rate; constant. A cosine of 0 epochs is one of all
	Metrics     []metric.Metric // rounded accuracy of images behind a sigmoid, else mean absolute error
	Scale       dataset.Scaling // unit for images, standard for everything else
	Divisor     float32         // of unit scaling; what suits the data, see [dataset.UnitDivisor]
	Validation  float64         // share of the samples that validate; 0 for none
	TrainSize   int             // the first so many of the others; all
	Patience    int             // epochs without improvement after which to stop; never if Epochs is given
	Epochs      int             // [FewestEpochs], or as many as make [FewestSteps], and then Patience is a tenth
	Baseline    bool            // also measure principal component analysis with codes of the same size
	BatchSize   int             // 32
	Seed        uint64
	Threads     int // all cores
	LoadOptions dataset.LoadOptions
	Checkpoints *hourglass.Checkpoints // nil for one at the end and when interrupted
	Resume      bool                   // go on with the interrupted run in Out
	Overwrite   bool                   // start anew though there is one
	Out         string                 // folder for what the run writes; made if need be
	Command     string                 // the command that repeats the run, to be recorded
	ResumeLine  string                 // the command that goes on with the run, to tell a user
	Log         io.Writer              // progress and results in words; nil for silence
	Started     time.Time              // when the program was started; the time of the call
}

// Metrics is what a run comes to, the content of metrics.json: that of a recipe,
// with the choices that a recipe would have made.
type Metrics struct {
	recipe.Metrics
	Architecture string          `json:"architecture"`
	Codes        int             `json:"codes"` // numbers in a code
	Optimizer    string          `json:"optimizer"`
	Schedule     string          `json:"schedule,omitempty"`
	Scale        dataset.Scaling `json:"scale"`
	BestEpoch    int             `json:"best_epoch,omitempty"`
	Command      string          `json:"command,omitempty"` // that repeats the run
}

// trainName stands in metrics.json where a recipe has its name.
const trainName = "train"

// session is a run of Train.
type session struct {
	TrainOptions
	data    *dataset.Data
	parts   dataset.Parts
	model   *Model
	metrics *Metrics
	scaling string               // in words
	stop    *train.EarlyStopping // nil without
	written []string
}

// Train trains an autoencoder on data and writes model.safetensors, metrics.json
// and figures into a folder. The model has with it how data is scaled and how samples
// set aside for validation score.
//
// If ctx is cancelled while training, the model and the metrics so far are saved,
// and the error wraps ctx.Err().
func Train(ctx context.Context, data *dataset.Data, o TrainOptions) (*Metrics, error) {
	s, err := newSession(ctx, data, o)
	if err != nil {
		return nil, err
	}
	folder, err := openFolder(&s.TrainOptions)
	if err != nil {
		return nil, err
	}
	s.describe()
	if err := s.fit(ctx); errors.Is(err, context.Canceled) {
		s.metrics.Interrupted = true
		return s.metrics, errors.Join(err, s.save())
	} else if err != nil {
		if errors.Is(err, train.ErrNotFinite) {
			folder.close() // it would only happen again
		}
		return nil, err
	}
	if err := s.finish(ctx); err != nil {
		return nil, err
	}
	s.logf("written to %s: %s\n", s.Out, strings.Join(s.written, ", "))
	return s.metrics, folder.close()
}

// newSession divides and scales the data and builds the model.
func newSession(ctx context.Context, data *dataset.Data, o TrainOptions) (*session, error) {
	s := &session{TrainOptions: o, data: data}
	s.setDefaults()
	if err := s.split(); err != nil {
		return nil, err
	}
	s.setEpochs()
	if err := s.checkBaseline(); err != nil {
		return nil, err
	}
	scaler, err := s.fitScaler(ctx)
	if err != nil {
		return nil, err
	}
	extent, err := s.measure(ctx, scaler)
	if err != nil {
		return nil, err
	}
	if err := s.build(extent); err != nil {
		return nil, err
	}
	if err := s.model.SetScaler(scaler); err != nil {
		return nil, err
	}
	if err := s.checkLoss(extent); err != nil {
		return nil, err
	}
	if err := s.checkMetrics(extent); err != nil {
		return nil, err
	}
	s.scaling = describeScaling(scaler, extent, data.Largest)
	s.model.Record = s.record(extent)
	return s, nil
}

func (s *session) setDefaults() {
	setDefault(&s.BatchSize, 32)
	setDefault(&s.Threads, runtime.GOMAXPROCS(0))
	setDefault(&s.Started, time.Now())
	setDefault(&s.Log, io.Discard)
	setDefault(&s.Optimizer, optim.Optimizer(optim.Adam{}))
	scale := dataset.StandardScaling
	if s.data.Largest > 0 || len(s.data.Shape()) > 1 {
		scale = dataset.UnitScaling
	}
	setDefault(&s.Scale, scale)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// split sets samples aside for validation.
func (s *session) split() error {
	var err error
	if s.parts, err = s.data.SplitBy(s.Seed, s.Validation, 0); err != nil || s.TrainSize == 0 {
		return err
	}
	n := s.parts.Train.Len()
	if s.TrainSize > n {
		return fmt.Errorf("workflow: want the first %d training samples, but %s has %d beside those for validation", s.TrainSize, s.data.Path, n)
	}
	first := make([]int, s.TrainSize)
	for i := range first {
		first[i] = i
	}
	s.parts.Train, err = s.parts.Train.Select(first)
	return err
}

// build makes the model: of the architecture given, or one that suits the data.
func (s *session) build(e extent) error {
	var encoder, decoder nn.Layers
	var err error
	if s.Architecture == "" {
		output := nn.Linear
		if e.isUnit() {
			output = nn.Sigmoid
		}
		var why string
		encoder, decoder, why = architecture.Default(s.data.Shape(), s.Codes, output)
		s.logf("architecture chosen for %s\n", why)
	} else if encoder, decoder, err = architecture.ParseFor(s.data.Shape(), s.Architecture); err != nil {
		return err
	}
	ae, err := hourglass.New(encoder, decoder)
	if err != nil {
		return err
	}
	ae.Init(s.Seed)
	s.model = &Model{Autoencoder: ae, Path: s.path(recipe.ModelFile)}
	var standardLoss loss.Loss = loss.MeanSquaredError{}
	sigmoid := ae.Network().EndsInSigmoid()
	if sigmoid {
		standardLoss = loss.BinaryCrossEntropy{}
	}
	setDefault(&s.Loss, standardLoss)
	if s.Metrics == nil {
		s.Metrics = []metric.Metric{defaultMetric(s.Scale, e, sigmoid)}
	}
	s.metrics = s.newMetrics(architecture.Format(encoder, decoder))
	return nil
}

// checkLoss refuses data that the loss is not defined for.
func (s *session) checkLoss(e extent) error {
	if _, ok := s.Loss.(loss.BinaryCrossEntropy); !ok || e.isUnit() {
		return nil
	}
	return fmt.Errorf("workflow: the loss %s wants values from 0 to 1, but scaled by %q those of %s are from %v to %v; want the scaling %q, or another loss and no sigmoid at the end",
		s.Loss.Name(), s.Scale, s.data.Path, e.scaled.Low, e.scaled.High, dataset.MinMaxScaling)
}

func (s *session) newMetrics(line string) *Metrics {
	count := func(d *dataset.Data) int {
		if d == nil {
			return 0
		}
		return d.Len()
	}
	m := &Metrics{Architecture: line, Codes: s.model.Encoder().Output().Size(), Optimizer: s.Optimizer.Name(), Scale: s.Scale, Command: s.Command}
	m.Metrics = recipe.Metrics{
		Recipe: trainName,
		Dataset: recipe.DatasetSize{Name: s.name(), Train: s.parts.Train.Len(),
			Validation: count(s.parts.Validation), Test: count(s.parts.Test)},
		Seed: s.Seed, Threads: s.Threads, SIMD: kernel.SIMD(), Parameters: len(s.model.Network().Weights()),
		Loss: s.Loss.Name(), BatchSize: s.BatchSize, Rate: s.Optimizer.Rate(), Epochs: &train.History{},
	}
	if s.Schedule != nil {
		m.Schedule = s.Schedule.Name()
	}
	return m
}

// name is what the data is called: its path's last element, since where it lies is
// of no concern to who gets the model.
func (s *session) name() string { return filepath.Base(s.data.Path) }

// record is what the model file says of the training, but for what the training
// brings.
func (s *session) record(e extent) Record {
	m := s.metrics
	r := Record{Dataset: m.Dataset.Name, TrainSize: m.Dataset.Train, Seed: s.Seed, BatchSize: s.BatchSize,
		Loss: m.Loss, Optimizer: m.Optimizer, LearningRate: m.Rate, Schedule: m.Schedule,
		Features: s.data.Features, Fill: s.data.Fill}
	if s.data.Format == dataset.FormatImages {
		i := s.LoadOptions.Images
		r.Images = &dataset.ImageOptions{Width: i.Width, Height: i.Height, Color: i.Color}
	}
	if IsImage(s.data.Shape()) {
		pixels := e.pixels(s.data.Largest)
		r.Range = &pixels
	}
	return r
}

// describe tells what is going to be done.
func (s *session) describe() {
	m := s.metrics
	s.logf("%s: samples of shape %v, %d for training, %d for validation, %d for testing\n",
		m.Dataset.Name, s.data.Shape(), m.Dataset.Train, m.Dataset.Validation, m.Dataset.Test)
	for _, note := range s.data.Notes() {
		s.logf("%s\n", note)
	}
	s.logf("scaling %s: %s\n", m.Scale, s.scaling)
	s.logf("%s\n%d parameters, %d numbers a code; loss %s, optimizer %s at %v, %d threads (%s)\n%s\n",
		m.Architecture, m.Parameters, m.Codes, m.Loss, m.Optimizer, m.Rate, m.Threads, m.SIMD, s.describeEpochs())
}

// fit trains the model, showing progress.
func (s *session) fit(ctx context.Context) error {
	options := []hourglass.FitOption{
		hourglass.Epochs(s.Epochs), hourglass.BatchSize(s.BatchSize), hourglass.Loss(s.Loss),
		hourglass.Optimizer(s.Optimizer), hourglass.Schedule(s.Schedule), hourglass.Metrics(s.Metrics...),
		hourglass.Seed(s.Seed), hourglass.Threads(s.Threads),
		hourglass.Observe(firstStep{s}, &progress.Bar{Out: s.Log, Forecast: true}),
	}
	if s.parts.Validation != nil {
		options = append(options, hourglass.Validation(s.parts.Validation.Samples))
	}
	if s.Patience > 0 {
		s.stop = &train.EarlyStopping{Patience: s.Patience}
		if s.parts.Validation == nil {
			s.stop.Monitor = "loss"
		}
		options = append(options, hourglass.Observe(s.stop))
	}
	checkpoints := hourglass.Checkpoints{}
	if s.Checkpoints != nil {
		checkpoints = *s.Checkpoints
	}
	checkpoints.Dir = s.path(recipe.CheckpointFolder)
	options = append(options, hourglass.Checkpoint(checkpoints))
	if s.Resume {
		options = append(options, hourglass.Resume(checkpoints.Dir))
	}
	history, err := s.model.Fit(ctx, s.parts.Train.Samples, options...)
	if history != nil {
		s.metrics.Epochs = history
	}
	if bad := s.data.Err(); err != nil && bad != nil {
		return bad // of data read in blocks, which is served as NaN
	}
	return err
}

// firstStep notes when the first step of a session is done.
type firstStep struct{ session *session }

// Observe waits for the first step.
func (o firstStep) Observe(e train.Event, _ *train.Run) error {
	if m := o.session.metrics; e == train.Stepped && m.FirstStep == 0 {
		m.FirstStep = time.Since(o.session.Started).Seconds()
	}
	return nil
}

// learnScores learns how samples score that the model was not trained on, if there are
// any set aside for validation.
func (s *session) learnScores(ctx context.Context) error {
	heldOut, what := s.parts.Validation, "validation samples"
	if heldOut == nil {
		heldOut, what = s.parts.Train, "training samples, for want of others; later ones will score higher"
	}
	if err := s.model.LearnScores(ctx, heldOut.Samples); err != nil {
		return err
	}
	s.logf("threshold for outliers learned from %d %s\n", heldOut.Len(), what)
	return nil
}

// finish learns the scores, saves, tests and draws.
func (s *session) finish(ctx context.Context) error {
	if s.stop != nil {
		s.metrics.BestEpoch = s.stop.BestEpoch()
		s.logf("weights of epoch %d, the best\n", s.metrics.BestEpoch)
	}
	if err := s.learnScores(ctx); err != nil {
		return err
	}
	if err := s.save(); err != nil {
		return err
	}
	if s.parts.Test != nil {
		test, err := s.model.Evaluate(ctx, &Input{Data: s.parts.Test}, s.Loss)
		if err != nil {
			return err
		}
		s.metrics.Test = &test.Loss
		s.logf("test loss %.5f\n", test.Loss)
	}
	if s.Baseline {
		if err := s.compareBaseline(ctx); err != nil {
			return err
		}
	}
	s.written = []string{recipe.ModelFile, recipe.MetricsFile}
	if err := s.draw(recipe.CurvesFigure)(recipe.Curves(s.metrics.Epochs)); err != nil {
		return err
	}
	if err := s.drawReconstructions(); err != nil {
		return err
	}
	return recipe.SaveMetrics(s.Out, s.metrics)
}

// shownSamples is how many samples are drawn beside their reconstructions.
const shownSamples = 5

// drawReconstructions draws samples that the model was not trained on, if there are.
func (s *session) drawReconstructions() error {
	unseen := s.parts.Train
	for _, part := range []*dataset.Data{s.parts.Validation, s.parts.Test} {
		if part != nil {
			unseen = part
		}
	}
	if in := (&Input{unseen}); CanDraw(in) {
		return s.draw(recipe.ReconstructionFigure)(s.model.Draw(in, shownSamples, "", ""))
	}
	return nil
}

// draw returns a function that saves a figure, unless there was an error in drawing it.
func (s *session) draw(name string) func(*figure.Figure, error) error {
	return func(f *figure.Figure, err error) error {
		if err != nil {
			return err
		}
		s.written = append(s.written, name)
		return figure.Save(s.path(name), f)
	}
}

// save writes the model and the metrics.
func (s *session) save() error {
	r := s.model.Record
	r.Epochs, r.BestEpoch = len(s.metrics.Epochs.Epochs), s.metrics.BestEpoch
	if err := s.model.SaveRecord(s.path(recipe.ModelFile), r); err != nil {
		return err
	}
	return recipe.SaveMetrics(s.Out, s.metrics)
}

func (s *session) path(name string) string { return filepath.Join(s.Out, name) }

func (s *session) logf(format string, args ...any) { fmt.Fprintf(s.Log, format, args...) }
