package workflow

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"hourglass"
	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/run"
	"hourglass/tensor"
)

// kindLines are architectures of every sort, for samples of 8×4.
var kindLines = map[string]string{
	"dense":         "flatten > dense 12 selu > dense 3 | dense 12 selu > dense 32 sigmoid > reshape 8x4",
	"convolutional": "reshape 8x4x1 > conv2d 3 3 relu padding=same > maxpooling2d > flatten > dense 3 | dense 24 relu > reshape 4x2x3 > conv2d_transpose 1 2 sigmoid strides=2 > reshape 8x4",
	"recurrent":     "lstm 6 return_sequences > lstm 3 | repeat_vector 8 > gru 6 return_sequences > time_distributed (dense 4 sigmoid)",
}

// Every kind is made of dense, convolutional and recurrent architectures alike, learns, and is
// what a line of layers says.
func TestKindsOfEveryArchitecture(t *testing.T) {
	data := labelledSeries(t, 24)
	for sort, line := range kindLines {
		for _, name := range KindNames() {
			encoder, decoder, err := architecture.ParseFor(tensor.Shape{8, 4}, line)
			if err != nil {
				t.Fatalf("%s: %v", sort, err)
			}
			d := design{encoder: encoder, decoder: decoder, shape: tensor.Shape{8, 4}, samples: data.Len(), classes: 3, epochs: 3}
			err = makeKind(name, &d)
			if name == "tied" && sort == "recurrent" {
				if err == nil || !strings.Contains(err.Error(), "Dense layers") {
					t.Errorf("%s %s: error %v", sort, name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s %s: %v", sort, name, err)
				continue
			}
			if d.loss == nil {
				d.loss = loss.BinaryCrossEntropy{}
			}
			ae, err := hourglass.New(d.encoder, d.decoder)
			if err != nil {
				t.Errorf("%s %s: %v", sort, name, err)
				continue
			}
			codes := map[string]int{"vq-vae": 12}
			unchanged := name == "robust" || name == "greedy"
			if ae.Encoder().Output().Size() != cmp.Or(codes[name], 3) || architecture.Format(encoder, decoder) == architecture.Format(d.encoder, d.decoder) && !unchanged {
				t.Errorf("%s %s: codes of shape %v; nothing has changed: %v", sort, name, ae.Encoder().Output(), d.encoder)
			}
			options := []hourglass.FitOption{hourglass.Epochs(2), hourglass.BatchSize(8), hourglass.Loss(d.loss), hourglass.Threads(2)}
			for group, optimizer := range d.optimizers {
				options = append(options, hourglass.OptimizerFor(group, optimizer))
			}
			for penalty, schedule := range d.penalties {
				options = append(options, hourglass.Penalty(penalty, schedule))
			}
			if _, err := ae.Fit(context.Background(), data, options...); err != nil {
				t.Errorf("%s %s: %v", sort, name, err)
			}
			formatted := architecture.Format(d.encoder, d.decoder)
			if e, _, err := architecture.ParseFor(tensor.Shape{8, 4}, formatted); err != nil || architecture.Format(e, d.decoder) != formatted {
				t.Errorf("%s %s: %s reads as another, %v", sort, name, formatted, err)
			}
		}
	}
}

// labelledSeries are samples of 8×4 of three classes.
func labelledSeries(t *testing.T, n int) dataset.Source {
	t.Helper()
	labels := make([]int, n)
	for i := range labels {
		labels[i] = i % 3
	}
	face, err := dataset.ClassLabels(labels)
	if err != nil {
		t.Fatal(err)
	}
	data := dataset.Array{Tensor: tensor.Tensor{Shape: tensor.Shape{n, 8, 4}, Data: golden.Values(5, n*32, 0, 1)}}
	labelled, err := dataset.With(data, dataset.Labels, face)
	if err != nil {
		t.Fatal(err)
	}
	return labelled
}

func TestKindRefusals(t *testing.T) {
	single := nn.Layers{nn.Input{4}, nn.Dense{Units: 2}}
	for want, d := range map[string]design{
		"at least 2":                        {encoder: single},
		"more Dense layers than the enc":    {encoder: single, decoder: nn.Layers{nn.Dense{Units: 3}, nn.Dense{Units: 4}}},
		"the encoder has 1 Dense layers an": {encoder: single, decoder: nn.Layers{nn.Flatten{}}},
		"no labels":                         {encoder: single, decoder: nn.Layers{nn.Dense{Units: 4}}, shape: tensor.Shape{4}},
		"mirrors":                           {encoder: single, decoder: nn.Layers{nn.Dense{Units: 4}}, shape: tensor.Shape{4}},
	} {
		name := "tied"
		switch want {
		case "at least 2":
			name = "hashing"
		case "no labels":
			name = "conditional-vae"
		case "mirrors":
			name = "unet"
		}
		if err := makeKind(name, &d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := makeKind("vea", &design{}); err == nil || !strings.Contains(err.Error(), `"vae"`) {
		t.Errorf("error %v, want a guess", err)
	}
}

// Training a kind on one's own data judges it and draws the plane of its codes.
func TestTrainKind(t *testing.T) {
	out := t.TempDir()
	data := &dataset.Data{Samples: dataset.Array{Tensor: tensor.Tensor{Shape: tensor.Shape{40, 8, 4}, Data: golden.Values(5, 40*32, 0, 1)}}, Path: "own.npy"}
	m, err := Train(context.Background(), data, TrainOptions{Kind: "beta-vae", Codes: 2, Scale: dataset.MinMaxScaling, Validation: 0.25, Epochs: 2, Options: run.Options{Out: out}})
	if err != nil {
		t.Fatal(err)
	}
	if m.Likelihood == nil || !(m.Likelihood.LogLikelihood < 0) || m.ActiveUnits == nil || m.Kind != "beta-vae" {
		t.Errorf("likelihood %v, active units %v, kind %q", m.Likelihood, m.ActiveUnits, m.Kind)
	}
	if m.Epochs.Series("capacity") == nil {
		t.Error("no capacity in the history")
	}
}

// Kinds that are more than layers: they have trainings, optimisers or labels of their own.
func TestTrainKindsBeyondLayers(t *testing.T) {
	labels := make([]int, 12)
	for i := range labels {
		labels[i] = i % 2
	}
	for kind, series := range map[string]string{"greedy": "", "adversarial": "discriminator", "conditional-vae": "kl", "vq-vae": "perplexity", "unet": ""} {
		data := &dataset.Data{Samples: dataset.Array{Tensor: tensor.Tensor{Shape: tensor.Shape{12, 8, 4}, Data: golden.Values(5, 12*32, 0, 1)}},
			Path: "own.npy", Labels: labels, Classes: []string{"a", "b"}}
		out := t.TempDir()
		m, err := Train(context.Background(), data, TrainOptions{Kind: kind, Codes: 2, Scale: dataset.MinMaxScaling, Validation: 0.25, Epochs: 2, Options: run.Options{Out: out}})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if series != "" && m.Epochs.Series(series) == nil {
			t.Errorf("%s: no %s in the history", kind, series)
		}
		if stages := len(m.Stages); (stages == 2) != (kind == "greedy") {
			t.Errorf("%s: %d stages", kind, stages)
		}
		if _, err := OpenModel(filepath.Join(out, run.ModelFile)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestSideOfPatches(t *testing.T) {
	for n, want := range map[int]int{28: 4, 32: 4, 8: 1, 64: 8, 140: 20, 7: 1, 1: 1, 13: 1} {
		if got := side(n, 7); got != want {
			t.Errorf("of %d values patches have %d, want %d", n, got, want)
		}
	}
}
