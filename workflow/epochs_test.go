package workflow

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/pca"
	"hourglass/run"
	"hourglass/tensor"
	"hourglass/train"
)

func TestEpochsFollowFromTheSteps(t *testing.T) {
	for _, c := range []struct {
		name                     string
		samples                  int
		given                    TrainOptions
		epochs, patience, cosine int
	}{
		{"few samples", 160, TrainOptions{}, 1000, 100, 0},
		{"some", 3200, TrainOptions{}, 50, 5, 0},
		{"many", 54000, TrainOptions{}, 20, 5, 0},
		{"epochs given", 160, TrainOptions{Epochs: 7}, 7, 0, 0},
		{"both given", 160, TrainOptions{Epochs: 70, Patience: 3}, 70, 3, 0},
		{"patience given", 160, TrainOptions{Patience: 3}, 1000, 3, 0},
		{"larger batches", 160, TrainOptions{BatchSize: 160, Schedule: train.Cosine{}}, 5000, 500, 5000},
		{"a schedule of its own", 160, TrainOptions{Schedule: train.Cosine{Epochs: 9}}, 1000, 100, 9},
	} {
		data := &dataset.Data{Samples: dataset.Array{Tensor: tensor.New(c.samples, 2)}}
		s := &session{TrainOptions: c.given, data: data, parts: dataset.Parts{Train: data}}
		s.setDefaults()
		s.setEpochs()
		cosine, _ := s.Schedule.(train.Cosine)
		if s.Epochs != c.epochs || s.Patience != c.patience || cosine.Epochs != c.cosine {
			t.Errorf("%s: %d epochs, patience %d, a cosine of %d; want %d, %d, %d", c.name, s.Epochs, s.Patience, cosine.Epochs, c.epochs, c.patience, c.cosine)
		}
	}
}

// curved are samples of four values that follow from one, bent out of every line.
func curved(n int) *dataset.Data {
	x := tensor.New(n, 4)
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		copy(x.Row(i), []float32{float32(math.Sin(a)), float32(math.Cos(a)), float32(math.Sin(2 * a)), float32(math.Cos(2 * a))})
	}
	return &dataset.Data{Path: "curved", Format: dataset.FormatNPY, Samples: dataset.Array{Tensor: x}}
}

// With the defaults a network does better than any linear code of the same size, also on
// few samples; twenty epochs are not enough for that.
func TestDefaultsTrainEnough(t *testing.T) {
	var log bytes.Buffer
	m, err := Train(context.Background(), curved(150), TrainOptions{Validation: 0.1, Seed: 1, Baseline: true, Options: run.Options{Out: t.TempDir(), Log: &log}})
	if err != nil {
		t.Fatal(err)
	}
	b := m.Baseline
	if b == nil || b.Components != 1 || b.Part != "validation" || !strings.Contains(log.String(), "validation mean squared error with 1 numbers a sample: autoencoder ") {
		t.Fatalf("baseline %+v\n%s", b, &log)
	}
	if b.AutoencoderMSE > 0.5*b.PCAMSE || m.BestEpoch < 100 {
		t.Errorf("autoencoder %v, PCA %v, best epoch %d; want half the error after hundreds of epochs", b.AutoencoderMSE, b.PCAMSE, m.BestEpoch)
	}
	// Scaled to deviation 1, no direction holds more than a quarter of the variance.
	if b.PCAMSE < 0.6 || b.PCAMSE > 0.95 {
		t.Errorf("PCA with one component leaves %v, want about three quarters", b.PCAMSE)
	}
}

// The baseline is what package pca says of the scaled samples.
func TestBaselineIsPCA(t *testing.T) {
	data := curved(60)
	m, err := Train(context.Background(), data, TrainOptions{Codes: 2, Epochs: 1, Scale: dataset.NoScaling, Seed: 1, Baseline: true, Options: run.Options{Out: t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	x := data.Samples.(dataset.Array).Tensor
	p, err := pca.Fit(x, 2)
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.ReconstructionError(x, 2)
	if err != nil || m.Baseline.Part != "training" || math.Abs(m.Baseline.PCAMSE-want) > 1e-6 {
		t.Errorf("baseline %+v (error %v), want %v on the training part", m.Baseline, err, want)
	}
}
