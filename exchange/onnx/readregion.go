package onnx

import (
	"fmt"
	"math"
	"slices"

	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
)

// read adds to the stream what the nodes in a region do to v, until target.
func (s *stream) read(v, target *operand, region map[*node]bool) error {
	for v != target {
		if err := s.m.reached(v, s.axes()); err != nil {
			return err
		}
		if s.top {
			s.marks = append(s.marks, mark{v, len(s.items)})
		}
		users := v.users
		if region != nil {
			users = slices.DeleteFunc(slices.Clone(users), func(n *node) bool { return !region[n] })
		}
		if len(users) == 0 {
			return s.m.stuck(v)
		}
		var err error
		if len(users) == 1 && users[0].op != "Split" {
			v, err = s.step(v, users[0])
		} else {
			v, err = s.branch(v, users, region)
		}
		if err != nil {
			return err
		}
	}
	return s.m.reached(v, s.axes())
}

// reached notes the axes of a value, which shapes may be computed of.
func (m *model) reached(v *operand, axes []relayout.Axis) error {
	v.axes = axes
	if m.steps++; m.steps > maxNodes {
		return fmt.Errorf("%.80q is reached by more than %d steps", v.name, maxNodes)
	}
	return nil
}

// stuck is the error where nothing reads a value that is not the output.
func (m *model) stuck(v *operand) error {
	if v.made == nil {
		return cannot(&node{name: v.name, op: "input"}, "nothing is computed of it")
	}
	return cannot(v.made, "nothing is computed of what it makes")
}

// step reads one node that takes v and returns what it makes.
func (s *stream) step(v *operand, n *node) (*operand, error) {
	var out *operand
	for i, o := range n.out {
		if o != nil && (len(o.users) > 0 || o == s.m.output || i == 0 && len(n.out) == 1) && out == nil {
			out = o
		}
	}
	if out == nil {
		return nil, cannot(n, "nothing is computed of what it makes")
	}
	if s.taken[n] {
		return out, nil
	}
	if out, err := s.groupNorm(v, n); out != nil || err != nil {
		return out, err
	}
	if n.op == "MatMul" {
		if out, err := s.quantizer(n); out != nil || err != nil {
			return out, err
		}
	}
	read, ok := readers[n.op]
	if !ok {
		return nil, cannot(n, "there is no layer for this operator; there is for: %s", knownOps())
	}
	for i, in := range n.in {
		if in != nil && in.data && in != v {
			return nil, cannot(n, "input %d, %.80q, depends on the samples as well, in a way that is no residual block or branch", i, in.name)
		}
	}
	return out, read(s, n)
}

// branch reads what begins where several nodes take v and ends where all ways meet.
func (s *stream) branch(v *operand, users []*node, region map[*node]bool) (*operand, error) {
	if out, err := s.layerNorm(v, users); out != nil || err != nil {
		return out, err
	}
	inside, join := s.m.meet(v, users, region)
	if join == nil {
		return nil, cannot(users[0], "it and %d other nodes take %.80q, and their ways do not meet again", len(users)-1, v.name)
	}
	if out, err := s.attention(v, join, region); out != nil || err != nil {
		return out, err
	}
	if out, err := s.sampling(v, join, inside); out != nil || err != nil {
		return out, err
	}
	if fn, out := s.m.recognise(v, inside, join); out != nil {
		return out, s.function(join, nn.Activation{Func: fn})
	}
	return s.join(v, join, inside)
}

// meet returns the nodes between v and the one where all ways from it meet, and that one.
func (m *model) meet(v *operand, users []*node, region map[*node]bool) (inside map[*node]bool, join *node) {
	inside = map[*node]bool{}
	open := 0
	for _, n := range users {
		inside[n] = true
		open++
	}
	first := slices.MinFunc(users, func(a, b *node) int { return a.place - b.place })
	for _, n := range m.nodes[first.place:] {
		if !inside[n] {
			continue
		}
		for _, in := range n.in {
			if in == v || in != nil && in.made != nil && inside[in.made] {
				open--
			}
		}
		if open == 0 && (len(users) > 1 || n != users[0]) { // a Split is where ways begin
			delete(inside, n)
			return inside, n
		}
		for _, out := range n.out {
			if out == nil {
				continue
			}
			if out == m.output {
				return inside, nil
			}
			for _, user := range out.users {
				if region == nil || region[user] {
					inside[user] = true
					open++
				}
			}
		}
	}
	return inside, nil
}

// The grid that functions are told by.
const gridPoints = 33

// recognised are the functions that tools write as several nodes.
var recognised = []struct {
	fn nn.Func
	of func(x float64) float64
}{
	{nn.SiLU, func(x float64) float64 { return x / (1 + math.Exp(-x)) }},
	{nn.GELU, func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }},
	{nn.GELUTanh, func(x float64) float64 {
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}},
	{nn.Mish, func(x float64) float64 { return x * math.Tanh(math.Log1p(math.Exp(x))) }},
	{nn.HardSiLU, func(x float64) float64 { return x * min(max(x+3, 0), 6) / 6 }},
	{nn.HardSigmoid, func(x float64) float64 { return min(max(x+3, 0), 6) / 6 }},
}

