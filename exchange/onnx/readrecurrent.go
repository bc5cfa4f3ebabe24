package onnx

import (
	"slices"

	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
)

// readRecurrent reads a recurrent layer, forward or bidirectional, from states that are zero
// at first.
func readRecurrent(s *stream, n *node) error {
	all, err := s.allStates(n)
	if err != nil {
		return err
	}
	layout := n.int("layout", 0)
	order := []int{1, 0, 2}
	if layout == 1 {
		order = []int{0, 1, 2}
	}
	if err := s.settle(n, order...); err != nil {
		return err
	}
	if err := s.checkRecurrent(n); err != nil {
		return err
	}
	ways := 1
	switch d := n.text("direction", "forward"); d {
	case "forward":
	case "bidirectional":
		ways = 2
	default:
		return cannot(n, "direction is %.40q, want forward or bidirectional", d)
	}
	layer, params, err := s.recurrentLayer(n, ways, all)
	if err != nil {
		return err
	}
	steps, units := s.shape[0], n.int("hidden_size", 0)
	if ways == 2 {
		layer = nn.Bidirectional{Layer: layer}
	}
	if err := s.add(n, layer, params...); err != nil {
		return err
	}
	// Samples × steps × ways·units, or samples × ways·units.
	axes := relayout.Samples(steps, ways, units)
	moved := []int{1, 2, 0, 3} // steps × ways × samples × units
	if layout == 1 {
		moved = []int{0, 1, 2, 3}
	}
	if !all {
		axes, moved = relayout.Samples(ways, units), []int{1, 0, 2}
		if layout == 1 {
			moved = []int{0, 1, 2}
		}
	}
	view, ok := s.view.Reshape(axes)
	if !ok {
		return cannot(n, "hidden_size is %d", units)
	}
	s.view = view.Transpose(moved...)
	return nil
}

// allStates reports whether what is used of a recurrent node are the states of all steps,
// and not the last one.
func (s *stream) allStates(n *node) (bool, error) {
	used := make([]bool, 3)
	for i, v := range n.out {
		if i < len(used) && v != nil {
			used[i] = len(v.users) > 0 || v == s.m.output
		}
	}
	switch {
	case used[2]:
		return false, cannot(n, "the cell state is used, want only its output")
	case used[0] == used[1]:
		return false, cannot(n, "both the states of all steps and the last one are used, want one of them")
	}
	return used[0], nil
}

// checkRecurrent reports what a recurrent node does that nn's layers do not.
func (s *stream) checkRecurrent(n *node) error {
	for i, name := range []string{"initial_h", "initial_c", "P"} {
		a, err := s.m.inputArray(n, 5+i)
		if err != nil {
			return cannot(n, "%s is not constant, want zeros", name)
		}
		if a != nil && !a.zero() {
			return cannot(n, "%s is not zero", name)
		}
	}
	if a, err := s.m.inputArray(n, 4); err != nil || a != nil && !slices.Equal(a.ints, slices.Repeat(plainAxes(s.shape[0]), len(a.ints))) {
		return cannot(n, "sequence_lens is given, want sequences of one length")
	}
	if n.attributes["clip"] != nil || n.int("input_forget", 0) != 0 {
		return cannot(n, "clip or input_forget is set, want neither")
	}
	usual := map[string][]string{"RNN": {"Tanh"}, "LSTM": {"Sigmoid", "Tanh", "Tanh"}, "GRU": {"Sigmoid", "Tanh"}}[n.op]
	for i, f := range n.attributes["activations"].GetStrings() {
		if string(f) != usual[i%len(usual)] {
			return cannot(n, "activations are %s, want %v", n.attributes["activations"].GetStrings(), usual)
		}
	}
	return nil
}

// recurrentLayer returns the layer of one way, and the parameters of all ways.
func (s *stream) recurrentLayer(n *node, ways int, all bool) (nn.Layer, [][]float32, error) {
	units := n.int("hidden_size", 0)
	features := s.shape[1]
	var layer nn.Layer
	bias, err := s.m.inputArray(n, 3)
	if err != nil {
		return nil, nil, err
	}
	switch n.op {
	case "RNN":
		layer = nn.SimpleRNN{Units: units, ReturnSequences: all, NoBias: bias == nil}
	case "LSTM":
		layer = nn.LSTM{Units: units, ReturnSequences: all, NoBias: bias == nil}
	case "GRU":
		layer = nn.GRU{Units: units, ReturnSequences: all, NoBias: bias == nil, ResetBefore: n.int("linear_before_reset", 0) == 0}
	}
	r, _ := recurrent(layer)
	width := len(r.gates) * units
	var lists [3][]float32
	for i, want := range []int{width * features, width * units, 2 * width} {
		if i == 2 && bias == nil {
			break
		}
		a, err := s.m.weights(n, i+1)
		if err != nil {
			return nil, nil, err
		}
		if units < 1 || len(a.floats) != ways*want {
			return nil, nil, cannot(n, "input %d has %d values, want %d for hidden_size %d and %d features", i+1, len(a.floats), ways*want, units, features)
		}
		lists[i] = a.floats
	}
	var params [][]float32
	for way := range ways {
		params = append(params, r.columns(rows(lists[0], way, ways), features), r.columns(rows(lists[1], way, ways), units))
		if bias != nil {
			params = append(params, r.bias(rows(lists[2], way, ways)))
		}
	}
	return layer, params, nil
}

