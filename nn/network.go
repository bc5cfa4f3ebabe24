package nn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"

	"hourglass/tensor"
)

// Network is a list of layers bound to an input shape. Its weights lie in one
// contiguous arena, stage by stage and parameter by parameter, so that an
// optimiser, a checkpoint or a model file is one flat loop.
//
// A network may be used by any number of goroutines at once, each with a Pass
// of its own, as long as nothing changes its weights.
type Network struct {
	input  tensor.Shape
	layers []Layer
	rows   []summaryLine

	// The program: stage i writes value i+1; value 0 is the input.
	ops    []op
	shapes []tensor.Shape // of the values, behind which there may be some that a part of a network lacks
	weighs int            // the stage that Weighs, or -1
	ends   []Value        // what each layer makes
	output Value
	taps   map[Value]string // the names of tapped values
	lacks  []string         // taps that a part of a network joins but does not have

	commons []int // values a sample of each Common

	arena   []float32 // of the whole network, which the spans of stages are of
	from    int       // where in the arena weights begin
	weights []float32
}

// boundStage is a stage with what it plans.
type boundStage struct {
	Stage
	Plan
	in tensor.Shape // of the first input
}

// op is a stage with its place in the network.
type op struct {
	boundStage
	inputs []Value
	params []span // of the arena, one a parameter
	shares []span // of parameters of other stages
	layer  int    // position of its layer in the list
	name   string // of the named layer it is of, or ""
	path   string // of the names of composites' parts, or ""
	frozen bool   // the weights are not trained
	group  string // of weights, or ""

	resting bool       // in inference
	commons []Common   // memory that it shares
	rule    weightRule // by which they add to the loss
}

// arrayName is what a parameter is called within the stage's layer.
func (o *op) arrayName(param string) string {
	if o.path == "" {
		return param
	}
	return o.path + "." + param
}

// trains reports whether the stage has parameters that the optimiser changes.
func (o *op) trains() bool { return len(o.Params) > 0 && !o.frozen }

// follows reports whether the stage has parameters that follow the data.
func (o *op) follows() bool {
	return slices.ContainsFunc(o.Params, func(p Param) bool { return p.Frozen })
}

// coupled returns the stage as one that needs the whole batch, or nil.
func (s *boundStage) coupled() Coupled {
	if c, ok := s.Stage.(Coupled); ok && c.Channels() > 0 {
		return c
	}
	return nil
}

// span is a stretch of the arena.
type span struct{ lo, hi int }

// NewNetwork binds layers to samples of shape input. An Input layer in front may
// state the shape instead, with input nil. A layer that does not fit is named
// with its position, the shape it got and the reason, in a [*BindError]. All
// weights are zero until Init or a copy into Weights sets them.
func NewNetwork(input tensor.Shape, layers ...Layer) (*Network, error) {
	n, size, err := bindAll(input, layers)
	if err != nil {
		return nil, err
	}
	n.arena = make([]float32, size)
	n.weights = n.arena
	return n, nil
}

// CountWeights returns how many weights NewNetwork would make room for, and the
// error it would give.
func CountWeights(input tensor.Shape, layers ...Layer) (int, error) {
	_, size, err := bindAll(input, layers)
	return size, err
}

// OutputShape returns the shape of what layers make of samples of shape input.
func OutputShape(input tensor.Shape, layers ...Layer) (tensor.Shape, error) {
	n, _, err := bindAll(input, layers)
	if err != nil {
		return nil, err
	}
	return n.Output(), nil
}

// BindError says which of several layers cannot be bound, and why.
type BindError struct {
	Layer int // position in the list
	Kind  string
	Input tensor.Shape
	Err   error
}

// Error names the layer, its input and the reason.
func (e *BindError) Error() string {
	return fmt.Sprintf("nn: layer %d (%s) on input %v: %v", e.Layer, e.Kind, e.Input, e.Err)
}

// Unwrap returns the reason.
func (e *BindError) Unwrap() error { return e.Err }

