package onnx

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"hourglass/exchange/internal/relayout"
	"hourglass/exchange/onnx/internal/schema"
)

// model is a graph that has been read.
type model struct {
	opset    int
	metadata map[string]string
	nodes    []*node // in an order in which each follows what it reads
	values   map[string]*operand
	input    *operand // the samples
	labels   *operand // of them, nil where there are none
	shape    []relayout.Axis
	fixed    int // the number of samples that the model was written for, 0 for any
	output   *operand

	depth, folded int  // of constants that are being, and have been, computed
	stored        int  // elements of arrays in the file
	steps         int  // that have been taken
	skips         int  // how many have been read, for their names
	telling       bool // what is computed of labels is being computed for each of them
}

// node is an operation.
type node struct {
	name, op   string
	in         []*operand // nil for one that is left out
	out        []*operand
	attributes map[string]*schema.AttributeProto
	data       bool // computes with the samples
	place      int  // in the order of the nodes
}

// operand is what a node reads: a constant, or what becomes of the samples.
type operand struct {
	name     string
	made     *node           // nil for inputs and stored constants
	users    []*node         // nodes that compute with it, one as often as it reads it
	data     bool            // depends on the values of the samples
	labelled bool            // depends on their labels, and on nothing else of them
	array    *array          // a constant that is known
	axes     []relayout.Axis // of data that has been reached
	busy     bool            // is being computed
}

// errorf returns an error that names the node.
func (n *node) errorf(format string, args ...any) error {
	name := n.name
	for _, v := range n.out {
		if name == "" && v != nil {
			name = v.name
		}
	}
	return fmt.Errorf("node %.80q (%.40s): %w", name, n.op, fmt.Errorf(format, args...))
}

// load takes over a graph.
func (m *model) load(g *schema.GraphProto, beside *os.Root) error {
	if len(g.Node) > maxNodes {
		return fmt.Errorf("%d nodes, want at most %d", len(g.Node), maxNodes)
	}
	for _, t := range g.Initializer {
		a, err := decode(t, beside)
		if err != nil {
			return fmt.Errorf("array %.80q: %w", t.GetName(), err)
		}
		m.value(t.GetName()).array = a
		m.stored += len(a.floats) + len(a.ints)
	}
	if err := m.loadNodes(g.Node, beside); err != nil {
		return err
	}
	if err := m.loadInputs(g.Input); err != nil {
		return err
	}
	if len(g.Output) == 0 {
		return errors.New("the graph has no output")
	}
	m.output = m.value(g.Output[0].GetName())
	if err := m.sort(); err != nil {
		return err
	}
	if !m.output.data {
		return fmt.Errorf("the output %.80q does not depend on the input %.80q", m.output.name, m.input.name)
	}
	m.followLabels()
	m.prune()
	return nil
}

// value returns the operand of a name.
func (m *model) value(name string) *operand {
	v := m.values[name]
	if v == nil {
		v = &operand{name: name}
		m.values[name] = v
	}
	return v
}

func (m *model) loadNodes(protos []*schema.NodeProto, beside *os.Root) error {
	for _, p := range protos {
		n := &node{name: p.GetName(), op: p.GetOpType(), attributes: map[string]*schema.AttributeProto{}}
		if d := p.GetDomain(); d != "" && d != "ai.onnx" {
			n.op = d + "." + n.op
		}
		for _, a := range p.Attribute {
			n.attributes[a.GetName()] = a
		}
		for _, name := range p.Input {
			if name == "" {
				n.in = append(n.in, nil)
				continue
			}
			v := m.value(name)
			n.in = append(n.in, v)
			v.users = append(v.users, n)
		}
		for _, name := range p.Output {
			if name == "" {
				n.out = append(n.out, nil)
				continue
			}
			v := m.value(name)
			if v.made != nil || v.array != nil {
				return n.errorf("%.80q has been computed already", name)
			}
			v.made = n
			n.out = append(n.out, v)
		}
		if err := n.complete(); err != nil {
			return err
		}
		if n.op == "Constant" {
			if err := n.constant(beside); err != nil {
				return err
			}
		}
		m.nodes = append(m.nodes, n)
	}
	return nil
}

