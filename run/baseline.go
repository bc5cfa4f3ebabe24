package run

import (
	"hourglass/dataset"
	"hourglass/pca"
	"hourglass/tensor"
)

// Baseline holds the autoencoder against principal component analysis, the best
// that any linear code of as many numbers can do.
type Baseline struct {
	Components     int     `json:"components"` // the size of the autoencoder's codes
	PCAMSE         float64 `json:"pca_mse"`
	AutoencoderMSE float64 `json:"autoencoder_mse"`
	Part           string  `json:"part"` // of the data that both are measured on: "test"
}

// NewBaseline fits so many principal components, or as many as there can be, to
// training samples, measures them on others, and puts an autoencoder's mean squared
// error on those beside. All samples must fit memory.
func NewBaseline(training, others dataset.Source, components int, autoencoder float64) (*Baseline, error) {
	x, err := allOf(training)
	if err != nil {
		return nil, err
	}
	y, err := allOf(others)
	if err != nil {
		return nil, err
	}
	model, err := pca.Fit(x, min(components, x.Len(), x.Sample().Size()))
	if err != nil {
		return nil, err
	}
	linear, err := model.ReconstructionError(y, model.K())
	if err != nil {
		return nil, err
	}
	return &Baseline{Components: model.K(), PCAMSE: linear, AutoencoderMSE: autoencoder}, nil
}

// allOf returns all samples of a source as one array.
func allOf(s dataset.Source) (tensor.Tensor, error) {
	all := tensor.New(append([]int{s.Len()}, s.Sample()...)...)
	indices := make([]int, s.Len())
	for i := range indices {
		indices[i] = i
	}
	return all, s.Read(all.Data, indices)
}
