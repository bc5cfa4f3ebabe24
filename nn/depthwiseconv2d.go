package nn

import (
	"cmp"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// DepthwiseConv2D convolves every channel of an image with kernels of its own:
//
//	y(i, j, c·M + m) = f(Σ x(i·s + k·d - p, j·s' + l·d' - p', c) · W(k, l, c, m) + b(c·M + m))
//
// over taps (k, l), with M kernels a channel, strides, dilations and padding as Conv2D's. It
// takes samples of height×width×channels and gives height'×width'×(M·channels). As Keras'
// DepthwiseConv2D, and PyTorch's Conv2d with as many groups as channels. Kernel W is
// kernel×kernel×channels×M, bias b has M·channels values.
type DepthwiseConv2D struct {
	Kernel     Pair        `json:"kernel_size"`                     // rows and columns of the kernels, at least 1
	Strides    Pair        `json:"strides,omitzero"`                // 1×1 by default
	Padding    Padding     `json:"padding"`                         // Valid by default
	Multiplier int         `json:"depth_multiplier,omitempty"`      // M, 1 by default
	Dilation   Pair        `json:"dilation_rate,omitzero"`          // distance between taps, 1×1 by default
	Activation Func        `json:"activation"`                      // f; Linear by default
	NoBias     bool        `json:"no_bias,omitempty"`               // leave out b
	KernelInit Initializer `json:"depthwise_initializer,omitempty"` // GlorotUniform by default
	BiasInit   Initializer `json:"bias_initializer,omitempty"`      // Zeros by default
}

// Bind accepts images of height×width×channels that the kernel fits into.
func (l DepthwiseConv2D) Bind(in tensor.Shape) (Stage, error) {
	l.Strides, l.Dilation, l.Multiplier = cmp.Or(l.Strides, Square(1)), cmp.Or(l.Dilation, Square(1)), cmp.Or(l.Multiplier, 1)
	if err := firstError(checkDepthwise(l.Multiplier, l.Kernel, l.Strides, l.Dilation, l.Activation, l.KernelInit, l.BiasInit),
		l.Padding.validateImage(), wantImage(in)); err != nil {
		return nil, err
	}
	y, x, err := imageAxes(in, l.Kernel, l.Strides, l.Dilation, l.Padding)
	if err != nil {
		return nil, err
	}
	return newDepthwiseStage(y, x, depthShape(l.Kernel[:], in[2], l.Multiplier),
		tensor.Shape{y.small, x.small, in[2] * l.Multiplier}, convOptions{fn: l.Activation, noBias: l.NoBias, kernelInit: l.KernelInit, biasInit: l.BiasInit})
}

// depthwiseStage runs depthwise convolutions, of images and of sequences.
type depthwiseStage struct {
	*depthwise
	convOptions
	kernel, output tensor.Shape
	in, out        int // elements of a sample
}

var (
	_ Trainable     = (*depthwiseStage)(nil)
	_ SigmoidEnding = (*depthwiseStage)(nil)
)

func newDepthwiseStage(y, x convAxis, shape, output tensor.Shape, o convOptions) (Stage, error) {
	if err := firstError(shape.Validate(), output.Validate()); err != nil {
		return nil, err
	}
	d, err := newDepthwise(y, x, shape[len(shape)-2], shape[len(shape)-1])
	if err != nil {
		return nil, err
	}
	return &depthwiseStage{d, o, shape, output, y.big * x.big * d.channels, output.Size()}, nil
}

func (s *depthwiseStage) Plan() Plan {
	return Plan{
		Output:    s.output,
		Params:    s.params(s.kernel, s.wide),
		Memory:    []int{framedMemory: s.bigFrame.size(), sumsMemory: s.wide, convZ: s.fn.inputMemory(s.out)},
		Workspace: sumWork + s.scatterWork(),
		Solo:      true,
	}
}

func (s *depthwiseStage) EndsInSigmoid() bool { return s.fn == Sigmoid }

// Forward keeps the images within their margins for Gradient.
func (s *depthwiseStage) Forward(f *Frame) {
	_, bias := s.start(f)
	fn := outputFunc(s.fn, f)
	for i := range f.N {
		framed := s.fill(rows(f.Memory[framedMemory], i, i+1, s.bigFrame.size()), rows(f.X, i, i+1, s.in))
		z := s.basis(f, i, s.out)
		s.gather(z, framed, f.Params[convKernel], bias)
		fn.forward(rows(f.Y, i, i+1, s.out), z)
	}
}

// Backward: DY ← dZ = DY ⊙ f'(Z), and DX is dZ scattered by the kernel.
func (s *depthwiseStage) Backward(f *Frame) {
	fn := outputFunc(s.fn, f)
	for i := range f.N {
		dz := rows(f.DY, i, i+1, s.out)
		fn.backward(dz, dz, s.basis(f, i, s.out))
		if !s.noBias {
			channelSums(rows(f.Memory[sumsMemory], i, i+1, s.wide), dz, f.Workspace[:sumWork])
		}
		if f.DX != nil {
			s.scatter(rows(f.DX, i, i+1, s.in), dz, f.Params[convKernel], f.Workspace[sumWork:])
		}
	}
}

// Gradient: dW is the product of images and dZ, channel by channel, db the sum of dZ over
// all pixels.
func (s *depthwiseStage) Gradient(f *Frame, param, lo, hi int) {
	if param == convBias {
		kernel.ColumnSums(f.Grads[convBias][lo:hi], f.Memory[sumsMemory][lo:], f.N, hi-lo, s.wide, false)
		return
	}
	framed := f.Memory[framedMemory]
	if s.bigFrame.bare {
		framed = f.X
	}
	s.gradient(f.Grads[convKernel], framed, f.DY, f.N, lo, hi)
}
