package onnx

import (
	"slices"

	"hourglass/exchange"
	"hourglass/exchange/onnx/internal/schema"
	"hourglass/nn"
	"hourglass/tensor"
)

// window is a convolution or pooling along all axes of an image or a sequence.
type window struct {
	kernel, strides, dilation []int
	padding                   nn.Padding
}

// line and square return the options of one and of two axes, with 1 where nothing is set.
func line(n int) []int { return []int{max(n, 1)} }

func square(p nn.Pair) []int {
	if p == (nn.Pair{}) {
		return []int{1, 1}
	}
	return p[:]
}

// channelsFirst returns the order that stores the channels of samples of a shape in front of
// their other axes.
func channelsFirst(shape tensor.Shape) []int {
	order := []int{0, len(shape)}
	for i := range len(shape) - 1 {
		order = append(order, i+1)
	}
	return order
}

// pads returns the zeros around samples of a shape, in ONNX' order: all in front, all behind.
func (w window) pads(shape tensor.Shape) ([]int, error) {
	n := len(w.kernel)
	pads := make([]int, 2*n)
	for i := range n {
		var err error
		if pads[i], pads[n+i], err = nn.ConvolutionMargins(shape[i], w.kernel[i], w.strides[i], w.dilation[i], w.padding); err != nil {
			return nil, err
		}
	}
	return pads, nil
}

// convolution returns the options of a convolution and its activation.
func convolution(layer nn.Layer) (window, nn.Func) {
	switch l := layer.(type) {
	case nn.Conv1D:
		return window{line(l.Kernel), line(l.Strides), line(l.Dilation), l.Padding}, l.Activation
	case nn.Conv2D:
		return window{square(l.Kernel), square(l.Strides), square(l.Dilation), l.Padding}, l.Activation
	case nn.Conv1DTranspose:
		return window{line(l.Kernel), line(l.Strides), line(l.Dilation), l.Padding}, l.Activation
	case nn.Conv2DTranspose:
		return window{square(l.Kernel), square(l.Strides), square(l.Dilation), l.Padding}, l.Activation
	case nn.DepthwiseConv1D:
		return window{line(l.Kernel), line(l.Strides), line(l.Dilation), l.Padding}, l.Activation
	case nn.DepthwiseConv2D:
		return window{square(l.Kernel), square(l.Strides), square(l.Dilation), l.Padding}, l.Activation
	case nn.SeparableConv1D:
		return window{line(l.Kernel), line(l.Strides), line(l.Dilation), l.Padding}, l.Activation
	case nn.SeparableConv2D:
		return window{square(l.Kernel), square(l.Strides), square(l.Dilation), l.Padding}, l.Activation
	}
	panic("onnx: not a convolution")
}

// weights appends a kernel with its last two axes, swapped, in front of its taps, and the
// bias, and returns their names.
func (g *graph) weights(b exchange.Block, w window) []string {
	kernel := b.Param("kernel").Values
	taps := tensor.Shape(w.kernel).Size()
	shape := b.Param("kernel").Shape
	inner, outer := shape[len(shape)-2], shape[len(shape)-1]
	// taps×inner×outer becomes outer×inner×taps.
	flipped := make([]float32, len(kernel))
	for t := range taps {
		for i := range inner {
			for o := range outer {
				flipped[(o*inner+i)*taps+t] = kernel[(t*inner+i)*outer+o]
			}
		}
	}
	return append([]string{*g.floats("kernel", flipped, append([]int{outer, inner}, w.kernel...)...).Name}, g.bias(b)...)
}

func writeConvolution(g *graph, b exchange.Block, v value) (value, error) {
	w, fn := convolution(b.Layer)
	order := channelsFirst(b.In)
	v = g.arrange(v, order...)
	name, err := g.convolve(b, v.name, w, g.weights(b, w))
	if err != nil {
		return v, err
	}
	return g.function(storedValue(name, b.Out, order...), b, fn)
}