// rows returns part i of n.
func rows(values []float32, i, n int) []float32 {
	size := len(values) / n
	return values[i*size : (i+1)*size]
}

// columns undoes gateRows.
func (r recurrentLayer) columns(rows []float32, width int) []float32 {
	ordered := make([]float32, len(rows))
	block := r.units * width
	for i, gate := range r.gates {
		copy(ordered[gate*block:(gate+1)*block], rows[i*block:])
	}
	return transposed(ordered, width)
}

// bias undoes biases.
func (r recurrentLayer) bias(both []float32) []float32 {
	width := len(both) / 2
	inputs, states := r.columns(both[:width], 1), r.columns(both[width:], 1)
	if r.resetAfter {
		return append(inputs, states...)
	}
	for i, v := range states {
		inputs[i] += v
	}
	return inputs
}

// readRepeat reads what repeats a vector as the steps of a sequence.
func readRepeat(s *stream, n *node) error {
	axes := s.axes()
	a, err := s.m.inputArray(n, 1)
	if err != nil {
		return err
	}
	if a == nil || a.ints == nil || len(a.axes) > 1 {
		return cannot(n, "its second input is not a list of whole numbers")
	}
	steps, place := 1, -1
	for i := range axes {
		times := relayout.Axis{Size: 1}
		if k := i - (len(axes) - len(a.ints)); k >= 0 {
			times = a.ints[k]
		}
		if times == axes[i] || times.Size == 1 && !times.Batch || axes[i].Batch && n.op == "Expand" && times.Size == s.m.fixed {
			continue
		}
		if axes[i] != (relayout.Axis{Size: 1}) || times.Batch || times.Size < 1 || place >= 0 {
			return cannot(n, "makes %s times %s, want one axis of length 1 to be repeated", shapeText(axes), shapeText(a.ints))
		}
		steps, place = times.Size, i
	}
	if place < 0 && len(a.ints) <= len(axes) {
		return nil
	}
	if len(axes) != 3 || len(a.ints) > 3 {
		return cannot(n, "repeats %s, want vectors to be repeated as steps", shapeText(axes))
	}
	view, ok := s.view.Reshape(slices.Delete(slices.Clone(axes), place, place+1))
	if !ok {
		return cannot(n, "repeats %s", shapeText(axes))
	}
	s.view = view
	if err := s.plain(n); err != nil {
		return err
	}
	if err := s.add(n, nn.RepeatVector{Times: steps}); err != nil {
		return err
	}
	order := []int{0, 2}
	if !axes[0].Batch && place != 0 || axes[len(axes)-1].Batch {
		order = []int{2, 0}
	}
	s.lies(slices.Insert(order, place, 1)...)
	return nil
}

// readGather reads what picks the last step of a sequence, which a recurrent layer can
// give by itself.
func readGather(s *stream, n *node) error {
	axes := s.axes()
	a, err := s.m.inputArray(n, 1)
	if err != nil {
		return err
	}
	axis := n.int("axis", 0)
	if axis < 0 {
		axis += len(axes)
	}
	if a == nil || len(a.ints) != 1 || len(a.axes) != 0 || len(axes) != 3 || axis < 0 || axis > 2 || axes[axis].Batch {
		return cannot(n, "picks from %s, want one step of a sequence", shapeText(axes))
	}
	if i := a.ints[0].Size; i != -1 && i != axes[axis].Size-1 || len(s.items) == 0 {
		return cannot(n, "picks position %d of %s, want the last step", i, shapeText(axes))
	}
	it := &s.items[len(s.items)-1]
	switch l := it.layer.(type) {
	case nn.SimpleRNN:
		l.ReturnSequences = false
		it.layer = l
	case nn.LSTM:
		l.ReturnSequences = false
		it.layer = l
	case nn.GRU:
		l.ReturnSequences = false
		it.layer = l
	default:
		return cannot(n, "picks a step of what a %s makes, want a recurrent layer", nn.Kind(l))
	}
	if order := batchFirst(axes); order[1] != axis {
		return cannot(n, "picks from axis %d of %s, which is not that of the steps", axis, shapeText(axes))
	}
	s.shape = s.shape[1:]
	s.lies(0, 1)
	return nil
}
