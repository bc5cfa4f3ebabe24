package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/exchange/onnx/internal/schema"
)

// batchName is the name of the axis of the samples.
const batchName = "batch"

// graph is a graph that is being written.
type graph struct {
	schema.GraphProto
	opset    int
	names    map[string]int // how often a name has been asked for
	block    string         // the layer that nodes are named for
	taps     map[string]value
	labelled bool // there is an input for labels
	// kernels are the matrices of Dense layers, by the first of their weights, for layers tied
	// to them.
	kernels map[*float32]*schema.TensorProto
}

// value is what a node puts out, and how its axes lie: those of view are the samples and
// the axes of one sample as the layers see it.
type value struct {
	name string
	view relayout.View
	made *columns // the product it comes from, where its columns may still be put in another order
}

// columns are the weights of a Dense layer that is followed by nothing but element-wise
// functions so far.
type columns struct {
	arrays []*schema.TensorProto // whose last axis is that of the layer's outputs
}

// name returns a name that no other value or node has.
func (g *graph) name(what string) string {
	if g.block != "" {
		what = g.block + "." + what
	}
	n := g.names[what]
	g.names[what]++
	if n == 0 {
		return what
	}
	return fmt.Sprintf("%s.%d", what, n)
}

// node appends an operation and returns the name of its output.
func (g *graph) node(op string, inputs []string, attributes ...*schema.AttributeProto) string {
	return g.nodes(op, inputs, 1, attributes...)[0]
}

// nodes is node for an operation with several outputs.
func (g *graph) nodes(op string, inputs []string, outputs int, attributes ...*schema.AttributeProto) []string {
	name := g.name(op)
	n := &schema.NodeProto{Name: proto.String(name), OpType: proto.String(op), Input: inputs, Attribute: attributes}
	for range outputs {
		n.Output = append(n.Output, g.name("out"))
	}
	g.Node = append(g.Node, n)
	return n.Output
}

// floats appends an array of weights and returns it.
func (g *graph) floats(name string, values []float32, axes ...int) *schema.TensorProto {
	t := &schema.TensorProto{Name: proto.String(g.name(name)), DataType: proto.Int32(int32(schema.TensorProto_FLOAT)),
		RawData: floatBytes(values)}
	for _, n := range axes {
		t.Dims = append(t.Dims, int64(n))
	}
	g.Initializer = append(g.Initializer, t)
	return t
}

func floatBytes(values []float32) []byte {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return raw
}

// scalar appends a number and returns its name.
func (g *graph) scalar(name string, v float32) string { return *g.floats(name, []float32{v}).Name }

// ints appends a list of whole numbers and returns its name.
func (g *graph) ints(name string, values ...int) string {
	t := &schema.TensorProto{Name: proto.String(g.name(name)), DataType: proto.Int32(int32(schema.TensorProto_INT64)),
		Dims: []int64{int64(len(values))}}
	for _, v := range values {
		t.RawData = binary.LittleEndian.AppendUint64(t.RawData, uint64(v))
	}
	g.Initializer = append(g.Initializer, t)
	return *t.Name
}

// The kinds of attributes.

func attrInts(name string, values ...int) *schema.AttributeProto {
	a := &schema.AttributeProto{Name: &name, Type: schema.AttributeProto_INTS.Enum()}
	for _, v := range values {
		a.Ints = append(a.Ints, int64(v))
	}
	return a
}

func attrInt(name string, v int) *schema.AttributeProto {
	return &schema.AttributeProto{Name: &name, Type: schema.AttributeProto_INT.Enum(), I: proto.Int64(int64(v))}
}

func attrFloat(name string, v float32) *schema.AttributeProto {
	return &schema.AttributeProto{Name: &name, Type: schema.AttributeProto_FLOAT.Enum(), F: proto.Float32(v)}
}

func attrString(name, v string) *schema.AttributeProto {
	return &schema.AttributeProto{Name: &name, Type: schema.AttributeProto_STRING.Enum(), S: []byte(v)}
}

