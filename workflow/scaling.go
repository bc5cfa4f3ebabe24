package workflow

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/metric"
)

// extent is what the training data's values lie between.
type extent struct {
	raw, scaled figure.Range
}

// measure finds the extent of samples before and after scaling; that of unsigned
// integers follows from what they were found to be divided by.
func (s *session) measure(ctx context.Context, scaler *dataset.Scaler) (extent, error) {
	if scaler.Kind == dataset.UnitScaling && s.data.Largest > 0 && s.Divisor == 0 {
		return extent{figure.Range{High: scaler.Scale[0]}, figure.Range{High: 1}}, nil
	}
	inf := float32(math.Inf(1))
	e := extent{figure.Range{Low: inf, High: -inf}, figure.Range{Low: inf, High: -inf}}
	var failed error
	for x := range rows(ctx, s.parts.Train.Samples, &failed) {
		include(&e.raw, x)
		scaler.Apply(x)
		include(&e.scaled, x)
	}
	return e, cmp.Or(failed, ctx.Err())
}

func include(r *figure.Range, x []float32) {
	for _, v := range x {
		r.Low, r.High = min(r.Low, v), max(r.High, v)
	}
}

// isUnit reports whether all scaled values are from 0 to 1, but for rounding.
func (e extent) isUnit() bool { return e.scaled.Low >= 0 && e.scaled.High <= 1+1e-6 }

// pixels is the range from black to white of images with these values.
func (e extent) pixels(typeLargest float32) figure.Range {
	if typeLargest == 0 {
		return e.raw
	}
	return figure.Range{High: dataset.UnitDivisor(typeLargest, e.raw.High)}
}

// fitScaler learns the scaling from the samples for training, or takes the divisor
// given.
func (s *session) fitScaler(ctx context.Context) (*dataset.Scaler, error) {
	if s.from != nil && s.from.Scaler() != nil {
		return s.from.Scaler(), nil
	}
	if s.Divisor == 0 && hasSteps(s.data) {
		return dataset.FitStepScaler(ctx, s.Scale, s.parts.Train.Samples, s.data.Largest)
	}
	if s.data.Schema != nil && s.Divisor == 0 {
		return dataset.FitColumnScaler(ctx, s.Scale, s.parts.Train.Samples, s.data.Schema)
	}
	if s.Divisor == 0 {
		return dataset.FitScaler(ctx, s.Scale, s.parts.Train.Samples, s.data.Largest)
	}
	if s.Scale != dataset.UnitScaling {
		return nil, fmt.Errorf("workflow: scaling %q and a number to divide by, %v; want one of them", s.Scale, s.Divisor)
	}
	scaler := &dataset.Scaler{Kind: s.Scale, Scale: []float32{s.Divisor}}
	return scaler, scaler.Validate(s.data.Shape().Size())
}

// describeScaling says in words what becomes of the values, and of which.
func describeScaling(s *dataset.Scaler, e extent, typeLargest float32) string {
	what := "values"
	switch typeLargest {
	case 1:
		what = "truth values"
	case math.MaxUint8:
		what = "bytes"
	case math.MaxUint16:
		what = "integers of 16 bits"
	}
	text := fmt.Sprintf("%s from %v to %v: ", what, e.raw.Low, e.raw.High)
	switch s.Kind {
	case dataset.UnitScaling:
		return text + fmt.Sprintf("divided by %v", s.Scale[0])
	case dataset.StandardScaling:
		return text + "each brought to mean 0 and deviation 1"
	case dataset.MinMaxScaling:
		return text + "each brought to 0 to 1"
	}
	return text + "taken as they are"
}

// defaultMetric is what is reported of a network beside its loss. The accuracy of
// rounded values is for what may be thought of as black and white: values that one
// number has brought to 0 to 1.
func defaultMetric(kind dataset.Scaling, e extent, sigmoid bool) metric.Metric {
	if sigmoid && e.isUnit() && (kind == dataset.UnitScaling || kind == dataset.NoScaling) {
		return metric.RoundedAccuracy{}
	}
	return metric.MeanAbsoluteError{}
}

// checkMetrics refuses metrics that say nothing of such values.
func (s *session) checkMetrics(e extent) error {
	for _, m := range s.Metrics {
		if _, ok := m.(metric.RoundedAccuracy); ok && !e.isUnit() {
			return fmt.Errorf("workflow: the metric %s wants values from 0 to 1, but scaled by %q those of %s are from %v to %v; want mae or mse, or the scaling %q",
				m.Name(), s.Scale, s.data.Path, e.scaled.Low, e.scaled.High, dataset.MinMaxScaling)
		}
	}
	return nil
}
