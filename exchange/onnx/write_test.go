package onnx_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/exchange"
	"hourglass/exchange/internal/models"
	"hourglass/exchange/internal/peer"
	"hourglass/exchange/onnx"
	"hourglass/nn"
	"hourglass/tensor"
)

const batch = 3

// samples returns values for inputs of a shape.
func samples(t testing.TB, shape tensor.Shape) tensor.Tensor {
	t.Helper()
	return models.Samples(t, batch, shape)
}

// all returns all models that are written.
func all(t testing.TB) []models.Model {
	return slices.Concat(models.Recipes(t), models.EveryLayer(t), models.Scaled(t))
}

// TestEveryLayer asks for a model to test each layer's writer with.
func TestEveryLayer(t *testing.T) {
	models.WantEveryKind(t, models.EveryLayer(t))
}

// TestOnnxRuntime runs what is written in ONNX Runtime, all parts of it, with channels last
// and first, in the oldest and the newest opset: the outputs are ours.
func TestOnnxRuntime(t *testing.T) {
	peer.WantOnnxRuntime(t)
	dir := t.TempDir()
	var jobs []peer.Job
	var names, paths []string
	var want []tensor.Tensor
	for _, m := range all(t) {
		for i, part := range exchange.Parts() {
			if part == exchange.Decoder && m.AE.Decoder().Complete() != nil {
				continue // it joins what the encoder taps
			}
			in, out := through(t, m.AE, part)
			for _, opset := range []int{onnx.MinOpset, onnx.DefaultOpset, onnx.MaxOpset} {
				first := opset == onnx.MaxOpset
				if opset != onnx.DefaultOpset && i > 0 {
					continue
				}
				name := fmt.Sprintf("%s-%s-%d", m.Name, part, opset)
				path := filepath.Join(dir, name+".onnx")
				if err := onnx.WriteFile(path, m.AE, onnx.Options{Part: part, Opset: opset, ChannelsFirst: first}); err != nil {
					t.Fatal(err)
				}
				x, y := in, out
				if first {
					x, y = channelsFirst(x), channelsFirst(y)
				}
				jobs = append(jobs, peer.Job{Model: path, Input: x, Labels: models.Labels(m.AE, batch)})
				names, want = append(names, name), append(want, y)
				if opset < onnx.MaxOpset { // newer than Debian's checker
					paths = append(paths, path)
				}
			}
		}
	}
	t.Run("checker", func(t *testing.T) { peer.CheckONNX(t, paths...) })
	t.Run("outputs", func(t *testing.T) {
		for i, got := range peer.OnnxRuntime(t, jobs) {
			compare(t, names[i], got, want[i])
		}
	})
}

var update = flag.Bool("update", false, "write the golden files anew, with the tools they come from")

// written is the golden file of what is written: the digest of the graph, and the first
// numbers that ONNX Runtime made of it. It stands in for ONNX Runtime where there is none.
type written struct {
	Graph  string    `json:"graph"`
	Output []float32 `json:"output"`
}

const (
	writtenFile = "testdata/written.json" // made by TestWritten itself, with -update
	recorded    = 6                       // numbers of every output
)

// TestWritten holds the graphs against those that ONNX Runtime ran when the golden file was
// made, and our outputs against its.
func TestWritten(t *testing.T) {
	golden := map[string]written{}
	list := all(t)
	if *update {
		recordWritten(t, list)
	}
	text, err := os.ReadFile(writtenFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		want, ok := golden[m.Name]
		if !ok {
			t.Errorf("%s is not in %s; make it anew: go test ./exchange/onnx -run TestWritten -update", m.Name, writtenFile)
			continue
		}
		if got := graphDigest(t, m); got != want.Graph {
			t.Errorf("%s: another graph is written than ONNX Runtime has run; if it should be, go test ./exchange/onnx -run TestWritten -update", m.Name)
		}
		_, y := through(t, m.AE, exchange.Whole)
		n := min(recorded, len(y.Data))
		compare(t, m.Name, tensor.Tensor{Shape: tensor.Shape{n}, Data: y.Data[:n]}, tensor.Tensor{Shape: tensor.Shape{n}, Data: want.Output})
	}
}

