package onnx_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"hourglass"
	"hourglass/exchange/internal/models"
	"hourglass/exchange/internal/peer"
	"hourglass/exchange/onnx"
	"hourglass/exchange/onnx/internal/schema"
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

// U-Nets are cut at their codes, with all their skips across the cut.
func TestReadNestedSkips(t *testing.T) {
	lines := map[string]string{
		"unet":       "input 6x6x1 > conv2d 3 3x3 relu padding=same > tap skip1 > average_pooling2d 2x2 | conv2d 4 3x3 relu padding=same > conv2d_transpose 3 2x2 strides=2 > join skip1 tapped_first > conv2d 1 3x3 sigmoid padding=same",
		"skip-added": "input 7 > tap skip1 > dense 5 relu > dense 2 | dense 5 relu > dense 7 > join skip1 add",
		"unet-added": "input 8x8x2 > conv2d 4 3x3 relu padding=same > tap skip1 > conv2d 6 2x2 relu strides=2 > tap skip2 > conv2d 2 2x2 strides=2 | " +
			"conv2d_transpose 6 2x2 strides=2 > join skip2 add > activation relu > conv2d_transpose 4 2x2 strides=2 > join skip1 add > conv2d 2 1x1",
		"unet-nested": "input 10x8x2 > conv2d 3 3x3 relu padding=same > conv2d 3 3x3 relu padding=same > tap skip1 > max_pooling2d 2x2 > conv2d 4 3x3 relu padding=same > conv2d 4 3x3 relu padding=same > tap skip2 > max_pooling2d 2x2 > " +
			"conv2d 5 3x3 relu padding=same > conv2d 5 3x3 relu padding=same > conv2d 2 1x1 | conv2d 5 1x1 > conv2d_transpose 4 2x2 strides=2 > zero_padding2d 0,1,0,0 > join skip2 tapped_first > " +
			"conv2d 3 3x3 relu padding=same > conv2d 3 3x3 relu padding=same > up_sampling2d 2x2 interpolation=bilinear > join skip1 tapped_first > conv2d 3 3x3 relu padding=same > conv2d 3 3x3 relu padding=same > conv2d 2 1x1 sigmoid",
	}
	for _, m := range peer.PyTorchModels(t) {
		want, ok := lines[m.Name]
		if !ok {
			continue
		}
		ae, err := onnx.ReadFile(m.Path(".onnx"), onnx.Import{})
		if err != nil {
			t.Fatal(err)
		}
		if got := line(ae); got != want {
			t.Errorf("%s: read as\n%s\nwant\n%s", m.Name, got, want)
		}
		delete(lines, m.Name)
	}
	if len(lines) > 0 {
		t.Errorf("not read: %v", lines)
	}
	got, err := onnx.Read(bytes.NewReader(unnamed(t, models.Parsed(t, models.NestedSkips))), onnx.Import{})
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(models.NestedSkips, "skip4", "skip2"); line(got) != want {
		t.Errorf("read as\n%s\nwant\n%s", line(got), want)
	}
}

// unnamed returns what is written for an autoencoder without what the file says of it beside
// the graph.
func unnamed(t *testing.T, ae *hourglass.Autoencoder) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := onnx.Write(&file, ae, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	m := &schema.ModelProto{}
	if err := proto.Unmarshal(file.Bytes(), m); err != nil {
		t.Fatal(err)
	}
	m.MetadataProps = nil
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
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
