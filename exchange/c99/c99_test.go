package c99_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hourglass/exchange/c99"
	"hourglass/exchange/internal/models"
	"hourglass/nn"
	"hourglass/tensor"
)

const batch = 2

// runner returns a program that runs each of several models, whose functions have their numbers
// in front, on samples from the standard input, and writes reconstructions.
func runner(list []models.Model) string {
	var declared, calls strings.Builder
	for i, m := range list {
		in, out := m.AE.Encoder().Input().Size(), m.AE.Decoder().Output().Size()
		if labels := models.Labels(m.AE, batch); labels != nil {
			fmt.Fprintf(&declared, "void model%d_reconstruct(const float *x, int label, float *y);\n", i)
			fmt.Fprintf(&declared, `static void labelled%d(const float *x, float *y)
{
    static const int labels[] = {%s};
    static int i;
    model%d_reconstruct(x, labels[i++], y);
}
`, i, strings.ReplaceAll(strings.Trim(fmt.Sprint(labels), "[]"), " ", ", "), i)
			fmt.Fprintf(&calls, "    run(labelled%d, %d, %d);\n", i, in, out)
			continue
		}
		fmt.Fprintf(&declared, "void model%d_reconstruct(const float *x, float *y);\n", i)
		fmt.Fprintf(&calls, "    run(model%d_reconstruct, %d, %d);\n", i, in, out)
	}
	return "#include <stdio.h>\n#include <stdlib.h>\n\n" + declared.String() + fmt.Sprintf(`
static void run(void (*reconstruct)(const float *x, float *y), size_t n, size_t m)
{
    float *x = malloc(n * sizeof *x), *y = malloc(m * sizeof *y);
    for (int i = 0; i < %d; i++) {
        if (fread(x, sizeof *x, n, stdin) != n)
            exit(1);
        reconstruct(x, y);
        if (fwrite(y, sizeof *y, m, stdout) != m)
            exit(1);
    }
    free(x);
    free(y);
}

int main(void)
{
%s    return 0;
}
`, batch, calls.String())
}

// written returns what is tested: a few models, or with the tools of HOURGLASS_PEERS each
// layer and each recipe.
func written(t *testing.T) []models.Model {
	t.Helper()
	var list []models.Model
	for name, line := range map[string]string{
		"images": "input 7x6x2 > conv2d 3 3x2 leaky_relu strides=2 padding=same > batch_normalization > zero_padding2d 1,0,2,0 > max_pooling2d 2x2 padding=same > average_pooling2d 2x1 padding=same > flatten > dense 4 gelu | " +
			"dense 12 mish > reshape 2x3x2 > permute 2,1,3 > up_sampling2d 2x1 > conv2d_transpose 4 3x4 elu strides=1,2 > cropping2d 1,1,1,1 > group_normalization 2 > conv2d 2 2x2 dilation_rate=2 padding=same > flatten > dense 84 softplus > reshape 7x6x2",
		"sequences": "input 6x4 > conv1d 3 2 strides=2 padding=same silu > bidirectional (gru 2 return_sequences) > layer_normalization > gru 3 reset_before | repeat_vector 3 > simple_rnn 3 return_sequences > bidirectional (lstm 2 return_sequences) > conv1d_transpose 4 3 strides=2 padding=same > activation gelu_tanh",
		"blocks":    "input 5x4x2 > residual (conv2d 3 3x3 relu6 padding=same > conv2d 2 1x1) activation=relu > residual (conv2d 3 1x1 hard_silu) projection=(conv2d 3 1x1) > global_average_pooling2d | dense 8 hard_sigmoid > residual (dense 8 selu > residual (dense 8)) > activation leaky_relu slope=0.05 > dense 40 > reshape 5x4x2",
		"skips":     "input 4x6x2 > tap first > separable_conv2d 3 3x3 relu padding=same > tap second > max_pooling2d 2x2 > activation tanh | conv2d_transpose 3 2x2 strides=2 > join second multiply > parallel (depthwise_conv2d 3x3 padding=same) () > join first > conv2d 2 1x1",
		"attention": "input 5x4 > position_embedding sinusoidal > residual (layer_normalization > multi_head_attention 2 3 causal) > named wide (dense 3) | tied wide relu > parallel (dense 2) (dense 2) > sampling weight=1 > dense 4",
		"labels":    "input 5x4 > condition 3 > dense 2 | dense 6 > condition 3 2 > dense 4 > column_activation numbers:1,classes:2,booleans:1",
	} {
		list = append(list, models.Model{Name: name, AE: models.Parsed(t, line)})
	}
	list = append(list, models.Model{Name: "codebook", AE: models.Around(t, tensor.Shape{4, 3}, nn.VectorQuantizer{Codes: 5, Commitment: 1}, nn.PatchMasking{Size: nn.Pair{1, 1}}, nn.Flatten{}, nn.TCSampling{Samples: 1})})
	list = append(list, models.Scaled(t)...)
	if os.Getenv("HOURGLASS_PEERS") == "" {
		return list
	}
	list = append(list, models.EveryLayer(t)...)
	for _, m := range models.Recipes(t) {
		if len(m.AE.Network().Weights()) < 100_000 { // compilers take seconds for more
			list = append(list, m)
		}
	}
	return list
}

