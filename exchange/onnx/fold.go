package onnx

import (
	"fmt"
	"math"
	"slices"

	"hourglass/exchange/internal/relayout"
)

// maxFold bounds how many elements are computed of constants, beyond some for each that
// is stored (weights are turned over and cut), and maxChain how many operations one after
// another.
const (
	maxFold   = 1 << 24
	perStored = 4
	maxChain  = 1000
)

// constant returns the value of an operand that does not depend on the samples, computing
// it if need be.
func (m *model) constant(v *operand) (*array, error) {
	switch {
	case v == nil:
		return nil, fmt.Errorf("an input is left out")
	case v.labelled && !m.telling:
		return nil, fmt.Errorf("%.80q depends on the labels, which may only be joined to samples (Concat)", v.name)
	case v.array != nil:
		return v.array, nil
	case v.data:
		return nil, fmt.Errorf("%.80q depends on the samples, want a constant", v.name)
	case v.busy || m.depth > maxChain:
		return nil, fmt.Errorf("%.80q depends on itself", v.name)
	}
	v.busy = true
	m.depth++
	a, err := m.fold(v.made)
	m.depth--
	v.busy = false
	if err != nil {
		return nil, err
	}
	v.array = a
	return a, nil
}

// input returns the i-th input of a node as a constant, nil if it is left out.
func (m *model) inputArray(n *node, i int) (*array, error) {
	if i >= len(n.in) || n.in[i] == nil {
		return nil, nil
	}
	a, err := m.constant(n.in[i])
	if err != nil {
		return nil, n.errorf("input %d: %w", i, err)
	}
	return a, nil
}

// fold computes a node whose inputs are constants, or shapes.
func (m *model) fold(n *node) (*array, error) {
	if n == nil {
		return nil, fmt.Errorf("a value that nothing makes")
	}
	if n.op == "Shape" || n.op == "Size" {
		return m.foldShape(n)
	}
	do, ok := folds[n.op]
	if !ok {
		return nil, n.errorf("cannot be computed of constants here; want the model simplified by the tool that wrote it (torch.onnx.export: do_constant_folding)")
	}
	var in []*array
	for i := range n.in {
		a, err := m.inputArray(n, i)
		if err != nil {
			return nil, err
		}
		in = append(in, a)
	}
	if len(in) == 0 || in[0] == nil {
		return nil, n.errorf("has no input")
	}
	a, err := do(n, in)
	if err != nil {
		return nil, n.errorf("%w", err)
	}
	if most := maxFold + perStored*m.stored; len(a.floats)+len(a.ints) > most-m.folded {
		return nil, n.errorf("more than %d values are computed of constants", most)
	}
	m.folded += len(a.floats) + len(a.ints)
	return a, nil
}

// foldShape returns the shape of a constant, or of data that has been reached.
func (m *model) foldShape(n *node) (*array, error) {
	if len(n.in) == 0 || n.in[0] == nil {
		return nil, n.errorf("has no input")
	}
	axes := n.in[0].axes
	if !n.in[0].data {
		a, err := m.constant(n.in[0])
		if err != nil {
			return nil, err
		}
		axes = a.axes
	} else if axes == nil {
		return nil, n.errorf("asks for the shape of %.80q, which is computed elsewhere", n.in[0].name)
	}
	if n.op == "Size" {
		total := relayout.Axis{Size: 1}
		for _, a := range axes {
			total.Size, total.Batch = total.Size*a.Size, total.Batch || a.Batch
		}
		return &array{ints: []relayout.Axis{total}}, nil
	}
	start, end := n.int("start", 0), n.int("end", len(axes))
	start, end = clampIndex(start, len(axes)), clampIndex(end, len(axes))
	return vector(axes[start:max(start, end)]...), nil
}

// clampIndex counts a negative index from the end and brings it within 0 to n.
func clampIndex(i, n int) int {
	if i < 0 {
		i += n
	}
	return min(max(i, 0), n)
}

// folds compute operations on constants.
var folds map[string]func(n *node, in []*array) (*array, error)

