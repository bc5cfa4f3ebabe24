package hourglass

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/nn"
)

// An autoencoder with a skip around its code trains, encodes, reconstructs, scores and
// is kept in a file; only a code alone stands for nothing.
func TestSkipAroundTheCode(t *testing.T) {
	a, err := New(
		nn.Layers{nn.Input{5, 4}, nn.Flatten{}, nn.Dense{Units: 9, Activation: nn.SELU}, nn.Tap{Name: "wide"},
			nn.Named{Name: "code", Layer: nn.Dense{Units: 3, Activation: nn.SELU}}},
		nn.Layers{nn.Residual{Layers: nn.Layers{nn.Dense{Units: 9, Activation: nn.SELU}}, Projection: nn.Layers{nn.Dense{Units: 9}}},
			nn.Join{Name: "wide"}, nn.Dense{Units: 20, Activation: nn.Sigmoid}, nn.Reshape{5, 4}})
	if err != nil {
		t.Fatal(err)
	}
	data := dataset.Array{Tensor: images(40)}
	h, err := a.Fit(context.Background(), data, Epochs(8), BatchSize(7), Threads(2), Validation(data.Slice(30, 40)))
	if err != nil {
		t.Fatal(err)
	}
	if first, last := h.Epochs[0].Train.Loss, h.Epochs[7].Train.Loss; !(last < first) {
		t.Errorf("the loss went from %v to %v", first, last)
	}
	x := data.Tensor
	codes, err := a.Encode(x)
	if err != nil || !slices.Equal(codes.Shape, []int{40, 3}) {
		t.Errorf("encode: shape %v, error %v", codes.Shape, err)
	}
	const want = `joins "wide", which is tapped outside of it`
	if _, err := a.Decode(codes); err == nil || !strings.HasPrefix(err.Error(), "hourglass: decode: ") || !strings.Contains(err.Error(), want) {
		t.Errorf("decode: error %v", err)
	}
	for _, err := range a.DecodeSeq(func(yield func([]float32) bool) { yield(codes.Row(0)) }) {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("decode a stream: error %v", err)
		}
	}
	if _, err := a.Score(x); err != nil {
		t.Error(err)
	}

	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := a.Save(path); err != nil {
		t.Fatal(err)
	}
	b := must[*Autoencoder](t)(Load(path))
	if !slices.Equal(must[[]float32](t)(reconstructed(a, data)), must[[]float32](t)(reconstructed(b, data))) {
		t.Error("the model that was read gives other values")
	}
	if name := a.architecture().Names(a.whole)[2]; name != "encoder.code.kernel" {
		t.Errorf("the code's kernel is called %s", name)
	}
}

func reconstructed(a *Autoencoder, data dataset.Array) ([]float32, error) {
	y, err := a.Reconstruct(data.Tensor)
	return y.Data, err
}
