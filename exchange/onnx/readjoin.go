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
func (s *stream) join(v *operand, join *node, inside map[*node]bool, top bool) (*operand, error) {
	merge, ok := map[string]nn.Merge{"Add": nn.Add, "Sum": nn.Add, "Mul": nn.Multiply, "Concat": nn.Concatenate}[join.op]
	if !ok {
		return nil, cannot(join, "ways meet here, want Add, Mul or Concat")
	}
	if err := s.settle(join, s.natural()...); err != nil {
		return nil, err
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
		part := &stream{m: s.m, shape: s.shape, view: s.view, taken: s.taken}
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
	for i, w := range ways {
		if ways[i].items, _, err = settleAffine(w.stream.items, s.shape, &exchange.Scope{}); err != nil {
			return nil, err
		}
	}
	rank := len(order)
	if axis := clampIndex(join.int("axis", 1), rank); merge == nn.Concatenate && axis != order[rank-1] {
		return nil, cannot(join, "axis is %d, want that of the channels, %d", axis, order[rank-1])
	}
	if top && merge == nn.Concatenate && len(ways) == 2 && len(ways[1].items) == 0 {
		err = s.addSkip(join, ways[0])
	} else {
		err = s.addJoin(join, merge, ways)
	}
	if err != nil {
		return nil, err
	}
	s.lies(inverse(order)...)
	return join.out[0], nil
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
		return s.add(n, nn.Residual{Layers: l, Projection: p}, append(params, more...)...)
	}
	var branches []nn.Layers
	var params [][]float32
	for _, w := range ways {
		l, p := layers(w.items)
		branches, params = append(branches, l), append(params, p...)
	}
	return s.add(n, nn.Parallel{Branches: branches, Merge: merge}, params...)
}

// addSkip adds a way whose beginning is joined to its end, in a list of layers that can be
// cut anywhere in between.
func (s *stream) addSkip(n *node, w way) error {
	name := fmt.Sprintf("skip%d", len(s.items))
	before := s.shape
	s.items = append(s.items, item{layer: nn.Tap{Name: name}, node: n})
	s.items = append(s.items, w.items...)
	s.items = append(s.items, item{layer: nn.Join{Name: name}, node: n})
	s.open, s.product = false, 0
	s.shape = w.stream.shape.Clone()
	s.shape[len(s.shape)-1] += before[len(before)-1]
	return nil
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
