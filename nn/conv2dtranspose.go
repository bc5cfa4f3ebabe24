package nn

import (
	"cmp"
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Conv2DTranspose is the transpose of Conv2D's linear map: every pixel of the input
// is multiplied with the whole kernel and added to the output at its place,
//
//	y(i, j, c) = f(b(c) + Σ x(o, u, c') · W(k, l, c, c'))
//
// over all o, k with o·s + k·d - p = i, all u, l likewise, and input channels c'.
// It takes samples of height×width×channels and gives height'×width'×Filters with
//
//	                        valid                          same
//	OutputPadding nil       n·s + max(e-s, 0)              n·s
//	OutputPadding p         (n-1)·s + e + p                (n-1)·s + e + p - 2·⌊e/2⌋
//
// for n rows, stride s and a kernel that spans e = (k-1)·d + 1 rows. As Keras'
// Conv2DTranspose: where an odd number of rows is cut off by padding "same", the odd one
// is behind (PyTorch's ConvTranspose2d leaves the choice to its padding). Kernel W is
// kernel×kernel×Filters×channels, bias b has Filters values.
type Conv2DTranspose struct {
	Filters       int         `json:"filters"`                      // output channels, at least 1
	Kernel        Pair        `json:"kernel_size"`                  // rows and columns of the kernel, at least 1
	Strides       Pair        `json:"strides,omitzero"`             // 1×1 by default
	Padding       Padding     `json:"padding"`                      // Valid by default
	OutputPadding *Pair       `json:"output_padding,omitempty"`     // below Strides; nil chooses the lengths of the first line
	Dilation      Pair        `json:"dilation_rate,omitzero"`       // distance between taps, 1×1 by default
	Activation    Func        `json:"activation"`                   // f; Linear by default
	NoBias        bool        `json:"no_bias,omitempty"`            // leave out b
	KernelInit    Initializer `json:"kernel_initializer,omitempty"` // GlorotUniform by default
	BiasInit      Initializer `json:"bias_initializer,omitempty"`   // Zeros by default
}

// Bind accepts images of height×width×channels.
func (l Conv2DTranspose) Bind(in tensor.Shape) (Stage, error) {
	l.Strides, l.Dilation = cmp.Or(l.Strides, Square(1)), cmp.Or(l.Dilation, Square(1))
	if err := firstError(checkConvolution(l.Filters, l.Kernel, l.Strides, l.Dilation, l.Activation, l.KernelInit, l.BiasInit), l.Padding.validateImage()); err != nil {
		return nil, err
	}
	if err := wantImage(in); err != nil {
		return nil, err
	}
	extra := Square(automatic)
	if l.OutputPadding != nil {
		extra = *l.OutputPadding
		if err := extra.check("output padding", 0); err != nil {
			return nil, err
		}
	}
	y, err := newTransposedAxis(in[0], l.Kernel[0], l.Strides[0], l.Dilation[0], l.Padding, extra[0])
	if err != nil {
		return nil, fmt.Errorf("height: %w", err)
	}
	x, err := newTransposedAxis(in[1], l.Kernel[1], l.Strides[1], l.Dilation[1], l.Padding, extra[1])
	if err != nil {
		return nil, fmt.Errorf("width: %w", err)
	}
	return newConvTransposeStage(y, x, tensor.Shape{l.Kernel[0], l.Kernel[1], l.Filters, in[2]},
		tensor.Shape{y.big, x.big, l.Filters}, convOptions{fn: l.Activation, noBias: l.NoBias, kernelInit: l.KernelInit, biasInit: l.BiasInit})
}

// convTransposeStage runs the transposed convolutions, of images and of sequences.
type convTransposeStage struct {
	*convolution
	convOptions
	kernel, output tensor.Shape
	in, out        int // elements of a sample
}

var (
	_ Deriver       = (*convTransposeStage)(nil)
	_ SigmoidEnding = (*convTransposeStage)(nil)
)

func newConvTransposeStage(y, x convAxis, shape, output tensor.Shape, o convOptions) (Stage, error) {
	filters, channels := shape[len(shape)-2], shape[len(shape)-1]
	if err := firstError(shape.Validate(), output.Validate()); err != nil {
		return nil, err
	}
	c, err := newConvolution(y, x, filters, channels)
	if err != nil {
		return nil, err
	}
	return &convTransposeStage{c, o, shape, output, y.small * x.small * channels, output.Size()}, nil
}

// Plan: the workspace has room for a reversed kernel besides, for passes that keep none.
func (s *convTransposeStage) Plan() Plan {
	p := Plan{
		Output:    s.output,
		Params:    s.params(s.kernel, s.bigChannels),
		Memory:    []int{framedMemory: s.bigFrame.size(), sumsMemory: s.bigChannels, convZ: s.fn.inputMemory(s.out)},
		Workspace: sumWork + s.scatterWork() + s.weights(),
		Derived:   s.weights(),
		Solo:      true,
	}
	if s.tied {
		p.Derived = 0
	}
	return p
}

func (s *convTransposeStage) EndsInSigmoid() bool { return s.fn == Sigmoid }

// Forward scatters the input by the kernel.
func (s *convTransposeStage) Forward(f *Frame) {
	start, bias := s.start(f)
	fn := outputFunc(s.fn, f)
	work := f.Workspace[sumWork:]
	reversed := s.reversed(f.Derived, s.weightsOf(f), work)
	for i := range f.N {
		z := s.basis(f, i, s.out)
		s.scatter(z, rows(f.X, i, i+1, s.in), reversed, start, bias, work)
		fn.forward(rows(f.Y, i, i+1, s.out), z)
	}
}

// Backward: DY ← dZ = DY ⊙ f'(Z), and DX gathers dZ by the kernel. The images dZ
// within their margins are kept for Gradient.
func (s *convTransposeStage) Backward(f *Frame) {
	fn := outputFunc(s.fn, f)
	for i := range f.N {
		dz := rows(f.DY, i, i+1, s.out)
		fn.backward(dz, dz, s.basis(f, i, s.out))
		if !s.noBias {
			channelSums(rows(f.Memory[sumsMemory], i, i+1, s.bigChannels), dz, f.Workspace[:sumWork])
		}
		framed := s.bigFrame.fill(rows(f.Memory[framedMemory], i, i+1, s.bigFrame.size()), dz)
		if f.DX != nil {
			s.gather(rows(f.DX, i, i+1, s.in), framed, s.weightsOf(f), kernel.Overwrite, nil)
		}
	}
}

// Gradient: dW is the product of dZ and the input, db the sum of dZ over all pixels.
func (s *convTransposeStage) Gradient(f *Frame, param, lo, hi int) {
	if param == s.biasAt() {
		kernel.ColumnSums(f.Grads[param][lo:hi], f.Memory[sumsMemory][lo:], f.N, hi-lo, s.bigChannels, false)
		return
	}
	s.kernelGradient(f, f.Grads[convKernel], kernel.Overwrite, lo, hi)
}

func (s *convTransposeStage) gradientReads() reads {
	return reads{x: true, dy: s.bigFrame.bare, memory: true}
}

// kernelGradient starts with what grads has, or overwrites it.
func (s *convTransposeStage) kernelGradient(f *Frame, grads []float32, start kernel.Start, lo, hi int) {
	framed := f.Memory[framedMemory]
	if s.bigFrame.bare {
		framed = f.DY
	}
	s.gradient(grads[lo*s.smallChannels:hi*s.smallChannels], framed, f.X, f.N, lo, hi, start)
}

// Derive keeps the reversed kernel.
func (s *convTransposeStage) Derive(f *Frame, param, lo, hi int) {
	if param == convKernel {
		s.reverse(f.Derived, f.Params[convKernel], lo, hi)
	}
}