// then applies an operation that treats all elements alike and returns its result, which
// lies as v does.
func (g *graph) then(v value, op string, attributes ...*schema.AttributeProto) value {
	v.name = g.node(op, []string{v.name}, attributes...)
	return v
}

// reshape gives an array stored with the axes from other axes.
func (g *graph) reshape(name string, from, axes []relayout.Axis) string {
	shape := make([]int, len(axes))
	for i, a := range axes {
		shape[i] = a.Size
		if a.Batch {
			shape[i] = -1
		}
	}
	if from[0].Batch && from[0] == axes[0] {
		shape[0] = 0 // as before, which keeps the axis' name
	}
	return g.node("Reshape", []string{name, g.ints("shape", shape...)})
}

// arrange returns v stored with its axes in an order: arrange(v, 0, 3, 1, 2) stores images
// with channels first. The result is viewed as v is.
func (g *graph) arrange(v value, order ...int) value {
	view := v.view.Transpose(order...)
	if v.made != nil && !view.InOrder() && view.Axes()[0] == (relayout.Axis{Size: 1, Batch: true}) {
		v.made.permute(view.Permutation())
		view = view.Flattened()
	}
	before, moved, after := view.Moves()
	now := view.Stored()
	if before != nil {
		v.name, now = g.reshape(v.name, now, before), before
	}
	if moved != nil {
		v.name, now = g.node("Transpose", []string{v.name}, attrInts("perm", moved...)), relayout.Of(now).Transpose(moved...).Axes()
	}
	if after != nil {
		v.name = g.reshape(v.name, now, after)
	}
	if moved != nil || before != nil || after != nil {
		v.made = nil
	}
	return value{v.name, stored(view.Axes(), order), v.made}
}

// plain returns v stored as the layers see it.
func (g *graph) plain(v value) value {
	order := make([]int, len(v.view.Axes()))
	for i := range order {
		order[i] = i
	}
	return g.arrange(v, order...)
}

// stored returns the view of an array with these axes whose axis i shows as axis order[i].
func stored(axes []relayout.Axis, order []int) relayout.View {
	back := make([]int, len(order))
	for i, axis := range order {
		back[axis] = i
	}
	return relayout.Of(axes).Transpose(back...)
}

// permute puts the outputs of a Dense layer into another order.
func (c *columns) permute(places []int) {
	width := 4 * len(places)
	for _, a := range c.arrays {
		raw := make([]byte, 0, len(a.RawData))
		for row := a.RawData; len(row) > 0; row = row[width:] {
			for _, p := range places {
				raw = append(raw, row[4*p:4*p+4]...)
			}
		}
		a.RawData = raw
	}
}

// info describes an input or output.
func info(name string, axes []relayout.Axis) *schema.ValueInfoProto {
	shape := &schema.TensorShapeProto{}
	for _, a := range axes {
		d := &schema.TensorShapeProto_Dimension{Value: &schema.TensorShapeProto_Dimension_DimValue{DimValue: int64(a.Size)}}
		if a.Batch {
			d.Value = &schema.TensorShapeProto_Dimension_DimParam{DimParam: batchName}
		}
		shape.Dim = append(shape.Dim, d)
	}
	return &schema.ValueInfoProto{Name: proto.String(name), Type: &schema.TypeProto{Value: &schema.TypeProto_TensorType{
		TensorType: &schema.TypeProto_Tensor{ElemType: proto.Int32(int32(schema.TensorProto_FLOAT)), Shape: shape}}}}
}

// layer writes one layer.
func (g *graph) layer(b exchange.Block, v value) (value, error) {
	write, ok := writers[b.Kind()]
	if !ok {
		return v, b.Refuse("ONNX")
	}
	outer := g.block
	g.block = b.Name
	defer func() { g.block = outer }()
	return write(g, b, v)
}
