package onnx

import (
	"math"

	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
	"hourglass/tensor"
)

// projection is a linear map of the steps of sequences, and how a value that has been computed
// so shows it.
type projection struct {
	steps, width int           // of what is stored: samples×steps×width
	view         relayout.View // of that
	kernel, bias []float32     // features×width, and width or nil
	scale        float32       // that everything is multiplied with
}

// attention reads self-attention: three projections of v, the softmax of how well the first two
// agree, the third's means weighted by that, and the projection of these that follows. Join is
// the product of the weights and the third. It returns nil where there is none.
func (s *stream) attention(v *operand, join *node, region map[*node]bool) (*operand, error) {
	if join.op != "MatMul" || len(s.shape) != 2 || len(join.in) != 2 {
		return nil, nil
	}
	if _, ok := order(s.view, s.shape[0], s.shape[1]); !ok {
		return nil, nil
	}
	t := &attentionTracer{stream: s, base: v}
	if out, err := t.read(join, region); out != nil || err != nil {
		return out, err
	}
	if n := len(s.items); n > 0 {
		if l, ok := s.items[n-1].layer.(nn.Dense); ok && l.Activation == nn.Linear {
			t = &attentionTracer{stream: s, base: v, packed: &s.items[n-1]}
			return t.read(join, region)
		}
	}
	return nil, nil
}

// attentionTracer follows values of an attention to what they are computed of.
type attentionTracer struct {
	*stream
	base   *operand
	packed *item // the product that makes queries, keys and values at once, if that is the base
	causal bool
	axis   int // of the softmax
}

// read adds the attention whose weights and values meet at a node, and returns the value where
// it ends, nil where it is none.
func (t *attentionTracer) read(join *node, region map[*node]bool) (*operand, error) {
	scores, factor := t.scores(join.in[0])
	if scores == nil {
		return nil, nil
	}
	queries, keys, values := t.trace(scores.in[0], 0), t.trace(scores.in[1], 0), t.trace(join.in[1], 0)
	if queries == nil || keys == nil || values == nil || queries.kernel == nil || keys.kernel == nil || values.kernel == nil {
		return nil, nil
	}
	if last := len(queries.view.Axes()) - 1; t.axis != -1 && t.axis != last {
		return nil, nil // the weights of a step do not sum to 1
	}
	keys.view = swapLast(keys.view)
	heads, ok := sameHeads(queries, keys, values)
	if !ok || queries.width != keys.width {
		return nil, nil
	}
	layer := nn.MultiHeadAttention{Heads: heads, KeyDim: queries.width / heads, Causal: t.causal}
	if dim := values.width / heads; dim != layer.KeyDim {
		layer.ValueDim = dim
	}
	out, end := t.output(join.out[0], &projection{steps: values.steps, width: values.width, view: values.view, scale: 1}, region)
	if out == nil || out.width != t.features() || out.scale != 1 {
		return nil, nil
	}
	queries.rescale(factor * queries.scale * keys.scale * float32(math.Sqrt(float64(layer.KeyDim))))
	values.rescale(values.scale)
	return end, t.add(join, layer, out, queries, keys, values)
}

// features returns how many values a step has that the attention takes.
func (t *attentionTracer) features() int {
	if t.packed != nil {
		return len(t.packed.params[0]) / t.shape[1]
	}
	return t.shape[1]
}

// order returns how the axes of a view are to be put for sequences as they are stored.
func order(view relayout.View, steps, width int) ([]int, bool) {
	if len(view.Axes()) != 3 {
		return nil, false
	}
	for _, p := range [][]int{{0, 1, 2}, {1, 0, 2}, {2, 0, 1}, {0, 2, 1}, {1, 2, 0}, {2, 1, 0}} {
		v := view.Transpose(p...)
		if axes := v.Axes(); v.InOrder() && axes[0] == (relayout.Axis{Size: 1, Batch: true}) &&
			axes[1] == (relayout.Axis{Size: steps}) && axes[2] == (relayout.Axis{Size: width}) {
			return p, true
		}
	}
	return nil, false
}

