package onnx

import (
	"hourglass/exchange"
	"hourglass/nn"
)

// sampling reads codes that are drawn from normal distributions, mean + exp(½·log-variance)·ε,
// where ε is what a node draws from N(0, 1). It returns nil where there are none.
func (s *stream) sampling(v *operand, join *node, inside map[*node]bool) (*operand, error) {
	if join.op != "Add" || len(join.in) != 2 {
		return nil, nil
	}
	for i, noise := range join.in {
		mean := join.in[1-i]
		variance := logVariance(s.m, noise)
		if variance == nil || mean == nil || !mean.data {
			continue
		}
		if err := s.settle(join, s.natural()...); err != nil {
			return nil, err
		}
		draw := nn.Sampling{Weight: 1 / float64(s.input.Size())}
		if s.halves(v, mean, variance) {
			return join.out[0], s.add(join, draw)
		}
		var branches []nn.Layers
		var params [][]float32
		for _, end := range []*operand{mean, variance} {
			part := &stream{m: s.m, shape: s.shape, view: s.view, taken: s.taken}
			if err := part.read(v, end, ancestors(end, inside)); err != nil {
				return nil, err
			}
			if err := part.plain(join); err != nil {
				return nil, err
			}
			items, _, err := settleAffine(part.items, s.shape, &exchange.Scope{})
			if err != nil {
				return nil, err
			}
			layers := nn.Layers{}
			for _, it := range items {
				layers, params = append(layers, it.layer), append(params, it.params...)
			}
			branches = append(branches, layers)
		}
		if err := s.add(join, nn.Parallel{Branches: branches}, params...); err != nil {
			return nil, err
		}
		return join.out[0], s.add(join, draw)
	}
	return nil, nil
}

// halves reports whether two values are those of v on its last axis.
func (s *stream) halves(v, first, second *operand) bool {
	axes := s.axes()
	last := len(axes) - 1
	for i, half := range []*operand{first, second} {
		if half.made == nil || half.made.op != "Slice" && half.made.op != "Split" || half.made.in[0] != v {
			return false
		}
		axis, lo, hi, ok := s.m.cut(half.made, axes, half)
		if !ok || axis != last || 2*lo != i*axes[last].Size || 2*hi != (i+1)*axes[last].Size {
			return false
		}
	}
	return s.view.InOrder()
}

// logVariance returns the value of which noise is exp(½·value)·ε, nil where it is something else.
func logVariance(m *model, noise *operand) *operand {
	if noise == nil || noise.made == nil || noise.made.op != "Mul" || len(noise.made.in) != 2 {
		return nil
	}
	for i, drawn := range noise.made.in {
		deviation := noise.made.in[1-i]
		if !normal(drawn) || deviation == nil || deviation.made == nil || deviation.made.op != "Exp" {
			continue
		}
		half := deviation.made.in[0]
		if half == nil || half.made == nil || half.made.op != "Mul" && half.made.op != "Div" {
			continue
		}
		for k, value := range half.made.in {
			if value == nil || !value.data || k == 1 && half.made.op == "Div" {
				continue
			}
			by := m.other(half.made, value)
			if by == nil {
				continue
			}
			if f, ok := by.scalar(); ok && (half.made.op == "Mul" && f == 0.5 || half.made.op == "Div" && f == 2) {
				return value
			}
		}
	}
	return nil
}

// normal reports whether a value is drawn from N(0, 1).
func normal(v *operand) bool {
	if v == nil || v.made == nil || v.made.op != "RandomNormalLike" && v.made.op != "RandomNormal" {
		return false
	}
	return v.made.float("mean", 0) == 0 && v.made.float("scale", 1) == 1
}