// writeDepthwise writes a convolution of as many groups as there are channels.
func writeDepthwise(g *graph, b exchange.Block, v value) (value, error) {
	w, fn := convolution(b.Layer)
	order := channelsFirst(b.In)
	v = g.arrange(v, order...)
	weights := append([]string{g.depthwise(b.Param("kernel"), w)}, g.bias(b)...)
	name, err := g.convolve(b, v.name, w, weights, attrInt("group", b.In[len(b.In)-1]))
	if err != nil {
		return v, err
	}
	return g.function(storedValue(name, b.Out, order...), b, fn)
}

// writeSeparable writes a depthwise convolution and one of a single tap behind it.
func writeSeparable(g *graph, b exchange.Block, v value) (value, error) {
	w, fn := convolution(b.Layer)
	order := channelsFirst(b.In)
	v = g.arrange(v, order...)
	between, err := g.convolve(b, v.name, w, []string{g.depthwise(b.Param("depthwise_kernel"), w)}, attrInt("group", b.In[len(b.In)-1]))
	if err != nil {
		return v, err
	}
	pointwise := b.Param("pointwise_kernel")
	filters := pointwise.Shape[len(pointwise.Shape)-1]
	one := slices.Repeat([]int{1}, len(w.kernel))
	kernel := g.floats("pointwise_kernel", transposed(pointwise.Values, filters), append([]int{filters, len(pointwise.Values) / filters}, one...)...)
	name := g.node("Conv", append([]string{between, *kernel.Name}, g.bias(b)...), attrInts("kernel_shape", one...))
	return g.function(storedValue(name, b.Out, order...), b, fn)
}

// depthwise appends a depthwise kernel and returns its name: taps×channels×multiplier becomes
// (channels·multiplier)×1×taps.
func (g *graph) depthwise(kernel nn.Array, w window) string {
	wide := len(kernel.Values) / tensor.Shape(w.kernel).Size()
	return *g.floats("depthwise_kernel", transposed(kernel.Values, wide), append([]int{wide, 1}, w.kernel...)...).Name
}

// bias appends a layer's bias and returns its name, or nothing.
func (g *graph) bias(b exchange.Block) []string {
	bias := b.Param("bias").Values
	if bias == nil {
		return nil
	}
	return []string{*g.floats("bias", bias, len(bias)).Name}
}

// convolve writes a convolution of x by weights and returns the name of what comes out.
func (g *graph) convolve(b exchange.Block, x string, w window, weights []string, more ...*schema.AttributeProto) (string, error) {
	pads, err := w.pads(b.In)
	if err != nil {
		return "", b.Errorf("%w", err)
	}
	attributes := []*schema.AttributeProto{attrInts("kernel_shape", w.kernel...),
		attrInts("strides", w.strides...), attrInts("dilations", w.dilation...), attrInts("pads", pads...)}
	return g.node("Conv", append([]string{x}, weights...), append(attributes, more...)...), nil
}

func writeTransposed(g *graph, b exchange.Block, v value) (value, error) {
	w, fn := convolution(b.Layer)
	n := len(w.kernel)
	pads, extra := make([]int, 2*n), make([]int, n)
	for i := range n {
		before, after, err := nn.TransposedMargins(b.In[i], w.kernel[i], w.strides[i], w.dilation[i], w.padding, outputPadding(b.Layer, i))
		if err != nil {
			return v, b.Errorf("%w", err)
		}
		pads[i], pads[n+i], extra[i] = before, max(after, 0), max(-after, 0)
	}
	order := channelsFirst(b.In)
	v = g.arrange(v, order...)
	name := g.node("ConvTranspose", append([]string{v.name}, g.weights(b, w)...), attrInts("kernel_shape", w.kernel...),
		attrInts("strides", w.strides...), attrInts("dilations", w.dilation...), attrInts("pads", pads...), attrInts("output_padding", extra...))
	return g.function(storedValue(name, b.Out, order...), b, fn)
}

// outputPadding returns the output padding along an axis, nil where it is left to the layer.
func outputPadding(layer nn.Layer, axis int) *int {
	switch l := layer.(type) {
	case nn.Conv1DTranspose:
		return l.OutputPadding
	case nn.Conv2DTranspose:
		if l.OutputPadding != nil {
			return &l.OutputPadding[axis]
		}
	}
	return nil
}
