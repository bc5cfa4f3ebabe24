package onnx

import (
	"errors"
	"fmt"
	"slices"

	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
	"hourglass/tensor"
)

// reader adds to a stream what a node does to its value.
type reader func(s *stream, n *node) error

// readers know each operator on a single value that has a layer, or needs none.
var readers map[string]reader

func init() { // not a literal: some look here
	readers = map[string]reader{
		"Identity": readNothing, "Cast": readNothing,
		"Dropout": readDropout,
		"Reshape": readReshape, "Flatten": readReshape, "Squeeze": readReshape, "Unsqueeze": readReshape, "Transpose": readTranspose,
		"Gemm": readGemm, "MatMul": readMatMul,
		"Add": readArithmetic, "Sub": readArithmetic, "Mul": readArithmetic, "Div": readArithmetic,
		"Conv": readConv, "ConvTranspose": readConvTranspose,
		"MaxPool": readPool, "AveragePool": readPool, "GlobalAveragePool": readGlobalAverage, "ReduceMean": readGlobalAverage,
		"BatchNormalization": readBatchNormalization, "LayerNormalization": readLayerNormalization,
		"Resize": readResize, "Upsample": readResize, "Pad": readPad, "Slice": readSlice,
		"RNN": readRecurrent, "LSTM": readRecurrent, "GRU": readRecurrent,
		"Expand": readRepeat, "Tile": readRepeat,
	}
	readers["Concat"] = readConcat
	readers["InstanceNormalization"], readers["GroupNormalization"] = readInstanceNormalization, readGroupNormalization
	readers["Gather"], readers["PRelu"], readers["DepthToSpace"] = readGather, readPReLU, readDepthToSpace
	for op := range functionOps {
		readers[op] = readFunction
	}
}

func readNothing(*stream, *node) error { return nil }

// readDropout keeps a Dropout, which does nothing but in training, for training to go on with.
func readDropout(s *stream, n *node) error {
	rate := n.float("ratio", 0.5)
	if a, err := s.m.inputArray(n, 1); err == nil && a != nil {
		if v, ok := a.scalar(); ok {
			rate = v
		}
	}
	if !(rate > 0 && rate < 1) || len(n.attributes) == 0 && len(n.in) < 2 {
		return nil
	}
	view, product := s.view, s.product
	if err := s.add(n, nn.Dropout{Rate: decimal(rate)}); err != nil {
		return err
	}
	s.view, s.product = view, product
	return nil
}

// functionOps are the functions that ONNX has an operator for.
var functionOps = map[string]nn.Func{"Relu": nn.ReLU, "Elu": nn.ELU, "Selu": nn.SELU, "Sigmoid": nn.Sigmoid, "Tanh": nn.Tanh,
	"Softplus": nn.Softplus, "LeakyRelu": nn.LeakyReLU, "Gelu": nn.GELU, "Mish": nn.Mish, "HardSigmoid": nn.HardSigmoid,
	"HardSwish": nn.HardSiLU, "Clip": nn.ReLU6}

// readFunction reads an activation function whose constants are those of nn.
func readFunction(s *stream, n *node) error {
	fn := nn.Activation{Func: functionOps[n.op]}
	near := func(name string, fallback, want float32) error {
		if v := n.float(name, fallback); !nearly(v, want) {
			return cannot(n, "%s is %v, want %v", name, v, want)
		}
		return nil
	}
	var err error
	switch n.op {
	case "Elu":
		err = near("alpha", 1, 1)
	case "Selu":
		if err = near("alpha", 1.6732632, 1.6732632); err == nil {
			err = near("gamma", 1.050701, 1.050701)
		}
	case "HardSigmoid":
		if err = near("alpha", 0.2, 1./6); err == nil {
			err = near("beta", 0.5, 0.5)
		}
	case "LeakyRelu":
		if v := n.float("alpha", 0.01); v != 0.2 {
			fn.Slope = decimal(v)
		}
	case "Gelu":
		if n.text("approximate", "none") == "tanh" {
			fn.Func = nn.GELUTanh
		}
	case "Clip":
		fn.Func, err = s.clip(n)
	}
	if err != nil {
		return err
	}
	return s.function(n, fn)
}

// clip returns the function that a Clip is: to 0 and more, or to 0 to 6.
func (s *stream) clip(n *node) (nn.Func, error) {
	lo, hi := n.float("min", -3.4e38), n.float("max", 3.4e38)
	for i, place := range []*float32{&lo, &hi} {
		a, err := s.m.inputArray(n, i+1)
		if err != nil {
			return 0, err
		}
		if a != nil {
			if v, ok := a.scalar(); ok {
				*place = v
			}
		}
	}
	switch {
	case lo == 0 && hi == 6:
		return nn.ReLU6, nil
	case lo == 0 && hi > 3e38:
		return nn.ReLU, nil
	}
	return 0, cannot(n, "clips to %v to %v, want 0 to 6, or from 0 on", lo, hi)
}

