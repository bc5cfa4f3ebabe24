package onnx

import (
	"slices"

	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
)

// readPReLU reads a slope for each channel, or one for all.
func readPReLU(s *stream, n *node) error {
	a, err := s.m.weights(n, 1)
	if err != nil {
		return err
	}
	slopes, err := s.elements(n, a)
	if err != nil {
		return err
	}
	channels := s.shape[len(s.shape)-1]
	if len(slopes) == 1 {
		slopes = slices.Repeat(slopes, channels)
	}
	if len(slopes) != channels {
		return cannot(n, "its slopes have shape %s, want one for each channel", shapeText(a.axes))
	}
	var shared []int
	for axis := 1; axis < len(s.shape); axis++ {
		shared = append(shared, axis)
	}
	view := s.view
	if err := s.add(n, nn.PReLU{SharedAxes: shared}, slopes); err != nil {
		return err
	}
	s.view = view
	return nil
}

// readDepthToSpace reads a pixel shuffle. In PyTorch's order of channels, CRD, it is a
// transpose between two reshapes.
func readDepthToSpace(s *stream, n *node) error {
	axes, r := s.axes(), n.int("blocksize", 0)
	if len(axes) != 4 || !axes[0].Batch || r < 1 || axes[1].Size%(r*r) != 0 {
		return cannot(n, "blocksize is %d for %s", r, shapeText(axes))
	}
	if n.text("mode", "DCR") == "CRD" {
		channels, height, width := axes[1].Size/(r*r), axes[2].Size, axes[3].Size
		if view, ok := s.view.Reshape(relayout.Samples(channels, r, r, height, width)); ok {
			if view, ok = view.Transpose(0, 1, 4, 2, 5, 3).Reshape(relayout.Samples(channels, height*r, width*r)); ok {
				s.view = view
				return nil
			}
		}
		return cannot(n, "its input has shape %s", shapeText(axes))
	}
	if err := s.settleLast(n); err != nil {
		return err
	}
	if err := s.add(n, nn.PixelShuffle{Factor: r}); err != nil {
		return err
	}
	s.liesFirst()
	return nil
}
