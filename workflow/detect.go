package workflow

import (
	"context"
	"fmt"

	"hourglass"
	"hourglass/anomaly"
	"hourglass/dataset"
	"hourglass/tensor"
)

// What a detector is learned from is bounded in number and in values.
const (
	detectorSamples = 20000
	detectorValues  = 32 << 20
	// fewestForDetector is how many training samples there must be at least.
	fewestForDetector = 10
	// fewestIndependent is as how many independent windows those set aside should count. Where
	// it is less, the rows of training are among those that tell how normal ones score.
	fewestIndependent = 5
)

// Detector returns what the model has learned of normal samples; nil if it has not.
func (m *Model) Detector() (*anomaly.Detector, error) {
	kept := m.Autoencoder.Detector()
	if kept.State == nil {
		return nil, nil
	}
	d, err := anomaly.FromState(kept.State, kept.Arrays)
	if err != nil {
		return nil, fmt.Errorf("workflow: %s: %w", m.Path, err)
	}
	return d, nil
}

// LearnDetector learns from samples what normal ones are like, to be kept with the model:
// from those that it was trained on, and how others score from those held out.
func (m *Model) LearnDetector(ctx context.Context, training, heldOut *Input, o anomaly.Options) error {
	views := [2]anomaly.Views{}
	for i, in := range []*Input{training, heldOut} {
		if in.Series != nil {
			every, err := in.EveryRow()
			if err != nil {
				return err
			}
			in = &Input{every}
		}
		source, err := m.samples(in)
		if err != nil {
			return err
		}
		n := min(source.Len(), detectorSamples, max(detectorValues/source.Sample().Size(), fewestForDetector))
		order := make([]int, source.Len())
		dataset.Permutation(o.Seed, uint64(i), order)
		if source, err = dataset.Subset(source, order[:n]); err != nil {
			return err
		}
		if views[i], err = m.views(ctx, source); err != nil {
			return err
		}
	}
	if s := m.Record.Series; s != nil {
		o.Dependence, o.Seen = anomaly.WindowDependence(s.Window), heldOut == training
		if float64(views[1].Len()) < fewestIndependent*o.Dependence && heldOut != training {
			views[1], o.Seen = together(views[1], views[0]), true
		}
	}
	if m.Record.Series == nil && hasSteps(training.Data) {
		o.Features = training.Shape()[1]
	}
	d, err := anomaly.Learn(ctx, views[0], views[1], o)
	if err != nil {
		return err
	}
	var kept hourglass.Detector
	if kept.State, kept.Arrays, err = d.State(); err != nil {
		return err
	}
	m.SetDetector(kept)
	return nil
}

// views returns samples as a detector sees them.
func (m *Model) views(ctx context.Context, source dataset.Source) (v anomaly.Views, err error) {
	x, err := readAll(source)
	if err != nil {
		return v, err
	}
	var labels []int
	if m.Classes() > 0 {
		if labels, err = labelsOf(source); err != nil {
			return v, err
		}
	}
	r, err := m.Given(labels...).Run(ctx, x, hourglass.Want{Codes: true, Residuals: true})
	if err != nil {
		return v, err
	}
	if s := m.Scaler(); s != nil {
		s.Apply(x.Data)
	}
	if s := m.Record.Series; s != nil {
		return stepViews(x, r, s.Window), nil
	}
	if err := forgive(r.Residuals, source); err != nil {
		return v, err
	}
	return anomaly.Views{Samples: x, Codes: flat(r.Codes), Residuals: r.Residuals}, nil
}

// forgive makes the residuals of missing values 0.
func forgive(residuals tensor.Tensor, source dataset.Source) error {
	face := dataset.FaceOf(source, dataset.Mask)
	if face == nil {
		return nil
	}
	there, err := readAll(face)
	if err != nil {
		return err
	}
	for i, v := range there.Data {
		residuals.Data[i] *= v
	}
	return nil
}

// labelsOf returns the labels that a source has for its samples, nil if it has none.
func labelsOf(source dataset.Source) ([]int, error) {
	face := dataset.FaceOf(source, dataset.Labels)
	if face == nil {
		return nil, nil
	}
	numbers, err := readAll(face)
	if err != nil {
		return nil, err
	}
	labels := make([]int, len(numbers.Data))
	for i, v := range numbers.Data {
		labels[i] = int(v)
	}
	return labels, nil
}

// flat returns an array as N×values.
func flat(t tensor.Tensor) tensor.Tensor {
	return tensor.Tensor{Shape: tensor.Shape{t.Len(), t.Sample().Size()}, Data: t.Data}
}
