package workflow

import (
	"context"
	"fmt"

	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/run"
)

// checkBaseline refuses a baseline of data that is larger than memory, before time is
// spent on training.
func (s *session) checkBaseline() error {
	if _, large := s.data.Samples.(*dataset.Blocks); s.Baseline && large {
		return fmt.Errorf("workflow: a principal component analysis wants all samples in memory, but %s is read in blocks; want more memory (--memory), or no --baseline", s.data.Path)
	}
	if s.Baseline && dataset.FaceOf(s.data.Samples, dataset.Mask) != nil {
		return fmt.Errorf("workflow: a principal component analysis wants all values, but cells of %s are missing; want them filled or dropped, or no baseline", s.data.Path)
	}
	return nil
}

// compareBaseline measures the best linear code of the same size, in the units the
// model works in, on samples that it was not trained on if there are.
func (s *session) compareBaseline(ctx context.Context) error {
	part, judged := "training", s.parts.Train
	if s.parts.Validation != nil {
		part, judged = "validation", s.parts.Validation
	}
	if s.parts.Test != nil {
		part, judged = "test", s.parts.Test
	}
	training, err := dataset.Scaled(s.parts.Train.Samples, s.model.Scaler())
	if err != nil {
		return err
	}
	samples, err := dataset.Scaled(judged.Samples, s.model.Scaler())
	if err != nil {
		return err
	}
	own, err := s.model.Evaluate(ctx, &Input{judged}, loss.MeanSquaredError{})
	if err != nil {
		return err
	}
	b, err := run.NewBaseline(training, samples, s.metrics.Codes, own.Loss)
	if err != nil {
		return err
	}
	b.Part, s.metrics.Baseline = part, b
	s.run.Logf("%s mean squared error with %d numbers a sample: autoencoder %.5f, PCA %.5f\n", part, b.Components, b.AutoencoderMSE, b.PCAMSE)
	return nil
}
