package recipe

import (
	"context"

	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/pca"
	"hourglass/tensor"
)

// Baseline holds the autoencoder against principal component analysis, the best
// that any linear code of as many numbers can do.
type Baseline struct {
	Components     int     `json:"components"` // the size of the autoencoder's codes
	PCAMSE         float64 `json:"pca_test_mse"`
	AutoencoderMSE float64 `json:"autoencoder_test_mse"`
}

// compareBaseline fits the principal components of the training samples and
// measures both on the test samples.
func (s *Session) compareBaseline(ctx context.Context) error {
	training, test := allOf(s.training), allOf(s.test)
	size := s.Model.Encoder().Output().Size()
	model, err := pca.Fit(training, min(size, training.Len(), training.Sample().Size()))
	if err != nil {
		return err
	}
	linear, err := model.ReconstructionError(test, model.K())
	if err != nil {
		return err
	}
	own, err := s.Model.Evaluate(ctx, s.test, loss.MeanSquaredError{})
	if err != nil {
		return err
	}
	s.Metrics.Baseline = &Baseline{model.K(), linear, own.Loss}
	s.logf("test mean squared error with %d numbers an image: autoencoder %.5f, PCA %.5f\n", model.K(), own.Loss, linear)
	return nil
}

// allOf returns all samples of a source as one array.
func allOf(s dataset.Source) tensor.Tensor {
	all := tensor.New(append([]int{s.Len()}, s.Sample()...)...)
	indices := make([]int, s.Len())
	for i := range indices {
		indices[i] = i
	}
	s.Read(all.Data, indices)
	return all
}
