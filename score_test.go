package hourglass_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/modelfile"
	"hourglass/tensor"
	"hourglass/train"
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

func TestThresholdIsAQuantileOfTheScores(t *testing.T) {
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
	// Between the 1,981st and the next.
	high := scores[1980] + 0.98*(scores[1981]-scores[1980])
	for q, want := range map[float64]float64{0: scores[0], 0.5: scores[1000], 0.99: high, 1: scores[2000]} {
		if got, err := ae.Threshold(q); err != nil || math.Abs(got-want) > 1e-12*want {
			t.Errorf("Threshold(%v) = %v, %v, want %v", q, got, err, want)
		}
	}
	if n := ae.ThresholdSamples(); n != 2001 {
		t.Errorf("learned from %d samples, want 2001", n)
	}
	for _, q := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := ae.Threshold(q); err == nil {
			t.Errorf("Threshold(%v) was accepted", q)
		}
	}
}

// What was learned for some weights and some scaling is not kept for others.
func TestThresholdsDoNotOutliveTheWeights(t *testing.T) {
	ctx, data := context.Background(), wave(50)
	scaler, err := dataset.FitScaler(ctx, dataset.MinMaxScaling, data, 0)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*hourglass.Autoencoder) error{
		"Init":      func(ae *hourglass.Autoencoder) error { ae.Init(7); return nil },
		"SetScaler": func(ae *hourglass.Autoencoder) error { return ae.SetScaler(scaler) },
		"no scaler": func(ae *hourglass.Autoencoder) error { return ae.SetScaler(nil) },
		"Fit": func(ae *hourglass.Autoencoder) error {
			_, err := ae.Fit(ctx, data, hourglass.Epochs(1))
			return err
		},
	} {
		ae := newSmall(t)
		if err := ae.LearnScores(ctx, data); err != nil {
			t.Fatal(err)
		}
		if err := change(ae); err != nil {
			t.Fatal(err)
		}
		if _, err := ae.Threshold(0.5); err == nil || ae.ThresholdSamples() != 0 {
			t.Errorf("%s left the threshold", what)
		}
	}
}

// Files from before the number of samples was recorded have the quantiles alone.
func TestThresholdOfOlderFiles(t *testing.T) {
	ae := newSmall(t)
	if err := ae.LearnScores(context.Background(), wave(50)); err != nil {
		t.Fatal(err)
	}
	want, err := ae.Threshold(0.25)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model")
	if err := ae.Save(path); err != nil {
		t.Fatal(err)
	}
	m, err := modelfile.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var learned struct {
		Samples   int
		Quantiles json.RawMessage
	}
	if err := json.Unmarshal(m.Scores, &learned); err != nil || learned.Samples != 50 {
		t.Fatalf("the file says %d samples, %v", learned.Samples, err)
	}
	write := func(scores string) (*hourglass.Autoencoder, error) {
		m.Scores = json.RawMessage(scores)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := modelfile.Write(f, m); err != nil {
			t.Fatal(err)
		}
		return hourglass.Load(path)
	}
	if ae, err = write(string(learned.Quantiles)); err != nil {
		t.Fatal(err)
	}
	if got, err := ae.Threshold(0.25); err != nil || got != want || ae.ThresholdSamples() != 0 {
		t.Errorf("an older file's threshold is %v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"[1,2]", `{"samples":3,"quantiles":[1]}`, `"no"`, `{"samples":-1,"quantiles":` + string(learned.Quantiles) + "}"} {
		if _, err := write(bad); err == nil {
			t.Errorf("scores %.30s were accepted", bad)
		}
	}
}

