package nn

import (
	"cmp"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// SeparableConv2D is a depthwise convolution followed by one of a single pixel that mixes
// the channels (Chollet 2017):
//
//	y = f(depthwise(x) · P + b)
//
// with a depthwise kernel of Multiplier kernels a channel as that of DepthwiseConv2D without
// bias. It takes samples of height×width×channels and gives height'×width'×Filters, with
// lengths as Conv2D's. As Keras' SeparableConv2D. The depthwise kernel is
// kernel×kernel×channels×Multiplier, the pointwise kernel P 1×1×(Multiplier·channels)×Filters,
// bias b has Filters values.
type SeparableConv2D struct {
	Filters       int         `json:"filters"`                         // output channels, at least 1
	Kernel        Pair        `json:"kernel_size"`                     // rows and columns of the kernels, at least 1
	Strides       Pair        `json:"strides,omitzero"`                // 1×1 by default
	Padding       Padding     `json:"padding"`                         // Valid by default
	Multiplier    int         `json:"depth_multiplier,omitempty"`      // 1 by default
	Dilation      Pair        `json:"dilation_rate,omitzero"`          // distance between taps, 1×1 by default
	Activation    Func        `json:"activation"`                      // f; Linear by default
	NoBias        bool        `json:"no_bias,omitempty"`               // leave out b
	DepthwiseInit Initializer `json:"depthwise_initializer,omitempty"` // GlorotUniform by default
	PointwiseInit Initializer `json:"pointwise_initializer,omitempty"` // GlorotUniform by default
	BiasInit      Initializer `json:"bias_initializer,omitempty"`      // Zeros by default
}

// Bind accepts images of height×width×channels that the kernel fits into.
func (l SeparableConv2D) Bind(in tensor.Shape) (Stage, error) {
	l.Strides, l.Dilation, l.Multiplier = cmp.Or(l.Strides, Square(1)), cmp.Or(l.Dilation, Square(1)), cmp.Or(l.Multiplier, 1)
	if err := firstError(checkFilters(l.Filters), checkDepthwise(l.Multiplier, l.Kernel, l.Strides, l.Dilation, l.Activation,
		l.DepthwiseInit, l.PointwiseInit, l.BiasInit), l.Padding.validateImage(), wantImage(in)); err != nil {
		return nil, err
	}
	y, x, err := imageAxes(in, l.Kernel, l.Strides, l.Dilation, l.Padding)
	if err != nil {
		return nil, err
	}
	return newSeparableStage(y, x, depthShape(l.Kernel[:], in[2], l.Multiplier),
		tensor.Shape{1, 1, in[2] * l.Multiplier, l.Filters}, tensor.Shape{y.small, x.small, l.Filters},
		convOptions{fn: l.Activation, noBias: l.NoBias, kernelInit: l.DepthwiseInit, biasInit: l.BiasInit}, l.PointwiseInit)
}

// separableStage runs separable convolutions, of images and of sequences.
type separableStage struct {
	*depthwise
	convOptions
	pointwiseInit             Initializer
	kernel, pointwise, output tensor.Shape
	pixels, filters           int // of an output
	in                        int // elements of a sample
}

var (
	_ Deriver       = (*separableStage)(nil)
	_ SigmoidEnding = (*separableStage)(nil)
)

// The parameters' places in Frame.Params.
const (
	separableDepthwise = iota
	separablePointwise
	separableBias
)

// The arrays of Frame.Memory besides framedMemory, sumsMemory and convZ.
const (
	betweenMemory = convZ + 1 + iota // the output of the depthwise convolution
	betweenSlopes                    // its gradient
)

func newSeparableStage(y, x convAxis, shape, pointwise, output tensor.Shape, o convOptions, pointwiseInit Initializer) (Stage, error) {
	if err := firstError(shape.Validate(), pointwise.Validate(), output.Validate()); err != nil {
		return nil, err
	}
	d, err := newDepthwise(y, x, shape[len(shape)-2], shape[len(shape)-1])
	if err != nil {
		return nil, err
	}
	if err := (tensor.Shape{y.small, x.small, d.wide}).Validate(); err != nil {
		return nil, err
	}
	return &separableStage{d, o, pointwiseInit, shape, pointwise, output,
		y.small * x.small, output[len(output)-1], y.big * x.big * d.channels}, nil
}

// Plan: the gradient of the depthwise kernel needs the pointwise one's transpose, whatever is
// in front.
func (s *separableStage) Plan() Plan {
	depthwise := s.params(s.kernel, s.filters)[convKernel]
	depthwise.Name = "depthwise_kernel"
	mix := s.params(s.pointwise, s.filters)
	mix[convKernel].Name, mix[convKernel].Init = "pointwise_kernel", cmp.Or(s.pointwiseInit, GlorotUniform)
	out := s.pixels * s.filters
	return Plan{
		Output: s.output,
		Params: append([]Param{depthwise}, mix...),
		Memory: []int{framedMemory: s.bigFrame.size(), sumsMemory: s.filters, convZ: s.fn.inputMemory(out),
			betweenMemory: s.outputs(), betweenSlopes: s.outputs()},
		Workspace:     sumWork + s.scatterWork(),
		Derived:       s.wide * s.filters,
		DerivedAlways: true,
		Solo:          true,
	}
}

func (s *separableStage) EndsInSigmoid() bool { return s.fn == Sigmoid }

// Forward keeps the images within their margins, and those between the two convolutions.
func (s *separableStage) Forward(f *Frame) {
	start, bias := kernel.Overwrite, []float32(nil)
	if !s.noBias {
		start, bias = kernel.Bias, f.Params[separableBias]
	}
	fn := outputFunc(s.fn, f)
	for i := range f.N {
		framed := s.fill(rows(f.Memory[framedMemory], i, i+1, s.bigFrame.size()), rows(f.X, i, i+1, s.in))
		between := rows(f.Memory[betweenMemory], i, i+1, s.outputs())
		s.gather(between, framed, f.Params[separableDepthwise], nil)
		z := s.basis(f, i, s.pixels*s.filters)
		kernel.Gemm(s.pixels, s.filters, s.wide, between, s.wide, 1, f.Params[separablePointwise], s.filters, z, s.filters, start, bias)
		fn.forward(rows(f.Y, i, i+1, s.pixels*s.filters), z)
	}
}

// Backward: DY ← dZ = DY ⊙ f'(Z), the gradient between is dZ·Pᵀ, and DX is that scattered by
// the depthwise kernel.
func (s *separableStage) Backward(f *Frame) {
	fn, out := outputFunc(s.fn, f), s.pixels*s.filters
	for i := range f.N {
		dz := rows(f.DY, i, i+1, out)
		fn.backward(dz, dz, s.basis(f, i, out))
		if !s.noBias {
			channelSums(rows(f.Memory[sumsMemory], i, i+1, s.filters), dz, f.Workspace[:sumWork])
		}
		slopes := rows(f.Memory[betweenSlopes], i, i+1, s.outputs())
		kernel.Gemm(s.pixels, s.wide, s.filters, dz, s.filters, 1, f.Derived, s.wide, slopes, s.wide, kernel.Overwrite, nil)
		if f.DX != nil {
			s.scatter(rows(f.DX, i, i+1, s.in), slopes, f.Params[separableDepthwise], f.Workspace[sumWork:])
		}
	}
}

// Gradient of the depthwise kernel as that of a depthwise convolution; dP is the product of
// what is between and dZ.
func (s *separableStage) Gradient(f *Frame, param, lo, hi int) {
	switch param {
	case separableBias:
		kernel.ColumnSums(f.Grads[param][lo:hi], f.Memory[sumsMemory][lo:], f.N, hi-lo, s.filters, false)
	case separablePointwise:
		kernel.Gemm(hi-lo, s.filters, f.N*s.pixels, f.Memory[betweenMemory][lo:], 1, s.wide, f.DY, s.filters,
			f.Grads[param][lo*s.filters:hi*s.filters], s.filters, kernel.Overwrite, nil)
	case separableDepthwise:
		framed := f.Memory[framedMemory]
		if s.bigFrame.bare {
			framed = f.X
		}
		s.gradient(f.Grads[param], framed, f.Memory[betweenSlopes], f.N, lo, hi)
	}
}

// Derive keeps Pᵀ.
func (s *separableStage) Derive(f *Frame, param, lo, hi int) {
	if param == separablePointwise {
		kernel.Transpose(f.Derived[lo:], s.wide, f.Params[param][lo*s.filters:hi*s.filters], s.filters, hi-lo, s.filters)
	}
}
