package hourglass

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"hourglass/dataset"
	"hourglass/metric"
	"hourglass/tensor"
)

// Score returns the reconstruction error of each sample of x, the mean squared
// difference to its reconstruction, in the units the network works in (after
// scaling). Samples unlike those the autoencoder was trained on score high.
func (a *Autoencoder) Score(x tensor.Tensor) ([]float64, error) {
	if err := checkBatch("score", x, a.whole.Input()); err != nil {
		return nil, err
	}
	return a.ScoreAll(context.Background(), dataset.Array{Tensor: x})
}

// ScoreAll returns the score of every sample of a source, without holding the
// samples in memory. It ends early with ctx's error.
func (a *Autoencoder) ScoreAll(ctx context.Context, data dataset.Source) ([]float64, error) {
	if err := checkSource("score", data, a.whole.Input()); err != nil {
		return nil, err
	}
	scores, size := make([]float64, data.Len()), a.whole.Input().Size()
	inChunks(data.Len(), func(lo, hi int) {
		if ctx.Err() != nil {
			return
		}
		x := readRange(data, lo, hi)
		if a.scaler != nil {
			a.scaler.Apply(x)
		}
		pass := a.reconstructing.get()
		y := pass.Forward(x, hi-lo)
		for i := range hi - lo {
			scores[lo+i] = metric.MeanSquaredError{}.Eval(y[i*size:(i+1)*size], x[i*size:(i+1)*size])
		}
		a.reconstructing.pool.Put(pass)
	})
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("hourglass: score: %w", err)
	}
	return scores, nil
}

// quantileSteps is into how many steps LearnScores divides the training scores.
const quantileSteps = 1000

// LearnScores scores the training data and keeps how the scores are distributed,
// in the model file too, for Threshold.
func (a *Autoencoder) LearnScores(ctx context.Context, training dataset.Source) error {
	scores, err := a.ScoreAll(ctx, training)
	if err != nil {
		return err
	}
	slices.Sort(scores)
	if !(scores[len(scores)-1] <= math.MaxFloat64) || math.IsNaN(scores[0]) {
		return errors.New("hourglass: learn scores: the training data has scores that are not finite")
	}
	a.quantiles = make([]float64, quantileSteps+1)
	for i := range a.quantiles {
		a.quantiles[i] = scores[i*(len(scores)-1)/quantileSteps]
	}
	return nil
}

// Threshold returns the score that a share q of the training data, 0 to 1, does
// not exceed, to the nearest thousandth of q: Threshold(0.99) calls one in a
// hundred of the training samples an outlier. LearnScores must have been called,
// now or before the model was saved.
func (a *Autoencoder) Threshold(q float64) (float64, error) {
	if !(q >= 0 && q <= 1) {
		return 0, fmt.Errorf("hourglass: threshold: quantile is %v, want 0 to 1", q)
	}
	if a.quantiles == nil {
		return 0, errors.New("hourglass: threshold: the model has not learned the scores of its training data")
	}
	return a.quantiles[int(math.Round(q*quantileSteps))], nil
}

// checkQuantiles reports quantiles that LearnScores did not make.
func checkQuantiles(q []float64) error {
	if len(q) != quantileSteps+1 || !slices.IsSorted(q) {
		return fmt.Errorf("scores: %d quantiles, want %d in ascending order", len(q), quantileSteps+1)
	}
	return nil
}
