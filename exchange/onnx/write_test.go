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
	"hourglass/exchange/internal/peer"
	"hourglass/exchange/onnx"
	"hourglass/internal/golden"
	"hourglass/nn"
	"hourglass/recipe"
	"hourglass/tensor"
)

// filled returns an autoencoder with weights that are the same on every platform.
func filled(t testing.TB, encoder, decoder nn.Layers) *hourglass.Autoencoder {
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

// around returns an autoencoder with a layer in its encoder.
func around(t testing.TB, in tensor.Shape, layers ...nn.Layer) *hourglass.Autoencoder {
	t.Helper()
	return filled(t, append(nn.Layers{nn.Input(in)}, layers...), nn.Layers{nn.Flatten{}, nn.Dense{Units: in.Size()}, nn.Reshape(in)})
}

// model is an autoencoder to write.
type model struct {
	name string
	ae   *hourglass.Autoencoder
}

// everyLayer has each layer of nn and each activation, some in several ways.
func everyLayer(t testing.TB) []model {
	image, sequence, vector := tensor.Shape{7, 6, 3}, tensor.Shape{5, 4}, tensor.Shape{6}
	var models []model
	add := func(in tensor.Shape, layers ...nn.Layer) {
		kind := nn.Kind(layers[0])
		models = append(models, model{fmt.Sprintf("%02d-%s", len(models), kind), around(t, in, layers...)})
	}
	for fn := nn.Linear; ; fn++ {
		if _, err := fn.MarshalText(); err != nil {
			break
		}
		add(vector, nn.Dense{Units: 5, Activation: fn})
	}
	add(vector, nn.Activation{Func: nn.LeakyReLU, Slope: 0.05})
	add(vector, nn.Dense{Units: 5, NoBias: true})
	add(image, nn.Dense{Units: 5, Activation: nn.Tanh})
	add(image, nn.Activation{Func: nn.Tanh})
	add(vector, nn.GaussianNoise{Stddev: 0.5}, nn.Dropout{Rate: 0.5}, nn.Dense{Units: 2})
	add(image, nn.Flatten{}, nn.Reshape{3, 42}, nn.Permute{2, 1})
	add(image, nn.Permute{3, 1, 2}, nn.Conv2D{Filters: 2, Kernel: nn.Square(2)})
	add(image, nn.BatchNormalization{})
	add(vector, nn.BatchNormalization{Epsilon: 1e-5, Momentum: 0.9})
	add(sequence, nn.BatchNormalization{})
	add(image, nn.Conv2D{Filters: 2, Kernel: nn.Square(2)}, nn.Flatten{}, nn.BatchNormalization{}, nn.Dense{Units: 3})
	add(image, nn.LayerNormalization{})
	add(sequence, nn.LayerNormalization{Epsilon: 1e-5})
	for _, padding := range []nn.Padding{nn.Valid, nn.Same} {
		add(image, nn.Conv2D{Filters: 4, Kernel: nn.Pair{3, 2}, Strides: nn.Pair{2, 1}, Padding: padding, Activation: nn.SELU})
		add(image, nn.Conv2D{Filters: 4, Kernel: nn.Square(2), Dilation: nn.Pair{2, 3}, Padding: padding, NoBias: true})
		add(sequence, nn.Conv1D{Filters: 3, Kernel: 2, Strides: 2, Padding: padding})
		add(image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Pair{3, 4}, Strides: nn.Pair{2, 3}, Padding: padding})
		add(image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Pair{2, 1}, Strides: nn.Pair{3, 2}, Padding: padding, Activation: nn.ReLU})
		add(image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: padding, OutputPadding: &nn.Pair{1, 0}})
		add(sequence, nn.Conv1DTranspose{Filters: 3, Kernel: 3, Strides: 2, Padding: padding})
		add(image, nn.MaxPooling2D{Pool: nn.Pair{3, 2}, Strides: nn.Square(2), Padding: padding})
		add(image, nn.AveragePooling2D{Pool: nn.Pair{3, 2}, Strides: nn.Square(2), Padding: padding})
	}
	add(image, nn.MaxPooling2D{})
	add(image, nn.GlobalAveragePooling2D{}, nn.Dense{Units: 2})
	add(image, nn.UpSampling2D{Size: nn.Pair{2, 3}})
	add(image, nn.ZeroPadding2D{Padding: nn.Margins{Top: 1, Bottom: 2, Left: 3, Right: 0}})
	add(image, nn.Cropping2D{Cropping: nn.Margins{Top: 1, Bottom: 2, Left: 3, Right: 0}})
	for _, sequences := range []bool{false, true} {
		for _, l := range []nn.Layer{
			nn.SimpleRNN{Units: 3, ReturnSequences: sequences}, nn.LSTM{Units: 3, ReturnSequences: sequences},
			nn.GRU{Units: 3, ReturnSequences: sequences}, nn.GRU{Units: 3, ReturnSequences: sequences, ResetBefore: true}, nn.LSTM{Units: 3, ReturnSequences: sequences, NoBias: true},
		} {
			add(sequence, l)
			add(sequence, nn.Bidirectional{Layer: l})
		}
	}
	add(sequence, nn.LSTM{Units: 3, ReturnSequences: true}, nn.GRU{Units: 2})
	add(sequence, nn.Bidirectional{Layer: nn.Conv1D{Filters: 2, Kernel: 2, Padding: nn.Same}})
	add(sequence, nn.Bidirectional{Layer: nn.Conv1D{Filters: 2, Kernel: 2}})
	add(vector, nn.RepeatVector{Times: 3}, nn.GRU{Units: 4, ReturnSequences: true}, nn.TimeDistributed{Layer: nn.Dense{Units: 2, Activation: nn.Sigmoid}})
	add(tensor.Shape{2, 6, 5, 3}, nn.TimeDistributed{Layer: nn.Conv2D{Filters: 2, Kernel: nn.Square(3)}})
	add(vector, nn.Dense{Units: 24, Activation: nn.ReLU}, nn.Reshape{4, 3, 2}, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(2)})
	add(tensor.Shape{4, 4, 8}, nn.GroupNormalization{Groups: 4})
	add(sequence, nn.GroupNormalization{Groups: -1, Epsilon: 1e-5})
	add(image, nn.PReLU{SharedAxes: []int{1, 2}})
	add(vector, nn.PReLU{})
	add(sequence, nn.PositionEmbedding{})
	add(sequence, nn.PositionEmbedding{Sinusoidal: true})
	add(tensor.Shape{3, 2, 8}, nn.PixelShuffle{Factor: 2})
	add(image, nn.UpSampling2D{Size: nn.Pair{2, 3}, Interpolation: nn.Bilinear})
	conv := func(filters int) nn.Layer {
		return nn.Conv2D{Filters: filters, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.ReLU}
	}
	add(image, nn.Residual{Layers: nn.Layers{conv(2), conv(3)}, Activation: nn.ReLU})
	add(image, nn.Residual{Layers: nn.Layers{conv(2)}, Projection: nn.Layers{nn.Conv2D{Filters: 2, Kernel: nn.Square(1)}}})
	add(vector, nn.Dense{Units: 4}, nn.Residual{Layers: nn.Layers{nn.LayerNormalization{}, nn.Dense{Units: 4, Activation: nn.GELU}}})
	add(sequence, nn.Residual{Layers: nn.Layers{nn.LSTM{Units: 4, ReturnSequences: true}}})
	add(image, nn.Parallel{Branches: []nn.Layers{{}, {conv(2)}, {nn.MaxPooling2D{}, nn.UpSampling2D{}, nn.ZeroPadding2D{Padding: nn.Margins{Bottom: 1}}}}})
	add(vector, nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 3}}, {nn.Dense{Units: 3, Activation: nn.Tanh}}}, Merge: nn.Multiply})
	add(image, nn.Tap{Name: "skip"}, conv(4), nn.Join{Name: "skip"}, conv(3), nn.Join{Name: "skip", Merge: nn.Add})
	add(image, nn.Named{Name: "first", Layer: conv(2)}, nn.Frozen{Layer: nn.Dense{Units: 3}})
	add(image, nn.Regularized{Layer: nn.Dense{Units: 3}, L2: 0.1}, nn.ActivityRegularization{L2: 0.1}, nn.Activation{Func: nn.Sigmoid}, nn.KLRegularization{Target: 0.1, Weight: 0.1})
	add(vector, nn.MaskingNoise{Rate: 0.1}, nn.SaltAndPepperNoise{Rate: 0.1}, nn.Dense{Units: 2}, nn.MMDRegularization{Weight: 1})
	add(vector, nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 2}}, {nn.Dense{Units: 2}}}}, nn.Sampling{Weight: 1})
	add(image, nn.Named{Name: "block", Layer: nn.Residual{Layers: nn.Layers{nn.Named{Name: "inner", Layer: conv(3)}}}})
	return append(models, model{"unet", filled(t,
		nn.Layers{nn.Input{8, 8, 1}, conv(2), nn.Tap{Name: "a"}, nn.MaxPooling2D{}, conv(3)},
		nn.Layers{nn.UpSampling2D{}, nn.Join{Name: "a"}, conv(1)})})
}

