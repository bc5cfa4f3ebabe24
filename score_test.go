package hourglass_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/tensor"
)

// An autoencoder with a scaler must do with raw data what one without does with
// scaled data, and give back raw data.
func TestScalerIsAppliedAndUndone(t *testing.T) {
	ctx := context.Background()
	raw := wave(40)
	for i := range raw.Data {
		raw.Data[i] = 500 + 1000*raw.Data[i]
	}
	scaler, err := dataset.FitScaler(ctx, dataset.MinMaxScaling, raw, 0)
	if err != nil {
		t.Fatal(err)
	}
	scaled := dataset.Array{Tensor: tensor.New(40, 8)}
	copy(scaled.Data, raw.Data)
	scaler.Apply(scaled.Data)

	outer, inner := newSmall(t), newSmall(t)
	if err := outer.SetScaler(scaler); err != nil {
		t.Fatal(err)
	}
	for ae, data := range map[*hourglass.Autoencoder]dataset.Array{outer: raw, inner: scaled} {
		if _, err := ae.Fit(ctx, data, hourglass.Epochs(3), hourglass.Validation(data)); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(outer.Network().Weights(), inner.Network().Weights()) {
		t.Error("Fit did not scale its data")
	}
	path := filepath.Join(t.TempDir(), "model")
	if err := outer.Save(path); err != nil {
		t.Fatal(err)
	}
	if outer, err = hourglass.Load(path); err != nil {
		t.Fatal(err)
	}
	type call struct {
		name string
		do   func(ae *hourglass.Autoencoder, x tensor.Tensor) (tensor.Tensor, error)
		undo bool
	}
	for _, c := range []call{
		{"Encode", (*hourglass.Autoencoder).Encode, false},
		{"Reconstruct", (*hourglass.Autoencoder).Reconstruct, true},
	} {
		got, err := c.do(outer, raw.Tensor)
		if err != nil {
			t.Fatal(err)
		}
		want, err := c.do(inner, scaled.Tensor)
		if err != nil {
			t.Fatal(err)
		}
		if c.undo {
			scaler.Undo(want.Data)
		}
		if !slices.Equal(got.Data, want.Data) {
			t.Errorf("%s did not scale", c.name)
		}
	}
	got, err := outer.Score(raw.Tensor)
	if err != nil {
		t.Fatal(err)
	}
	want, err := inner.Score(scaled.Tensor)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Error("Score did not scale")
	}
	outerLoss, err := outer.Evaluate(ctx, raw, loss.MeanSquaredError{})
	if err != nil {
		t.Fatal(err)
	}
	var mean float64
	for _, s := range want {
		mean += s / float64(len(want))
	}
	if math.Abs(outerLoss.Loss-mean) > 1e-7 {
		t.Errorf("Evaluate gives an error of %v, want %v", outerLoss.Loss, mean)
	}
	if err := outer.SetScaler(&dataset.Scaler{Kind: dataset.MinMaxScaling, Offset: []float32{1}, Scale: []float32{1}}); err == nil {
		t.Error("a scaler for other samples was accepted")
	}
}

func TestThresholdIsAQuantileOfTheTrainingScores(t *testing.T) {
	ctx, ae := context.Background(), newSmall(t)
	if _, err := ae.Threshold(0.5); err == nil || !strings.Contains(err.Error(), "has not learned") {
		t.Errorf("before learning: error %v", err)
	}
	data := wave(2001)
	if err := ae.LearnScores(ctx, data); err != nil {
		t.Fatal(err)
	}
	scores, err := ae.ScoreAll(ctx, data)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(scores)
	path := filepath.Join(t.TempDir(), "model")
	if err := ae.Save(path); err != nil {
		t.Fatal(err)
	}
	if ae, err = hourglass.Load(path); err != nil {
		t.Fatal(err)
	}
	for q, want := range map[float64]float64{0: scores[0], 0.5: scores[1000], 0.99: scores[1980], 1: scores[2000]} {
		if got, err := ae.Threshold(q); err != nil || got != want {
			t.Errorf("Threshold(%v) = %v, %v, want %v", q, got, err, want)
		}
	}
	for _, q := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := ae.Threshold(q); err == nil {
			t.Errorf("Threshold(%v) was accepted", q)
		}
	}
}
