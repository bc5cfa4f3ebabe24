package modelfile_test

import (
	"context"
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/tensor"
)

// releases holds a folder for every release, with model files that it wrote and what
// it made of them. They must load, and give that, for ever.
const releases = "testdata/releases"

var newRelease = flag.String("release", "", "write the golden models of a new `version`")

// golden is what a model made of some samples.
type golden struct {
	Shape          tensor.Shape `json:"shape"` // of the samples
	Samples        []float32    `json:"samples"`
	Codes          []float32    `json:"codes"`
	Reconstruction []float32    `json:"reconstruction"`
	Scores         []float64    `json:"scores"`
	Threshold      *float64     `json:"threshold"` // at 0.99
}

// architectures are small models of each family.
func architectures() map[string][2]nn.Layers {
	return map[string][2]nn.Layers{
		"dense": {
			{nn.Input{5}, nn.GaussianNoise{Stddev: 0.1}, nn.Dense{Units: 4, Activation: nn.SELU}, nn.LayerNormalization{}, nn.Dropout{Rate: 0.5}, nn.Dense{Units: 2, Activation: nn.Tanh}},
			{nn.Dense{Units: 4, Activation: nn.ReLU}, nn.Dense{Units: 5}},
		},
		"convolutional": {
			{nn.Input{8, 8, 1}, nn.Conv2D{Filters: 3, Kernel: [2]int{3, 3}, Padding: nn.Same}, nn.BatchNormalization{}, nn.Activation{Func: nn.ELU}, nn.MaxPooling2D{}},
			{nn.Conv2DTranspose{Filters: 1, Kernel: [2]int{3, 3}, Strides: [2]int{2, 2}, Padding: nn.Same, Activation: nn.Tanh}},
		},
		"recurrent": {
			{nn.Input{6, 2}, nn.LSTM{Units: 3, ReturnSequences: true}, nn.GRU{Units: 3}},
			{nn.RepeatVector{Times: 6}, nn.Bidirectional{Layer: nn.SimpleRNN{Units: 2, ReturnSequences: true}}, nn.TimeDistributed{Layer: nn.Dense{Units: 2}}},
		},
	}
}

func TestReleases(t *testing.T) {
	if *newRelease != "" {
		writeRelease(t, filepath.Join(releases, *newRelease))
	}
	files, err := filepath.Glob(filepath.Join(releases, "*", "*.safetensors"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no golden models (%v)", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file[:len(file)-len(".safetensors")] + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var want golden
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		ae, err := hourglass.Load(file)
		if err != nil {
			t.Errorf("a model of an earlier release does not load: %v", err)
			continue
		}
		got := answers(t, ae, tensor.Tensor{Shape: want.Shape, Data: want.Samples})
		// Kernels in plain Go round a little differently from those in assembly.
		if !near(got.Codes, want.Codes) || !near(got.Reconstruction, want.Reconstruction) || !near(got.Scores, want.Scores) ||
			!near([]float64{*got.Threshold}, []float64{*want.Threshold}) {
			t.Errorf("%s gives other results than when it was written", file)
		}
	}
}

func near[T float32 | float64](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > 1e-5*(1+math.Abs(float64(b[i]))) {
			return false
		}
	}
	return true
}

func answers(t *testing.T, ae *hourglass.Autoencoder, x tensor.Tensor) golden {
	t.Helper()
	codes, err := ae.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	y, err := ae.Reconstruct(x)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := ae.Score(x)
	if err != nil {
		t.Fatal(err)
	}
	threshold, err := ae.Threshold(0.99)
	if err != nil {
		t.Fatal(err)
	}
	return golden{x.Shape, x.Data, codes.Data, y.Data, scores, &threshold}
}

// writeRelease trains the models for a moment and writes them and their answers.
func writeRelease(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, layers := range architectures() {
		ae, err := hourglass.New(layers[0], layers[1])
		if err != nil {
			t.Fatal(err)
		}
		x := tensor.New(append(tensor.Shape{200}, ae.Encoder().Input()...)...)
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range x.Data {
			x.Data[i] = float32(math.Round(rng.NormFloat64()*1e3) / 1e2)
		}
		source, ctx := dataset.Array{Tensor: x}, context.Background()
		scaler, err := dataset.FitScaler(ctx, dataset.StandardScaling, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := ae.SetScaler(scaler); err != nil {
			t.Fatal(err)
		}
		if _, err := ae.Fit(ctx, source, hourglass.Epochs(3)); err != nil {
			t.Fatal(err)
		}
		if err := ae.LearnScores(ctx, source); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := ae.SaveRecord(path+".safetensors", map[string]string{"dataset": "noise"}); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(answers(t, ae, x.Slice(0, 2)))
		if err == nil {
			err = os.WriteFile(path+".json", append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
