package onnx_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"hourglass/exchange/internal/models"
	"hourglass/exchange/onnx"
	"hourglass/exchange/onnx/internal/schema"
	"hourglass/nn"
	"hourglass/tensor"
)

// small returns a written model as what its file holds.
func small(t testing.TB) *schema.ModelProto {
	t.Helper()
	var file bytes.Buffer
	if err := onnx.Write(&file, models.Around(t, tensor.Shape{4}, nn.Dense{Units: 2, Activation: nn.Tanh}), onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	m := &schema.ModelProto{}
	if err := proto.Unmarshal(file.Bytes(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

// read reads a model from a file in a folder.
func read(t testing.TB, dir string, m *schema.ModelProto) error {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(path, raw, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = onnx.ReadFile(path, onnx.Import{})
	return err
}

// Weights are read from smaller types and from a file beside the model, and from no other
// place.
func TestReadTensors(t *testing.T) {
	dir := t.TempDir()
	kernel := func(m *schema.ModelProto) *schema.TensorProto { return m.Graph.Initializer[0] }
	halves := func(m *schema.ModelProto, kind schema.TensorProto_DataType, bits func(float32) uint16) {
		k := kernel(m)
		var raw []byte
		for b := k.RawData; len(b) > 0; b = b[4:] {
			raw = binary.LittleEndian.AppendUint16(raw, bits(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		}
		k.RawData, k.DataType = raw, proto.Int32(int32(kind))
	}
	outside := func(m *schema.ModelProto, location string) {
		k := kernel(m)
		k.RawData = nil
		k.DataLocation = schema.TensorProto_EXTERNAL.Enum()
		k.ExternalData = []*schema.StringStringEntryProto{{Key: proto.String("location"), Value: proto.String(location)},
			{Key: proto.String("offset"), Value: proto.String("8")}, {Key: proto.String("length"), Value: proto.String("32")}}
	}
	if err := os.WriteFile(filepath.Join(dir, "weights.bin"), make([]byte, 64), 0o666); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "weights.bin")
	if err := os.WriteFile(elsewhere, make([]byte, 64), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "link.bin")); err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		name   string
		change func(*schema.ModelProto)
		want   string
	}{
		{"as it is", func(*schema.ModelProto) {}, ""},
		{"bfloat16", func(m *schema.ModelProto) {
			halves(m, schema.TensorProto_BFLOAT16, func(v float32) uint16 { return uint16(math.Float32bits(v) >> 16) })
		}, ""},
		{"float16", func(m *schema.ModelProto) {
			halves(m, schema.TensorProto_FLOAT16, func(float32) uint16 { return 0x3c00 })
		}, ""},
		{"beside", func(m *schema.ModelProto) { outside(m, "weights.bin") }, ""},
		{"above", func(m *schema.ModelProto) { outside(m, "../weights.bin") }, "want a file in the model's folder"},
		{"absolute", func(m *schema.ModelProto) { outside(m, elsewhere) }, "want a file in the model's folder"},
		{"link", func(m *schema.ModelProto) { outside(m, "link.bin") }, "path escapes from parent"},
		{"missing", func(m *schema.ModelProto) { outside(m, "nothing.bin") }, "no such file"},
		{"strings", func(m *schema.ModelProto) { kernel(m).DataType = proto.Int32(int32(schema.TensorProto_STRING)) }, "values of type STRING, want floating-point"},
		{"too few", func(m *schema.ModelProto) { kernel(m).RawData = kernel(m).RawData[4:] }, "7 values, want 8 for shape [4 2]"},
		{"huge", func(m *schema.ModelProto) { kernel(m).Dims = []int64{1 << 20, 1 << 20} }, "more than"},
		{"negative", func(m *schema.ModelProto) { kernel(m).Dims = []int64{-4, -2} }, "an axis of length -4"},
		{"opset 8", func(m *schema.ModelProto) { m.OpsetImport[0].Version = proto.Int64(8) }, "opset 8, want 9 to 21"},
		{"cycle", func(m *schema.ModelProto) { m.Graph.Node[0].Input[0] = m.Graph.Node[1].Output[0] }, "depends on itself"},
		{"nothing", func(m *schema.ModelProto) { m.Graph.Node[0].Input[1] = "absent" }, `reads "absent", which nothing makes`},
		{"operator", func(m *schema.ModelProto) { m.Graph.Node[1].OpType = proto.String("Einsum") },
			`node "encoder.1.dense.Tanh" (Einsum): there is no layer for this operator; there is for: Add,`},
		{"attribute", func(m *schema.ModelProto) {
			m.Graph.Node[0].Attribute = []*schema.AttributeProto{{Name: proto.String("transA"), I: proto.Int64(1)}}
		}, `node "encoder.1.dense.Gemm" (Gemm): its first input is transposed`},
		{"no graph", func(m *schema.ModelProto) { m.Graph = nil }, "has no graph"},
		{"an input less", func(m *schema.ModelProto) { m.Graph.Node[0].Input = m.Graph.Node[0].Input[:1] }, "input 1 is left out"},
		{"no output", func(m *schema.ModelProto) { m.Graph.Node[0].Output = nil }, "its output is left out"},
		{"input", func(m *schema.ModelProto) { m.Graph.Input[0].Type.GetTensorType().ElemType = proto.Int32(7) }, "values of type INT64, want floating-point ones"},
	} {
		m := small(t)
		c.change(m)
		err := read(t, dir, m)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}

// A model in half precision throughout is read with the weights that it has.
func TestReadHalves(t *testing.T) {
	for _, c := range []struct {
		kind schema.TensorProto_DataType
		lost int // bits of a float32's mantissa
		bits func(v uint32) uint16
	}{
		{schema.TensorProto_BFLOAT16, 16, func(v uint32) uint16 { return uint16(v >> 16) }},
		{schema.TensorProto_FLOAT16, 13, func(v uint32) uint16 { return uint16(v>>16&0x8000 | (v&0x7fffffff-(127-15)<<23)>>13) }},
	} {
		want, m := models.Around(t, tensor.Shape{4}, nn.Dense{Units: 2, Activation: nn.Tanh}), small(t)
		for i, w := range want.Network().Weights() {
			want.Network().Weights()[i] = math.Float32frombits(math.Float32bits(w) >> c.lost << c.lost)
		}
		for _, a := range m.Graph.Initializer {
			if a.GetDataType() != int32(schema.TensorProto_FLOAT) {
				continue
			}
			var raw []byte
			for b := a.RawData; len(b) > 0; b = b[4:] {
				raw = binary.LittleEndian.AppendUint16(raw, c.bits(binary.LittleEndian.Uint32(b)))
			}
			a.RawData, a.DataType = raw, proto.Int32(int32(c.kind))
		}
		for _, v := range []*schema.ValueInfoProto{m.Graph.Input[0], m.Graph.Output[0]} {
			v.Type.GetTensorType().ElemType = proto.Int32(int32(c.kind))
		}
		raw, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := onnx.Read(bytes.NewReader(raw), onnx.Import{})
		if err != nil {
			t.Errorf("%v: %v", c.kind, err)
			continue
		}
		if !slices.Equal(got.Network().Weights(), want.Network().Weights()) {
			t.Errorf("%v: got weights %v, want %v", c.kind, got.Network().Weights(), want.Network().Weights())
		}
	}
}

// Whatever a file holds, reading it ends with a model or an error.
func FuzzRead(f *testing.F) {
	add := func(m *schema.ModelProto) {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	add(small(f))
	for _, name := range []string{"convolutional", "residual", "group-norm", "lstm", "views", "pixel-shuffle", "attention", "attention-causal", "transformer", "unet", "depthwise", "variational", "scaled", "bidirectional", "renewed-20", "renewed-21", "conditional", "conditional-learned", "unet-nested", "unet-added"} {
		raw, err := os.ReadFile(filepath.Join("..", "internal", "peer", "testdata", "pytorch", name+".onnx"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			return
		}
		ae, err := onnx.Read(bytes.NewReader(raw), onnx.Import{})
		if err == nil && ae.Encoder().Input().Size() > 1<<20 {
			return
		}
		if err == nil {
			if _, err := ae.Given(models.Labels(ae, batch)...).Reconstruct(samples(t, ae.Encoder().Input())); err != nil {
				t.Error(err)
			}
		}
	})
}
