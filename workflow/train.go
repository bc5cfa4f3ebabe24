package workflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"

	"hourglass"
	"hourglass/anomaly"
	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/run"
	"hourglass/train"
)

// TrainOptions are the choices of [Train]. A field left zero means its default.
type TrainOptions struct {
	Architecture string // in a line, see package architecture; chosen from the data where empty
	Codes        int    // numbers in a code, where the architecture is chosen
	Kind         string // of autoencoder that the architecture is made into, see [KindNames]; as it is
	From         string // model file whose layers, weights and scaling to start from, instead

	Loss        loss.Loss                  // binary cross-entropy behind a sigmoid, else mean squared error
	Optimizer   optim.Optimizer            // Adam
	Schedule    train.Schedule             // of the learning rate; constant. 0 epochs are all there are, see [train.Over]
	Clipping    train.Clipping             // of the gradients; none
	Optimizers  map[string]optim.Optimizer // of groups of weights; see train.Trainer
	Penalties   map[string]train.Schedule  // of the factors of penalties; the kind's, or constant
	Plateau     *train.ReduceOnPlateau     // nil for none
	Rates       *train.RateChanges         // of the learning rate, in the course of the run; nil for none
	Metrics     []metric.Metric            // rounded accuracy of images behind a sigmoid, else mean absolute error
	Scale       dataset.Scaling            // unit for images, standard for everything else
	Divisor     float32                    // of unit scaling; what suits the data, see [dataset.UnitDivisor]
	Only        string                     // label of the samples to take, the normal ones; all
	Validation  float64                    // share of the samples that validate; 0 for none
	Test        float64                    // share of the samples to test with in the end; 0 for none, or the data's own
	SplitSeed   *uint64                    // of which samples these are; Seed
	Augment     dataset.Augmentation       // of the training samples; none
	TrainSize   int                        // the first so many of the others; all
	Patience    int                        // epochs without improvement after which to stop; never if Epochs or Average is given
	Average     float64                    // decay of the weights' running mean, which the run ends with; none
	Epochs      int                        // [FewestEpochs], or as many as make [FewestSteps], and then Patience is a tenth
	Observers   []train.Observer           // beside those that every run has
	Built       func(*Model)               // told of the model, with its scaling, before it is trained; nil for nobody
	Baseline    bool                       // also measure principal component analysis with codes of the same size
	BatchSize   int                        // 32
	Seed        uint64
	LoadOptions dataset.LoadOptions
	Repeat      string // the command that repeats the run, to be recorded

	run.Options
}

// Metrics is what a run comes to, the content of metrics.json: that of a recipe,
// with the choices that a recipe would have made.
type Metrics struct {
	run.Metrics
	Kind         string          `json:"kind,omitempty"`
	Architecture string          `json:"architecture"`
	Codes        int             `json:"codes"` // numbers in a code
	Optimizer    string          `json:"optimizer"`
	Schedule     string          `json:"schedule,omitempty"`
	Clipping     string          `json:"clipping,omitempty"`
	Scale        dataset.Scaling `json:"scale"`
	Command      string          `json:"command,omitempty"` // that repeats the run
	// Likelihood says how likely samples are that were set aside, in nats, and ActiveUnits how many numbers
	// of a code vary with the sample, where codes are drawn.
	Likelihood  *hourglass.Likelihood `json:"likelihood,omitempty"`
	ActiveUnits *int                  `json:"active_units,omitempty"`
}

// trainName stands in metrics.json where a recipe has its name.
const trainName = "train"

// session is a run of Train.
type session struct {
	TrainOptions
	data    *dataset.Data
	from    *Model // that the run starts from, or nil
	parts   dataset.Parts
	model   *Model
	metrics *Metrics
	scaling string // in words

	training dataset.Source // augmented

	penalties map[string]train.Schedule // of the factors of the kind's penalties
	stagewise bool                      // as the kind has it
	run       *run.Session
}

