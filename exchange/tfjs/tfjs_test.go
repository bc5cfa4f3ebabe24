package tfjs_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/architecture"
	"hourglass/exchange/internal/models"
	"hourglass/exchange/internal/peer"
	"hourglass/exchange/tfjs"
	"hourglass/tensor"
)

// Models that TensorFlow.js has saved give its outputs here.
func TestReadTensorFlowJS(t *testing.T) {
	lines := map[string]string{
		"dense":         "input 4x3x1 > flatten > dense 5 relu > dropout 0.2 > dense 2 selu | dense 5 elu > dense 12 sigmoid > reshape 4x3x1",
		"nested":        "input 6 > dense 5 tanh > dense 4 | dense 3 softplus > dense 6",
		"recurrent":     "input 5x3 > lstm 4 return_sequences > gru 2 reset_before | repeat_vector 5 > bidirectional (simple_rnn 3 return_sequences) > time_distributed (dense 3)",
		"convolutional": "",
		"conditional":   "input 6 > condition 3 2 > dense 4 tanh > dense 2 | condition 3 2 > dense 6 > column_activation classes:6",
		"told":          "input 4x3 > condition 3 2 > dense 2 | condition 3 2 > dense 3",
		"functional":    "",
		"branches": "input 4x6x2 > conv2d 3 3x3 relu padding=same > tap skip1 > residual (conv2d 3 3x3 padding=same) activation=elu > max_pooling2d 2x2 > " +
			"parallel (separable_conv2d 2 3x3 padding=same depth_multiplier=2) (depthwise_conv2d 3x3 tanh padding=same) | conv2d_transpose 3 2x2 strides=2 > join skip1 > conv2d 2 3x3 padding=same",
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
		got, err := ae.Given(m.Labels...).Reconstruct(m.In)
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

// refused says which layers TensorFlow.js has no way for, in a part of their line.
var refused = []string{"gelu_tanh", "hard_sigmoid", "hard_silu", "output_padding", "gru", "bidirectional (conv", "time_distributed (conv", "interpolation=bilinear", "multi_head_attention", "vector_quantizer", "tied second selu > residual"}

// What is written runs in TensorFlow.js, and is read again with the same bits. What is not
// is an error that names the layer and what would do.
func TestWrite(t *testing.T) {
	list := slices.Concat(models.Recipes(t), models.EveryLayer(t), models.Scaled(t))
	models.WantEveryKind(t, list)
	dir := t.TempDir()
	var jobs []peer.Job
	var want []tensor.Tensor
	var names []string
	for _, m := range list {
		line := architecture.Format(m.AE.Encoder().Layers(), m.AE.Decoder().Layers())
		path := filepath.Join(dir, m.Name+".json")
		if err := tfjs.WriteFile(path, m.AE); err != nil {
			if !slices.ContainsFunc(refused, func(part string) bool { return strings.Contains(line, part) }) || !strings.Contains(err.Error(), "export it to ONNX instead") {
				t.Errorf("%s: %v\n%s", m.Name, err, line)
			}
			continue
		}
		x := models.Samples(t, 3, m.AE.Encoder().Input())
		y := models.Reconstruct(t, m.AE, x)
		jobs, want, names = append(jobs, peer.Job{Model: path, Input: x, Labels: models.Labels(m.AE, x.Len())}), append(want, y), append(names, m.Name)
		again, err := tfjs.ReadFile(path)
		if err != nil {
			t.Errorf("%s: %v\n%s", m.Name, err, line)
			continue
		}
		if again.Classes() != m.AE.Classes() {
			t.Errorf("%s: labels of %d classes are read, want %d", m.Name, again.Classes(), m.AE.Classes())
			continue
		}
		got := models.Reconstruct(t, again, x)
		compare(t, m.Name+", read again", got, y)
		if read := architecture.Format(again.Encoder().Layers(), again.Decoder().Layers()); read == line && !slices.Equal(got.Data, y.Data) {
			t.Errorf("%s: other numbers come out of the same layers", m.Name)
		} else if read != line {
			t.Logf("%s:\nwritten %s\nread    %s", m.Name, line, read)
		}
	}
	t.Run("outputs", func(t *testing.T) {
		for i, got := range peer.TensorFlowJS(t, jobs) {
			compare(t, names[i], got, want[i])
		}
	})
}

// A U-Net is cut at its smallest values, with all its skips across the cut.
func TestReadNestedSkips(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.json")
	if err := tfjs.WriteFile(path, models.Parsed(t, models.NestedSkips)); err != nil {
		t.Fatal(err)
	}
	got, err := tfjs.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if line := architecture.Format(got.Encoder().Layers(), got.Decoder().Layers()); line != models.NestedSkips {
		t.Errorf("read as\n%s\nwant\n%s", line, models.NestedSkips)
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

// Whatever a file says, reading it ends with a model that works or an error.
func FuzzRead(f *testing.F) {
	saved, dir := filepath.Join("..", "internal", "peer", "testdata", "tfjs"), f.TempDir()
	for _, name := range []string{"dense", "convolutional", "recurrent", "nested", "functional", "branches", "conditional", "told"} {
		text, err := os.ReadFile(filepath.Join(saved, name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		weights, err := os.ReadFile(filepath.Join(saved, name+".bin"))
		if err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".bin"), weights, 0o666); err != nil {
			f.Fatal(err)
		}
	}
	path := filepath.Join(dir, "model.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		ae, err := tfjs.ReadFile(path)
		if err != nil || ae.Encoder().Input().Size() > 1<<16 {
			return
		}
		models.Reconstruct(t, ae, models.Samples(t, 1, ae.Encoder().Input()))
	})
}
