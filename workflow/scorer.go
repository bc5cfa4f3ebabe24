package workflow

import (
	"context"

	"hourglass/anomaly"
	"hourglass/dataset"
	"hourglass/tensor"
)

// Scorer says how unusual samples are by the default method of [Model.Rank], with the bits
// that Rank gives, whatever they are scored with. It is safe for concurrent use.
type Scorer struct {
	model    *Model
	detector *anomaly.Detector // nil for reconstruction errors
	score    func(context.Context, dataset.Source) ([]float64, error)
}

// Scorer returns what scores samples for the model.
func (m *Model) Scorer() (*Scorer, error) {
	detector, err := m.Detector()
	if err != nil {
		return nil, err
	}
	s := &Scorer{model: m, detector: detector, score: m.ScoreAll}
	if detector != nil {
		s.score, err = m.scorer(anomaly.Combined)
	}
	return s, err
}

// Detects reports whether scores are those of a detector, and no reconstruction errors.
func (s *Scorer) Detects() bool { return s.detector != nil }

// Score returns the score of each sample: x has shape N×(sample), and there likewise 1 for the
// values that are not missing ([dataset.Mask]); its Data is nil if none is.
func (s *Scorer) Score(ctx context.Context, x, there tensor.Tensor) ([]float64, error) {
	x.Shape = append(tensor.Shape{x.Len()}, s.model.Encoder().Input()...)
	if there.Data == nil {
		return s.score(ctx, dataset.Array{Tensor: x})
	}
	masked, err := dataset.With(dataset.Array{Tensor: x}, dataset.Mask, dataset.Array{Tensor: tensor.Tensor{Shape: x.Shape, Data: there.Data}})
	if err != nil {
		return nil, err
	}
	return s.score(ctx, masked)
}

// Threshold returns the score that a share of normal samples does not exceed, an error if
// the model has not learned it.
func (s *Scorer) Threshold(quantile float64) (float64, error) {
	if s.detector == nil {
		return s.model.Threshold(quantile)
	}
	t, err := s.detector.Threshold(anomaly.Combined, 1-quantile)
	return t.Score, err
}

// ThresholdSamples returns how many normal samples thresholds were learned from, 0 if that
// is not known.
func (s *Scorer) ThresholdSamples() int {
	if s.detector == nil {
		return s.model.ThresholdSamples()
	}
	t, err := s.detector.Threshold(anomaly.Combined, 1)
	if err != nil {
		return 0
	}
	return t.HeldOut
}

// PValues returns how likely normal samples are to score as high; nil without a detector.
func (s *Scorer) PValues(scores []float64) ([]float64, error) {
	if s.detector == nil {
		return nil, nil
	}
	return s.detector.PValues(anomaly.Combined, scores)
}
