package workflow

import (
	"context"
	"math"

	"hourglass/dataset"
	"hourglass/figure"
)

// extent is what the training data's values lie between.
type extent struct {
	raw, scaled figure.Range
}

// measure finds the extent of samples before and after scaling; that of bytes is
// known.
func measure(ctx context.Context, data *dataset.Data, scaler *dataset.Scaler) (extent, error) {
	if scaler.Kind == dataset.UnitScaling && data.Largest > 0 {
		return extent{figure.Range{High: data.Largest}, figure.Range{High: 1}}, nil
	}
	inf := float32(math.Inf(1))
	e := extent{figure.Range{Low: inf, High: -inf}, figure.Range{Low: inf, High: -inf}}
	for x := range rows(ctx, data.Samples) {
		include(&e.raw, x)
		scaler.Apply(x)
		include(&e.scaled, x)
	}
	if data.Largest > 0 {
		e.raw = figure.Range{High: data.Largest}
	}
	return e, ctx.Err()
}

func include(r *figure.Range, x []float32) {
	for _, v := range x {
		r.Low, r.High = min(r.Low, v), max(r.High, v)
	}
}

// isUnit reports whether all scaled values are from 0 to 1, but for rounding.
func (e extent) isUnit() bool { return e.scaled.Low >= 0 && e.scaled.High <= 1+1e-6 }
