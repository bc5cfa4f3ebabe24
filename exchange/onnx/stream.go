package onnx

import (
	"fmt"
	"slices"

	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
	"hourglass/tensor"
)

// item is a layer that has been read, with its weights in the order of its parameters.
type item struct {
	layer  nn.Layer
	params [][]float32
	node   *node    // it comes of, for names and errors
	picks  bool     // that leaves elements out and nothing else
	matrix *operand // of a product whose rows and columns have been left in order
	turned bool     // how the matrix has been taken: with its columns for rows
	inside []item   // the layers of a residual block that adds what goes in
}

// stream is what a model does to samples up to a value, as layers, and how the value's axes
// lie in what these give.
type stream struct {
	m     *model
	items []item
	shape tensor.Shape  // of what the layers give
	view  relayout.View // stored: samples of that shape; wanted: the value's axes
	// open tells that nothing has been done to samples of two axes yet, so that they may come
	// in in any order: sequences with features or with steps first.
	open  bool
	input tensor.Shape // of the samples that come in
	// places has for each element of a sample, as the graph takes it, its place in what the
	// layers take.
	places []int
	marks  []mark
	// top tells that the items come to stand in the model's own list, so that it can be cut
	// between them.
	top   bool
	taken map[*node]bool // nodes that have been read with one in front of them
	// product is the place, plus 1, of a Dense layer that nothing but element-wise functions
	// follow, so that its outputs may come in any order.
	product int
}

// axes returns those of the value.
func (s *stream) axes() []relayout.Axis { return s.view.Axes() }

// add appends a layer, which takes what those before it give. The value lies as its result.
func (s *stream) add(n *node, layer nn.Layer, params ...[]float32) error {
	return s.addIn(new(exchange.Scope), n, layer, params...)
}

// addIn is add for a layer that knows others by their names.
func (s *stream) addIn(scope *exchange.Scope, n *node, layer nn.Layer, params ...[]float32) error {
	out, err := scope.Output(layer, s.shape)
	if err != nil {
		return n.errorf("as layer %s on %v: %w", nn.Kind(layer), s.shape, err)
	}
	s.items = append(s.items, item{layer: layer, params: params, node: n})
	s.shape, s.open, s.product = out, false, 0
	s.view = relayout.Of(relayout.Samples(out...))
	return nil
}

// settle makes the layers give what the value has with its axes in an order, the samples
// first: settle(n, 0, 2, 3, 1) channels last of what has channels first. Where only
// the order of samples or of a Dense layer's outputs decides, it is changed there;
// else layers are added.
func (s *stream) settle(n *node, order ...int) error {
	if len(order) != len(s.axes()) {
		return n.errorf("its input has shape %s, want %d axes", shapeText(s.axes()), len(order))
	}
	v := s.view.Transpose(order...)
	axes := v.Axes()
	if axes[0] != (relayout.Axis{Size: 1, Batch: true}) {
		return n.errorf("its input has shape %s, where samples do not come on an axis of their own, or not on that one", shapeText(s.axes()))
	}
	var shape tensor.Shape
	for _, a := range axes[1:] {
		if a.Batch {
			return n.errorf("its input has shape %s, where samples come on more than one axis", shapeText(s.axes()))
		}
		shape = append(shape, a.Size)
	}
	if len(shape) == 0 {
		return n.errorf("its input has one value a sample and no axis for it")
	}
	switch {
	case v.InOrder():
	case s.open:
		s.reorder(v.Permutation())
		s.input, s.shape = shape, shape
	case s.product > 0:
		s.permuteProduct(v.Permutation())
		s.shape = tensor.Shape{s.shape.Size()}
	default:
		if err := s.transpose(n, v); err != nil {
			return err
		}
	}
	open, product := s.open, s.product
	if !s.shape.Equal(shape) {
		if err := s.add(n, reshapeLayer(s.shape, shape)); err != nil {
			return err
		}
	}
	s.open, s.product = open, product
	s.lies(inverse(order)...)
	return nil
}

// reorder lets samples come in in another order: element i is what was from[i].
func (s *stream) reorder(from []int) {
	to := make([]int, len(from))
	for i, p := range from {
		to[p] = i
	}
	for i, p := range s.places {
		s.places[i] = to[p]
	}
}

// reshapeLayer returns the layer that gives samples another shape.
func reshapeLayer(from, to tensor.Shape) nn.Layer {
	if len(to) == 1 && len(from) > 1 {
		return nn.Flatten{}
	}
	return nn.Reshape(to)
}

