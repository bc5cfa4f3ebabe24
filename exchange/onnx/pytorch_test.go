package onnx_test

import (
	"slices"
	"testing"

	"hourglass"
	"hourglass/exchange/internal/peer"
	"hourglass/exchange/onnx"
	"hourglass/tensor"
)

// What PyTorch exports is read and gives PyTorch's outputs.
func TestReadPyTorch(t *testing.T) {
	for _, m := range peer.PyTorchModels(t) {
		t.Run(m.Name, func(t *testing.T) {
			ae, err := onnx.ReadFile(m.Path(".onnx"), onnx.Import{})
			if err != nil {
				t.Fatal(err)
			}
			t.Log(line(ae))
			checkPyTorch(t, m, ae)
		})
	}
}

// checkPyTorch wants an autoencoder to give what PyTorch gives for a model.
func checkPyTorch(t *testing.T, m peer.Saved, ae *hourglass.Autoencoder) {
	t.Helper()
	x, want := m.In, m.Out
	if len(x.Shape) > 2 && !slices.Equal(x.Shape[1:], ae.Encoder().Input()) {
		x, want = channelsLast(x), channelsLast(want)
	}
	got, err := ae.Reconstruct(x)
	if err != nil {
		t.Fatal(err)
	}
	want.Shape = got.Shape // a model may give its samples another shape
	compare(t, m.Name, got, want)
}

// channelsLast puts the channels of images and sequences behind their other axes.
func channelsLast(x tensor.Tensor) tensor.Tensor {
	n, c := x.Shape[0], x.Shape[1]
	size := tensor.Shape(x.Shape[2:]).Size()
	y := tensor.New(slices.Concat(x.Shape[:1], x.Shape[2:], x.Shape[1:2])...)
	for i := range n {
		for k := range c {
			for p := range size {
				y.Data[(i*size+p)*c+k] = x.Data[(i*c+k)*size+p]
			}
		}
	}
	return y
}