// recognise returns the activation function that some nodes compute of v, and the value
// where it ends: that of join, or one behind it that is a multiple. Which function
// it is shows by its values.
func (m *model) recognise(v *operand, inside map[*node]bool, join *node) (nn.Func, *operand) {
	grid := make([]float64, gridPoints)
	for i := range grid {
		grid[i] = float64(i-gridPoints/2) / 4
	}
	values := map[*operand][]float64{v: grid}
	last := join
	for range 3 {
		if last.out[0] == nil {
			break
		}
		y := m.evaluate(last.out[0], values, 0)
		if y == nil {
			break
		}
		for _, f := range recognised {
			if same(grid, y, f.of) {
				return f.fn, last.out[0]
			}
		}
		if len(last.out[0].users) != 1 || last.out[0] == m.output {
			break
		}
		last = last.out[0].users[0]
	}
	return 0, nil
}

// same reports whether y are the values of a function, up to what constants of 32 bits leave.
func same(x, y []float64, f func(float64) float64) bool {
	for i := range x {
		if d := f(x[i]) - y[i]; !(math.Abs(d) <= 1e-5*max(1, math.Abs(y[i]))) {
			return false
		}
	}
	return true
}

// evaluate computes a value element by element from those that are known, nil where that is
// not how it is computed.
func (m *model) evaluate(v *operand, known map[*operand][]float64, depth int) []float64 {
	if y, ok := known[v]; ok {
		return y
	}
	if depth > 40 {
		return nil
	}
	y := make([]float64, gridPoints)
	if !v.data {
		a, err := m.constant(v)
		if err != nil {
			return nil
		}
		c, ok := a.scalar()
		if !ok {
			return nil
		}
		for i := range y {
			y[i] = float64(c)
		}
		return y
	}
	if v.made == nil {
		return nil
	}
	f := elementwise(v.made)
	if f == nil {
		return nil
	}
	var in [2][]float64
	for i, operand := range v.made.in {
		if i >= len(in) || operand == nil {
			break
		}
		if in[i] = m.evaluate(operand, known, depth+1); in[i] == nil {
			return nil
		}
	}
	if in[1] == nil {
		in[1] = in[0]
	}
	if in[0] == nil {
		return nil
	}
	for i := range y {
		y[i] = f(in[0][i], in[1][i])
	}
	known[v] = y
	return y
}

// elementwise returns what a node computes of an element of each input, nil for other nodes.
func elementwise(n *node) func(a, b float64) float64 {
	one := func(f func(float64) float64) func(a, b float64) float64 {
		return func(a, _ float64) float64 { return f(a) }
	}
	switch n.op {
	case "Add":
		return func(a, b float64) float64 { return a + b }
	case "Sub":
		return func(a, b float64) float64 { return a - b }
	case "Mul":
		return func(a, b float64) float64 { return a * b }
	case "Div":
		return func(a, b float64) float64 { return a / b }
	case "Pow":
		return math.Pow
	case "Erf":
		return one(math.Erf)
	case "Tanh":
		return one(math.Tanh)
	case "Exp":
		return one(math.Exp)
	case "Neg":
		return one(func(x float64) float64 { return -x })
	case "Sigmoid":
		return one(func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })
	case "Softplus":
		return one(func(x float64) float64 { return math.Log1p(math.Exp(x)) })
	case "Relu":
		return one(func(x float64) float64 { return max(x, 0) })
	case "HardSigmoid":
		alpha, beta := float64(n.float("alpha", 0.2)), float64(n.float("beta", 0.5))
		return one(func(x float64) float64 { return min(max(alpha*x+beta, 0), 1) })
	case "Clip":
		if len(n.in) == 1 {
			lo, hi := float64(n.float("min", -math.MaxFloat32)), float64(n.float("max", math.MaxFloat32))
			return one(func(x float64) float64 { return min(max(x, lo), hi) })
		}
	case "Identity", "Cast":
		return one(func(x float64) float64 { return x })
	}
	return nil
}

// layerNorm reads a layer normalisation that is written as several nodes: mean, deviation
// from it, its mean square, and the quotient. It returns nil where there is none.
func (s *stream) layerNorm(v *operand, users []*node) (*operand, error) {
	only := func(o *operand, op string) *node {
		for _, n := range o.users {
			if n.op == op {
				return n
			}
		}
		return nil
	}
	mean, centred := (*node)(nil), (*node)(nil)
	for _, n := range users {
		switch n.op {
		case "ReduceMean":
			mean = n
		case "Sub":
			centred = n
		}
	}
	if len(users) != 2 || mean == nil || centred == nil || centred.in[0] != v || centred.in[1] != mean.out[0] || !s.lastAxis(mean) {
		return nil, nil
	}
	d := centred.out[0]
	square, quotient := only(d, "Pow"), only(d, "Div")
	if square == nil {
		square = only(d, "Mul")
	}
	if square == nil || quotient == nil || quotient.in[0] != d {
		return nil, nil
	}
	variance := only(square.out[0], "ReduceMean")
	if variance == nil || !s.lastAxis(variance) {
		return nil, nil
	}
	sum := only(variance.out[0], "Add")
	if sum == nil {
		return nil, nil
	}
	root := only(sum.out[0], "Sqrt")
	e := s.m.other(sum, variance.out[0])
	if root == nil || e == nil || quotient.in[1] != root.out[0] {
		return nil, nil
	}
	epsilon, ok := e.scalar()
	if !ok {
		return nil, nil
	}
	width := s.axes()[len(s.axes())-1].Size
	normal := &node{name: quotient.name, op: "LayerNormalization", in: []*operand{v, nil, nil}, out: quotient.out,
		attributes: floatAttribute("epsilon", epsilon)}
	out := quotient.out[0]
	for i, op := range []string{"Mul", "Add"} {
		if len(out.users) != 1 || out.users[0].op != op {
			break
		}
		a := s.m.other(out.users[0], out)
		if a == nil || a.spread(width) == nil || len(a.axes) > 1 {
			break
		}
		normal.in[1+i] = &operand{array: a}
		out = out.users[0].out[0]
	}
	return out, readLayerNormalization(s, normal)
}

