package onnx

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"google.golang.org/protobuf/proto"

	"hourglass"
	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/exchange/onnx/internal/schema"
	"hourglass/internal/atomicfile"
	"hourglass/tensor"
)

// Names of inputs and outputs.
const (
	samplesName        = "samples"
	codesName          = "codes"
	reconstructionName = "reconstruction"
)

// Keys of the metadata.
const (
	metadataPrefix  = "hourglass."
	architectureKey = "architecture"
	recordKey       = "record"
	classesKey      = "classes"
	channelsKey     = "channels"
)

// WriteFile writes an autoencoder, or a part of it, to a file, whole or not at all.
func WriteFile(path string, ae *hourglass.Autoencoder, o Options) error {
	err := atomicfile.Write(path, func(w io.Writer) error { return Write(w, ae, o) })
	if err != nil {
		return fmt.Errorf("onnx: write %s: %w", path, err)
	}
	return nil
}

// Write writes an autoencoder, or a part of it. The same model gives the same bytes.
func Write(w io.Writer, ae *hourglass.Autoencoder, o Options) error {
	o, err := o.normalise()
	if err != nil {
		return fmt.Errorf("onnx: write: %w", err)
	}
	m, err := build(ae, o)
	if err != nil {
		return fmt.Errorf("onnx: write: %w", err)
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("onnx: write: %w", err)
	}
	if _, err := w.Write(raw); err != nil {
		return fmt.Errorf("onnx: write: %w", err)
	}
	return nil
}

// build returns the model to write.
func build(ae *hourglass.Autoencoder, o Options) (*schema.ModelProto, error) {
	blocks, err := exchange.Blocks(ae, o.Part)
	if err != nil {
		return nil, err
	}
	g := &graph{opset: o.Opset, names: map[string]int{}, taps: map[string]value{}, kernels: map[*float32]*schema.TensorProto{}}
	g.Name = proto.String("autoencoder")
	if o.Part != exchange.Whole {
		g.Name = proto.String(string(o.Part))
	}
	first, last, inputName, outputName := ae.Encoder().Input(), ae.Decoder().Output(), samplesName, reconstructionName
	if o.Part == exchange.Decoder {
		first, inputName = ae.Decoder().Input(), codesName
	}
	if o.Part == exchange.Encoder {
		last, outputName = ae.Encoder().Output(), codesName
	}
	v := g.input(inputName, first, o.ChannelsFirst)
	if o.Part != exchange.Decoder {
		v = g.scale(v, ae.Scaler(), first)
	}
	for _, b := range blocks {
		if v, err = g.layer(b, v); err != nil {
			return nil, err
		}
	}
	if o.Part != exchange.Encoder {
		v = g.unscale(v, ae.Scaler(), last)
	}
	g.output(outputName, v, o.ChannelsFirst)
	return &schema.ModelProto{
		IrVersion:     proto.Int64(irVersion(o.Opset)),
		OpsetImport:   []*schema.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(int64(o.Opset))}},
		ProducerName:  proto.String("hourglass"),
		DocString:     proto.String(ae.Summary()),
		Graph:         &g.GraphProto,
		MetadataProps: metadata(ae, o),
	}, nil
}

// outside returns the order of the axes of a sample in inputs and outputs: that of the
// layers, or with the channels of images before their rows.
func outside(shape tensor.Shape, channelsFirst bool) []int {
	if channelsFirst && len(shape) == 3 {
		return []int{0, 3, 1, 2}
	}
	order := make([]int, len(shape)+1)
	for i := range order {
		order[i] = i
	}
	return order
}

// input declares the input.
func (g *graph) input(name string, shape tensor.Shape, channelsFirst bool) value {
	order := outside(shape, channelsFirst)
	axes := relayout.Of(relayout.Samples(shape...)).Transpose(order...).Axes()
	g.names[name]++
	g.Input = append(g.Input, info(name, axes))
	return value{name: name, view: stored(axes, order)}
}

// output declares the output.
func (g *graph) output(name string, v value, channelsFirst bool) {
	shape := tensor.Shape{}
	for _, a := range v.view.Axes()[1:] {
		shape = append(shape, a.Size)
	}
	order := outside(shape, channelsFirst)
	v = g.arrange(v, order...)
	g.Output = append(g.Output, info(name, v.view.Transpose(order...).Axes()))
	g.rename(v.name, name)
}

// rename gives the value that the last node has made another name; where it was made by
// no node, or by another one, Identity does.
func (g *graph) rename(from, to string) {
	if n := len(g.Node); n > 0 && g.Node[n-1].Output[0] == from {
		g.Node[n-1].Output[0] = to
		return
	}
	g.Node = append(g.Node, &schema.NodeProto{Name: proto.String(g.name("Identity")), OpType: proto.String("Identity"),
		Input: []string{from}, Output: []string{to}})
}

// scale writes what the scaler does to data: (x - offset) / scale.
func (g *graph) scale(v value, s *dataset.Scaler, shape tensor.Shape) value {
	return g.scaling(v, s, shape, []string{"Sub", "Div"})
}

// unscale writes how that is undone: x·scale + offset.
func (g *graph) unscale(v value, s *dataset.Scaler, shape tensor.Shape) value {
	return g.scaling(v, s, shape, []string{"Mul", "Add"})
}

func (g *graph) scaling(v value, s *dataset.Scaler, shape tensor.Shape, operations []string) value {
	if s == nil {
		return v
	}
	for _, op := range operations {
		numbers := s.Scale
		if op == "Sub" || op == "Add" {
			numbers = s.Offset
		}
		switch len(numbers) {
		case 0:
		case 1:
			v.name = g.node(op, []string{v.name, g.scalar("scale", numbers[0])})
		default:
			v = g.plain(v)
			v.name = g.node(op, []string{v.name, *g.floats("scale", numbers, shape...).Name})
			v.made = nil
		}
	}
	return v
}

// metadata says what the file does not need to run.
func metadata(ae *hourglass.Autoencoder, o Options) []*schema.StringStringEntryProto {
	var list []*schema.StringStringEntryProto
	add := func(key, text string) {
		list = append(list, &schema.StringStringEntryProto{Key: proto.String(metadataPrefix + key), Value: proto.String(text)})
	}
	add("part", string(o.Part))
	channels := Last
	if o.ChannelsFirst {
		channels = First
	}
	add(channelsKey, string(channels))
	add(architectureKey, architecture.Format(ae.Encoder().Layers(), ae.Decoder().Layers()))
	for _, q := range []float64{0.5, 0.9, 0.95, 0.99, 0.999} {
		if t, err := ae.Threshold(q); err == nil {
			add("threshold."+strconv.FormatFloat(q, 'g', -1, 64), strconv.FormatFloat(t, 'g', -1, 64))
		}
	}
	if record := ae.Record(); json.Valid(record) {
		add(recordKey, string(record))
		if classes := classesOf(record); len(classes) > 0 {
			add(classesKey, string(classes))
		}
	}
	return list
}

// classesOf returns what a record says labels stand for, a list of texts, nil if it does not.
func classesOf(record []byte) json.RawMessage {
	var known struct {
		Classes []string `json:"classes"`
	}
	if json.Unmarshal(record, &known) != nil || len(known.Classes) == 0 {
		return nil
	}
	text, err := json.Marshal(known.Classes)
	if err != nil {
		return nil
	}
	return text
}