func nearly(a, b float32) bool { return a-b <= 1e-6*max(1, b) && b-a <= 1e-6*max(1, b) }

// readReshape shows the value under other axes.
func readReshape(s *stream, n *node) error {
	axes, err := s.reshapeTarget(n)
	if err != nil {
		return err
	}
	if view, ok := s.view.Reshape(axes); ok {
		s.view = view
		return nil
	}
	if err := s.plain(n); err != nil {
		return err
	}
	if view, ok := s.view.Reshape(axes); ok {
		s.view = view
		return nil
	}
	if axes[0] != (relayout.Axis{Size: 1, Batch: true}) || len(axes) < 2 {
		return cannot(n, "makes %s of %s, want the samples to stay on the first axis", shapeText(axes), shapeText(s.axes()))
	}
	return s.add(n, reshapeLayer(s.shape, sampleShape(axes)))
}

// reshapeTarget returns the axes that a node gives the value.
func (s *stream) reshapeTarget(n *node) ([]relayout.Axis, error) {
	axes := s.axes()
	fail := func(err error) ([]relayout.Axis, error) { return nil, n.errorf("%w", err) }
	switch n.op {
	case "Flatten":
		axis := clampIndex(n.int("axis", 1), len(axes))
		if axis == 0 {
			return fail(errors.New("flattens the samples, want axis at least 1"))
		}
		target := []relayout.Axis{{Size: 1}, {Size: 1}}
		for i, a := range axes {
			t := &target[min(i/axis, 1)]
			t.Size, t.Batch = t.Size*a.Size, t.Batch || a.Batch
		}
		return target, nil
	case "Squeeze", "Unsqueeze":
		var in []*array
		for i := range n.in {
			if i == 0 {
				in = append(in, nil)
				continue
			}
			a, err := s.m.inputArray(n, i)
			if err != nil {
				return nil, err
			}
			in = append(in, a)
		}
		places, err := axesOf(n, in)
		if err != nil {
			return fail(err)
		}
		if n.op == "Squeeze" {
			axes, err = squeezed(axes, places)
		} else {
			axes, err = unsqueezed(axes, places)
		}
		if err != nil {
			return fail(err)
		}
		return axes, nil
	}
	a, err := s.m.inputArray(n, 1)
	if err != nil {
		return nil, err
	}
	if a == nil || a.ints == nil || len(a.axes) > 1 {
		return fail(errors.New("its shape is not a list of whole numbers"))
	}
	target := s.m.openBatch(a.ints, axes)
	if axes, err = reshaped(axes, target, n.int("allowzero", 0) != 0); err != nil {
		return fail(err)
	}
	return axes, nil
}

// openBatch returns the shape of a Reshape of a model that was written for a fixed number of
// samples: where that number stands at the place of the samples it is left open.
func (m *model) openBatch(target, axes []relayout.Axis) []relayout.Axis {
	if m.fixed == 0 || len(target) == 0 {
		return target
	}
	have, want, open := 1, 1, false
	for _, a := range axes {
		have *= a.Size
	}
	for _, a := range target {
		if a.Batch || a.Size <= 0 {
			open = true
			continue
		}
		want *= a.Size
	}
	first := target[0]
	if first.Batch || first.Size != m.fixed || !axes[0].Batch || !open && want != have*m.fixed {
		return target
	}
	return append([]relayout.Axis{axes[0]}, target[1:]...)
}

func readTranspose(s *stream, n *node) error {
	order, err := permutation(n, len(s.axes()))
	if err != nil {
		return n.errorf("%w", err)
	}
	s.view = s.view.Transpose(order...)
	return nil
}

// readGemm reads a product of vectors with a matrix.
func readGemm(s *stream, n *node) error {
	if n.int("transA", 0) != 0 || len(n.in) < 2 || n.in[0] == nil || !n.in[0].data {
		return cannot(n, "its first input is transposed or a constant, want samples × values")
	}
	w, err := s.m.weights(n, 1)
	if err != nil {
		return err
	}
	if len(w.axes) != 2 {
		return cannot(n, "its matrix has shape %s", shapeText(w.axes))
	}
	in, units, kernel := w.axes[0].Size, w.axes[1].Size, w.floats
	if n.int("transB", 0) != 0 {
		in, units, kernel = units, in, transposed(kernel, max(units, 1))
	}
	kernel = scaledBy(kernel, n.float("alpha", 1))
	var bias []float32
	if c, err := s.m.inputArray(n, 2); err != nil {
		return err
	} else if c != nil {
		if bias = c.spread(units); bias == nil {
			return cannot(n, "its bias has shape %s, want [%d]", shapeText(c.axes), units)
		}
		bias = scaledBy(bias, n.float("beta", 1))
	}
	p := product{in: in, units: units, kernel: kernel, bias: bias}
	if n.float("alpha", 1) == 1 {
		p.matrix, p.turned = n.in[1], n.int("transB", 0) != 0
	}
	return s.dense(n, p)
}

