package tfjs_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/exchange/internal/peer"
	"hourglass/exchange/tfjs"
	"hourglass/internal/golden"
	"hourglass/nn"
	"hourglass/recipe"
	"hourglass/tensor"
)

// Models that TensorFlow.js has saved give its outputs here.
func TestReadTensorFlowJS(t *testing.T) {
	lines := map[string]string{
		"dense":         "input 4x3x1 > flatten > dense 5 relu > dropout 0.2 > dense 2 selu | dense 5 elu > dense 12 sigmoid > reshape 4x3x1",
		"nested":        "input 6 > dense 5 tanh > dense 4 | dense 3 softplus > dense 6",
		"recurrent":     "input 5x3 > lstm 4 return_sequences > gru 2 reset_before | repeat_vector 5 > bidirectional (simple_rnn 3 return_sequences) > time_distributed (dense 3)",
		"convolutional": "",
		"functional":    "",
	}
	for _, m := range peer.TensorFlowModels(t) {
		ae, err := tfjs.ReadFile(m.Path(".json"))
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		if got := architecture.Format(ae.Encoder().Layers(), ae.Decoder().Layers()); lines[m.Name] != "" && got != lines[m.Name] {
			t.Errorf("%s: got %s, want %s", m.Name, got, lines[m.Name])
		}
		got, err := ae.Reconstruct(m.In)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, m.Name, got, m.Out)
		delete(lines, m.Name)
	}
	if len(lines) > 0 {
		t.Errorf("not read: %v", lines)
	}
}

func compare(t *testing.T, name string, got, want tensor.Tensor) {
	t.Helper()
	if !got.Shape.Equal(want.Shape) {
		t.Errorf("%s: shape %v, want %v", name, got.Shape, want.Shape)
		return
	}
	for i, w := range want.Data {
		if d := math.Abs(float64(got.Data[i] - w)); !(d <= 1e-5*math.Max(1, math.Abs(float64(w)))) {
			t.Errorf("%s: value %d is %v, want %v", name, i, got.Data[i], w)
			return
		}
	}
}

// filled returns an autoencoder with weights that are the same everywhere.
func filled(t *testing.T, encoder, decoder nn.Layers) *hourglass.Autoencoder {
	t.Helper()
	ae, err := hourglass.New(encoder, decoder)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range ae.Network().Arrays() {
		lo, hi := -0.3, 0.3
		if strings.HasSuffix(a.Name, "variance") {
			lo, hi = 0.5, 2
		}
		copy(a.Values, golden.Values(uint64(i+1), len(a.Values), lo, hi))
	}
	return ae
}

// What is written runs in TensorFlow.js, and is read again with the same bits.
func TestWrite(t *testing.T) {
	models := map[string]*hourglass.Autoencoder{}
	for _, r := range recipe.All() {
		models[r.Name] = filled(t, r.Encoder, r.Decoder)
	}
	for name, line := range map[string]string{
		"layers": "input 8x6x2 > conv2d 3 3x2 leaky_relu strides=2 padding=same > batch_normalization > prelu shared_axes=1,2 > average_pooling2d 2x2 > flatten > layer_normalization > dense 4 gelu | " +
			"dense 12 mish > reshape 3x4 > permute 2,1 > conv1d 4 3 padding=same silu > bidirectional (lstm 2 return_sequences) > gru 3 reset_before > dense 96 > reshape 8x6x2",
		"images": "input 8x6x2 > max_pooling2d 3x2 strides=2 padding=same > zero_padding2d 1,0,2,0 > conv2d 2 2x2 > global_average_pooling2d | dense 24 > reshape 4x3x2 > up_sampling2d 1x2 > conv2d_transpose 2 3x3 strides=2 padding=same > cropping2d 0,0,3,3 > named last (conv2d 2 1x1 selu)",
	} {
		encoder, decoder, err := architecture.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		models[name] = filled(t, encoder, decoder)
	}
	scaled := filled(t, nn.Layers{nn.Input{4}, nn.Dense{Units: 2}}, nn.Layers{nn.Dense{Units: 4}})
	if err := scaled.SetScaler(&dataset.Scaler{Kind: dataset.StandardScaling, Offset: []float32{1, 2, 3, 4}, Scale: []float32{1, 0.5, 2, 3}}); err != nil {
		t.Fatal(err)
	}
	models["scaled"] = scaled
	dir := t.TempDir()
	var jobs []peer.Job
	var want []tensor.Tensor
	var names []string
	for name, ae := range models {
		path := filepath.Join(dir, name+".json")
		if err := tfjs.WriteFile(path, ae); err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		in := ae.Encoder().Input()
		x, err := tensor.FromSlice(golden.Values(7, 3*in.Size(), -1, 1), append([]int{3}, in...)...)
		if err != nil {
			t.Fatal(err)
		}
		y, err := ae.Reconstruct(x)
		if err != nil {
			t.Fatal(err)
		}
		jobs, want, names = append(jobs, peer.Job{Model: path, Input: x}), append(want, y), append(names, name)
		again, err := tfjs.ReadFile(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name != "scaled" && !slices.Equal(again.Network().Weights(), ae.Network().Weights()) {
			t.Errorf("%s: other weights were read than written", name)
		}
	}
	if len(jobs) < 12 {
		t.Errorf("only %d models were written", len(jobs))
	}
	for i, got := range peer.TensorFlowJS(t, jobs) {
		compare(t, names[i], got, want[i])
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`[]`: "not a layers model",
		`{"modelTopology":{"class_name":"Sequential"}}`: "it has no layers",
		`{"modelTopology":{"class_name":"Sequential","config":{"layers":[{"class_name":"Dense","config":{"name":"a","units":3}}]}}}`:                                     "shape of a sample is not known",
		`{"modelTopology":{"class_name":"Sequential","config":{"layers":[{"class_name":"Conv3D","config":{"name":"a","batch_input_shape":[null,3]}}]}}}`:                 `layer "a" (Conv3D): there is no such layer here`,
		`{"modelTopology":{"class_name":"Sequential","config":{"layers":[{"class_name":"Dense","config":{"name":"a","units":3,"batch_input_shape":[null,3]}}]}}}`:        "its kernel has 0 values, want 9",
		`{"weightsManifest":[{"paths":["../../etc/passwd"],"weights":[]}]}`:                                                                                              "want a file beside the model",
		`{"modelTopology":{"class_name":"Sequential","config":{"layers":[{"class_name":"Dense","config":{"name":"a","activation":"x","batch_input_shape":[null,3]}}]}}}`: `unknown activation "x"`,
	} {
		path := filepath.Join(t.TempDir(), "model.json")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := tfjs.ReadFile(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"dense", "convolutional", "recurrent", "nested", "functional"} {
		text, err := os.ReadFile(filepath.Join("..", "internal", "peer", "testdata", "tfjs", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "model.json")
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		tfjs.ReadFile(path)
	})
}