func init() {
	same := func(_ *node, in []*array) (*array, error) { return in[0], nil }
	folds = map[string]func(n *node, in []*array) (*array, error){
		"Identity": same, "Dropout": same, "Cast": foldCast, "CastLike": same,
		"Unsqueeze": foldAxes, "Squeeze": foldAxes, "Reshape": foldReshape, "Flatten": foldReshape,
		"Transpose": foldTranspose, "Concat": foldConcat, "Gather": foldGather, "Slice": foldSlice,
		"ConstantOfShape": foldConstantOfShape, "Expand": foldExpand, "OneHot": foldOneHot, "Where": foldWhere, "Equal": foldBinary,
		"Add": foldBinary, "Sub": foldBinary, "Mul": foldBinary, "Div": foldBinary, "Pow": foldBinary,
		"Sqrt": foldUnary(math.Sqrt), "Exp": foldUnary(math.Exp), "Log": foldUnary(math.Log),
		"Neg": foldUnary(func(x float64) float64 { return -x }), "Reciprocal": foldUnary(func(x float64) float64 { return 1 / x }),
	}
}

func foldUnary(f func(float64) float64) func(*node, []*array) (*array, error) {
	return func(_ *node, in []*array) (*array, error) {
		if in[0].floats == nil {
			return nil, fmt.Errorf("of whole numbers")
		}
		out := &array{axes: in[0].axes, uniform: in[0].uniform, floats: make([]float32, len(in[0].floats))}
		for i, v := range in[0].floats {
			out.floats[i] = float32(f(float64(v)))
		}
		return out, nil
	}
}

// foldCast changes between whole numbers and others.
func foldCast(n *node, in []*array) (*array, error) {
	a := *in[0]
	switch to := n.int("to", 0); to {
	case 1, 10, 11, 16: // kinds of floating-point numbers
		if a.ints != nil {
			a.floats = make([]float32, len(a.ints))
			for i, v := range a.ints {
				if v.Batch {
					return nil, fmt.Errorf("computes with the number of samples")
				}
				a.floats[i] = float32(v.Size)
			}
			a.ints = nil
		}
	default:
		if a.floats != nil {
			a.ints = make([]relayout.Axis, len(a.floats))
			for i, v := range a.floats {
				a.ints[i].Size = int(v)
			}
			a.floats = nil
		}
	}
	return &a, nil
}

// list returns the numbers of an array on one axis.
func (a *array) list() ([]int, error) {
	if a == nil || a.ints == nil && a.floats != nil || len(a.axes) > 1 || a.uniform {
		return nil, fmt.Errorf("want a list of whole numbers")
	}
	out := make([]int, len(a.ints))
	for i, v := range a.ints {
		if v.Batch {
			return nil, fmt.Errorf("computes with the number of samples")
		}
		out[i] = v.Size
	}
	return out, nil
}

// axesOf returns the axes that a node is told, by an attribute or by its second input.
func axesOf(n *node, in []*array) ([]int, error) {
	if axes := n.ints("axes"); axes != nil {
		return axes, nil
	}
	if len(in) > 1 && in[1] != nil {
		return in[1].list()
	}
	return nil, nil
}

// foldAxes adds and takes away axes of length 1.
func foldAxes(n *node, in []*array) (*array, error) {
	axes, err := axesOf(n, in)
	if err != nil {
		return nil, err
	}
	a := *in[0]
	if n.op == "Unsqueeze" {
		a.axes, err = unsqueezed(a.axes, axes)
	} else {
		a.axes, err = squeezed(a.axes, axes)
	}
	return &a, err
}

// unsqueezed returns axes with others of length 1 at places of the result.
func unsqueezed(axes []relayout.Axis, places []int) ([]relayout.Axis, error) {
	rank := len(axes) + len(places)
	out := make([]relayout.Axis, rank)
	for _, p := range places {
		if p < 0 {
			p += rank
		}
		if p < 0 || p >= rank || out[p].Size == 1 {
			return nil, fmt.Errorf("axes %v of %d", places, rank)
		}
		out[p].Size = 1
	}
	for i, next := 0, 0; i < rank; i++ {
		if out[i].Size == 0 {
			out[i] = axes[next]
			next++
		}
	}
	return out, nil
}

