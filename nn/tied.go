package nn

import (
	"cmp"
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Tied is the layer that is [Named] To, in front of it, turned round, with the same kernel.
//
// To a Dense it is y = f(x·Wᵀ + b), where W is in×units of the Dense: it takes samples of
// shape (…, units) and gives (…, in). To a convolution, Conv1D or Conv2D, it is the transposed
// convolution, and to Conv1DTranspose or Conv2DTranspose the convolution, with the strides,
// padding and dilation of the other: it takes samples of the shape that the other gives, and
// gives samples of the shape that it takes.
//
// A decoder of such layers, one for each of the encoder, has about half the weights. The
// kernel exists once, in the arena, the model file and the count of weights; the bias is the
// layer's own, a value for each of its units or channels. As DenseTranspose of Géron's
// notebook on autoencoders; in PyTorch F.linear(x, w.t()) and F.conv_transpose2d(x, w).
type Tied struct {
	To         string      `json:"to"`                         // the name of a Dense or a convolution in front
	Activation Func        `json:"activation"`                 // f; Linear by default
	NoBias     bool        `json:"no_bias,omitempty"`          // leave out b
	BiasInit   Initializer `json:"bias_initializer,omitempty"` // Zeros by default
}

var _ Composite = Tied{}

// Bind refuses: only a network knows the layers in front.
func (l Tied) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts what the other layer makes.
func (l Tied) Expand(b *Builder, in Value) (Value, error) {
	if err := firstError(checkName(l.To), l.Activation.validate(), l.BiasInit.validate()); err != nil {
		return 0, err
	}
	w, err := b.Array(l.To, "kernel")
	if err != nil {
		return 0, err
	}
	if s, ok := l.transpose(w.of); ok {
		if shape := b.Shape(in); !shape.Equal(w.of.Output) {
			return 0, fmt.Errorf("got samples of shape %v, want %v, what %q gives", shape, w.of.Output, l.To)
		}
		return b.AddSharing(s, []SharedArray{w}, in)
	}
	if len(w.Shape) != 2 {
		return 0, fmt.Errorf("the kernel of %q has shape %v, want that of a Dense, Conv1D, Conv2D, Conv1DTranspose or Conv2DTranspose", l.To, w.Shape)
	}
	shape, units := b.Shape(in), w.Shape[1]
	if len(shape) == 0 || shape[len(shape)-1] != units {
		return 0, fmt.Errorf("got samples of shape %v, want %d values on the last axis, the units of %q", shape, units, l.To)
	}
	output := shape.Clone()
	output[len(output)-1] = w.Shape[0]
	return b.AddSharing(&tiedStage{Tied: l, in: units, out: w.Shape[0], rows: shape.Size() / units, output: output}, []SharedArray{w}, in)
}

// tiedStage runs a Tied on N samples of rows vectors each.
type tiedStage struct {
	Tied
	in, out, rows int
	output        tensor.Shape
}

var (
	_ Sharer        = (*tiedStage)(nil)
	_ Trainable     = (*tiedStage)(nil)
	_ SigmoidEnding = (*tiedStage)(nil)
)

func (s *tiedStage) Plan() Plan {
	p := Plan{Output: s.output, Memory: []int{denseZ: s.Activation.inputMemory(s.output.Size())}}
	if !s.NoBias {
		p.Params = []Param{{Name: "bias", Shape: tensor.Shape{s.out}, Init: cmp.Or(s.BiasInit, Zeros), FanIn: s.in, FanOut: s.out}}
	}
	return p
}

func (s *tiedStage) EndsInSigmoid() bool { return s.Activation == Sigmoid }

// Forward: Y = f(X·Wᵀ + b).
func (s *tiedStage) Forward(f *Frame) {
	start, bias := kernel.Overwrite, []float32(nil)
	if !s.NoBias {
		start, bias = kernel.Bias, f.Params[0]
	}
	z := s.Activation.basis(f.Y, f.Memory[denseZ])
	kernel.GemmNT(f.N*s.rows, s.out, s.in, f.X, s.in, 1, f.SharedParams[0], s.in, z, s.out, start, bias)
	outputFunc(s.Activation, f).forward(f.Y, z)
}

// Backward: DY ← dZ = DY ⊙ f'(Z) and DX = dZ·W.
func (s *tiedStage) Backward(f *Frame) {
	outputFunc(s.Activation, f).backward(f.DY, f.DY, s.Activation.basis(f.Y, f.Memory[denseZ]))
	if f.DX != nil {
		kernel.Gemm(f.N*s.rows, s.in, s.out, f.DY, s.out, 1, f.SharedParams[0], s.in, f.DX, s.in, kernel.Overwrite, nil)
	}
}

// Gradient: db = the sum of dZ over all rows.
func (s *tiedStage) Gradient(f *Frame, param, lo, hi int) {
	kernel.ColumnSums(f.Grads[param][lo:hi], f.DY[lo:], f.N*s.rows, hi-lo, s.out, false)
}

func (s *tiedStage) gradientReads() reads { return reads{x: true, dy: true} }

// AddGradient: dW = dW + dZᵀ·X.
func (s *tiedStage) AddGradient(f *Frame, shared, lo, hi int) {
	kernel.Gemm(hi-lo, s.in, f.N*s.rows, f.DY[lo:], 1, s.out, f.X, s.in,
		f.SharedGrads[shared][lo*s.in:hi*s.in], s.in, kernel.Accumulate, nil)
}
