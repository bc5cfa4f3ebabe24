package onnx

import (
	"slices"

	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
	"hourglass/tensor"
)

// affine stands for arithmetic with constants among the layers, until it is known whether it
// scales the data or belongs to the network. It takes samples of every shape.
type affine struct {
	op string // "Add", "Sub", "Mul" or "Div"
	// values has one number, or one for every channel, or one for every element.
	values []float32
}

func (l affine) Bind(in tensor.Shape) (nn.Stage, error) { return nn.Activation{}.Bind(in) }

// readArithmetic reads what is computed of every element and a constant.
func readArithmetic(s *stream, n *node) error {
	if len(n.in) != 2 || n.in[0] == nil || n.in[1] == nil {
		return cannot(n, "%d inputs, want 2", len(n.in))
	}
	place := 1
	if !n.in[0].data {
		place = 0
	}
	a, err := s.m.weights(n, place)
	if err != nil {
		return err
	}
	if place == 0 && (n.op == "Sub" || n.op == "Div") {
		return cannot(n, "the samples are what is taken away or divided by, want them to be the first input")
	}
	values, err := s.elements(n, a)
	if err != nil {
		return err
	}
	if (n.op == "Add" || n.op == "Sub") && s.takeBias(n.op, values) {
		return nil
	}
	view, product, open := s.view, s.product, s.open
	if err := s.add(n, affine{n.op, values}); err != nil {
		return err
	}
	if s.view = view; len(values) == 1 {
		s.product, s.open = product, open
	}
	return nil
}

// elements returns the numbers of a constant that is combined with the value as the layers
// have them: one, or one for every channel, or one for every element.
func (s *stream) elements(n *node, a *array) ([]float32, error) {
	if v, ok := a.scalar(); ok {
		return []float32{v}, nil
	}
	axes := s.axes()
	if len(a.axes) > len(axes) {
		return nil, cannot(n, "combines %s with %s", shapeText(axes), shapeText(a.axes))
	}
	own := slices.Clone(axes)
	for i, x := range axes {
		if x.Batch && x.Size != 1 {
			return nil, cannot(n, "combines %s with a constant where samples share an axis", shapeText(axes))
		}
		if x.Batch {
			own[i] = relayout.Axis{Size: 1}
		}
	}
	_, at, _, err := broadcast(a, &array{axes: own})
	if err != nil || len(at) != s.shape.Size() {
		return nil, cannot(n, "combines %s with %s", shapeText(axes), shapeText(a.axes))
	}
	values := make([]float32, len(at))
	for i, p := range s.view.Permutation() {
		values[p] = a.floats[at[i]]
	}
	return shortest(values, s.shape[len(s.shape)-1]), nil
}

// shortest keeps one number where all are the same, and those of the channels where all
// positions have the same.
func shortest(values []float32, channels int) []float32 {
	for _, n := range []int{1, channels} {
		same := true
		for i := n; i < len(values) && same; i++ {
			same = values[i] == values[i-n]
		}
		if same {
			return values[:n]
		}
	}
	return values
}

// takeBias adds numbers to a layer that has no bias yet and ends the layers.
func (s *stream) takeBias(op string, values []float32) bool {
	if len(s.items) == 0 {
		return false
	}
	it := &s.items[len(s.items)-1]
	if len(it.params) != 1 {
		return false
	}
	var filters int
	switch l := it.layer.(type) {
	case nn.Dense:
		if l.Activation != nn.Linear {
			return false
		}
		filters, l.NoBias = l.Units, false
		defer func() { it.layer = l }()
	case nn.Conv2D:
		if l.Activation != nn.Linear {
			return false
		}
		filters, l.NoBias = l.Filters, false
		defer func() { it.layer = l }()
	case nn.Conv1D:
		if l.Activation != nn.Linear {
			return false
		}
		filters, l.NoBias = l.Filters, false
		defer func() { it.layer = l }()
	case nn.Conv2DTranspose:
		if l.Activation != nn.Linear {
			return false
		}
		filters, l.NoBias = l.Filters, false
		defer func() { it.layer = l }()
	default:
		return false
	}
	bias := make([]float32, filters)
	for i := range bias {
		bias[i] = values[i%len(values)]
		if op == "Sub" {
			bias[i] = -bias[i]
		}
	}
	it.params = append(it.params, bias)
	return true
}

// settleAffine replaces arithmetic with constants by layers: products and sums by channel
// are a BatchNormalization that has not seen a batch yet, sums by position a
// PositionEmbedding.
//
// It returns the layers and what comes out of them, for samples of a shape.
func settleAffine(items []item, shape tensor.Shape, scope *exchange.Scope) (out []item, _ tensor.Shape, err error) {
	for i := 0; i < len(items); i++ {
		it := items[i]
		first, ok := it.layer.(affine)
		if !ok {
			if shape, err = scope.Output(it.layer, shape); err != nil {
				return nil, nil, it.node.errorf("%w", err)
			}
			out = append(out, it)
			continue
		}
		channels := shape[len(shape)-1]
		if len(first.values) > channels {
			if len(shape) != 2 || first.op != "Add" {
				return nil, nil, cannot(it.node, "combines samples of shape %v with a constant for each element, want one for each channel", shape)
			}
			out = append(out, item{layer: nn.PositionEmbedding{}, params: [][]float32{first.values}, node: it.node})
			continue
		}
		scale, shift := ones(channels), make([]float32, channels)
		for ; i < len(items); i++ {
			a, ok := items[i].layer.(affine)
			if !ok || len(a.values) > channels {
				break
			}
			a.apply(scale, shift)
		}
		i--
		out = append(out, item{layer: nn.BatchNormalization{}, params: [][]float32{scale, shift, make([]float32, channels), unitVariance(channels)}, node: it.node})
	}
	return out, shape, nil
}

// apply changes what y = scale·x + shift is to what comes of y.
func (l affine) apply(scale, shift []float32) {
	for c := range scale {
		v := l.values[c%len(l.values)]
		switch l.op {
		case "Add":
			shift[c] += v
		case "Sub":
			shift[c] -= v
		case "Mul":
			scale[c], shift[c] = scale[c]*v, shift[c]*v
		case "Div":
			scale[c], shift[c] = scale[c]/v, shift[c]/v
		}
	}
}

// unitVariance returns variances that a BatchNormalization divides by 1 for.
func unitVariance(channels int) []float32 {
	list := make([]float32, channels)
	for i := range list {
		list[i] = 1 - defaultEpsilon
	}
	return list
}