// squeezed returns axes without those of length 1 at some places, or without any.
func squeezed(axes []relayout.Axis, places []int) ([]relayout.Axis, error) {
	var out []relayout.Axis
	drop := map[int]bool{}
	for _, p := range places {
		if p < 0 {
			p += len(axes)
		}
		if p < 0 || p >= len(axes) || axes[p] != (relayout.Axis{Size: 1}) {
			return nil, fmt.Errorf("axis %d is not one of length 1", p)
		}
		drop[p] = true
	}
	for i, a := range axes {
		if drop[i] || places == nil && a == (relayout.Axis{Size: 1}) {
			continue
		}
		out = append(out, a)
	}
	return out, nil
}

// foldReshape gives a constant other axes.
func foldReshape(n *node, in []*array) (*array, error) {
	a := *in[0]
	if a.uniform {
		return nil, fmt.Errorf("of an array that grows with the number of samples")
	}
	if n.op == "Flatten" {
		axis := clampIndex(n.int("axis", 1), len(a.axes))
		outer, ok := size(a.axes[:axis])
		inner, ok2 := size(a.axes[axis:])
		if !ok || !ok2 {
			return nil, fmt.Errorf("too large")
		}
		a.axes = plainAxes(outer, inner)
		return &a, nil
	}
	if len(in) < 2 {
		return nil, fmt.Errorf("has no shape")
	}
	want, err := in[1].list()
	if err != nil {
		return nil, err
	}
	var target []relayout.Axis
	for _, w := range want {
		target = append(target, relayout.Axis{Size: w})
	}
	a.axes, err = reshaped(a.axes, target, n.int("allowzero", 0) != 0)
	return &a, err
}

// reshaped returns the axes that a Reshape to target gives: 0 stands for the axis at that
// place, -1 for what is left.
func reshaped(axes, target []relayout.Axis, zeros bool) ([]relayout.Axis, error) {
	out := slices.Clone(target)
	open, total, batch := -1, 1, false
	for i, a := range out {
		switch {
		case a == (relayout.Axis{}) && !zeros:
			if i >= len(axes) {
				return nil, fmt.Errorf("shape %v keeps axis %d of %d", shapeText(target), i, len(axes))
			}
			out[i] = axes[i]
		case a.Size == -1 && !a.Batch:
			if open >= 0 {
				return nil, fmt.Errorf("shape %v has two open axes", shapeText(target))
			}
			open = i
			continue
		}
		if out[i].Size < 0 || out[i].Size > maxArray || total > maxArray/max(out[i].Size, 1) {
			return nil, fmt.Errorf("shape %v", shapeText(target))
		}
		total *= out[i].Size
		batch = batch || out[i].Batch
	}
	have, haveBatch := 1, false
	for _, a := range axes {
		have *= a.Size
		haveBatch = haveBatch || a.Batch
	}
	if open >= 0 {
		if total == 0 || have%total != 0 {
			return nil, fmt.Errorf("%v cannot be reshaped to %v", shapeText(axes), shapeText(target))
		}
		out[open] = relayout.Axis{Size: have / total, Batch: haveBatch && !batch}
		total, batch = have, haveBatch
	}
	if total != have || batch != haveBatch {
		return nil, fmt.Errorf("%v cannot be reshaped to %v", shapeText(axes), shapeText(target))
	}
	return out, nil
}

// shapeText writes axes as ONNX does: [N, 1, 28].
func shapeText(axes []relayout.Axis) string {
	text := "["
	for i, a := range axes {
		if i > 0 {
			text += ", "
		}
		switch {
		case a.Batch && a.Size == 1:
			text += "N"
		case a.Batch:
			text += fmt.Sprintf("%d·N", a.Size)
		default:
			text += fmt.Sprint(a.Size)
		}
	}
	return text + "]"
}

