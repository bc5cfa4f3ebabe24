package onnx_test

import (
	"slices"
	"strings"
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

// The graphs in the operators of opsets 18 to 21, which no tool at hand writes, are such: ONNX
// Runtime gives PyTorch's outputs, too.
func TestReadRenewed(t *testing.T) {
	peer.WantOnnxRuntime(t)
	var renewed []peer.Saved
	var jobs []peer.Job
	for _, m := range peer.PyTorchModels(t) {
		if strings.HasPrefix(m.Name, "renewed") {
			renewed, jobs = append(renewed, m), append(jobs, peer.Job{Model: m.Path(".onnx"), Input: m.In})
		}
	}
	if len(renewed) < 4 {
		t.Fatalf("%d graphs, want one of each opset from 18 to 21", len(renewed))
	}
	for i, got := range peer.OnnxRuntime(t, jobs) {
		compare(t, renewed[i].Name, got, renewed[i].Out)
	}
}

// checkPyTorch wants an autoencoder to give what PyTorch gives for a model.
func checkPyTorch(t *testing.T, m peer.Saved, ae *hourglass.Autoencoder) {
	t.Helper()
	x, want := m.In, m.Out
	if len(x.Shape) > 2 && !slices.Equal(x.Shape[1:], ae.Encoder().Input()) {
		x, want = channelsLast(x), channelsLast(want)
	}
	got, err := ae.Given(m.Labels...).Reconstruct(x)
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
