package onnx

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"hourglass/exchange"
	"hourglass/exchange/onnx/internal/schema"
	"hourglass/nn"
)

// way is what happens to a value on one of several ways to where they meet.
type way struct {
	stream *stream
	items  []item
}

// join reads ways that begin at v and meet at a node: a sum, a product or a concatenation.
func (s *stream) join(v *operand, join *node, inside map[*node]bool) (*operand, error) {
	merge, ok := map[string]nn.Merge{"Add": nn.Add, "Sum": nn.Add, "Mul": nn.Multiply, "Concat": nn.Concatenate}[join.op]
	if !ok {
		return nil, cannot(join, "ways meet here, want Add, Mul or Concat")
	}
	if err := s.settle(join, s.natural()...); err != nil {
		return nil, err
	}
	// A skip: v comes beside what is made of it, between whose layers a list can be cut.
	skip, name := s.top && merge == nn.Concatenate && len(join.in) == 2 && (isKept(join.in[0], v) || isKept(join.in[1], v)), ""
	if skip {
		s.m.skips++
		name = fmt.Sprintf("skip%d", s.m.skips)
	}
	var ways []way
	seen := map[*node]bool{}
	for _, in := range join.in {
		nodes := ancestors(in, inside)
		for n := range nodes {
			if seen[n] {
				return nil, cannot(n, "what it makes is used on several ways that meet at %.80q", join.name)
			}
			seen[n] = true
		}
		part := &stream{m: s.m, shape: s.shape, view: s.view, input: s.input, taken: s.taken, top: skip && !isKept(in, v)}
		if in == nil || !in.data {
			return nil, cannot(join, "a constant meets several ways")
		}
		if err := part.read(v, in, nodes); err != nil {
			return nil, err
		}
		ways = append(ways, way{stream: part})
	}
	order, err := settleWays(join, ways)
	if err != nil {
		return nil, err
	}
	rank := len(order)
	if axis := clampIndex(join.int("axis", 1), rank); merge == nn.Concatenate && axis != order[rank-1] {
		return nil, cannot(join, "axis is %d, want that of the channels, %d", axis, order[rank-1])
	}
	switch {
	case skip && len(ways[1].stream.items) == 0:
		s.addSkip(v, join, ways[0].stream, nn.Join{Name: name})
	case skip && len(ways[0].stream.items) == 0:
		s.addSkip(v, join, ways[1].stream, nn.Join{Name: name, TappedFirst: true})
	default:
		if err := s.settleAndJoin(join, merge, ways); err != nil {
			return nil, err
		}
	}
	s.lies(inverse(order)...)
	return join.out[0], nil
}

// isKept reports whether a value is v itself.
func isKept(o, v *operand) bool {
	for o != nil && o != v && o.made != nil && o.made.op == "Identity" {
		o = o.made.in[0]
	}
	return o == v
}

// settleAndJoin adds the layer that ways are, whose arithmetic becomes layers first.
func (s *stream) settleAndJoin(n *node, merge nn.Merge, ways []way) (err error) {
	for i, w := range ways {
		if ways[i].items, _, err = settleAffine(w.stream.items, s.shape, &exchange.Scope{}); err != nil {
			return err
		}
	}
	return s.addJoin(n, merge, ways)
}

// settleWays settles what comes of all ways in the order that suits the longest of them,
// and returns it.
func settleWays(join *node, ways []way) ([]int, error) {
	longest := slices.MaxFunc(ways, func(a, b way) int { return len(a.stream.items) - len(b.stream.items) })
	order := longest.stream.natural()
	for _, w := range ways {
		if err := w.stream.settle(join, order...); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// natural returns the order of axes in which the layers give a value, or one close to it:
// channels last for images that have them first.
func (s *stream) natural() []int {
	axes := s.axes()
	order := batchFirst(axes)
	if len(axes) < 3 || s.view.Transpose(order...).InOrder() {
		return order
	}
	if last := channelsLast(len(axes)); len(axes) == 4 || s.view.Transpose(last...).InOrder() {
		return last
	}
	return order
}

// ancestors returns the nodes of a region that a value depends on.
func ancestors(v *operand, region map[*node]bool) map[*node]bool {
	found := map[*node]bool{}
	visit := []*operand{v}
	for len(visit) > 0 {
		o := visit[len(visit)-1]
		visit = visit[:len(visit)-1]
		if o == nil || o.made == nil || !region[o.made] || found[o.made] {
			continue
		}
		found[o.made] = true
		visit = append(visit, o.made.in...)
	}
	return found
}

// addJoin adds the layer that ways are: a residual block, or branches.
func (s *stream) addJoin(n *node, merge nn.Merge, ways []way) error {
	layers := func(items []item) (list nn.Layers, params [][]float32) {
		list = nn.Layers{}
		for _, it := range items {
			list, params = append(list, it.layer), append(params, it.params...)
		}
		return list, params
	}
	if merge == nn.Add && len(ways) == 2 {
		inner, kept := ways[1], ways[0]
		if len(inner.items) < len(kept.items) {
			inner, kept = kept, inner
		}
		l, params := layers(inner.items)
		p, more := layers(kept.items)
		if len(p) == 0 {
			p = nil
		}
		if err := s.add(n, nn.Residual{Layers: l, Projection: p}, append(params, more...)...); err != nil {
			return err
		}
		if p == nil {
			s.items[len(s.items)-1].inside = inner.items
		}
		return nil
	}
	var branches []nn.Layers
	var params [][]float32
	for _, w := range ways {
		l, p := layers(w.items)
		branches, params = append(branches, l), append(params, p...)
	}
	return s.add(n, nn.Parallel{Branches: branches, Merge: merge}, params...)
}

// addSkip adds a way whose beginning, v, is joined to its end, in a list of layers that can be
// cut anywhere in between.
func (s *stream) addSkip(v *operand, n *node, w *stream, join nn.Join) {
	s.items = append(s.items, item{layer: nn.Tap{Name: join.Name}, node: v.made})
	for _, k := range w.marks {
		s.marks = append(s.marks, mark{k.value, len(s.items) + k.items})
	}
	s.items = append(s.items, w.items...)
	s.items = append(s.items, item{layer: join, node: n})
	before := s.shape
	s.open, s.product = false, 0
	s.shape = w.shape.Clone()
	s.shape[len(s.shape)-1] += before[len(before)-1]
}

// floatAttribute returns a single attribute.
func floatAttribute(name string, v float32) map[string]*schema.AttributeProto {
	return map[string]*schema.AttributeProto{name: {Name: proto.String(name), F: proto.Float32(v)}}
}

// knownOps lists the operators that are read.
func knownOps() string {
	var names []string
	for op := range readers {
		names = append(names, op)
	}
	slices.Sort(names)
	return fmt.Sprint(strings.Join(names, ", "))
}