// required is how many inputs an operator cannot do without, where that is more than one.
var required = map[string]int{
	"Add": 2, "Sub": 2, "Mul": 2, "Div": 2, "Pow": 2, "Equal": 2, "MatMul": 2, "Gemm": 2, "Conv": 2, "ConvTranspose": 2,
	"Reshape": 2, "Expand": 2, "Tile": 2, "Gather": 2, "PRelu": 2, "LayerNormalization": 2, "InstanceNormalization": 3,
	"GroupNormalization": 3, "BatchNormalization": 5, "RNN": 3, "LSTM": 3, "GRU": 3, "Where": 3, "OneHot": 3,
}

// complete reports a node without an input or the output that its operator cannot do without.
func (n *node) complete() error {
	for i := range required[n.op] {
		if i >= len(n.in) || n.in[i] == nil {
			return n.errorf("input %d is left out", i)
		}
	}
	recurrent := n.op == "RNN" || n.op == "LSTM" || n.op == "GRU" // whose last state may be all that is wanted
	if len(n.out) == 0 || n.out[0] == nil && !recurrent {
		return n.errorf("its output is left out")
	}
	return nil
}

// constant takes the value of a Constant node.
func (n *node) constant(beside *os.Root) error {
	if len(n.out) != 1 || n.out[0] == nil {
		return n.errorf("%d outputs, want 1", len(n.out))
	}
	v := n.out[0]
	for name, a := range n.attributes {
		switch name {
		case "value":
			var err error
			if a.T == nil {
				return n.errorf("no tensor")
			}
			if v.array, err = decode(a.T, beside); err != nil {
				return n.errorf("%w", err)
			}
		case "value_float":
			v.array = &array{floats: []float32{a.GetF()}}
		case "value_floats":
			v.array = &array{axes: plainAxes(len(a.Floats)), floats: a.Floats}
		case "value_int":
			v.array = &array{ints: []relayout.Axis{{Size: whole(a.GetI())}}}
		case "value_ints":
			v.array = vector()
			for _, i := range a.Ints {
				v.array.ints = append(v.array.ints, relayout.Axis{Size: whole(i)})
			}
			v.array.axes = plainAxes(len(a.Ints))
		}
	}
	if v.array == nil {
		return n.errorf("its value is neither numbers nor an array of them")
	}
	return nil
}

// loadInputs finds the input that samples come in by: the only one that is no constant, beside
// one for labels.
func (m *model) loadInputs(inputs []*schema.ValueInfoProto) error {
	for _, in := range inputs {
		v := m.value(in.GetName())
		if v.array != nil {
			continue
		}
		if m.labels == nil && isLabels(in.GetType().GetTensorType()) {
			m.labels = v
			continue
		}
		if m.input != nil {
			return fmt.Errorf("two inputs, %.80q and %.80q, want one", m.input.name, v.name)
		}
		m.input = v
		v.data = true
		t := in.GetType().GetTensorType()
		switch kind := schema.TensorProto_DataType(t.GetElemType()); kind {
		case schema.TensorProto_FLOAT, schema.TensorProto_DOUBLE, schema.TensorProto_FLOAT16, schema.TensorProto_BFLOAT16: // in float32 here
		default:
			return fmt.Errorf("input %.80q has values of type %v, want floating-point ones", v.name, kind)
		}
		for i, d := range t.GetShape().GetDim() {
			n := d.GetDimValue()
			if n < 0 || n > maxArray {
				return fmt.Errorf("input %.80q: axis %d has a length of %d", v.name, i, n)
			}
			m.shape = append(m.shape, relayout.Axis{Size: int(n)})
		}
	}
	if m.input == nil {
		return errors.New("the graph has no input")
	}
	return m.findBatch()
}