// become returns the projection with another width on an axis, which must be that of all of
// its values: what becomes of it in a product, or if it is cut.
func (p projection) become(axis, width int) (*projection, bool) {
	axes := p.view.Axes()
	if axis < 0 {
		axis += len(axes)
	}
	one := relayout.Axis{Size: 1, Batch: true}
	options := [][]relayout.Axis{axes}
	if len(axes) == 2 { // samples and steps on one axis
		options = [][]relayout.Axis{{one, {Size: p.steps}, axes[1]}, {{Size: p.steps}, one, axes[1]}}
		axis++
	}
	for _, split := range options {
		view, ok := p.view.Reshape(split)
		if !ok {
			continue
		}
		back, ok := order(view, p.steps, p.width)
		if !ok || back[2] != axis {
			continue
		}
		p.width = width
		p.view = relayout.Of(relayout.Samples(p.steps, width)).Transpose(inverse(back)...)
		if len(axes) == 2 {
			if p.view, ok = p.view.Reshape([]relayout.Axis{axes[0], {Size: width}}); !ok {
				continue
			}
		}
		return &p, true
	}
	return nil, false
}

// rescale multiplies a projection with a factor, unless that is 1 but for rounding.
func (p *projection) rescale(factor float32) {
	if nearly(factor, 1) {
		return
	}
	p.kernel = scaledBy(p.kernel, factor)
	if p.bias != nil {
		p.bias = scaledBy(p.bias, factor)
	}
}

const maxTrace = 40 // operations one after another

// trace returns what a value is as a projection of the base, nil if it is none.
func (t *attentionTracer) trace(v *operand, depth int) *projection {
	if v == t.base {
		p := &projection{steps: t.shape[0], width: t.shape[1], view: t.view, scale: 1}
		if t.packed != nil {
			p.kernel = t.packed.params[0]
			if len(t.packed.params) > 1 {
				p.bias = t.packed.params[1]
			}
		}
		return p
	}
	if v == nil || v.made == nil || depth > maxTrace {
		return nil
	}
	n := v.made
	data := 0
	if len(n.in) > 1 && n.in[0] != nil && !n.in[0].data {
		data = 1
	}
	if data >= len(n.in) || n.in[data] == nil || !n.in[data].data {
		return nil
	}
	p := t.trace(n.in[data], depth+1)
	if p == nil {
		return nil
	}
	if p = t.apply(n, p, v, data); p == nil || t.m.reached(v, p.view.Axes()) != nil {
		return nil
	}
	return p
}

// apply returns what a node makes of a projection, its input number data; nil if that is none.
func (t *attentionTracer) apply(n *node, p *projection, out *operand, data int) *projection {
	made := *p
	switch n.op {
	case "Identity", "Cast", "Dropout":
		return &made
	case "Transpose":
		axes, err := permutation(n, len(p.view.Axes()))
		if err != nil {
			return nil
		}
		made.view = p.view.Transpose(axes...)
		return &made
	case "Reshape", "Squeeze", "Unsqueeze":
		axes, err := (&stream{m: t.m, view: p.view}).reshapeTarget(n)
		if err != nil {
			return nil
		}
		view, ok := p.view.Reshape(axes)
		if !ok {
			return nil
		}
		made.view = view
		return &made
	case "Slice", "Split":
		axis, lo, hi, ok := t.m.cut(n, p.view.Axes(), out)
		if !ok {
			return nil
		}
		next, ok := p.become(axis, hi-lo)
		if !ok || p.kernel == nil {
			return nil
		}
		next.kernel, next.bias = columnsOf(p.kernel, p.width, lo, hi), nil
		if p.bias != nil {
			next.bias = p.bias[lo:hi]
		}
		return next
	case "Mul", "Div", "Add":
		return t.arithmetic(n, p, 1-data)
	case "MatMul", "Gemm":
		if data != 0 || p.kernel != nil || p.scale != 1 {
			return nil
		}
		return t.product(n, p)
	}
	return nil
}