// recordWritten runs models in ONNX Runtime.
func recordWritten(t *testing.T, list []models.Model) {
	golden, dir := map[string]written{}, t.TempDir()
	var jobs []peer.Job
	for _, m := range list {
		path := filepath.Join(dir, m.Name+".onnx")
		if err := onnx.WriteFile(path, m.AE, onnx.Options{}); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, peer.Job{Model: path, Input: samples(t, m.AE.Encoder().Input()), Labels: models.Labels(m.AE, batch)})
	}
	for i, y := range peer.OnnxRuntime(t, jobs) {
		golden[list[i].Name] = written{graphDigest(t, list[i]), y.Data[:min(recorded, len(y.Data))]}
	}
	text, err := json.MarshalIndent(golden, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(writtenFile, append(text, '\n'), 0o666); err != nil {
		t.Fatal(err)
	}
}

// graphDigest returns the SHA-256 of the graph that is written for a model.
func graphDigest(t *testing.T, m models.Model) string {
	t.Helper()
	raw, err := onnx.GraphBytes(m.AE, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(raw))
}

// through returns inputs of a part and its outputs.
func through(t testing.TB, ae *hourglass.Autoencoder, part exchange.Part) (x, y tensor.Tensor) {
	t.Helper()
	var err error
	given := ae.Given(models.Labels(ae, batch)...)
	switch part {
	case exchange.Encoder:
		x = samples(t, ae.Encoder().Input())
		y, err = given.Encode(x)
	case exchange.Decoder:
		x = samples(t, ae.Decoder().Input())
		y, err = given.Decode(x)
	default:
		x = samples(t, ae.Encoder().Input())
		y, err = given.Reconstruct(x)
	}
	if err != nil {
		t.Fatal(err)
	}
	return x, y
}

// channelsFirst puts the channels of images in front.
func channelsFirst(x tensor.Tensor) tensor.Tensor {
	if len(x.Shape) != 4 {
		return x
	}
	n, h, w, c := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	y := tensor.New(n, c, h, w)
	for i := range n {
		for p := range h * w {
			for k := range c {
				y.Data[(i*c+k)*h*w+p] = x.Data[(i*h*w+p)*c+k]
			}
		}
	}
	return y
}

// compare wants the same shape, and values that differ by no more than 1e-5 of the
// wanted one or of the array's largest.
func compare(t testing.TB, name string, got, want tensor.Tensor) {
	t.Helper()
	if !got.Shape.Equal(want.Shape) || len(got.Data) != len(want.Data) {
		t.Errorf("%s: shape %v, want %v", name, got.Shape, want.Shape)
		return
	}
	for i, w := range want.Data {
		if d := got.Data[i] - w; !(d <= 1e-5*max(1, w) && -d <= 1e-5*max(1, -w)) {
			t.Errorf("%s: value %d is %v, want %v", name, i, got.Data[i], w)
			return
		}
	}
}

// The same model gives the same bytes.
func TestWriteRepeats(t *testing.T) {
	ae := models.Recipes(t)[2].AE
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := onnx.Write(w, ae, onnx.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same model was written differently")
	}
}

// The metadata has the thresholds of the training's scores, and the names of classes.
func TestMetadata(t *testing.T) {
	ae := models.Around(t, tensor.Shape{4}, nn.Dense{Units: 2})
	if err := ae.LearnScores(t.Context(), dataset.Array{Tensor: samples(t, tensor.Shape{4})}); err != nil {
		t.Fatal(err)
	}
	if err := ae.SetRecord(map[string]any{"classes": []string{"shirt", "shoe"}}); err != nil {
		t.Fatal(err)
	}
	threshold, err := ae.Threshold(0.99)
	if err != nil {
		t.Fatal(err)
	}
	got := onnx.Metadata(ae, onnx.Options{})
	for key, want := range map[string]string{"hourglass.classes": `["shirt","shoe"]`, "hourglass.threshold.0.99": fmt.Sprint(threshold),
		"hourglass.architecture": "input 4 > dense 2 | flatten > dense 4 > reshape 4", "hourglass.channels": "last"} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	ae := models.Around(t, tensor.Shape{4}, nn.Dense{Units: 2})
	for want, o := range map[string]onnx.Options{
		`part "code", want one of`:  {Part: "code"},
		"opset 12, want 13 to 21":   {Opset: 12},
		"opset 1000, want 13 to 21": {Opset: 1000},
	} {
		err := onnx.Write(new(bytes.Buffer), ae, o)
		if err == nil || !strings.HasPrefix(err.Error(), "onnx: write: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}