func foldTranspose(n *node, in []*array) (*array, error) {
	a := in[0]
	order, err := permutation(n, len(a.axes))
	if err != nil {
		return nil, err
	}
	total, ok := size(a.axes)
	if !ok || a.uniform {
		return nil, fmt.Errorf("of %s", shapeText(a.axes))
	}
	out := &array{}
	places := []int{0}
	for _, axis := range order {
		n := a.axes[axis].Size
		stride, _ := size(a.axes[axis+1:])
		next := make([]int, 0, min(len(places)*n, total))
		for _, p := range places {
			for k := range n {
				next = append(next, p+k*stride)
			}
		}
		places = next
		out.axes = append(out.axes, a.axes[axis])
	}
	for _, p := range places {
		if a.floats != nil {
			out.floats = append(out.floats, a.floats[p])
		} else {
			out.ints = append(out.ints, a.ints[p])
		}
	}
	return out, nil
}

// permutation returns the order of axes that a Transpose wants of rank axes.
func permutation(n *node, rank int) ([]int, error) {
	order := n.ints("perm")
	if order == nil {
		for i := range rank {
			order = append(order, rank-1-i)
		}
	}
	seen := make([]bool, rank)
	for _, axis := range order {
		if axis < 0 || axis >= rank || seen[axis] {
			return nil, fmt.Errorf("order of axes is %v, want each of 0 to %d once", order, rank-1)
		}
		seen[axis] = true
	}
	if len(order) != rank {
		return nil, fmt.Errorf("order of axes is %v, want each of 0 to %d once", order, rank-1)
	}
	return order, nil
}

// foldConcat joins arrays along their first axis, or lists.
func foldConcat(n *node, in []*array) (*array, error) {
	out := &array{}
	for _, a := range in {
		if a == nil || a.uniform || len(a.axes) == 0 {
			return nil, fmt.Errorf("of something else than arrays")
		}
		if axis := n.int("axis", 0); axis != 0 && axis != -len(a.axes) {
			return nil, fmt.Errorf("axis is %d, want 0", axis)
		}
		if out.axes == nil {
			out.axes = slices.Clone(a.axes)
		} else {
			if !slices.Equal(out.axes[1:], a.axes[1:]) {
				return nil, fmt.Errorf("of shapes %s and %s", shapeText(out.axes), shapeText(a.axes))
			}
			out.axes[0].Size += a.axes[0].Size
		}
		out.floats = append(out.floats, a.floats...)
		out.ints = append(out.ints, a.ints...)
	}
	if out.floats != nil && out.ints != nil {
		return nil, fmt.Errorf("of different types")
	}
	return out, nil
}

// rows returns how many elements each position of the first axis has.
func (a *array) rows() (count, width int, err error) {
	total, ok := size(a.axes)
	if !ok || a.uniform || len(a.axes) == 0 || a.axes[0].Size == 0 {
		return 0, 0, fmt.Errorf("of %s", shapeText(a.axes))
	}
	return a.axes[0].Size, total / a.axes[0].Size, nil
}

// row returns positions lo to hi of the first axis.
func (a *array) row(lo, hi, width int) *array {
	out := &array{axes: slices.Clone(a.axes)}
	out.axes[0].Size = hi - lo
	if a.floats != nil {
		out.floats = a.floats[lo*width : hi*width]
	} else {
		out.ints = a.ints[lo*width : hi*width]
	}
	return out
}

// foldGather picks positions of the first axis.
func foldGather(n *node, in []*array) (*array, error) {
	if len(in) < 2 || in[1] == nil || in[1].ints == nil || n.int("axis", 0) != 0 {
		return nil, fmt.Errorf("want whole numbers and axis 0")
	}
	count, width, err := in[0].rows()
	if err != nil {
		return nil, err
	}
	out := &array{axes: append(slices.Clone(in[1].axes), in[0].axes[1:]...)}
	for _, index := range in[1].ints {
		i := index.Size
		if i < 0 {
			i += count
		}
		if index.Batch || i < 0 || i >= count {
			return nil, fmt.Errorf("position %d of %d", index.Size, count)
		}
		if len(out.floats)+len(out.ints)+width > maxFold {
			return nil, fmt.Errorf("more than %d elements", maxFold)
		}
		picked := in[0].row(i, i+1, width)
		out.floats, out.ints = append(out.floats, picked.floats...), append(out.ints, picked.ints...)
	}
	return out, nil
}

