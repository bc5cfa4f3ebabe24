package workflow

import (
	"context"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/generate"
	"hourglass/progress"
	"hourglass/run"
)

// How exactly the likelihood of samples is estimated: enough to compare models by.
const (
	judgedSamples = 1000
	judgedDraws   = 100
)

// heldOut returns the samples that the model knows least.
func (s *session) heldOut() *dataset.Data {
	for _, part := range []*dataset.Data{s.parts.Test, s.parts.Validation} {
		if part != nil {
			return part
		}
	}
	return s.parts.Train
}

// judge says what is to be said of a model that draws its codes.
func (s *session) judge(ctx context.Context) error {
	if !s.model.Draws() {
		return nil
	}
	samples := s.heldOut().Samples
	first := make([]int, min(judgedSamples, samples.Len()))
	for i := range first {
		first[i] = i
	}
	some, err := dataset.Subset(samples, first)
	if err != nil {
		return err
	}
	l, err := s.model.LogLikelihood(ctx, some, judgedDraws, s.Seed, progress.Meter(s.run.Log, "likelihood"))
	if err != nil {
		return err
	}
	codes, err := s.model.EncodeAll(ctx, some)
	if err != nil {
		return err
	}
	active := generate.ActiveUnits(codes)
	s.metrics.Likelihood, s.metrics.ActiveUnits = &l, &active
	s.run.Logf("log-likelihood of %d samples %.2f nats (%d draws of each); bound of one draw %.2f: reconstruction %.2f, divergence %.2f\n",
		some.Len(), l.LogLikelihood, l.Draws, l.ELBO, l.Reconstruction, l.KL)
	s.run.Logf("%s\n", generate.DescribeActive(active, codes.Sample().Size()))
	return nil
}

// drawPlane draws the whole plane of a model that draws codes of two numbers and asks for no
// labels, if its samples can be shown.
func (s *session) drawPlane() error {
	const side = 15
	if !s.model.Draws() || s.model.Classes() > 0 || s.model.Encoder().Output().Size() != 2 || s.model.Decoder().Complete() != nil || !IsImage(s.data.Shape()) {
		return nil
	}
	codes, err := generate.Plane(side)
	if err != nil {
		return err
	}
	codes.Shape = append(codes.Shape[:1:1], s.model.Encoder().Output()...)
	samples, err := s.model.Autoencoder.Decode(codes)
	if err != nil {
		return err
	}
	samples.Shape = append(samples.Shape[:1:1], s.data.Shape()...)
	var pixels figure.Range
	if s.model.Record.Range != nil {
		pixels = *s.model.Record.Range
	}
	return s.run.Draw(run.PlaneFigure)(figure.Grid(samples, side, figure.GridOptions{Range: pixels}))
}