// spread returns an array's numbers as n of them on one axis, nil if it cannot be one.
func (a *array) spread(n int) []float32 {
	last := len(a.axes) - 1
	if a.uniform || len(a.floats) != n && len(a.floats) != 1 || len(a.floats) == n && n > 1 && a.axes[last].Size != n {
		return nil
	}
	if len(a.floats) == n {
		return a.floats
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = a.floats[0]
	}
	return out
}

// scaledBy returns values times a factor.
func scaledBy(values []float32, factor float32) []float32 {
	if factor == 1 {
		return values
	}
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = v * factor
	}
	return out
}

// product is one with a matrix of in×units, and a bias or nil.
type product struct {
	in, units    int
	kernel, bias []float32
	matrix       *operand // the constant that the kernel is, or nil if it is computed of one
	turned       bool     // the kernel is the matrix with its columns for rows
}

// dense adds a Dense layer on the value's last axis.
func (s *stream) dense(n *node, p product) error {
	axes := s.axes()
	if last := axes[len(axes)-1]; last.Batch || last.Size != p.in || p.in < 1 || p.units < 1 {
		return cannot(n, "multiplies %s with %d×%d", shapeText(axes), p.in, p.units)
	}
	layer, params := nn.Dense{Units: p.units, NoBias: p.bias == nil}, weightsOf(p.kernel, p.bias)
	if len(axes) == 2 {
		places, err := s.flat(n)
		if err != nil {
			return err
		}
		ordered := slices.IsSorted(places)
		if owner := s.owner(p); ordered && owner >= 0 {
			return s.tie(n, owner, p)
		}
		params[0] = spread(p.kernel, places, p.units)
		if err := s.add(n, layer, params...); err != nil {
			return err
		}
		s.product = len(s.items)
		if ordered {
			s.items[s.product-1].matrix, s.items[s.product-1].turned = p.matrix, p.turned
		}
		return nil
	}
	order := batchFirst(axes)
	if err := s.settle(n, order...); err != nil {
		return err
	}
	if err := s.add(n, layer, params...); err != nil {
		return err
	}
	s.lies(inverse(order)...)
	return nil
}

// owner returns which layer has the matrix of a product the other way round, -1 for none.
func (s *stream) owner(p product) int {
	return slices.IndexFunc(s.items, func(it item) bool { return p.matrix != nil && it.matrix == p.matrix && it.turned != p.turned })
}

// tie adds a product with the matrix of a layer in front, which gets a name for it.
func (s *stream) tie(n *node, owner int, p product) error {
	it := &s.items[owner]
	name, ok := it.layer.(nn.Named)
	if !ok {
		name = nn.Named{Name: fmt.Sprintf("shared%d", owner), Layer: it.layer}
		it.layer = name
	}
	scope := new(exchange.Scope)
	if _, err := scope.Output(name, tensor.Shape{p.units}); err != nil {
		return n.errorf("%w", err)
	}
	layer, params := nn.Tied{To: name.Name, NoBias: p.bias == nil}, [][]float32(nil)
	if p.bias != nil {
		params = append(params, p.bias)
	}
	return s.addIn(scope, n, layer, params...)
}

// inverse returns the order that undoes another.
func inverse(order []int) []int {
	back := make([]int, len(order))
	for i, axis := range order {
		back[axis] = i
	}
	return back
}

// readMatMul reads a product of the last axis with a matrix, and the bias that follows it.
func readMatMul(s *stream, n *node) error {
	if n.in[0] == nil || !n.in[0].data {
		return cannot(n, "its first input is a constant, want it to be the second")
	}
	w, err := s.m.weights(n, 1)
	if err != nil {
		return err
	}
	if len(w.axes) != 2 {
		return cannot(n, "its matrix has shape %s, want two axes", shapeText(w.axes))
	}
	var bias []float32
	if next := n.out[0].users; len(next) == 1 && next[0].op == "Add" {
		if a := s.m.other(next[0], n.out[0]); a != nil && len(a.axes) <= 1 {
			if bias = a.spread(w.axes[1].Size); bias != nil {
				s.taken[next[0]] = true
			}
		}
	}
	return s.dense(n, product{in: w.axes[0].Size, units: w.axes[1].Size, kernel: w.floats, bias: bias, matrix: n.in[1]})
}

// weights returns an input as an array of floating-point numbers.
func (m *model) weights(n *node, i int) (*array, error) {
	a, err := m.inputArray(n, i)
	if err != nil {
		return nil, err
	}
	if a == nil || a.floats == nil || a.uniform {
		return nil, n.errorf("input %d is not an array of floating-point numbers", i)
	}
	return a, nil
}

// other returns the other input of an operation with two as a constant, or nil.
func (m *model) other(n *node, v *operand) *array {
	if len(n.in) != 2 {
		return nil
	}
	i := 0
	if n.in[0] == v {
		i = 1
	}
	if n.in[i] == nil || n.in[i].data {
		return nil
	}
	a, err := m.inputArray(n, i)
	if err != nil || a.floats == nil {
		return nil
	}
	return a
}
