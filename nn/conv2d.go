package nn

import (
	"cmp"
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Conv2D slides kernels over an image: y = f(x ∗ W + b), where
//
//	(x ∗ W)(i, j, c) = Σ x(i·s + k·d - p, j·s' + l·d' - p', c') · W(k, l, c', c)
//
// over taps (k, l) and input channels c', with strides s, dilations d and zeros
// outside of the image; p is what Padding puts in front. It takes samples of
// height×width×channels and gives height'×width'×Filters with
// height' = ⌊(height - e)/s⌋ + 1 for a kernel that spans e = (k-1)·d + 1 rows
// (valid), or ⌈height/s⌉ (same). As Keras' Conv2D, and PyTorch's with the axes in
// another order. Kernel W is kernel×kernel×channels×Filters, bias b has Filters values.
type Conv2D struct {
	Filters    int         `json:"filters"`                      // output channels, at least 1
	Kernel     Pair        `json:"kernel_size"`                  // rows and columns of the kernel, at least 1
	Strides    Pair        `json:"strides,omitzero"`             // 1×1 by default
	Padding    Padding     `json:"padding"`                      // Valid by default
	Dilation   Pair        `json:"dilation_rate,omitzero"`       // distance between taps, 1×1 by default
	Activation Func        `json:"activation"`                   // f; Linear by default
	NoBias     bool        `json:"no_bias,omitempty"`            // leave out b
	KernelInit Initializer `json:"kernel_initializer,omitempty"` // GlorotUniform by default
	BiasInit   Initializer `json:"bias_initializer,omitempty"`   // Zeros by default
}

// Bind accepts images of height×width×channels that the kernel fits into.
func (l Conv2D) Bind(in tensor.Shape) (Stage, error) {
	l.Strides, l.Dilation = cmp.Or(l.Strides, Square(1)), cmp.Or(l.Dilation, Square(1))
	if err := firstError(checkConvolution(l.Filters, l.Kernel, l.Strides, l.Dilation, l.Activation, l.KernelInit, l.BiasInit), l.Padding.validateImage()); err != nil {
		return nil, err
	}
	if err := wantImage(in); err != nil {
		return nil, err
	}
	y, x, err := imageAxes(in, l.Kernel, l.Strides, l.Dilation, l.Padding)
	if err != nil {
		return nil, err
	}
	return newConvStage(y, x, tensor.Shape{l.Kernel[0], l.Kernel[1], in[2], l.Filters},
		tensor.Shape{y.small, x.small, l.Filters}, convOptions{fn: l.Activation, noBias: l.NoBias, kernelInit: l.KernelInit, biasInit: l.BiasInit})
}

// imageAxes returns the two axes of a convolution of an image.
func imageAxes(in tensor.Shape, kernel, strides, dilation Pair, padding Padding) (y, x convAxis, err error) {
	if y, err = newConvAxis(in[0], kernel[0], strides[0], dilation[0], padding); err != nil {
		return y, x, fmt.Errorf("height: %w", err)
	}
	if x, err = newConvAxis(in[1], kernel[1], strides[1], dilation[1], padding); err != nil {
		return y, x, fmt.Errorf("width: %w", err)
	}
	return y, x, nil
}

// convOptions are the options that all convolutions share.
type convOptions struct {
	fn                   Func
	noBias               bool
	kernelInit, biasInit Initializer
	tied                 bool // the kernel is another stage's
}

// params describes the parameters, for a kernel of the given shape. As in Keras
// the fans are those of the kernel's last two axes times the number of taps.
func (o convOptions) params(shape tensor.Shape, filters int) []Param {
	last := len(shape) - 1
	taps := tensor.Shape(shape[:last-1]).Size()
	fanIn, fanOut := taps*shape[last-1], taps*shape[last]
	var params []Param
	if !o.tied {
		params = append(params, Param{Name: "kernel", Shape: shape, Init: cmp.Or(o.kernelInit, GlorotUniform), FanIn: fanIn, FanOut: fanOut})
	}
	if !o.noBias {
		params = append(params, Param{Name: "bias", Shape: tensor.Shape{filters},
			Init: cmp.Or(o.biasInit, Zeros), FanIn: fanIn, FanOut: fanOut})
	}
	return params
}

// start returns how the sums of a forward pass start.
func (o convOptions) start(f *Frame) (kernel.Start, []float32) {
	if o.noBias {
		return kernel.Overwrite, nil
	}
	return kernel.Bias, f.Params[o.biasAt()]
}

// weightsOf returns the kernel.
func (o convOptions) weightsOf(f *Frame) []float32 {
	if o.tied {
		return f.SharedParams[0]
	}
	return f.Params[convKernel]
}

// biasAt returns which parameter the bias is: the first one of a stage with another's kernel.
func (o convOptions) biasAt() int {
	if o.tied {
		return 0
	}
	return convBias
}

// basis returns Func.basis of sample i, with size outputs.
func (o convOptions) basis(f *Frame, i, size int) []float32 {
	return rows(o.fn.basis(f.Y, f.Memory[convZ]), i, i+1, size)
}

// The parameters' places in Frame.Params.
const (
	convKernel = iota
	convBias
)

// The arrays of Frame.Memory: big images within their margins, the sums of dZ over the
// pixels of a sample, which are taken while it is in the cache, and Z where f needs it.
const (
	framedMemory = iota
	sumsMemory
	convZ
)

// convStage runs the convolutions, of images and of sequences.
type convStage struct {
	*convolution
	convOptions
	kernel, output tensor.Shape
	in, out        int // elements of a sample
}

var (
	_ Deriver       = (*convStage)(nil)
	_ SigmoidEnding = (*convStage)(nil)
)

func newConvStage(y, x convAxis, shape, output tensor.Shape, o convOptions) (Stage, error) {
	channels, filters := shape[len(shape)-2], shape[len(shape)-1]
	if err := firstError(shape.Validate(), output.Validate()); err != nil {
		return nil, err
	}
	c, err := newConvolution(y, x, channels, filters)
	if err != nil {
		return nil, err
	}
	return &convStage{c, o, shape, output, y.big * x.big * channels, output.Size()}, nil
}

func (s *convStage) Plan() Plan {
	p := Plan{
		Output:    s.output,
		Params:    s.params(s.kernel, s.smallChannels),
		Memory:    []int{framedMemory: s.bigFrame.size(), sumsMemory: s.smallChannels, convZ: s.fn.inputMemory(s.out)},
		Workspace: sumWork + s.scatterWork(),
		Derived:   s.weights(),
		Solo:      true,
	}
	if s.tied {
		p.Workspace, p.Derived = p.Workspace+s.weights(), 0
	}
	return p
}

func (s *convStage) EndsInSigmoid() bool { return s.fn == Sigmoid }

// Forward keeps the images within their margins for Gradient.
func (s *convStage) Forward(f *Frame) {
	start, bias := s.start(f)
	fn := outputFunc(s.fn, f)
	for i := range f.N {
		framed := s.bigFrame.fill(rows(f.Memory[framedMemory], i, i+1, s.bigFrame.size()), rows(f.X, i, i+1, s.in))
		z := s.basis(f, i, s.out)
		s.gather(z, framed, s.weightsOf(f), start, bias)
		fn.forward(rows(f.Y, i, i+1, s.out), z)
	}
}

// Backward: DY ← dZ = DY ⊙ f'(Z), and DX is dZ scattered by the kernel.
func (s *convStage) Backward(f *Frame) {
	fn := outputFunc(s.fn, f)
	work, reversed := f.Workspace[sumWork:], f.Derived
	if f.DX != nil {
		reversed = s.reversed(f.Derived, s.weightsOf(f), work)
	}
	for i := range f.N {
		dz := rows(f.DY, i, i+1, s.out)
		fn.backward(dz, dz, s.basis(f, i, s.out))
		if !s.noBias {
			channelSums(rows(f.Memory[sumsMemory], i, i+1, s.smallChannels), dz, f.Workspace[:sumWork])
		}
		if f.DX != nil {
			s.scatter(rows(f.DX, i, i+1, s.in), dz, reversed, kernel.Overwrite, nil, work)
		}
	}
}

// Gradient: dW is the product of images and dZ, db the sum of dZ over all pixels.
func (s *convStage) Gradient(f *Frame, param, lo, hi int) {
	if param == s.biasAt() {
		kernel.ColumnSums(f.Grads[param][lo:hi], f.Memory[sumsMemory][lo:], f.N, hi-lo, s.smallChannels, false)
		return
	}
	s.kernelGradient(f, f.Grads[convKernel], kernel.Overwrite, lo, hi)
}

func (s *convStage) gradientReads() reads { return reads{x: s.bigFrame.bare, dy: true, memory: true} }

// kernelGradient starts with what grads has, or overwrites it.
func (s *convStage) kernelGradient(f *Frame, grads []float32, start kernel.Start, lo, hi int) {
	framed := f.Memory[framedMemory]
	if s.bigFrame.bare {
		framed = f.X
	}
	s.gradient(grads[lo*s.smallChannels:hi*s.smallChannels], framed, f.DY, f.N, lo, hi, start)
}

// Derive keeps the reversed kernel.
func (s *convStage) Derive(f *Frame, param, lo, hi int) {
	if param == convKernel {
		s.reverse(f.Derived, f.Params[convKernel], lo, hi)
	}
}