// foldSlice cuts stretches out of a constant.
func foldSlice(n *node, in []*array) (*array, error) {
	cut, err := slicesOf(n, in)
	if err != nil {
		return nil, err
	}
	a := in[0]
	for _, c := range cut {
		if c.axis < 0 {
			c.axis += len(a.axes)
		}
		if c.axis < 0 || c.axis >= len(a.axes) || a.axes[c.axis].Batch || c.step == 0 {
			return nil, fmt.Errorf("axis %d of %s in steps of %d", c.axis, shapeText(a.axes), c.step)
		}
		if a, err = a.cut(c); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// cut returns the positions of one axis that a stretch has.
func (a *array) cut(c stretch) (*array, error) {
	length := a.axes[c.axis].Size
	var at []int
	if c.step > 0 {
		for i := clampIndex(c.start, length); i < clampIndex(c.end, length); i += c.step {
			at = append(at, i)
		}
	} else if length > 0 {
		end := c.end
		if end < -length {
			end = -1 // in front of the first
		} else {
			end = clampIndex(end, length)
		}
		for i := min(clampIndex(c.start, length), length-1); i > end; i += c.step {
			at = append(at, i)
		}
	}
	out := &array{axes: slices.Clone(a.axes), uniform: a.uniform}
	out.axes[c.axis].Size = len(at)
	if a.uniform {
		out.floats, out.ints = a.floats, a.ints
		return out, nil
	}
	outer, ok := size(a.axes[:c.axis])
	inner, ok2 := size(a.axes[c.axis+1:])
	if !ok || !ok2 {
		return nil, fmt.Errorf("of %s", shapeText(a.axes))
	}
	for o := range outer {
		for _, i := range at {
			from := (o*length + i) * inner
			if a.floats != nil {
				out.floats = append(out.floats, a.floats[from:from+inner]...)
			} else {
				out.ints = append(out.ints, a.ints[from:from+inner]...)
			}
		}
	}
	return out, nil
}

// stretch is a part of an axis.
type stretch struct{ axis, start, end, step int }

// slicesOf returns what a Slice node cuts out.
func slicesOf(n *node, in []*array) ([]stretch, error) {
	lists := [4][]int{n.ints("starts"), n.ints("ends"), n.ints("axes"), nil}
	for i, a := range in[1:] {
		if a != nil && i < len(lists) {
			var err error
			if lists[i], err = a.list(); err != nil {
				return nil, err
			}
		}
	}
	starts, ends, axes, steps := lists[0], lists[1], lists[2], lists[3]
	var cuts []stretch
	for i := range starts {
		c := stretch{i, starts[i], 0, 1}
		if i >= len(ends) || axes != nil && i >= len(axes) || steps != nil && i >= len(steps) {
			return nil, fmt.Errorf("starts %v, ends %v, axes %v, steps %v", starts, ends, axes, steps)
		}
		c.end = ends[i]
		if axes != nil {
			c.axis = axes[i]
		}
		if steps != nil {
			c.step = steps[i]
		}
		cuts = append(cuts, c)
	}
	return cuts, nil
}

// foldConstantOfShape makes an array of equal elements, of which one is kept.
func foldConstantOfShape(n *node, in []*array) (*array, error) {
	if in[0].ints == nil && in[0].floats != nil {
		return nil, fmt.Errorf("want a shape")
	}
	out := &array{axes: in[0].ints, floats: []float32{0}, uniform: true}
	if a := n.attributes["value"]; a != nil && a.T != nil {
		v, err := decode(a.T, nil)
		if err != nil {
			return nil, err
		}
		if max(len(v.floats), len(v.ints)) != 1 {
			return nil, fmt.Errorf("its value is not a single number")
		}
		out.floats, out.ints = v.floats, v.ints
	}
	return out.spelled(), nil
}

// spelled returns a small array of equal elements with all of them.
func (a *array) spelled() *array {
	n, ok := size(a.axes)
	if !a.uniform || !ok || n > 1024 {
		return a
	}
	out := &array{axes: a.axes}
	for range n {
		out.floats, out.ints = append(out.floats, a.floats...), append(out.ints, a.ints...)
	}
	return out
}

func foldExpand(_ *node, in []*array) (*array, error) {
	if len(in) < 2 || in[1] == nil || in[1].ints == nil {
		return nil, fmt.Errorf("want a shape")
	}
	a := in[0]
	if max(len(a.floats), len(a.ints)) != 1 {
		return a.expand(in[1].ints)
	}
	out := &array{axes: in[1].ints, floats: a.floats, ints: a.ints, uniform: true}
	for len(out.axes) < len(a.axes) {
		out.axes = append(plainAxes(1), out.axes...)
	}
	return out.spelled(), nil
}

// expand repeats an array along axes of length 1, or in front of the others.
func (a *array) expand(axes []relayout.Axis) (*array, error) {
	n, ok := size(axes)
	if !ok || n > maxFold {
		return nil, fmt.Errorf("to %s", shapeText(axes))
	}
	to, places, _, err := broadcast(a, &array{axes: axes})
	if err != nil {
		return nil, err
	}
	out := &array{axes: to}
	for _, p := range places {
		if a.floats != nil {
			out.floats = append(out.floats, a.floats[p])
		} else {
			out.ints = append(out.ints, a.ints[p])
		}
	}
	return out, nil
}

// foldOneHot puts one value at the place of each index, among others.
func foldOneHot(n *node, in []*array) (*array, error) {
	if len(in) != 3 || in[0].ints == nil || in[1] == nil || in[2] == nil || len(in[1].ints) != 1 || in[1].ints[0].Batch ||
		max(len(in[2].floats), len(in[2].ints)) != 2 || n.int("axis", -1) != -1 && n.int("axis", -1) != len(in[0].axes) {
		return nil, fmt.Errorf("want whole numbers, their count, two values and the last axis")
	}
	depth := in[1].ints[0].Size
	if depth < 1 || len(in[0].ints) > maxFold/depth {
		return nil, fmt.Errorf("of %d", depth)
	}
	out := &array{axes: append(slices.Clone(in[0].axes), relayout.Axis{Size: depth})}
	for _, index := range in[0].ints {
		for i := range depth {
			at := 0
			if i == index.Size {
				at = 1
			}
			if in[2].floats != nil {
				out.floats = append(out.floats, in[2].floats[at])
			} else {
				out.ints = append(out.ints, in[2].ints[at])
			}
		}
	}
	return out, nil
}

// broadcast returns the common shape of two arrays, and for each element of it its place
// in both.
func broadcast(a, b *array) (axes []relayout.Axis, inA, inB []int, err error) {
	if a == nil || b == nil || a.uniform || b.uniform {
		return nil, nil, nil, fmt.Errorf("of arrays that grow with the number of samples")
	}
	rank := max(len(a.axes), len(b.axes))
	extend := func(axes []relayout.Axis) []relayout.Axis {
		for len(axes) < rank {
			axes = append(plainAxes(1), axes...)
		}
		return axes
	}
	x, y := extend(a.axes), extend(b.axes)
	inA, inB = []int{0}, []int{0}
	for i := range rank {
		n := x[i].Size
		if n == 1 {
			n = y[i].Size
		}
		if x[i].Size != 1 && y[i].Size != 1 && x[i].Size != y[i].Size || n > 0 && len(inA) > maxFold/n {
			return nil, nil, nil, fmt.Errorf("of shapes %s and %s", shapeText(a.axes), shapeText(b.axes))
		}
		axes = append(axes, relayout.Axis{Size: n})
		inA, inB = places(inA, x[i].Size, n), places(inB, y[i].Size, n)
	}
	return axes, inA, inB, nil
}

// places extends the places of elements by an axis of length size that shows as n.
func places(at []int, size, n int) []int {
	out := make([]int, 0, len(at)*n)
	for _, p := range at {
		for k := range n {
			if size == 1 {
				k = 0
			}
			out = append(out, p*size+k)
		}
	}
	return out
}

func foldBinary(n *node, in []*array) (*array, error) {
	if len(in) != 2 {
		return nil, fmt.Errorf("%d inputs, want 2", len(in))
	}
	axes, inA, inB, err := broadcast(in[0], in[1])
	if err != nil {
		return nil, err
	}
	out := &array{axes: axes}
	if a, b := in[0].floats, in[1].floats; a != nil && b != nil {
		for i := range inA {
			v, err := floatResult(n.op, a[inA[i]], b[inB[i]])
			if err != nil {
				return nil, err
			}
			out.floats = append(out.floats, v)
		}
		return out, nil
	}
	a, b := in[0].ints, in[1].ints
	if a == nil || b == nil {
		return nil, fmt.Errorf("of different types")
	}
	for i := range inA {
		v, err := wholeResult(n.op, a[inA[i]], b[inB[i]])
		if err != nil {
			return nil, err
		}
		out.ints = append(out.ints, v)
	}
	return out, nil
}

func floatResult(op string, a, b float32) (float32, error) {
	switch op {
	case "Add":
		return a + b, nil
	case "Sub":
		return a - b, nil
	case "Mul":
		return a * b, nil
	case "Div":
		return a / b, nil
	case "Pow":
		return float32(math.Pow(float64(a), float64(b))), nil
	}
	return 0, fmt.Errorf("of floating-point numbers")
}

// wholeResult computes with whole numbers and with multiples of the number of samples.
func wholeResult(op string, a, b relayout.Axis) (relayout.Axis, error) {
	const most = 1 << 40
	v := relayout.Axis{}
	switch {
	case op == "Equal":
		if a == b {
			v.Size = 1
		}
		return v, nil
	case op == "Mul" && !(a.Batch && b.Batch) && abs(a.Size) < most>>20 && abs(b.Size) < most>>20:
		v = relayout.Axis{Size: a.Size * b.Size, Batch: a.Batch || b.Batch}
	case op == "Add" && a.Batch == b.Batch:
		v = relayout.Axis{Size: a.Size + b.Size, Batch: a.Batch}
	case op == "Sub" && a.Batch == b.Batch:
		v = relayout.Axis{Size: a.Size - b.Size, Batch: a.Batch}
	case op == "Div" && b.Size != 0 && !b.Batch && (!a.Batch || a.Size%b.Size == 0):
		v = relayout.Axis{Size: a.Size / b.Size, Batch: a.Batch}
	case op == "Div" && b.Batch && a.Batch && b.Size != 0 && a.Size%b.Size == 0:
		v = relayout.Axis{Size: a.Size / b.Size}
	default:
		return v, fmt.Errorf("of %s and %s", shapeText([]relayout.Axis{a}), shapeText([]relayout.Axis{b}))
	}
	if v.Size == 0 {
		v.Batch = false
	}
	return v, nil
}

func abs(n int) int { return max(n, -n) }

func foldWhere(_ *node, in []*array) (*array, error) {
	if len(in) != 3 || in[0].ints == nil || in[1] == nil || in[2] == nil || in[1].ints == nil || in[2].ints == nil {
		return nil, fmt.Errorf("want whole numbers")
	}
	axes, which, from, err := broadcast(in[0], in[1])
	if err != nil {
		return nil, err
	}
	other, shown, inOther, err := broadcast(&array{axes: axes, ints: make([]relayout.Axis, len(which))}, in[2])
	if err != nil {
		return nil, err
	}
	out := &array{axes: other}
	for i, place := range shown {
		if in[0].ints[which[place]].Size != 0 {
			out.ints = append(out.ints, in[1].ints[from[place]])
		} else {
			out.ints = append(out.ints, in[2].ints[inOther[i]])
		}
	}
	return out, nil
}