// Train trains an autoencoder on data and writes model.safetensors, metrics.json
// and figures into a folder; see package run. The model has with it how data is
// scaled and how samples set aside for validation score.
//
// If ctx is cancelled, the model and the metrics so far are saved, and the error is
// a *run.Interrupted.
func Train(ctx context.Context, data *dataset.Data, o TrainOptions) (m *Metrics, err error) {
	o.SetDefaults()
	folder, err := run.Open(&o.Options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	s, err := newSession(ctx, data, o)
	if err != nil {
		return nil, err
	}
	s.run.Folder = folder
	s.describe()
	return s.metrics, s.run.Do(ctx)
}

// newSession divides and scales the data and builds the model.
func newSession(ctx context.Context, data *dataset.Data, o TrainOptions) (*session, error) {
	s := &session{TrainOptions: o, data: data, run: &run.Session{Options: o.Options}}
	if err := s.openFrom(); err != nil {
		return nil, err
	}
	s.setDefaults()
	if err := s.selectOnly(); err != nil {
		return nil, err
	}
	if err := s.split(); err != nil {
		return nil, err
	}
	s.setEpochs()
	if err := s.checkBaseline(); err != nil {
		return nil, err
	}
	if s.data.Schema != nil {
		s.run.Logf("%v", s.data.Schema)
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
	if data.Schema != nil {
		s.scaling = describeColumns(scaler.Kind)
	}
	s.model.Record = s.record(extent)
	if err := s.label(); err != nil {
		return nil, err
	}
	if s.training, err = dataset.Augment(s.parts.Train.Samples, s.Augment); err != nil {
		return nil, err
	}
	s.plan()
	if s.Built != nil {
		s.Built(s.model)
	}
	return s, nil
}

func (s *session) setDefaults() {
	s.BatchSize = cmp.Or(s.BatchSize, 32)
	s.Optimizer = cmp.Or[optim.Optimizer](s.Optimizer, optim.Adam{})
	scale := dataset.StandardScaling
	if !hasSteps(s.data) && (s.data.Largest > 0 || len(s.data.Shape()) > 1) {
		scale = dataset.UnitScaling
	}
	s.Scale = cmp.Or(s.Scale, scale)
}

// selectOnly leaves out the samples of other labels than the one wanted.
func (s *session) selectOnly() error {
	if s.Only == "" {
		return nil
	}
	chosen, err := s.data.SelectLabel(s.Only)
	if err != nil {
		return err
	}
	s.run.Logf("%d of %d samples have the label %s\n", chosen.Len(), s.data.Len(), s.Only)
	s.data = chosen
	return nil
}

// split sets samples aside for validation and testing.
func (s *session) split() error {
	var err error
	seed := s.Seed
	if s.SplitSeed != nil {
		seed = *s.SplitSeed
	}
	if s.parts, err = s.data.SplitBy(seed, s.Validation, s.Test); err != nil {
		return err
	}
	if s.parts.Test != nil {
		own := *s.parts.Test // the data's, perhaps, which others may be training on, too
		s.parts.Test = &own
	}
	if s.data.Series != nil && (s.Validation > 0 || s.Test > 0) {
		used := s.parts.Train.Len() + lengthOf(s.parts.Validation)
		if s.Test > 0 {
			used += lengthOf(s.parts.Test)
		}
		s.run.Logf("%d windows with rows of two parts are left out\n", max(s.data.Len()-used, 0))
	}
	if s.TrainSize == 0 {
		return nil
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

// lengthOf returns the number of samples of a part that may be nil.
func lengthOf(part *dataset.Data) int {
	if part == nil {
		return 0
	}
	return part.Len()
}

// build makes the model: of the architecture given, or one that suits the data.
func (s *session) build(e extent) error {
	var encoder, decoder nn.Layers
	var err error
	if s.from != nil {
		encoder, decoder = s.from.Encoder().Layers(), s.from.Decoder().Layers()
	} else if s.Architecture == "" {
		output := nn.Linear
		if e.isUnit() && s.data.Schema == nil {
			output = nn.Sigmoid
		}
		var why string
		encoder, decoder, why = architecture.Default(s.data.Shape(), s.Codes, output)
		s.run.Logf("architecture chosen for %s\n", why)
	} else if encoder, decoder, err = architecture.ParseFor(s.data.Shape(), s.Architecture); err != nil {
		return err
	}
	if s.Kind != "" {
		if encoder, decoder, err = s.makeKind(encoder, decoder); err != nil {
			return err
		}
	}
	if isMixed(s.data.Schema) && s.from == nil {
		decoder = columnActivation(decoder, s.data.Schema)
	}
	ae, err := hourglass.New(encoder, decoder)
	if err != nil {
		return err
	}
	ae.Init(s.Seed)
	if s.from != nil {
		copy(ae.Network().Weights(), s.from.Network().Weights())
	}
	s.model = &Model{Autoencoder: ae, Path: s.run.Path(run.ModelFile)}
	var standardLoss loss.Loss = loss.MeanSquaredError{}
	sigmoid := ae.Network().EndsInSigmoid()
	switch {
	case isMixed(s.data.Schema):
		standardLoss = columnLoss(s.data.Schema)
	case sigmoid:
		standardLoss = loss.BinaryCrossEntropy{}
	}
	s.Loss = cmp.Or(s.Loss, standardLoss)
	if s.Metrics == nil {
		s.Metrics = []metric.Metric{defaultMetric(s.Scale, e, sigmoid)}
	}
	return nil
}

// makeKind makes an architecture one of the kind that was chosen.
func (s *session) makeKind(encoder, decoder nn.Layers) (nn.Layers, nn.Layers, error) {
	d := design{encoder: encoder, decoder: decoder, shape: s.data.Shape(), samples: s.parts.Train.Len(), classes: len(s.data.Classes), epochs: s.Epochs}
	if err := makeKind(s.Kind, &d); err != nil {
		return nil, nil, err
	}
	s.Loss, s.penalties, s.stagewise = cmp.Or(s.Loss, d.loss), d.penalties, d.stagewise
	if d.optimizers != nil {
		maps.Copy(d.optimizers, s.Optimizers)
		s.Optimizers = d.optimizers
	}
	return d.encoder, d.decoder, nil
}

// checkLoss refuses data that the loss is not defined for.
func (s *session) checkLoss(e extent) error {
	if _, ok := s.Loss.(loss.BinaryCrossEntropy); !ok || e.isUnit() {
		return nil
	}
	return fmt.Errorf("workflow: the loss %s wants values from 0 to 1, but scaled by %q those of %s are from %v to %v; want the scaling %q, or another loss and no sigmoid at the end",
		s.Loss.Name(), s.Scale, s.data.Path, e.scaled.Low, e.scaled.High, dataset.MinMaxScaling)
}

// schedules returns those of penalties: the kind's, where no others are asked for.
func (s *session) schedules() map[string]train.Schedule {
	all := maps.Clone(s.penalties)
	if all == nil {
		return s.Penalties
	}
	maps.Copy(all, s.Penalties)
	return all
}

// plan hands the choices on to the run.
func (s *session) plan() {
	part := func(d *dataset.Data) dataset.Source {
		if d == nil {
			return nil
		}
		return d.Samples
	}
	s.run.Plan = run.Plan{
		Model: s.model.Autoencoder, Train: s.training, Validation: part(s.parts.Validation), Test: part(s.parts.Test),
		Loss: s.Loss, Optimizer: s.Optimizer, Schedule: s.Schedule, Clipping: s.Clipping,
		Optimizers: s.Optimizers, Penalties: s.schedules(), Plateau: s.Plateau, Rates: s.Rates, Metrics: s.Metrics, Observers: s.Observers,
		Epochs: s.Epochs, BatchSize: s.BatchSize, Seed: s.Seed, Patience: s.Patience, Average: s.Average, Forecast: true,
		Record:  s.model.Record,
		Trained: s.learnScores,
		Finish:  s.finish,
	}
	if s.stagewise {
		s.run.Stages = func(int) optim.Optimizer { return s.Optimizer }
	}
	s.metrics = &Metrics{Metrics: *s.run.NewMetrics(trainName, filepath.Base(s.data.Path)), // where it lies is of no concern to who gets the model
		Architecture: architecture.Format(s.model.Encoder().Layers(), s.model.Decoder().Layers()), Codes: s.model.Encoder().Output().Size(),
		Kind: s.Kind, Optimizer: s.Optimizer.Name(), Scale: s.Scale, Command: s.Repeat}
	s.metrics.Clipping = s.Clipping.String()
	if s.Schedule != nil {
		s.metrics.Schedule = s.Schedule.Name()
	}
	s.run.Numbers, s.run.Results = &s.metrics.Metrics, s.metrics
}

// record is what is known of the data.
func (s *session) record(e extent) run.Record {
	r := run.Record{Scaling: string(s.Scale), Only: s.Only, Features: s.data.Features, Fill: s.data.Fill, Schema: s.data.Schema}
	if s.data.Series != nil {
		r.Series = &s.data.Series.Options
	}
	if s.from != nil {
		r.Classes = s.from.Record.Classes
	}
	if s.Divisor != 0 {
		r.Scaling += fmt.Sprint(" by ", s.Divisor)
	}
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
	s.run.Logf("%s: samples of shape %v, %d for training, %d for validation, %d for testing\n",
		m.Dataset.Name, s.data.Shape(), m.Dataset.Train, m.Dataset.Validation, m.Dataset.Test)
	for _, note := range s.data.Notes() {
		s.run.Logf("%s\n", note)
	}
	s.run.Logf("scaling %s: %s\n", m.Scale, s.scaling)
	s.run.Logf("%s\n%d parameters, %d numbers a code; loss %s, optimizer %s at %v, %d threads (%s)\n%s\n",
		m.Architecture, m.Parameters, m.Codes, m.Loss, m.Optimizer, m.Rate, m.Threads, m.SIMD, s.describeEpochs())
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
	s.run.Logf("threshold for outliers learned from %d %s\n", heldOut.Len(), what)
	return s.learnDetector(ctx)
}

// learnDetector learns what normal samples are like, if some are set aside to tell how
// such score.
func (s *session) learnDetector(ctx context.Context) error {
	training, heldOut := &Input{s.parts.Train}, &Input{s.parts.Validation}
	if s.parts.Validation == nil && s.data.Series != nil {
		heldOut = training // of which there are enough: they are looked at row by row
	}
	if heldOut.Data == nil || s.parts.Train.Len() < fewestForDetector {
		return nil
	}
	return s.model.LearnDetector(ctx, training, heldOut, anomaly.Options{Seed: s.Seed, Threads: s.Threads})
}

// finish tests and draws.
func (s *session) finish(ctx context.Context) error {
	if err := errors.Join(s.run.Evaluate(ctx), ctx.Err()); err != nil {
		return err
	}
	if s.Baseline {
		if err := s.compareBaseline(ctx); err != nil {
			return err
		}
	}
	if err := s.judge(ctx); err != nil {
		return err
	}
	return errors.Join(s.run.DrawCurves(), s.drawReconstructions(), s.drawPlane(), ctx.Err())
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
		return s.run.Draw(run.ReconstructionFigure)(s.model.Draw(in, shownSamples, "", ""))
	}
	return nil
}
