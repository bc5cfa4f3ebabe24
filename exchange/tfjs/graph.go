package tfjs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"hourglass/exchange"
	"hourglass/nn"
)

// maxLayers bounds how many layers a model may have.
const maxLayers = 1 << 14

// vertex is a layer among those it reads and those that read it, or the model's input.
type vertex struct {
	layer klayer
	name  string // its own, by which its weights go
	path  string // its name, behind those of the models it is in
	place int    // in an order in which each follows what it reads
	from  []*vertex
	users []*vertex // one as often as it reads it
	told  bool      // it is the labels, or computed of them alone
}

// errorf returns an error that names the layer.
func (v *vertex) errorf(format string, args ...any) error {
	return fmt.Errorf("layer %.80q (%.40s): %w", v.name, v.layer.Class, fmt.Errorf(format, args...))
}

// builder makes a graph of models within models.
type builder struct {
	vertices []*vertex
	input    []int // the shape of a sample, once it is known
}

// header is what all layers have.
type header struct {
	Name  string `json:"name"`
	Shape []*int `json:"batch_input_shape"`
}

// inputsOf returns what the inputs of the whole model are: samples, and beside them labels, which are
// one number for each sample.
func inputsOf(c kconfig, samples *vertex) ([]*vertex, error) {
	names := endNames(c.Inputs)
	if len(names) < 2 {
		return []*vertex{samples}, nil
	}
	inputs := slices.Repeat([]*vertex{samples}, len(names))
	labels, found := &vertex{name: "the labels", told: true}, 0
	for _, l := range c.Layers {
		var h header
		if err := json.Unmarshal(l.Config, &h); err != nil {
			return nil, fmt.Errorf("layer %.80q (%.40s): %w", l.Name, l.Class, err)
		}
		if at := slices.Index(names, h.Name); at >= 0 && (len(h.Shape) == 1 || len(h.Shape) == 2 && h.Shape[1] != nil && *h.Shape[1] == 1) {
			inputs[at] = labels
			found++
		}
	}
	if len(names) != 2 || found != 1 {
		return nil, fmt.Errorf("model %.80q has %d inputs, want samples, or samples and labels, one whole number for each", c.Name, len(names))
	}
	return inputs, nil
}

// endNames returns the layers that a functional model lists as its inputs: [[name, 0, 0], …]. It is
// nil where there is no such list.
func endNames(text json.RawMessage) []string {
	var ends [][]any
	if len(text) == 0 || json.Unmarshal(text, &ends) != nil {
		return nil
	}
	var names []string
	for _, end := range ends {
		if len(end) == 0 {
			return nil
		}
		name, _ := end[0].(string)
		names = append(names, name)
	}
	return names
}

