package hourglass

import (
	"context"
	"slices"

	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/optim"
	"hourglass/ranks"
	"hourglass/train"
)

// FitOption changes one setting of Fit.
type FitOption func(*fitSettings)

type fitSettings struct {
	train.Trainer
	validation  dataset.Source
	checkpoints *Checkpoints
	resume      string // folder of checkpoints to go on from
	digests     func() (Digests, error)
}

// Epochs sets how often the training data is gone through; 10 by default.
func Epochs(n int) FitOption { return func(s *fitSettings) { s.Epochs = n } }

// BatchSize sets the number of samples in a step; 32 by default.
func BatchSize(n int) FitOption { return func(s *fitSettings) { s.BatchSize = n } }

// Loss sets what training makes small; by default binary cross-entropy for a
// network that ends in a sigmoid and mean squared error for any other.
func Loss(l loss.Loss) FitOption { return func(s *fitSettings) { s.Loss = l } }

// Optimizer sets the update rule; optim.Adam{} by default.
func Optimizer(o optim.Optimizer) FitOption { return func(s *fitSettings) { s.Optimizer = o } }

// OptimizerFor sets the update rule of a group of weights, that of an adversary
// (nn.AdversaryGroup); by default it is that of all others.
func OptimizerFor(group string, o optim.Optimizer) FitOption {
	return func(s *fitSettings) {
		if s.Optimizers == nil {
			s.Optimizers = map[string]optim.Optimizer{}
		}
		s.Optimizers[group] = o
	}
}

// Schedule sets how the learning rate changes; by default it does not.
func Schedule(schedule train.Schedule) FitOption {
	return func(s *fitSettings) { s.Schedule = schedule }
}

// Clip keeps gradients from becoming too large; by default they are what they are.
func Clip(c train.Clipping) FitOption { return func(s *fitSettings) { s.Clipping = c } }

// Penalty sets how the factor of a penalty changes that layers of the network add to the
// loss, by its name: train.Ramp{Epochs: 10} for "kl". By default it does not.
func Penalty(name string, schedule train.Schedule) FitOption {
	return func(s *fitSettings) {
		if s.Penalties == nil {
			s.Penalties = map[string]train.Schedule{}
		}
		s.Penalties[name] = schedule
	}
}

// Binarize makes every value of a sample 0 or 1 whenever the sample is used in training, 1
// with the value as its probability: see train.Trainer.
func Binarize() FitOption { return func(s *fitSettings) { s.Trainer.Binarize = true } }

// Metrics sets what is reported beside the loss; nothing by default.
func Metrics(m ...metric.Metric) FitOption { return func(s *fitSettings) { s.Metrics = m } }

// Validation sets data on which loss and metrics are evaluated after each epoch.
func Validation(v dataset.Source) FitOption { return func(s *fitSettings) { s.validation = v } }

// Seed sets the seed of the data's order and of noise and dropout; DefaultSeed by
// default. The starting weights have their own (Autoencoder.Init).
func Seed(seed uint64) FitOption { return func(s *fitSettings) { s.Seed = seed } }

// Threads sets how many cores are used at most; all by default. The result is the same
// for any number.
func Threads(n int) FitOption { return func(s *fitSettings) { s.Threads = n } }

// Ranks sets with whom the autoencoder is trained, each process on a part of every batch; by
// default it is alone. All ranks make the same calls on the same data, and get the same bits as one
// alone: see train.Trainer.
func Ranks(g ranks.Group) FitOption { return func(s *fitSettings) { s.Trainer.Ranks = g } }

// Observe adds observers: a progress bar, early stopping, or one's own.
func Observe(o ...train.Observer) FitOption {
	return func(s *fitSettings) { s.Observers = append(s.Observers, o...) }
}

// Fit trains the autoencoder to reproduce the samples of data, from the weights
// it has. It returns the history of the epochs completed, also with an error:
// one that wraps ctx.Err() if ctx was cancelled, or train.ErrNotFinite if the
// loss became NaN or infinite. In both cases the weights are those of the last
// good step. So they are after a sample that the loss is not defined for
// (*train.SampleError) and a panic in a loss, a layer, a source or whatever else Fit was
// given (*train.PanicError). What LearnScores learned is forgotten.
func (a *Autoencoder) Fit(ctx context.Context, data dataset.Source, options ...FitOption) (*train.History, error) {
	s := fitSettings{Trainer: train.Trainer{Network: a.whole, Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{},
		Epochs: 10, BatchSize: 32, Seed: DefaultSeed}}
	if a.whole.EndsInSigmoid() {
		s.Loss = loss.BinaryCrossEntropy{}
	}
	for _, set := range options {
		set(&s)
	}
	if data != nil && s.digests == nil {
		s.digests = digestsOf(ctx, data, s.validation, a.Faces())
	}
	if data != nil && s.Loss != nil && s.Optimizer != nil && s.resume != "" {
		state, err := a.loadState(s.resume)
		if err != nil {
			return nil, err
		}
		if err := state.fits(a, s.Settings(data, s.validation), s.digests); err != nil {
			return nil, err
		}
		s.Trainer.Resume = state.Snapshot
	}
	if s.checkpoints != nil {
		if err := s.checkpoints.validate(); err != nil {
			return nil, err
		}
		// Last in line, so that a checkpoint has what others learned from an epoch, but
		// first at the end of a run, when they may change the weights.
		c := &checkpointer{Checkpoints: *s.checkpoints, model: a, digests: s.digests}
		s.Observers = slices.Concat([]train.Observer{lastCheckpoint{c}}, s.Observers, []train.Observer{c})
	}
	data, err := a.scaled(data)
	if err != nil {
		return nil, err
	}
	if s.validation, err = a.scaled(s.validation); err != nil {
		return nil, err
	}
	a.normal, a.detector = nil, Detector{}
	return s.Trainer.Fit(ctx, data, s.validation)
}

// scaled returns data as the networks want it.
func (a *Autoencoder) scaled(data dataset.Source) (dataset.Source, error) {
	if a.scaler == nil || data == nil {
		return data, nil
	}
	return dataset.Scaled(data, a.scaler)
}

// Evaluate returns a loss and metrics over all samples of data.
func (a *Autoencoder) Evaluate(ctx context.Context, data dataset.Source, l loss.Loss, metrics ...metric.Metric) (train.Scores, error) {
	most := max(1, min(inferenceBatch, passValues/a.whole.TrainingValues()))
	t := train.Trainer{Network: a.whole, Loss: l, Metrics: metrics, BatchSize: int(most)}
	data, err := a.scaled(data)
	if err != nil {
		return train.Scores{}, err
	}
	return t.Evaluate(ctx, data)
}