// Samples that are not numbers have no codes: the first one is named, wherever it is.
func TestInferenceRefusesNaN(t *testing.T) {
	ctx, ae := context.Background(), newSmall(t)
	for name, value := range map[string]float64{"NaN": math.NaN(), "+Inf": math.Inf(1)} {
		for _, at := range []int{0, 63, 64, 299} {
			x := wave(300)
			x.Row(at)[5], x.Row(299)[7] = float32(value), float32(value)
			_, encode := ae.Encode(x.Tensor)
			_, encodeAll := ae.EncodeAll(ctx, x)
			_, reconstruct := ae.Reconstruct(x.Tensor)
			_, score := ae.Score(x.Tensor)
			_, scoreAll := ae.ScoreAll(ctx, x)
			_, evaluate := ae.Evaluate(ctx, x, loss.MeanSquaredError{})
			var stream error
			for _, err := range ae.EncodeSeq(func(yield func([]float32) bool) {
				for i := range x.Len() {
					if !yield(x.Row(i)) {
						return
					}
				}
			}) {
				stream = err
			}
			for what, err := range map[string]error{"encode": encode, "encode all": encodeAll, "reconstruct": reconstruct,
				"score": score, "score all": scoreAll, "evaluate": evaluate, "stream": stream} {
				var s *train.SampleError
				if want := fmt.Sprintf("sample %d: value 5 is %s, want a finite number", at, name); !errors.As(err, &s) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: error %v, want %s", what, err, want)
				}
			}
		}
	}
	codes := tensor.New(1, 3)
	codes.Data[2] = float32(math.NaN())
	if _, err := ae.Decode(codes); err == nil || err.Error() != "hourglass: decode: sample 0: value 2 is NaN, want a finite number" {
		t.Errorf("decode: error %v", err)
	}
	bytes := wave(20)
	for i := range bytes.Data {
		bytes.Data[i] *= 255
	}
	if _, err := ae.Fit(ctx, bytes); err == nil || !strings.Contains(err.Error(), "want 0 to 1 for the loss binary_crossentropy") {
		t.Errorf("Fit with a cross-entropy on bytes: error %v", err)
	}
}

// bomb is a source that panics.
type bomb struct{ dataset.Array }

func (bomb) Read([]float32, []int) error { panic("boom") }

func TestPanicsInSources(t *testing.T) {
	ctx, ae, source := context.Background(), newSmall(t), bomb{wave(300)}
	_, fit := ae.Fit(ctx, source)
	_, evaluate := ae.Evaluate(ctx, source, loss.MeanSquaredError{})
	_, encode := ae.EncodeAll(ctx, source)
	_, score := ae.ScoreAll(ctx, source)
	for what, err := range map[string]error{"fit": fit, "evaluate": evaluate, "encode": encode, "score": score, "learn": ae.LearnScores(ctx, source)} {
		var p *train.PanicError
		if !errors.As(err, &p) || p.Value != "boom" || !strings.Contains(err.Error(), "panic in hourglass_test.bomb.Read (score_test.go:") {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

// Everything that does not change an autoencoder may be called at once; the race detector
// watches. What was learned and set before is seen by all.
func TestConcurrentUse(t *testing.T) {
	ctx, ae, data := context.Background(), newSmall(t), wave(200)
	scaler, err := dataset.FitScaler(ctx, dataset.MinMaxScaling, data, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := ae.SetScaler(scaler); err != nil {
		t.Fatal(err)
	}
	if err := ae.LearnScores(ctx, data); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var running sync.WaitGroup
	for i := range 4 {
		running.Go(func() {
			for range 3 {
				_, encode := ae.Encode(data.Tensor)
				_, encodeAll := ae.EncodeAll(ctx, data)
				_, reconstruct := ae.Reconstruct(data.Tensor)
				_, decode := ae.Decode(tensor.New(70, 3))
				_, score := ae.Score(data.Tensor)
				_, threshold := ae.Threshold(0.5)
				_, evaluate := ae.Evaluate(ctx, data, loss.MeanSquaredError{})
				save := ae.Save(filepath.Join(dir, fmt.Sprint(i)))
				if err := errors.Join(encode, encodeAll, reconstruct, decode, score, threshold, evaluate, save); err != nil {
					t.Error(err)
				}
				_, _, _, _ = ae.Summary(), ae.Scaler(), ae.Record(), ae.ThresholdSamples()
			}
		})
	}
	running.Wait()
}