// groupNorm reads a group normalisation that is written as an instance normalisation of
// reshaped groups, with channels scaled behind it. It returns nil where there is none.
func (s *stream) groupNorm(v *operand, n *node) (*operand, error) {
	only := func(n *node, op string) *node {
		if n == nil || len(n.out) == 0 || n.out[0] == nil || len(n.out[0].users) != 1 || n.out[0].users[0].op != op {
			return nil
		}
		return n.out[0].users[0]
	}
	instance := only(n, "InstanceNormalization")
	back := only(instance, "Reshape")
	if n.op != "Reshape" || back == nil || len(s.axes()) < 3 {
		return nil, nil
	}
	target, err := s.reshapeTarget(n)
	if err != nil || len(target) != 3 {
		return nil, err
	}
	channels, groups := s.axes()[1].Size, target[1].Size
	own, err := s.channelArrays(instance, 1, 2, groups)
	if err != nil {
		return nil, err
	}
	params := [][]float32{make([]float32, channels), make([]float32, channels)}
	for i := range channels {
		params[0][i], params[1][i] = own[0][i*groups/channels], own[1][i*groups/channels]
	}
	end := back
	for _, op := range []string{"Mul", "Add"} {
		next := only(end, op)
		if next == nil {
			break
		}
		a := s.m.other(next, end.out[0])
		if a == nil || len(a.floats) != channels || len(a.axes) < 2 || a.axes[len(a.axes)-len(s.axes())+1].Size != channels {
			break
		}
		for i, x := range a.floats {
			if op == "Mul" {
				params[0][i], params[1][i] = params[0][i]*x, params[1][i]*x
			} else {
				params[1][i] += x
			}
		}
		end = next
	}
	return end.out[0], s.addGroupNorm(instance, groups, params)
}

// addGroupNorm adds a group normalisation of what has channels first.
func (s *stream) addGroupNorm(n *node, groups int, params [][]float32) error {
	epsilon, err := n.epsilon(1e-5)
	if err != nil {
		return err
	}
	if err := s.settleLast(n); err != nil {
		return err
	}
	if err := s.add(n, nn.GroupNormalization{Groups: groups, Epsilon: epsilon}, params...); err != nil {
		return err
	}
	s.liesFirst()
	return nil
}

// readInstanceNormalization reads a group normalisation whose groups are single channels.
func readInstanceNormalization(s *stream, n *node) error {
	axes := s.axes()
	if len(axes) < 3 {
		return cannot(n, "its input has shape %s, want images or sequences", shapeText(axes))
	}
	params, err := s.channelArrays(n, 1, 2, axes[1].Size)
	if err != nil {
		return err
	}
	return s.addGroupNorm(n, -1, params)
}

// readGroupNormalization reads the operator of opset 18, whose scale is one of groups, and of
// 21, where it is one of channels.
func readGroupNormalization(s *stream, n *node) error {
	axes := s.axes()
	groups := n.int("num_groups", 0)
	if len(axes) < 3 || groups < 1 || axes[1].Size%groups != 0 {
		return cannot(n, "num_groups is %d for %s", groups, shapeText(axes))
	}
	channels := axes[1].Size
	count := channels
	if s.m.opset < 21 {
		count = groups
	}
	own, err := s.channelArrays(n, 1, 2, count)
	if err != nil {
		return err
	}
	params := [][]float32{make([]float32, channels), make([]float32, channels)}
	for i := range channels {
		params[0][i], params[1][i] = own[0][i*count/channels], own[1][i*count/channels]
	}
	return s.addGroupNorm(n, groups, params)
}

// lastAxis reports whether a node takes the mean over the last axis and keeps it.
func (s *stream) lastAxis(n *node) bool {
	var in []*array
	if a, err := s.m.inputArray(n, 1); err == nil {
		in = []*array{nil, a}
	}
	axes, err := axesOf(n, in)
	last := len(s.axes()) - 1
	return err == nil && len(axes) == 1 && (axes[0] == -1 || axes[0] == last) && n.int("keepdims", 1) == 1
}