// bindAll binds layers one after another and lays out their weights, for which
// it returns the size of the arena.
func bindAll(input tensor.Shape, layers []Layer) (n *Network, size int, err error) {
	if input == nil && len(layers) > 0 {
		if first, ok := layers[0].(Input); ok {
			input = tensor.Shape(first)
		}
	}
	if len(input) == 0 {
		return nil, 0, fmt.Errorf("nn: no input shape: the first layer must be Input")
	}
	if err := input.Validate(); err != nil {
		return nil, 0, fmt.Errorf("nn: input: %w", err)
	}
	p := newProgram(input.Clone(), layers)
	var value Value
	for i, layer := range layers {
		p.layer = i
		in := p.shapes[value]
		b := &Builder{program: p, row: -1}
		if value, err = b.add(layer, value); err != nil {
			return nil, 0, &BindError{i, Kind(layer), in, err}
		}
		p.ends = append(p.ends, value)
	}
	p.output = value
	if p.weighs >= 0 && p.copies[value] != max(p.ops[p.weighs].Copies, 1) {
		return nil, 0, fmt.Errorf("nn: the copies of a sample that count by their weights are merged before the loss")
	}
	return p.Network, p.size, nil
}

func newProgram(input tensor.Shape, layers []Layer) *program {
	return &program{
		Network: &Network{input: input, layers: layers, shapes: []tensor.Shape{input}, taps: map[Value]string{}, weighs: -1},
		copies:  []int{1},
		tapped:  map[string]Value{},
		named:   map[string]bool{},
		used:    map[string]bool{},
	}
}

// maxCopies bounds the copies of a sample.
const maxCopies = 1 << 16

// maxWeights keeps the arena's size in bytes within an int on every platform.
const maxWeights = math.MaxInt32 / 4

// bind binds one layer that is not made of others.
func bind(layer Layer, in tensor.Shape) (boundStage, error) {
	if layer == nil {
		return boundStage{}, errors.New("got nil, want a layer")
	}
	stage, err := layer.Bind(in)
	if err != nil {
		return boundStage{}, err
	}
	bound, err := bindStage(stage)
	bound.in = in
	return bound, err
}

// bindStage checks what a layer made.
func bindStage(stage Stage) (boundStage, error) {
	plan := stage.Plan()
	if err := plan.Output.Validate(); err != nil {
		return boundStage{}, err
	}
	for _, p := range plan.Params {
		if err := p.Shape.Validate(); err != nil {
			return boundStage{}, fmt.Errorf("parameter %s: %w", p.Name, err)
		}
	}
	if _, ok := stage.(Trainable); len(plan.Params) > 0 && !ok {
		return boundStage{}, fmt.Errorf("%T has parameters but no Gradient", stage)
	}
	if most := max(plan.Copies, plan.Merges); most > maxCopies {
		return boundStage{}, fmt.Errorf("%d copies of a sample, want at most %d", most, maxCopies)
	}
	frozen := slices.ContainsFunc(plan.Params, func(p Param) bool { return p.Frozen })
	if _, ok := stage.(Follower); frozen && !ok {
		return boundStage{}, fmt.Errorf("%T has frozen parameters but no Follow", stage)
	}
	return boundStage{Stage: stage, Plan: plan}, nil
}

