package recipe

import (
	"context"

	"hourglass/loss"
	"hourglass/run"
)

// compareBaseline measures principal component analysis and the autoencoder on the
// test samples.
func (s *Session) compareBaseline(ctx context.Context) error {
	own, err := s.Model.Evaluate(ctx, s.Test, loss.MeanSquaredError{})
	if err != nil {
		return err
	}
	b, err := run.NewBaseline(s.Train, s.Test, s.Model.Encoder().Output().Size(), own.Loss)
	if err != nil {
		return err
	}
	b.Part, s.Metrics.Baseline = "test", b
	s.Logf("test mean squared error with %d numbers an image: autoencoder %.5f, PCA %.5f\n", b.Components, b.AutoencoderMSE, b.PCAMSE)
	return nil
}