// transpose adds layers that carry out the moves of a view, up to its last reshape.
func (s *stream) transpose(n *node, v relayout.View) error {
	before, order, _ := v.Moves()
	if before != nil {
		if err := s.add(n, nn.Reshape(sampleShape(before))); err != nil {
			return err
		}
	}
	var axes nn.Permute
	for i, axis := range order {
		if (i == 0) != (axis == 0) {
			return n.errorf("its input has its samples within other axes")
		}
		if i > 0 {
			axes = append(axes, axis)
		}
	}
	return s.add(n, axes)
}

// sampleShape returns the shape of a sample.
func sampleShape(axes []relayout.Axis) tensor.Shape {
	var shape tensor.Shape
	for _, a := range axes[1:] {
		shape = append(shape, a.Size)
	}
	return shape
}

// permuteProduct gives the outputs of the last Dense layer in another order: output i is
// what was places[i].
func (s *stream) permuteProduct(places []int) {
	it := &s.items[s.product-1]
	it.matrix = nil
	for k, values := range it.params {
		out := make([]float32, 0, len(values))
		for row := values; len(row) > 0; row = row[len(places):] {
			for _, p := range places {
				out = append(out, row[p])
			}
		}
		it.params[k] = out
	}
}

// plain settles the value as it is, its samples first.
func (s *stream) plain(n *node) error {
	return s.settle(n, batchFirst(s.axes())...)
}

// batchFirst returns the order that puts the axis of the samples in front of the others.
func batchFirst(axes []relayout.Axis) []int {
	var order []int
	for i, a := range axes {
		if a.Batch {
			order = slices.Insert(order, 0, i)
		} else {
			order = append(order, i)
		}
	}
	return order
}

// flat makes the layers give vectors, in the order they lie in already, and returns for
// each element of the value its place there.
func (s *stream) flat(n *node) ([]int, error) {
	axes := s.axes()
	if len(axes) != 2 || axes[0] != (relayout.Axis{Size: 1, Batch: true}) || axes[1].Batch {
		return nil, n.errorf("its input has shape %s, want samples and one axis", shapeText(axes))
	}
	places := s.view.Permutation()
	if len(s.shape) > 1 {
		view := s.view
		if err := s.add(n, nn.Flatten{}); err != nil {
			return nil, err
		}
		s.view = view.Joined()
	}
	return places, nil
}

// lies tells how the value lies after a node whose layers have been added: axis i of the
// value is axis order[i] of what they give.
func (s *stream) lies(order ...int) {
	s.view = relayout.Of(relayout.Samples(s.shape...)).Transpose(order...)
}

// function applies an element-wise function: within the layer before where that can be.
func (s *stream) function(n *node, fn nn.Activation) error {
	view, product := s.view, s.product
	if fn.Func == nn.Linear {
		return nil
	}
	i := len(s.items) - 1
	for i >= 0 && movesOnly(s.items[i].layer) {
		i--
	}
	if i >= 0 && fn.Slope == 0 && takeFunction(&s.items[i].layer, fn.Func) {
		return nil
	}
	if err := s.add(n, fn); err != nil {
		return err
	}
	s.view, s.product = view, product
	return nil
}

// movesOnly reports whether a layer leaves values as they are and 0 nowhere, so that a
// function may be applied before it as well.
func movesOnly(l nn.Layer) bool {
	switch l.(type) {
	case nn.Cropping2D, nn.Reshape, nn.Flatten, nn.Permute:
		return true
	}
	return false
}

// takeFunction puts a function into a layer that has none.
func takeFunction(layer *nn.Layer, fn nn.Func) bool {
	var place *nn.Func
	switch l := (*layer).(type) {
	case nn.Dense:
		place = &l.Activation
		defer func() { *layer = l }()
	case nn.Tied:
		place = &l.Activation
		defer func() { *layer = l }()
	case nn.Conv1D:
		place = &l.Activation
		defer func() { *layer = l }()
	case nn.Conv2D:
		place = &l.Activation
		defer func() { *layer = l }()
	case nn.Conv1DTranspose:
		place = &l.Activation
		defer func() { *layer = l }()
	case nn.Conv2DTranspose:
		place = &l.Activation
		defer func() { *layer = l }()
	case nn.DepthwiseConv1D:
		place = &l.Activation
		defer func() { *layer = l }()
	case nn.DepthwiseConv2D:
		place = &l.Activation
		defer func() { *layer = l }()
	case nn.Residual:
		place = &l.Activation
		defer func() { *layer = l }()
	default:
		return false
	}
	if *place != nn.Linear {
		return false
	}
	*place = fn
	return true
}

// cannot is an error about what a node asks for that there is no layer for.
func cannot(n *node, what string, args ...any) error {
	return n.errorf("%s", fmt.Sprintf(what, args...))
}

// sameList reports whether all numbers of a list are n; an empty list is.
func sameList(list []int, n int) bool {
	return !slices.ContainsFunc(list, func(v int) bool { return v != n })
}
