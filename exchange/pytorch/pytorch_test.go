package pytorch_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/architecture"
	"hourglass/exchange/internal/models"
	"hourglass/exchange/internal/peer"
	"hourglass/exchange/pytorch"
	"hourglass/nn"
	"hourglass/tensor"
)

// lines are the architectures of the modules that pytorch.py saves.
var lines = map[string]string{
	"lecture-sigmoid-13": "input 36 > dense 16 sigmoid > dense 8 sigmoid | dense 16 sigmoid > dense 36 sigmoid",
	"lecture-relu":       "input 6x6x1 > flatten > dense 12 relu > dense 4 relu | dense 12 relu > dense 36 sigmoid > reshape 6x6x1",
	"convolutional": "input 8x8x3 > zero_padding2d 1,0,1,0 > conv2d 4 3x3 relu strides=2 > zero_padding2d 1,0,1,0 > conv2d 6 3x3 relu strides=2 > flatten > dense 5 | " +
		"dense 24 relu > reshape 2x2x6 > conv2d_transpose 4 3x3 relu strides=2 output_padding=1 > cropping2d 1 > conv2d_transpose 3 4x4 sigmoid strides=2 padding=same",
	"batch-norm-1d": "input 9 > dense 7 > batch_normalization momentum=0.9 epsilon=1e-05 > activation selu > dense 3 | batch_normalization momentum=0.9 epsilon=1e-05 > dense 9 tanh",
	"gru":           "input 5x4 > gru 3 return_sequences > gru 3 | repeat_vector 5 > gru 3 return_sequences > dense 4",
	"lstm-state":    "input 5x4 > lstm 3 | repeat_vector 5 > lstm 3 return_sequences > dense 4 sigmoid",
	"bidirectional": "input 5x4 > bidirectional (gru 3 return_sequences) > dense 2 tanh | dense 4",
	"group-norm": "input 6x6x3 > conv2d 8 3x3 padding=same > group_normalization 4 epsilon=1e-05 > activation gelu > zero_padding2d 1,0,1,0 > conv2d 2 3x3 strides=2 | " +
		"group_normalization 1 epsilon=1e-05 > activation silu > conv2d_transpose 3 4x4 strides=2 padding=same",
	"residual": "input 6x6x2 > conv2d 4 3x3 padding=same > residual (conv2d 4 3x3 padding=same > batch_normalization epsilon=1e-05 > activation relu > conv2d 4 3x3 padding=same) activation=relu > " +
		"residual (zero_padding2d 1,0,1,0 > conv2d 2 3x3 gelu strides=2) projection=(conv2d 2 1x1 strides=2) | conv2d_transpose 2 2x2 strides=2",
}

// Modules that PyTorch has saved give PyTorch's outputs here.
func TestReadPyTorch(t *testing.T) {
	read := 0
	for _, m := range peer.PyTorchModels(t) {
		line, ok := lines[m.Name]
		if !ok {
			continue
		}
		if m.In.Shape[1] == 784 { // the lecture's program in full
			line = "input 784 > dense 256 sigmoid > dense 128 sigmoid | dense 256 sigmoid > dense 784 sigmoid"
		} else if m.Name == "lecture-relu" && m.In.Shape[2] == 28 {
			line = "input 28x28x1 > flatten > dense 64 relu > dense 16 relu | dense 64 relu > dense 784 sigmoid > reshape 28x28x1"
		}
		encoder, decoder, err := architecture.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		ae, err := pytorch.ReadFile(m.Path(".pt"), encoder, decoder)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		x, want := m.In, m.Out
		if len(x.Shape) == 4 {
			x, want = channelsLast(x), channelsLast(want)
		}
		got, err := ae.Reconstruct(x)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want.Data {
			if d := math.Abs(float64(got.Data[i] - w)); !(d <= 1e-5*math.Max(1, math.Abs(float64(w)))) {
				t.Errorf("%s: value %d is %v, want %v", m.Name, i, got.Data[i], w)
				break
			}
		}
		read++
	}
	if read != len(lines) {
		t.Errorf("%d of %d modules were read", read, len(lines))
	}
}

func channelsLast(x tensor.Tensor) tensor.Tensor {
	n, c, size := x.Shape[0], x.Shape[1], x.Shape[2]*x.Shape[3]
	y := tensor.New(n, x.Shape[2], x.Shape[3], c)
	for i := range n {
		for k := range c {
			for p := range size {
				y.Data[(i*size+p)*c+k] = x.Data[(i*c+k)*size+p]
			}
		}
	}
	return y
}

// written are autoencoders to write: each recipe, each layer and those of lines.
func written(t *testing.T) []models.Model {
	t.Helper()
	list := slices.Concat(models.Recipes(t), models.EveryLayer(t))
	for name, line := range lines {
		list = append(list, models.Model{Name: "line-" + name, AE: models.Parsed(t, line)})
	}
	return list
}

// What is written is read again with the same bits.
func TestRoundTrip(t *testing.T) {
	list := written(t)
	models.WantEveryKind(t, list)
	for _, m := range list {
		state, err := pytorch.StateDict(m.AE)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		again, err := hourglass.New(m.AE.Encoder().Layers(), m.AE.Decoder().Layers())
		if err != nil {
			t.Fatal(err)
		}
		if err := pytorch.Fill(again, state); err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		if slices.ContainsFunc(m.AE.Encoder().Layers(), func(l nn.Layer) bool { return nn.Kind(l) == "Adversary" }) {
			continue // whose discriminator a state dict does without
		}
		if !slices.Equal(again.Network().Weights(), m.AE.Network().Weights()) {
			t.Errorf("%s: other weights were read than written", m.Name)
		}
	}
}

