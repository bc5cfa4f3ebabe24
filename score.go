package hourglass

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"hourglass/dataset"
	"hourglass/tensor"
)

// Score returns the reconstruction error of each sample of x, the mean squared
// difference to its reconstruction, in the units the network works in (after
// scaling). Samples unlike those the autoencoder was trained on score high.
func (a *Autoencoder) Score(x tensor.Tensor) ([]float64, error) {
	return a.Given().Score(x)
}

// ScoreAll returns the score of every sample of a source, without holding the
// samples in memory. Values that are missing (dataset.Mask) do not count. It ends early
// with ctx's error.
func (a *Autoencoder) ScoreAll(ctx context.Context, data dataset.Source) ([]float64, error) {
	if err := checkSource("score", data, a.whole.Input()); err != nil {
		return nil, err
	}
	return a.score(ctx, call{verb: "score", source: data}, data.Len())
}

// score makes room for the scores of a call's n samples and computes them.
func (a *Autoencoder) score(ctx context.Context, c call, n int) ([]float64, error) {
	c.Scores = make([]float64, n)
	if err := a.infer(ctx, c, n); err != nil {
		return nil, err
	}
	return c.Scores, nil
}

// quantileSteps is into how many steps LearnScores divides the scores.
const quantileSteps = 1000

// normal is how samples score that are as they should be.
type normal struct {
	Samples   int       `json:"samples"`   // how many there were; 0 if that was not recorded
	Quantiles []float64 `json:"quantiles"` // of their scores, from the least to the largest
}

// LearnScores scores samples that are as they should be and keeps how their scores are
// distributed, in the model file too, for Threshold. They should be samples that the
// autoencoder was not trained on, which it knows better than others: their scores are
// lower, and too many others would be called outliers.
//
// What was learned belongs to the weights and the scaler: Fit, Init and SetScaler
// forget it.
func (a *Autoencoder) LearnScores(ctx context.Context, heldOut dataset.Source) error {
	scores, err := a.ScoreAll(ctx, heldOut)
	if err != nil {
		return err
	}
	slices.Sort(scores)
	if !(scores[len(scores)-1] <= math.MaxFloat64) || math.IsNaN(scores[0]) {
		return errors.New("hourglass: learn scores: there are scores that are not finite")
	}
	a.normal = &normal{len(scores), quantiles(scores)}
	return nil
}

// quantiles returns the quantiles of sorted values, of every thousandth: between values
// (n+1)·q from the least, so that a share 1-q of what comes later is expected to be above
// (Weibull 1939; type 6 of Hyndman and Fan 1996).
func quantiles(sorted []float64) []float64 {
	list := make([]float64, quantileSteps+1)
	for i := range list {
		place := float64(len(sorted)+1)*float64(i)/quantileSteps - 1
		below, part := math.Modf(min(max(place, 0), float64(len(sorted)-1)))
		low := sorted[int(below)]
		high := sorted[min(int(below)+1, len(sorted)-1)]
		list[i] = low + float64(part*(high-low))
	}
	return list
}

// Threshold returns the score that a share 1-q of samples is expected to exceed if they
// are like those that LearnScores was given, now or before the model was saved, with q
// from 0 to 1 to the nearest thousandth: above Threshold(0.99) is one in a hundred.
//
// With n samples learned from, the share that does exceed it differs from 1-q by some
// √(q(1-q)/n), a standard deviation: 0.01 ± 0.004 for 0.99 and 600 samples. Beyond
// q = n/(n+1) it is the largest of their scores.
func (a *Autoencoder) Threshold(q float64) (float64, error) {
	if !(q >= 0 && q <= 1) {
		return 0, fmt.Errorf("hourglass: threshold: quantile is %v, want 0 to 1", q)
	}
	if a.normal == nil {
		return 0, errors.New("hourglass: threshold: the model has not learned how normal samples score")
	}
	return a.normal.Quantiles[int(math.Round(q*quantileSteps))], nil
}

// ThresholdSamples returns how many samples LearnScores was given: 0 if it was not called
// since the weights were changed, or if a model file from before that was recorded does
// not say.
func (a *Autoencoder) ThresholdSamples() int {
	if a.normal == nil {
		return 0
	}
	return a.normal.Samples
}

// UnmarshalJSON reads what LearnScores made, also the mere quantiles of older files.
func (s *normal) UnmarshalJSON(text []byte) error {
	type plain normal
	if err := json.Unmarshal(text, (*plain)(s)); err != nil && json.Unmarshal(text, &s.Quantiles) != nil {
		return err
	}
	if len(s.Quantiles) != quantileSteps+1 || !slices.IsSorted(s.Quantiles) || s.Samples < 0 {
		return fmt.Errorf("%d quantiles of %d samples, want %d in ascending order", len(s.Quantiles), s.Samples, quantileSteps+1)
	}
	return nil
}