// model adds the layers of a model that takes what the inputs give, and returns the one that
// makes its output.
func (b *builder) model(c kconfig, inputs []*vertex, path string, depth int) (*vertex, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("models within models, want at most %d", maxDepth)
	}
	m := &scope{builder: b, inputs: map[string]*vertex{}, path: path, depth: depth, layers: map[string]klayer{}, made: map[string]*vertex{}, busy: map[string]bool{}}
	takes := endNames(c.Inputs)
	if n := max(len(takes), 1); n != len(inputs) {
		return nil, fmt.Errorf("model %.80q is given %d inputs, want %d", c.Name, len(inputs), n)
	}
	functional := false
	var names []string
	for i, l := range c.Layers {
		var h header
		if err := json.Unmarshal(l.Config, &h); err != nil {
			return nil, fmt.Errorf("layer %d (%.40s): %w", i, l.Class, err)
		}
		if l.Class == "InputLayer" {
			m.inputs[h.Name] = inputs[max(slices.Index(takes, h.Name), 0)]
		}
		if in := m.inputs[h.Name]; (in == nil || !in.told) && l.Class != "Embedding" { // which take labels
			if err := b.learnShape(h); err != nil {
				return nil, err
			}
		}
		if _, ok := m.layers[h.Name]; ok {
			return nil, fmt.Errorf("two layers are called %.80q", h.Name)
		}
		m.layers[h.Name] = l
		names = append(names, h.Name)
		functional = functional || len(l.Inbound) > 0
	}
	if len(names) == 0 {
		return nil, errors.New("a model has no layers")
	}
	if functional {
		last, err := outputName(c, names[len(names)-1])
		if err != nil {
			return nil, err
		}
		return m.value(last)
	}
	made := inputs[0]
	for _, name := range names {
		var err error
		if made, err = m.append(name, []*vertex{made}); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// learnShape takes the shape of a sample from the first layer that has it.
func (b *builder) learnShape(h header) error {
	if b.input != nil || len(h.Shape) < 2 {
		return nil
	}
	for _, n := range h.Shape[1:] {
		if n == nil {
			return fmt.Errorf("layer %.80q: the shape of a sample is open, want numbers", h.Name)
		}
		b.input = append(b.input, *n)
	}
	return nil
}

// outputName returns which layer makes a functional model's output: the last if it does not say.
func outputName(c kconfig, last string) (string, error) {
	var ends []any
	if len(c.Outputs) == 0 || json.Unmarshal(c.Outputs, &ends) != nil || len(ends) == 0 {
		return last, nil
	}
	first := ends
	if list, ok := ends[0].([]any); ok {
		if len(ends) > 1 {
			return "", fmt.Errorf("model %.80q has %d outputs, want one", c.Name, len(ends))
		}
		first = list
	}
	if len(first) > 0 {
		if name, ok := first[0].(string); ok {
			return name, nil
		}
	}
	return last, nil
}

// scope is a model whose layers are being added.
type scope struct {
	*builder
	inputs map[string]*vertex // by the names of input layers
	path   string
	depth  int
	layers map[string]klayer
	made   map[string]*vertex
	busy   map[string]bool
}

// value returns the vertex that makes a layer's output, which it adds if need be.
func (m *scope) value(name string) (*vertex, error) {
	if v := m.made[name]; v != nil {
		return v, nil
	}
	l, ok := m.layers[name]
	if !ok {
		return nil, fmt.Errorf("there is no layer %.80q", name)
	}
	if m.busy[name] || len(m.busy) > maxLayers {
		return nil, fmt.Errorf("layer %.80q depends on itself", name)
	}
	m.busy[name] = true
	var from []*vertex
	if l.Class != "InputLayer" {
		inbound, err := inboundNames(l.Inbound)
		if err != nil {
			return nil, fmt.Errorf("layer %.80q (%.40s): %w", name, l.Class, err)
		}
		for _, in := range inbound {
			v, err := m.value(in)
			if err != nil {
				return nil, err
			}
			from = append(from, v)
		}
	}
	v, err := m.append(name, from)
	m.made[name] = v
	return v, err
}

// inboundNames returns the layers whose outputs a layer reads: [[[name, 0, 0, {}], …]].
func inboundNames(text json.RawMessage) ([]string, error) {
	var calls [][][]json.RawMessage
	if err := json.Unmarshal(text, &calls); err != nil {
		return nil, errors.New("inbound_nodes are not those of Keras 2, want a model that Keras 2 or TensorFlow.js has saved")
	}
	if len(calls) != 1 {
		return nil, fmt.Errorf("it is used %d times, want once; import the model from ONNX", len(calls))
	}
	var names []string
	for _, ref := range calls[0] {
		var name string
		var output int
		if len(ref) < 3 || json.Unmarshal(ref[0], &name) != nil || json.Unmarshal(ref[2], &output) != nil || output != 0 {
			return nil, errors.New("it reads something else than a layer's only output")
		}
		names = append(names, name)
	}
	return names, nil
}

// append adds a layer, or the layers of a model, and returns what makes the output.
func (m *scope) append(name string, from []*vertex) (*vertex, error) {
	l := m.layers[name]
	switch l.Class {
	case "InputLayer":
		return m.inputs[name], nil
	case "Sequential", "Functional", "Model":
		if len(from) == 0 {
			return nil, fmt.Errorf("model %.80q takes no input, want one", name)
		}
		var inner kconfig
		if err := json.Unmarshal(l.Config, &inner); err != nil {
			return nil, fmt.Errorf("model %.80q: %w", name, err)
		}
		return m.model(inner, from, m.path+name+"/", m.depth+1)
	}
	if len(m.vertices) >= maxLayers {
		return nil, fmt.Errorf("more than %d layers", maxLayers)
	}
	v := &vertex{layer: l, name: name, path: m.path + name, place: len(m.vertices) + 1, from: from}
	v.told = len(from) > 0
	for _, f := range from {
		f.users = append(f.users, v)
		v.told = v.told && f.told
	}
	m.vertices = append(m.vertices, v)
	return v, nil
}

// read adds the layers between v and target that are in a region, or everywhere.
func (r *reader) read(v, target *vertex, region map[*vertex]bool) error {
	for v != target {
		var users []*vertex
		for _, u := range v.users {
			if region == nil || region[u] {
				users = append(users, u)
			}
		}
		switch {
		case len(users) == 0:
			return fmt.Errorf("nothing is computed of what layer %.80q makes", v.name)
		case len(users) == 1:
			n := users[0]
			if len(n.from) == 2 && n.from[0] == v && n.from[1].told {
				if err := r.condition(n); err != nil {
					return n.errorf("%w", err)
				}
				v = n
				continue
			}
			if len(n.from) != 1 {
				return n.errorf("takes %d inputs, want a sequence of layers, or branches that meet again", len(n.from))
			}
			if err := r.layer(n.layer, n.name, n.path); err != nil {
				return n.errorf("%w", err)
			}
			v = n
		default:
			join, inside := r.meet(v, users, region)
			if join == nil {
				return v.errorf("the layers that read it do not meet again")
			}
			if err := r.join(v, join, inside); err != nil {
				return join.errorf("%w", err)
			}
			v = join
		}
	}
	return nil
}

// meet returns where all ways from v meet, and the layers in between.
func (r *reader) meet(v *vertex, users []*vertex, region map[*vertex]bool) (*vertex, map[*vertex]bool) {
	inside := map[*vertex]bool{}
	for _, u := range users {
		inside[u] = true
	}
	open := len(users)
	for _, n := range r.vertices[v.place:] {
		if !inside[n] {
			continue
		}
		for _, f := range n.from {
			if f == v || inside[f] {
				open--
			}
		}
		if open == 0 {
			delete(inside, n)
			return n, inside
		}
		for _, u := range n.users {
			if region == nil || region[u] {
				inside[u] = true
				open++
			}
		}
	}
	return nil, nil
}

// ancestors returns the layers of a region that v depends on, itself among them.
func ancestors(v *vertex, region map[*vertex]bool) map[*vertex]bool {
	found := map[*vertex]bool{}
	visit := []*vertex{v}
	for len(visit) > 0 {
		n := visit[len(visit)-1]
		visit = visit[:len(visit)-1]
		if region[n] && !found[n] {
			found[n] = true
			visit = append(visit, n.from...)
		}
	}
	return found
}

// merged are the classes of layers in which branches meet.
var merged = map[string]nn.Merge{"Add": nn.Add, "Multiply": nn.Multiply, "Concatenate": nn.Concatenate}

// join reads ways from v that meet.
func (r *reader) join(v, join *vertex, inside map[*vertex]bool) error {
	merge, ok := merged[join.layer.Class]
	if !ok {
		return errors.New("branches meet here, want Add, Multiply or Concatenate")
	}
	// A skip: what v is comes beside what is made of it, between whose layers a list can be cut.
	skip := r.top && merge == nn.Concatenate && len(join.from) == 2 && slices.Contains(join.from, v)
	seen := map[*vertex]bool{}
	var ways []*reader
	for _, end := range join.from {
		nodes := ancestors(end, inside)
		for n := range nodes {
			if seen[n] {
				return fmt.Errorf("what layer %.80q makes is used on several ways that meet here", n.name)
			}
			seen[n] = true
		}
		way := &reader{arrays: r.arrays, vertices: r.vertices, shape: r.shape, scope: &exchange.Scope{}, top: skip && end != v, first: r.first + len(r.items) + 1}
		if err := way.read(v, end, nodes); err != nil {
			return err
		}
		ways = append(ways, way)
	}
	if err := lastAxis(join.layer, len(ways[0].shape)); merge == nn.Concatenate && err != nil {
		return err
	}
	if skip {
		made := ways[0]
		if join.from[0] == v {
			made = ways[1]
		}
		return r.skip(v, join, made)
	}
	if merge == nn.Add && len(ways) == 2 {
		made, kept := ways[1], ways[0]
		if len(made.items) < len(kept.items) {
			made, kept = kept, made
		}
		block := nn.Residual{Layers: made.layers()}
		if len(kept.items) > 0 {
			block.Projection = kept.layers()
		}
		return r.add(block, join.path, append(made.params(), kept.params()...)...)
	}
	var branches []nn.Layers
	var params [][]float32
	for _, w := range ways {
		branches, params = append(branches, w.layers()), append(params, w.params()...)
	}
	return r.add(nn.Parallel{Branches: branches, Merge: merge}, join.path, params...)
}

// lastAxis reports a Concatenate along another axis than the last of samples of so many.
func lastAxis(l klayer, axes int) error {
	c := struct {
		Axis int `json:"axis"`
	}{-1}
	if err := json.Unmarshal(l.Config, &c); err != nil {
		return err
	}
	if c.Axis != -1 && c.Axis != axes {
		return fmt.Errorf("axis is %d, want the last, -1", c.Axis)
	}
	return nil
}

// skip reads a way whose beginning is joined to its end, in a list of layers that can be cut
// anywhere in between.
func (r *reader) skip(v, join *vertex, way *reader) error {
	name := fmt.Sprintf("skip%d", r.first+len(r.items))
	if err := r.add(nn.Tap{Name: name}, v.path); err != nil {
		return err
	}
	for _, it := range way.items {
		if err := r.add(it.layer, it.name, it.params...); err != nil {
			return err
		}
	}
	return r.add(nn.Join{Name: name, TappedFirst: join.from[0] == v}, join.path)
}

func (r *reader) layers() nn.Layers {
	list := nn.Layers{}
	for _, it := range r.items {
		list = append(list, it.layer)
	}
	return list
}

func (r *reader) params() (list [][]float32) {
	for _, it := range r.items {
		list = append(list, it.params...)
	}
	return list
}
