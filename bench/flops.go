package main

import (
	"strings"

	"hourglass/nn"
	"hourglass/tensor"
)

// stepFLOP returns how many floating-point operations the matrix products and
// convolutions of one training step take, a multiplication and an addition being
// two. Forward, the gradient of the weights and the gradient of the input take
// the same number each; only nobody asks for the gradient of the first layer's
// input. Activations, loss and optimiser do not count.
func stepFLOP(n *nn.Network, batch int) float64 {
	var multiplications float64
	first := true
	shapes := layerShapes(n)
	for _, a := range n.Arrays() {
		if len(a.Shape) < 2 {
			continue // biases and what normalises
		}
		uses := float64(a.Shape.Size() * positions(nn.Kind(n.Layers()[a.Layer]), a.Shape, shapes[a.Layer], shapes[a.Layer+1]))
		uses *= float64(n.Slice(0, a.Layer).Copies())
		if first {
			multiplications += 2 * uses
		} else {
			multiplications += 3 * uses
		}
		first = false
	}
	return 2 * float64(batch) * multiplications
}

// layerShapes returns the shape of a sample before each layer, and after the last.
func layerShapes(n *nn.Network) []tensor.Shape {
	shapes := []tensor.Shape{n.Input()}
	for i := range n.Layers() {
		shapes = append(shapes, n.Slice(i, i+1).Output())
	}
	return shapes
}

// positions returns how often a sample is multiplied with an array of weights: a
// matrix with every vector along the last axis, a kernel at every pixel that a
// convolution makes or a transposed one reads.
func positions(kind string, weights, in, out tensor.Shape) int {
	shape := in
	if len(weights) > 2 && !strings.HasSuffix(kind, "Transpose") {
		shape = out
	}
	return shape[:len(shape)-1].Size()
}
