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

// Network is a chain of layers bound to an input shape. Its weights lie in one
// contiguous arena, stage by stage and parameter by parameter, so that an
// optimiser, a checkpoint or a model file is one flat loop.
//
// A network may be used by any number of goroutines at once, each with a Pass
// of its own, as long as nothing changes its weights.
type Network struct {
	input   tensor.Shape
	layers  []Layer
	stages  []boundStage
	weights []float32
}

// boundStage is a stage with its place in the network.
type boundStage struct {
	Stage
	Plan
	in     tensor.Shape
	params []span // of the arena, one a parameter
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
// with its position, the shape it got and the reason. All weights are zero until
// Init or a copy into Weights sets them.
func NewNetwork(input tensor.Shape, layers ...Layer) (*Network, error) {
	n, size, err := bindAll(input, layers)
	if err != nil {
		return nil, err
	}
	n.weights = make([]float32, size)
	return n, nil
}

// CountWeights returns how many weights NewNetwork would make room for, and the
// error it would give.
func CountWeights(input tensor.Shape, layers ...Layer) (int, error) {
	_, size, err := bindAll(input, layers)
	return size, err
}

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
	n = &Network{input: input.Clone(), layers: layers}
	shape := n.input
	for i, layer := range layers {
		stage, err := bind(layer, shape)
		if err != nil {
			return nil, 0, fmt.Errorf("nn: layer %d (%s) on input %v: %w", i, Kind(layer), shape, err)
		}
		for _, p := range stage.Params {
			stage.params = append(stage.params, span{size, size + p.Shape.Size()})
			size += p.Shape.Size()
		}
		if size > maxWeights {
			return nil, 0, fmt.Errorf("nn: layer %d (%s): the network has more than %d weights", i, Kind(layer), maxWeights)
		}
		n.stages = append(n.stages, stage)
		shape = stage.Output
	}
	return n, size, nil
}

// maxWeights keeps the arena's size in bytes within an int on every platform.
const maxWeights = math.MaxInt32 / 4

// bind binds one layer and checks what it made.
func bind(layer Layer, in tensor.Shape) (boundStage, error) {
	if layer == nil {
		return boundStage{}, errors.New("got nil, want a layer")
	}
	stage, err := layer.Bind(in)
	if err != nil {
		return boundStage{}, err
	}
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
	frozen := slices.ContainsFunc(plan.Params, func(p Param) bool { return p.Frozen })
	if _, ok := stage.(Follower); frozen && !ok {
		return boundStage{}, fmt.Errorf("%T has frozen parameters but no Follow", stage)
	}
	return boundStage{Stage: stage, Plan: plan, in: in}, nil
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
	for i, s := range n.stages {
		for j, p := range s.Params {
			rng := rand.New(rand.NewPCG(seed, uint64(i)<<32|uint64(j)))
			p.Init.fill(n.weights[s.params[j].lo:s.params[j].hi], p, rng)
		}
	}
}

// Input returns the shape of one input sample.
func (n *Network) Input() tensor.Shape { return n.input }

// Output returns the shape of one output sample.
func (n *Network) Output() tensor.Shape {
	if len(n.stages) == 0 {
		return n.input
	}
	return n.stages[len(n.stages)-1].Output
}

// Layers returns the layers the network was made of; the slice must not be changed.
func (n *Network) Layers() []Layer { return n.layers }

// Weights returns the arena itself, not a copy.
func (n *Network) Weights() []float32 { return n.weights }

// Slice returns the network of layers lo to hi, which shares its weights with n:
// the encoder or the decoder of an autoencoder.
func (n *Network) Slice(lo, hi int) *Network {
	part := &Network{input: n.input, layers: n.layers[lo:hi]}
	if lo > 0 {
		part.input = n.stages[lo-1].Output
	}
	from, to := n.offset(lo), n.offset(hi)
	part.weights = n.weights[from:to:to]
	for _, s := range n.stages[lo:hi] {
		moved := make([]span, len(s.params))
		for j, p := range s.params {
			moved[j] = span{p.lo - from, p.hi - from}
		}
		s.params = moved
		part.stages = append(part.stages, s)
	}
	return part
}

// offset returns where in the arena the weights of stage i begin.
func (n *Network) offset(i int) int {
	for _, s := range n.stages[i:] {
		if len(s.params) > 0 {
			return s.params[0].lo
		}
	}
	return len(n.weights)
}

// Array is one parameter of a network: a named, shaped view of the arena.
type Array struct {
	Layer  int    // position of its layer in the network
	Name   string // within the layer: "kernel"
	Shape  tensor.Shape
	Values []float32 // shared with the network
}

// Arrays lists the parameters in the order of the arena.
func (n *Network) Arrays() []Array {
	var arrays []Array
	for i, s := range n.stages {
		for j, p := range s.Params {
			arrays = append(arrays, Array{
				Layer:  i,
				Name:   p.Name,
				Shape:  p.Shape,
				Values: n.weights[s.params[j].lo:s.params[j].hi],
			})
		}
	}
	return arrays
}
