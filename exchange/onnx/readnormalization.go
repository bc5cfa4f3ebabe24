package onnx

import (
	"strconv"

	"hourglass/nn"
)

// decimal returns the number of fewest digits that rounds to v: 0.001, where that was
// written as a float32.
func decimal(v float32) float64 {
	d, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	return d
}

// epsilon returns what a node adds to a variance.
func (n *node) epsilon(fallback float32) (float64, error) {
	e := decimal(n.float("epsilon", fallback))
	if !(e > 0 && e < 1) {
		return 0, cannot(n, "epsilon is %v, want above 0 and below 1", e)
	}
	return e, nil
}

// channelArrays returns inputs of a node that have a number for every channel.
func (s *stream) channelArrays(n *node, first, count, channels int) ([][]float32, error) {
	var list [][]float32
	for i := first; i < first+count; i++ {
		a, err := s.m.weights(n, i)
		if err != nil {
			return nil, err
		}
		if len(a.floats) != channels {
			return nil, cannot(n, "input %d has shape %s, want [%d]", i, shapeText(a.axes), channels)
		}
		list = append(list, a.floats)
	}
	return list, nil
}

func readBatchNormalization(s *stream, n *node) error {
	var places []int
	var err error
	if len(s.axes()) == 2 {
		places, err = s.flat(n)
	} else {
		err = s.settleLast(n)
	}
	if err != nil {
		return err
	}
	params, err := s.channelArrays(n, 1, 4, s.shape[len(s.shape)-1])
	if err != nil {
		return err
	}
	epsilon, err := n.epsilon(1e-5)
	if err != nil {
		return err
	}
	layer := nn.BatchNormalization{Epsilon: epsilon, Momentum: decimal(n.float("momentum", 0.9))}
	view := s.view
	if places != nil {
		for i := range params {
			params[i] = spread(params[i], places, 1)
		}
	}
	if err := s.add(n, layer, params...); err != nil {
		return err
	}
	s.view = view
	return nil
}

// readLayerNormalization reads the one along the last axis.
func readLayerNormalization(s *stream, n *node) error {
	axes := s.axes()
	if axis := n.int("axis", -1); axis != -1 && axis != len(axes)-1 {
		return cannot(n, "axis is %d of %d, want the last", axis, len(axes))
	}
	order := batchFirst(axes)
	if axes[len(axes)-1].Batch {
		return cannot(n, "its samples are on the last axis")
	}
	if err := s.settle(n, order...); err != nil {
		return err
	}
	width := s.shape[len(s.shape)-1]
	params := [][]float32{ones(width), make([]float32, width)}
	for i := range params {
		a, err := s.m.inputArray(n, i+1)
		if err != nil {
			return err
		}
		if a == nil {
			continue
		}
		if params[i] = a.spread(width); params[i] == nil {
			return cannot(n, "input %d has shape %s, want [%d]", i+1, shapeText(a.axes), width)
		}
	}
	epsilon, err := n.epsilon(1e-5)
	if err != nil {
		return err
	}
	if err := s.add(n, nn.LayerNormalization{Epsilon: epsilon}, params...); err != nil {
		return err
	}
	s.lies(inverse(order)...)
	return nil
}

func ones(n int) []float32 {
	list := make([]float32, n)
	for i := range list {
		list[i] = 1
	}
	return list
}
