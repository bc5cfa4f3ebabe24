package recipe

import (
	"context"
	"errors"
	"fmt"

	"hourglass"
	"hourglass/dataset"
	"hourglass/generate"
	"hourglass/run"
)

// Session is a run of a recipe: its data, its model, and where its results go.
type Session struct {
	*run.Session
	Recipe  Recipe
	Options Options
	Data    *dataset.Split // nil where the recipe has data of its own
	Metrics *Metrics
}

// Metrics is what a run comes to, the content of metrics.json.
type Metrics struct {
	run.Metrics
	// SummedLoss is the loss summed over an epoch's steps, every tenth epoch.
	SummedLoss []EpochLoss `json:"summed_loss,omitempty"`
	// PCA compares the linear autoencoder with principal component analysis.
	PCA *PlaneComparison `json:"pca,omitempty"`
	// TSNE is the map of the codes.
	TSNE *Embedding `json:"tsne,omitempty"`
	// Recognition is what recognising test images by their codes came to.
	Recognition *Recognition `json:"recognition,omitempty"`
	// Retrieval is what searching for images by their hashes came to.
	Retrieval *Retrieval `json:"retrieval,omitempty"`
	// Generation says how good samples are that were drawn.
	Generation *generate.Quality `json:"generation,omitempty"`
	// Outliers is how well images that do not belong are told from the others.
	Outliers *Outliers `json:"outliers,omitempty"`
	// Likelihood says how likely test images are, in nats, and Phases so after phases of the training.
	Likelihood *hourglass.Likelihood `json:"likelihood,omitempty"`
	Phases     []Phase               `json:"phases,omitempty"`
	// Prior is how likely the codes of test images are under the prior that samples are drawn from, in
	// nats, where codes are vectors of a codebook.
	Prior *float64 `json:"prior_log_likelihood,omitempty"`
	// Codes says how much of the classes is in the codes.
	Codes *CodeQuality `json:"codes,omitempty"`
	// ActiveUnits is how many numbers of a variational autoencoder's codes vary with the image.
	ActiveUnits *int `json:"active_units,omitempty"`
}

// Run trains the recipe and writes metrics.json, model.safetensors and the
// figures into o.Out; see package run for the folder.
//
// If ctx is cancelled, the model and the metrics so far are saved, and the error is
// a *run.Interrupted.
func (r Recipe) Run(ctx context.Context, o Options) (m *Metrics, err error) {
	o.SetDefaults()
	if o.Quick {
		o = o.quick(r)
	}
	folder, err := run.Open(&o.Options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	s, err := r.prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	s.Folder = folder
	s.Logf("%s: %s, %d training, %d validation and %d test samples, %d parameters, %d threads (%s)\n", r.Title, s.Metrics.Dataset.Name,
		s.Metrics.Dataset.Train, s.Metrics.Dataset.Validation, s.Metrics.Dataset.Test, s.Metrics.Parameters, s.Metrics.Threads, s.Metrics.SIMD)
	return s.Metrics, s.Do(ctx)
}

// prepare opens the data and builds the model.
func (r Recipe) prepare(ctx context.Context, o Options) (*Session, error) {
	if err := o.check(r); err != nil {
		return nil, err
	}
	s := &Session{Recipe: o.apply(r), Options: o}
	r = s.Recipe
	model, err := hourglass.New(r.Encoder, r.Decoder)
	if err != nil {
		return nil, err
	}
	model.Init(o.Seed)
	plan, name, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if plan.Train, err = dataset.Augment(plan.Train, o.Augment); err != nil {
		return nil, err
	}
	plan.Model, plan.Seed = model, o.Seed
	plan.Loss, plan.Optimizer, plan.Metrics = s.Recipe.Loss, s.Recipe.Optimizer, s.Recipe.Metrics
	plan.Optimizers, plan.Schedule, plan.Penalties, plan.Binarize = r.Optimizers, r.Schedule, r.Penalties, r.Binarize
	plan.Stages = r.Stages
	plan.Epochs, plan.BatchSize = s.Recipe.Epochs, s.Recipe.BatchSize
	plan.Record.Recipe = r.Name
	if r.Std != 0 {
		plan.Record.Pixels = &run.Pixels{Mean: r.Mean, Std: r.Std}
	}
	plan.Finish = s.finish
	s.Session = &run.Session{Plan: plan, Options: o.Options}
	s.Metrics = &Metrics{Metrics: *s.NewMetrics(r.Name, name)}
	s.Metrics.Dataset.Dir = o.DataDir
	s.Numbers, s.Results = &s.Metrics.Metrics, s.Metrics
	if r.Start != nil {
		if err := r.Start(s); err != nil {
			return nil, err
		}
	}
	if r.Watch != nil {
		s.Observers = append(s.Observers, r.Watch(s))
	}
	return s, nil
}

// open finds the data that the options ask for, and its name.
func (s *Session) open(ctx context.Context) (plan run.Plan, name string, err error) {
	r, o := s.Recipe, s.Options
	if r.Own != nil {
		if o.Dataset != "" || o.DataDir != "" || o.TrainSize != 0 {
			return plan, "", fmt.Errorf("recipe: %s has data of its own, %d points; no other can be chosen", r.Name, r.Own().Len())
		}
		return run.Plan{Train: r.Own(), Test: r.Own()}, r.Name, nil
	}
	split, err := o.open(ctx, r.Validation)
	if err != nil {
		return plan, "", err
	}
	if r.Std != 0 {
		for _, images := range []**dataset.Images{&split.Train, &split.Validation, &split.Test} {
			*images = (*images).Normalize(r.Mean, r.Std)
		}
	}
	s.Data = split
	plan = run.Plan{Train: split.Train, Test: split.Test}
	if r.Training != nil {
		plan.Train = r.Training(s)
	}
	if r.Validation > 0 {
		plan.Validation = split.Validation
	}
	if r.Binarize {
		plan.Validation, plan.Test = dataset.Binarized(plan.Validation, binarizedSeed), dataset.Binarized(plan.Test, binarizedSeed+1)
	}
	return plan, split.Name, nil
}

// finish draws what every recipe draws, and then what this one does.
func (s *Session) finish(ctx context.Context) error {
	if err := errors.Join(s.Evaluate(ctx), s.DrawCurves(), ctx.Err()); err != nil {
		return err
	}
	if s.Options.Baseline {
		if err := s.compareBaseline(ctx); err != nil {
			return err
		}
	}
	if s.Recipe.After != nil {
		return s.Recipe.After(ctx, s)
	}
	return nil
}