// columnsOf returns columns lo to hi of a matrix of so many.
func columnsOf(kernel []float32, width, lo, hi int) []float32 {
	var out []float32
	for row := kernel; len(row) > 0; row = row[width:] {
		out = append(out, row[lo:hi]...)
	}
	return out
}

// arithmetic applies a factor, or a bias, which is a node's input number i.
func (t *attentionTracer) arithmetic(n *node, p *projection, i int) *projection {
	a, err := t.m.inputArray(n, i)
	if err != nil || a == nil || a.floats == nil || n.op == "Div" && i == 0 {
		return nil
	}
	made := *p
	if n.op == "Add" {
		bias := a.spread(p.width)
		if _, ok := p.become(-1, p.width); !ok || bias == nil || p.bias != nil || p.kernel == nil || p.scale != 1 {
			return nil
		}
		made.bias = bias
		return &made
	}
	factor, ok := a.scalar()
	if !ok || factor == 0 {
		return nil
	}
	if n.op == "Div" {
		factor = 1 / factor
	}
	made.scale *= factor
	return &made
}

// product multiplies what is projected with a matrix.
func (t *attentionTracer) product(n *node, p *projection) *projection {
	w, err := t.m.weights(n, 1)
	if err != nil || len(w.axes) != 2 || n.int("transA", 0) != 0 {
		return nil
	}
	in, units, kernel := w.axes[0].Size, w.axes[1].Size, w.floats
	if n.int("transB", 0) != 0 {
		in, units, kernel = units, in, transposed(kernel, max(units, 1))
	}
	made, ok := p.become(-1, units)
	if !ok || in != p.width || units < 1 {
		return nil
	}
	made.kernel = scaledBy(kernel, n.float("alpha", 1))
	if c, err := t.m.inputArray(n, 2); err != nil {
		return nil
	} else if c != nil {
		if made.bias = c.spread(units); made.bias == nil {
			return nil
		}
		made.bias = scaledBy(made.bias, n.float("beta", 1))
	}
	return made
}

// scores returns the product of queries and keys that weights are the softmax of, and the
// factor between.
func (t *attentionTracer) scores(weights *operand) (product *node, factor float32) {
	factor = 1
	softmax := false
	for v := weights; v != nil && v.made != nil; {
		n := v.made
		switch n.op {
		case "Softmax":
			if softmax {
				return nil, 0
			}
			softmax, t.axis = true, n.int("axis", t.m.softmaxAxis())
		case "Dropout", "Identity", "Cast":
		case "Mul", "Div", "Add":
			data := 0
			if n.in[0] != nil && !n.in[0].data {
				data = 1
			}
			if !softmax || len(n.in) != 2 || n.op == "Div" && data == 1 || !t.adjust(n, 1-data, &factor) {
				return nil, 0
			}
			v = n.in[data]
			continue
		case "MatMul":
			if !softmax || len(n.in) != 2 {
				return nil, 0
			}
			return n, factor
		default:
			return nil, 0
		}
		v = n.in[0]
	}
	return nil, 0
}

// softmaxAxis is the axis of a Softmax that names none.
func (m *model) softmaxAxis() int {
	if m.opset < 13 {
		return 1
	}
	return -1
}

// adjust takes note of a factor, or of a mask that lets steps look at earlier ones only.
func (t *attentionTracer) adjust(n *node, i int, factor *float32) bool {
	a, err := t.m.inputArray(n, i)
	if err != nil || a == nil || a.floats == nil || a.uniform {
		return false
	}
	if n.op == "Add" {
		t.causal = true
		return masksLater(a.floats, t.shape[0])
	}
	v, ok := a.scalar()
	if !ok || v == 0 {
		return false
	}
	if n.op == "Div" {
		v = 1 / v
	}
	*factor *= v
	return true
}