// TestEveryLayer asks for a writer, and a model to test it with, for each layer there is.
func TestEveryLayer(t *testing.T) {
	tested := ""
	for _, m := range everyLayer(t) {
		text, err := json.Marshal(nn.Layers(slices.Concat(m.ae.Encoder().Layers(), m.ae.Decoder().Layers())))
		if err != nil {
			t.Fatal(err)
		}
		tested += string(text)
	}
	// Layers that are refused by name, in every format.
	refused := []string{"DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "MultiHeadAttention", "Tied"}
	for _, kind := range nn.Kinds() {
		if slices.Contains(refused, kind) {
			continue
		}
		if !strings.Contains(tested, `"layer":"`+kind+`"`) && kind != "Input" {
			t.Errorf("no model with the layer %s is written", kind)
		}
	}
}

// recipes returns the lecture's systems.
func recipes(t testing.TB) []model {
	var models []model
	for _, r := range recipe.Lecture() {
		models = append(models, model{r.Name, filled(t, r.Encoder, r.Decoder)})
	}
	return models
}

// scaled returns autoencoders that scale their data.
func scaled(t testing.TB) []model {
	var models []model
	for _, kind := range dataset.Scalings() {
		for _, in := range []tensor.Shape{{6}, {4, 3, 2}} {
			ae := around(t, in, nn.Activation{Func: nn.Tanh})
			samples, err := tensor.FromSlice(golden.Values(9, 5*in.Size(), -3, 8), append([]int{5}, in...)...)
			if err != nil {
				t.Fatal(err)
			}
			s, err := dataset.FitScaler(t.Context(), kind, dataset.Array{Tensor: samples}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := ae.SetScaler(s); err != nil {
				t.Fatal(err)
			}
			models = append(models, model{fmt.Sprintf("scaled-%s-%d", kind, len(in)), ae})
		}
	}
	return models
}

const batch = 3

// samples returns values for inputs of a shape.
func samples(t testing.TB, shape tensor.Shape) tensor.Tensor {
	t.Helper()
	x, err := tensor.FromSlice(golden.Values(99, batch*shape.Size(), -1, 1), append([]int{batch}, shape...)...)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestOnnxRuntime runs what is written in ONNX Runtime, all parts of it, with channels last
// and first, in the oldest and the newest opset: the outputs are ours.
func TestOnnxRuntime(t *testing.T) {
	dir := t.TempDir()
	var jobs []peer.Job
	var names, paths []string
	var want []tensor.Tensor
	for _, m := range append(append(recipes(t), everyLayer(t)...), scaled(t)...) {
		for i, part := range exchange.Parts() {
			for _, opset := range []int{onnx.MinOpset, onnx.DefaultOpset, onnx.MaxOpset} {
				first := opset == onnx.MaxOpset
				if opset != onnx.DefaultOpset && i > 0 {
					continue
				}
				name := fmt.Sprintf("%s-%s-%d", m.name, part, opset)
				if part == exchange.Decoder && m.ae.Decoder().Complete() != nil {
					continue // it joins what the encoder taps
				}
				path := filepath.Join(dir, name+".onnx")
				if err := onnx.WriteFile(path, m.ae, onnx.Options{Part: part, Opset: opset, ChannelsFirst: first}); err != nil {
					t.Fatal(err)
				}
				x, y := through(t, m.ae, part)
				if first {
					x, y = channelsFirst(x), channelsFirst(y)
				}
				jobs = append(jobs, peer.Job{Model: path, Input: x})
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
	models := append(append(recipes(t), everyLayer(t)...), scaled(t)...)
	if *update {
		recordWritten(t, models)
	}
	text, err := os.ReadFile(writtenFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for _, m := range models {
		want, ok := golden[m.name]
		if !ok {
			t.Errorf("%s is not in %s; make it anew: go test ./exchange/onnx -run TestWritten -update", m.name, writtenFile)
			continue
		}
		if got := graphDigest(t, m); got != want.Graph {
			t.Errorf("%s: another graph is written than ONNX Runtime has run; if it should be, go test ./exchange/onnx -run TestWritten -update", m.name)
		}
		_, y := through(t, m.ae, exchange.Whole)
		n := min(recorded, len(y.Data))
		compare(t, m.name, tensor.Tensor{Shape: tensor.Shape{n}, Data: y.Data[:n]}, tensor.Tensor{Shape: tensor.Shape{n}, Data: want.Output})
	}
}

// recordWritten runs models in ONNX Runtime.
func recordWritten(t *testing.T, models []model) {
	golden, dir := map[string]written{}, t.TempDir()
	var jobs []peer.Job
	for _, m := range models {
		path := filepath.Join(dir, m.name+".onnx")
		if err := onnx.WriteFile(path, m.ae, onnx.Options{}); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, peer.Job{Model: path, Input: samples(t, m.ae.Encoder().Input())})
	}
	for i, y := range peer.OnnxRuntime(t, jobs) {
		golden[models[i].name] = written{graphDigest(t, models[i]), y.Data[:min(recorded, len(y.Data))]}
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
func graphDigest(t *testing.T, m model) string {
	t.Helper()
	raw, err := onnx.GraphBytes(m.ae, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(raw))
}

// through returns inputs of a part and its outputs.
func through(t testing.TB, ae *hourglass.Autoencoder, part exchange.Part) (x, y tensor.Tensor) {
	t.Helper()
	var err error
	switch part {
	case exchange.Encoder:
		x = samples(t, ae.Encoder().Input())
		y, err = ae.Encode(x)
	case exchange.Decoder:
		x = samples(t, ae.Decoder().Input())
		y, err = ae.Decode(x)
	default:
		x = samples(t, ae.Encoder().Input())
		y, err = ae.Reconstruct(x)
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
	ae := recipes(t)[2].ae
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

func TestWriteRefuses(t *testing.T) {
	ae := around(t, tensor.Shape{4}, nn.Dense{Units: 2})
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