// Kind returns the layer's name, which is that of its type: "Dense".
func Kind(l Layer) string {
	t := reflect.TypeOf(l)
	if t == nil {
		return "nil"
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// Init draws the weights, each parameter from a random stream of its own.
func (n *Network) Init(seed uint64) {
	for i := range n.ops {
		o := &n.ops[i]
		for j, p := range o.Params {
			rng := rand.New(rand.NewPCG(seed, uint64(i)<<32|uint64(j)))
			p.Init.fill(n.arena[o.params[j].lo:o.params[j].hi], p, rng)
		}
	}
}

// Input returns the shape of one input sample.
func (n *Network) Input() tensor.Shape { return n.input }

// Output returns the shape of one output sample.
func (n *Network) Output() tensor.Shape { return n.shapes[n.output] }

// Layers returns the layers the network was made of; the slice must not be changed.
func (n *Network) Layers() []Layer { return n.layers }

// Classes returns of how many classes the labels are that layers of the network ask for
// (LabelReader, such as Condition), 0 if none does.
func (n *Network) Classes() int {
	for i := range n.ops {
		if r, ok := n.ops[i].Stage.(LabelReader); ok {
			return r.Classes()
		}
	}
	return 0
}

// Weights returns the arena itself, not a copy.
func (n *Network) Weights() []float32 { return n.weights }

// Slice returns the network of layers lo to hi, which shares its weights with n:
// the encoder or the decoder of an autoencoder. A part that joins what is tapped
// outside of it cannot run; see Complete.
func (n *Network) Slice(lo, hi int) *Network {
	part := &Network{input: n.input, layers: n.layers[lo:hi], arena: n.arena, taps: map[Value]string{}, commons: n.commons, weighs: -1}
	var first Value
	if lo > 0 {
		first = n.ends[lo-1]
		part.input = n.shapes[first]
	}
	from, to := n.firstOf(lo), n.firstOf(hi)
	end := n.offset(to)
	part.from = n.offset(from)
	part.weights = n.arena[part.from:end:end]
	if from <= n.weighs && n.weighs < to {
		part.weighs = n.weighs - from
	}
	part.shapes = append([]tensor.Shape{part.input}, n.shapes[from+1:to+1]...)
	moved := func(v Value) Value {
		switch {
		case v == first:
			return 0
		case int(v) > from && int(v) <= to:
			return v - Value(from)
		}
		return part.lack(n.taps[v], n.shapes[v])
	}
	for _, o := range n.ops[from:to] {
		o.inputs = slices.Clone(o.inputs)
		for i, v := range o.inputs {
			o.inputs[i] = moved(v)
		}
		o.layer -= lo
		part.ops = append(part.ops, o)
	}
	for _, v := range n.ends[lo:hi] {
		part.ends = append(part.ends, moved(v))
	}
	if hi > lo {
		part.output = part.ends[hi-lo-1]
	}
	for v, name := range n.taps {
		if int(v) > from && int(v) <= to {
			part.taps[v-Value(from)] = name
		}
	}
	for _, r := range n.rows {
		if r.layer >= lo && r.layer < hi {
			r.layer, r.lo, r.hi = r.layer-lo, r.lo-from, r.hi-from
			part.rows = append(part.rows, r)
		}
	}
	return part
}

// lack returns a value that no stage of the network makes and notes its tap.
func (n *Network) lack(tap string, shape tensor.Shape) Value {
	n.lacks = append(n.lacks, tap)
	n.shapes = append(n.shapes, shape)
	v := Value(len(n.shapes) - 1)
	n.taps[v] = tap
	return v
}

// firstOf returns the first stage of layer i or of a later one.
func (n *Network) firstOf(i int) int {
	at := slices.IndexFunc(n.ops, func(o op) bool { return o.layer >= i })
	if at < 0 {
		return len(n.ops)
	}
	return at
}

// offset returns where in the arena the weights of stage i begin.
func (n *Network) offset(i int) int {
	for _, o := range n.ops[i:] {
		if len(o.params) > 0 {
			return o.params[0].lo
		}
	}
	return n.from + len(n.weights)
}

// Complete reports a part of a network that cannot run, because it joins what a
// layer outside of it taps: a decoder with skips from the encoder, for instance.
func (n *Network) Complete() error {
	if len(n.lacks) == 0 {
		return nil
	}
	return fmt.Errorf("nn: this part of a network joins %q, which is tapped outside of it, and only runs with the rest", n.lacks[0])
}

// Array is one parameter of a network: a named, shaped view of the arena.
type Array struct {
	Layer     int    // position of its layer in the network
	LayerName string // of the named layer it is of; "" for none
	Name      string // within the layer: "kernel", or "layers.0.kernel" within a composite
	Shape     tensor.Shape
	Values    []float32 // shared with the network
}

// Arrays lists the parameters in the order of the arena.
func (n *Network) Arrays() []Array {
	var arrays []Array
	for i := range n.ops {
		o := &n.ops[i]
		for j, p := range o.Params {
			arrays = append(arrays, Array{
				Layer:     o.layer,
				LayerName: o.name,
				Name:      o.arrayName(p.Name),
				Shape:     p.Shape,
				Values:    n.arena[o.params[j].lo:o.params[j].hi],
			})
		}
	}
	return arrays
}