// masksLater reports whether what is added to scores hides later steps and nothing else.
func masksLater(mask []float32, steps int) bool {
	const hidden = -1e9
	if len(mask) != steps*steps {
		return false
	}
	for i, v := range mask {
		if later := i%steps > i/steps; later && !(v <= hidden) || !later && v != 0 {
			return false
		}
	}
	return true
}

// swapLast exchanges the last two axes.
func swapLast(view relayout.View) relayout.View {
	n := len(view.Axes())
	if n < 2 {
		return view
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	order[n-2], order[n-1] = n-1, n-2
	return view.Transpose(order...)
}

// sameHeads returns how many heads projections are viewed as: each as samples×heads×steps×values,
// with the first two axes apart or one.
func sameHeads(list ...*projection) (heads int, ok bool) {
	for _, p := range list {
		axes := p.view.Axes()
		if len(axes) < 3 || axes[len(axes)-2] != (relayout.Axis{Size: p.steps}) || axes[len(axes)-1].Size < 1 {
			return 0, false
		}
		dim := axes[len(axes)-1].Size
		n := p.width / dim
		view, ok := p.view.Reshape(relayout.Samples(n, p.steps, dim))
		if !ok || heads != 0 && n != heads {
			return 0, false
		}
		if view, ok = view.Transpose(0, 2, 1, 3).Reshape(relayout.Samples(p.steps, p.width)); !ok || !view.InOrder() {
			return 0, false
		}
		heads = n
	}
	return heads, heads > 0
}

// output follows means to their projection and returns it, and the value where it ends.
func (t *attentionTracer) output(v *operand, p *projection, region map[*node]bool) (*projection, *operand) {
	for range maxTrace {
		if v == nil || t.m.reached(v, p.view.Axes()) != nil || v == t.m.output {
			return nil, nil
		}
		n := onlyUser(v, region)
		if n == nil || len(n.in) == 0 || n.in[0] != v || len(n.out) == 0 {
			return nil, nil
		}
		if p = t.apply(n, p, n.out[0], 0); p == nil {
			return nil, nil
		}
		if v = n.out[0]; p.kernel == nil {
			continue
		}
		if next := onlyUser(v, region); p.bias == nil && next != nil && next.op == "Add" {
			if a := t.m.other(next, v); a != nil && len(a.axes) <= 1 && a.spread(p.width) != nil {
				p.bias, v = a.spread(p.width), next.out[0]
			}
		}
		return p, v
	}
	return nil, nil
}

// onlyUser returns the only node that takes a value, within a region; nil for none or several.
func onlyUser(v *operand, region map[*node]bool) *node {
	var only *node
	for _, n := range v.users {
		if region != nil && !region[n] {
			continue
		}
		if only != nil {
			return nil
		}
		only = n
	}
	return only
}

// add adds the layer, in place of the product that has made queries, keys and values at once.
func (t *attentionTracer) add(n *node, layer nn.MultiHeadAttention, out, queries, keys, values *projection) error {
	s, features := t.stream, t.features()
	list := []*projection{queries, keys, values, out}
	layer.NoBias = true
	for _, p := range list {
		layer.NoBias = layer.NoBias && p.bias == nil
	}
	var params [][]float32
	for _, p := range list {
		params = append(params, p.kernel)
		if p.bias == nil && !layer.NoBias {
			p.bias = make([]float32, p.width)
		}
		if !layer.NoBias {
			params = append(params, p.bias)
		}
	}
	if t.packed != nil {
		s.items = s.items[:len(s.items)-1]
		s.shape = tensor.Shape{s.shape[0], features}
	}
	if err := s.add(n, layer, params...); err != nil {
		return err
	}
	s.view = out.view
	return nil
}