// findBatch finds the axis that samples are counted along: the one without a length, or the
// first if all have one.
func (m *model) findBatch() error {
	if len(m.shape) < 2 {
		return fmt.Errorf("input %.80q has %d axes, want samples and at least one axis of theirs", m.input.name, len(m.shape))
	}
	batch := slices.IndexFunc(m.shape, func(a relayout.Axis) bool { return a.Size == 0 })
	if batch < 0 {
		batch = 0
		m.fixed = m.shape[0].Size
	}
	m.shape[batch] = relayout.Axis{Size: 1, Batch: true}
	for i, a := range m.shape {
		if a.Size == 0 {
			return fmt.Errorf("input %.80q: the lengths of axes %d and %d are not known, want that of the samples open only; export the model for the shape of one sample", m.input.name, batch, i)
		}
	}
	if n, ok := size(append(slices.Clone(m.shape[:batch]), m.shape[batch+1:]...)); !ok || n == 0 {
		return fmt.Errorf("input %.80q: samples have more than %d values", m.input.name, maxArray)
	}
	return nil
}

// sort puts the nodes in order and finds out which values depend on the samples.
func (m *model) sort() error {
	missing, ready := map[*node]int{}, []*node{}
	for _, n := range m.nodes {
		for _, v := range n.in {
			if v != nil && v.made != nil {
				missing[n]++
			} else if v != nil && v.array == nil && v != m.input && v != m.labels {
				return n.errorf("reads %.80q, which nothing makes", v.name)
			}
		}
		if missing[n] == 0 {
			ready = append(ready, n)
		}
	}
	var sorted []*node
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		n.place = len(sorted)
		sorted = append(sorted, n)
		n.data = n.op != "Shape" && n.op != "Size" && slices.ContainsFunc(n.in, func(v *operand) bool { return v != nil && v.data })
		for _, v := range n.out {
			if v == nil {
				continue
			}
			v.data = n.data
			for _, user := range v.users {
				if missing[user]--; missing[user] == 0 {
					ready = append(ready, user)
				}
			}
		}
	}
	if len(sorted) != len(m.nodes) {
		for _, n := range m.nodes {
			if missing[n] > 0 {
				return n.errorf("depends on itself")
			}
		}
	}
	m.nodes = sorted
	return nil
}

// prune leaves as users only nodes that the output depends on, and among them only those
// that compute with data.
func (m *model) prune() {
	needed := map[*node]bool{}
	var visit []*operand
	visit = append(visit, m.output)
	for len(visit) > 0 {
		v := visit[len(visit)-1]
		visit = visit[:len(visit)-1]
		if v == nil || v.made == nil || needed[v.made] {
			continue
		}
		needed[v.made] = true
		visit = append(visit, v.made.in...)
	}
	for _, v := range m.values {
		v.users = slices.DeleteFunc(v.users, func(n *node) bool { return !needed[n] || !n.data })
	}
	m.nodes = slices.DeleteFunc(m.nodes, func(n *node) bool { return !needed[n] })
	for i, n := range m.nodes {
		n.place = i
	}
}

// Attributes of a node.

func (n *node) int(name string, fallback int) int {
	if a := n.attributes[name]; a != nil {
		return whole(a.GetI())
	}
	return fallback
}

func (n *node) float(name string, fallback float32) float32 {
	if a := n.attributes[name]; a != nil {
		return a.GetF()
	}
	return fallback
}

func (n *node) text(name, fallback string) string {
	if a := n.attributes[name]; a != nil {
		return string(a.S)
	}
	return fallback
}

func (n *node) ints(name string) []int {
	a := n.attributes[name]
	if a == nil {
		return nil
	}
	list := make([]int, len(a.Ints))
	for i, v := range a.Ints {
		list[i] = whole(v)
	}
	return list
}