// TestEveryLayer asks for a model to test each layer's code with.
func TestEveryLayer(t *testing.T) { models.WantEveryKind(t, models.EveryLayer(t)) }

// What is written is C99 to gcc and clang, without a warning, and computes the same.
func TestWrite(t *testing.T) {
	list := written(t)
	dir := t.TempDir()
	sources := []string{filepath.Join(dir, "main.c")}
	if err := os.WriteFile(sources[0], []byte(runner(list)), 0o666); err != nil {
		t.Fatal(err)
	}
	var input bytes.Buffer
	var want []tensor.Tensor
	for i, m := range list {
		sources = append(sources, source(t, dir, i, m))
		x := models.Samples(t, batch, m.AE.Encoder().Input())
		want = append(want, models.Reconstruct(t, m.AE, x))
		binary.Write(&input, binary.LittleEndian, x.Data)
	}
	for _, compiler := range []string{"gcc", "clang"} {
		if _, err := exec.LookPath(compiler); err != nil {
			if os.Getenv("HOURGLASS_PEERS") == "required" {
				t.Error(err)
			}
			t.Log(err)
			continue
		}
		program := filepath.Join(dir, compiler)
		args := append([]string{"-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program}, append(sources, "-lm")...)
		if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", compiler, err, out)
		}
		cmd := exec.Command(program)
		cmd.Stdin = bytes.NewReader(input.Bytes())
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(compiler, err)
		}
		for i, y := range want {
			got := make([]float32, len(y.Data))
			if n, err := binary.Decode(out, binary.LittleEndian, got); err != nil {
				t.Fatal(compiler, err)
			} else {
				out = out[n:]
			}
			compare(t, compiler+": "+list[i].Name, got, y.Data)
		}
	}
}

func compare(t *testing.T, name string, got, want []float32) {
	t.Helper()
	for i, w := range want {
		if d := math.Abs(float64(got[i] - w)); !(d <= 1e-5*math.Max(1, math.Abs(float64(w)))) {
			t.Errorf("%s: value %d is %v, want %v", name, i, got[i], w)
			return
		}
	}
}

// source writes a model with its number in front of the names of its functions.
func source(t *testing.T, dir string, i int, m models.Model) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprintf("model%d.c", i))
	if err := c99.WriteFile(path, m.AE); err != nil {
		t.Fatal(m.Name, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("hourglass_"), fmt.Appendf(nil, "model%d_", i))
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// A decoder that needs what the encoder has left in memory is not for others to call.
func TestDecodeAlone(t *testing.T) {
	for line, want := range map[string]string{
		"input 4 > tap a > dense 4 > dense 2 | dense 4 > join a add": "\nstatic void hourglass_decode(",
		"input 4 > dense 2 | dense 4":                                "\nvoid hourglass_decode(",
	} {
		var text bytes.Buffer
		if err := c99.Write(&text, models.Parsed(t, line)); err != nil || !strings.Contains(text.String(), want) {
			t.Errorf("%s: error %v, or no %q", line, err, want)
		}
	}
}

// Numbers that C has no constants for are refused.
func TestWriteRefuses(t *testing.T) {
	ae := models.Around(t, tensor.Shape{4}, nn.Dense{Units: 2})
	ae.Network().Weights()[0] = float32(math.NaN())
	if err := c99.Write(new(bytes.Buffer), ae); err == nil || !strings.Contains(err.Error(), "want finite ones") {
		t.Errorf("got error %v", err)
	}
}
