package c99_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hourglass"
	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/exchange/c99"
	"hourglass/internal/golden"
	"hourglass/nn"
	"hourglass/recipe"
	"hourglass/tensor"
)

// runner reads samples from the standard input and writes reconstructions.
const runner = `
#include <stdio.h>

int main(void)
{
    static float x[HOURGLASS_INPUT], y[HOURGLASS_OUTPUT];
    while (fread(x, sizeof x, 1, stdin) == 1) {
        hourglass_reconstruct(x, y);
        if (fwrite(y, sizeof y, 1, stdout) != 1)
            return 1;
    }
    return 0;
}
`

func models(t *testing.T) map[string]*hourglass.Autoencoder {
	t.Helper()
	all := map[string]*hourglass.Autoencoder{}
	add := func(name string, encoder, decoder nn.Layers) *hourglass.Autoencoder {
		ae, err := hourglass.New(encoder, decoder)
		if err != nil {
			t.Fatal(name, err)
		}
		for i, a := range ae.Network().Arrays() {
			lo, hi := -0.3, 0.3
			if strings.HasSuffix(a.Name, "variance") {
				lo, hi = 0.5, 2
			}
			copy(a.Values, golden.Values(uint64(i+1), len(a.Values), lo, hi))
		}
		all[name] = ae
		return ae
	}
	for _, r := range recipe.All() {
		large := r.Name == "stacked" || r.Name == "recurrent" || r.Name == "relu" // which compilers take seconds for
		if r.Name == "linear" || r.Name == "convolutional" || large && os.Getenv("HOURGLASS_PEERS") != "" {
			add(r.Name, r.Encoder, r.Decoder)
		}
	}
	for name, line := range map[string]string{
		"images": "input 7x6x2 > conv2d 3 3x2 leaky_relu strides=2 padding=same > batch_normalization > zero_padding2d 1,0,2,0 > max_pooling2d 2x2 padding=same > average_pooling2d 2x1 padding=same > flatten > dense 4 gelu | " +
			"dense 12 mish > reshape 2x3x2 > permute 2,1,3 > up_sampling2d 2x1 > conv2d_transpose 4 3x4 elu strides=1,2 > cropping2d 1,1,1,1 > group_normalization 2 > conv2d 2 2x2 dilation_rate=2 padding=same > flatten > dense 84 softplus > reshape 7x6x2",
		"sequences": "input 6x4 > conv1d 3 2 strides=2 padding=same silu > bidirectional (gru 2 return_sequences) > layer_normalization > gru 3 reset_before | repeat_vector 3 > simple_rnn 3 return_sequences > bidirectional (lstm 2 return_sequences) > conv1d_transpose 4 3 strides=2 padding=same > activation gelu_tanh",
		"blocks":    "input 5x4x2 > residual (conv2d 3 3x3 relu6 padding=same > conv2d 2 1x1) activation=relu > residual (conv2d 3 1x1 hard_silu) projection=(conv2d 3 1x1) > global_average_pooling2d | dense 8 hard_sigmoid > residual (dense 8 selu > residual (dense 8)) > activation leaky_relu slope=0.05 > dense 40 > reshape 5x4x2",
	} {
		encoder, decoder, err := architecture.Parse(line)
		if err != nil {
			t.Fatal(name, err)
		}
		add(name, encoder, decoder)
	}
	scaled := add("scaled", nn.Layers{nn.Input{4}, nn.Dense{Units: 2}}, nn.Layers{nn.Dense{Units: 4, Activation: nn.Tanh}})
	if err := scaled.SetScaler(&dataset.Scaler{Kind: dataset.StandardScaling, Offset: []float32{1, 2, 3, 4}, Scale: []float32{1, 0.5, 2, 3}}); err != nil {
		t.Fatal(err)
	}
	return all
}

// What is written is C99 to gcc and clang, without a warning, and computes the same.
func TestWrite(t *testing.T) {
	for _, compiler := range []string{"gcc", "clang"} {
		if _, err := exec.LookPath(compiler); err != nil {
			if os.Getenv("HOURGLASS_PEERS") == "required" {
				t.Error(err)
			}
			t.Log(err)
			continue
		}
		for name, ae := range models(t) {
			got, x := compiled(t, compiler, name, ae)
			want, err := ae.Reconstruct(x)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want.Data) {
				t.Errorf("%s: %s: %d values, want %d", compiler, name, len(got), len(want.Data))
				continue
			}
			for i, w := range want.Data {
				if d := math.Abs(float64(got[i] - w)); !(d <= 1e-5*math.Max(1, math.Abs(float64(w)))) {
					t.Errorf("%s: %s: value %d is %v, want %v", compiler, name, i, got[i], w)
					break
				}
			}
		}
	}
}

// compiled compiles a model and runs it on some samples.
func compiled(t *testing.T, compiler, name string, ae *hourglass.Autoencoder) ([]float32, tensor.Tensor) {
	t.Helper()
	dir := t.TempDir()
	source, program := filepath.Join(dir, name+".c"), filepath.Join(dir, name)
	if err := c99.WriteFile(source, ae); err != nil {
		t.Fatal(name, err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(source, append(text, runner...), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(compiler, "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, source, "-lm").CombinedOutput(); err != nil {
		t.Fatalf("%s: %s: %v\n%s", compiler, name, err, out)
	}
	in := ae.Encoder().Input()
	x, err := tensor.FromSlice(golden.Values(7, 2*in.Size(), -1, 1), append([]int{2}, in...)...)
	if err != nil {
		t.Fatal(err)
	}
	var input bytes.Buffer
	binary.Write(&input, binary.LittleEndian, x.Data)
	cmd := exec.Command(program)
	cmd.Stdin = &input
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(name, err)
	}
	values := make([]float32, len(out)/4)
	binary.Read(bytes.NewReader(out), binary.LittleEndian, values)
	return values, x
}

func TestWriteRefuses(t *testing.T) {
	ae := models(t)["scaled"]
	ae.Network().Weights()[0] = float32(math.NaN())
	if err := c99.Write(new(bytes.Buffer), ae); err == nil || !strings.Contains(err.Error(), "want finite ones") {
		t.Errorf("got error %v", err)
	}
	encoder, decoder, err := architecture.Parse("input 4 > parallel (dense 2) (dense 2) > sampling weight=1 | dense 4")
	if err != nil {
		t.Fatal(err)
	}
	vae, err := hourglass.New(encoder, decoder)
	if err != nil {
		t.Fatal(err)
	}
	if err := c99.Write(new(bytes.Buffer), vae); err == nil || !strings.Contains(err.Error(), "export it to ONNX instead") {
		t.Errorf("got error %v", err)
	}
}