// A layer that is tied to one whose outputs become an image is refused by name.
func TestWriteRefuses(t *testing.T) {
	_, err := pytorch.StateDict(models.Parsed(t, "input 4 > named wide (dense 12) > reshape 2x2x3 > conv2d 2 2x2 | dense 12 > tied wide"))
	if err == nil || !strings.Contains(err.Error(), "layer decoder.1.tied (Tied)") || !strings.Contains(err.Error(), "export it to ONNX instead") {
		t.Errorf("got error %v", err)
	}
}

// Written modules give the same outputs in PyTorch.
func TestPyTorchRunsModules(t *testing.T) {
	dir := t.TempDir()
	var jobs []peer.Job
	var want []tensor.Tensor
	var names []string
	for _, m := range append(written(t), models.Scaled(t)...) {
		path := filepath.Join(dir, strings.ReplaceAll(m.Name, "-", "_")+".safetensors")
		if err := pytorch.WriteFile(path, m.AE); err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		x := models.Samples(t, 3, m.AE.Encoder().Input())
		y := models.Reconstruct(t, m.AE, x)
		jobs = append(jobs, peer.Job{Model: path, Input: channelsFirst(x), Labels: models.Labels(m.AE, x.Len())})
		want, names = append(want, channelsFirst(y)), append(names, m.Name)
	}
	for i, got := range peer.PyTorch(t, jobs) {
		for k, w := range want[i].Data {
			if d := math.Abs(float64(got.Data[k] - w)); !(d <= 1e-5*math.Max(1, math.Abs(float64(w)))) || !got.Shape.Equal(want[i].Shape) {
				t.Errorf("%s: shape %v, value %d is %v, want %v, %v", names[i], got.Shape, k, got.Data[k], want[i].Shape, w)
				break
			}
		}
	}
}

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

// Nothing that a pickle names is called, and what it claims is bounded by what is there.
func TestHostilePickles(t *testing.T) {
	for want, code := range map[string]string{
		`calls "os.system"`:       "cos\nsystem\nX\x04\x00\x00\x00true\x85R.",
		"instruction 0x69":        "i.",
		"ends within a value":     "X\xff\xff\xff\xffabc",
		"was not noted":           "h\x07.",
		"takes a value that is":   "a.",
		"has no dictionary":       "K\x01.",
		"no tensor":               "}X\x01\x00\x00\x00aK\x01s.",
		"goes back to a mark":     "t.",
		"has no storage":          "}X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x009X\x03\x00\x00\x00cpuK\x04tQK\x00K\x02\x85K\x01\x85tRs.",
		"another way than PyTorc": "ctorch._utils\n_rebuild_tensor_v2\n)R.",
	} {
		path := filepath.Join(t.TempDir(), "model.pt")
		if err := os.WriteFile(path, zipped(t, []byte(code)), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := pytorch.ReadState(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want %q", code, err, want)
		}
	}
}

// zipped returns a file of torch.save with a pickle in it.
func zipped(t testing.TB, pickle []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("model/data.pkl")
	if err != nil {
		t.Fatal(err)
	}
	f.Write(pickle)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzReadState(f *testing.F) {
	raw, err := os.ReadFile(filepath.Join("..", "internal", "peer", "testdata", "pytorch", "gru.pt"))
	if err != nil {
		f.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		f.Fatal(err)
	}
	r, err := z.Open("gru/data.pkl")
	if err != nil {
		f.Fatal(err)
	}
	var pickle bytes.Buffer
	pickle.ReadFrom(r)
	f.Add(pickle.Bytes())
	f.Fuzz(func(t *testing.T, pickle []byte) {
		path := filepath.Join(t.TempDir(), "model.pt")
		if err := os.WriteFile(path, zipped(t, pickle), 0o666); err != nil {
			t.Fatal(err)
		}
		pytorch.ReadState(path)
	})
}

// Whatever a file of safetensors says, its tensors have the values that their shapes want, and
// none of them costs more memory than the file.
func FuzzReadSafetensors(f *testing.F) {
	ae := models.Parsed(f, "input 4 > dense 3 tanh > dense 2 | dense 4")
	path := filepath.Join(f.TempDir(), "model.safetensors")
	if err := pytorch.WriteFile(path, ae); err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	headers := []string{
		`{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"I64","shape":[],"data_offsets":[4,12]}}`,
		`{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`,
		`{"a":{"dtype":"BF16","shape":[0,1152921504606846976,16],"data_offsets":[8,0]}}`,
	}
	for _, header := range headers {
		file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		f.Add(append(append(file, header...), make([]byte, 16)...))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		state, err := pytorch.ReadState(path)
		if err != nil {
			return
		}
		values := 0
		for _, tensor := range state {
			if len(tensor.Values) != tensor.Shape.Size() {
				t.Errorf("tensor %q of shape %v has %d values", tensor.Name, tensor.Shape, len(tensor.Values))
			}
			values += len(tensor.Values)
		}
		if values > len(raw)/2 {
			t.Errorf("%d values in a file of %d bytes", values, len(raw))
		}
		pytorch.Fill(ae, state)
	})
}
