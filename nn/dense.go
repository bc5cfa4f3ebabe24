package nn

import (
	"cmp"
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Dense connects every input to every output: y = f(x·W + b).
//
// It takes samples of any shape (…, in) and works on their last axis, giving
// (…, Units); kernel W is in×Units and bias b has Units values. As Keras' Dense
// and PyTorch's Linear (which stores W transposed).
type Dense struct {
	Units      int         `json:"units"`                        // outputs, at least 1
	Activation Func        `json:"activation"`                   // f; Linear by default
	NoBias     bool        `json:"no_bias,omitempty"`            // leave out b
	KernelInit Initializer `json:"kernel_initializer,omitempty"` // GlorotUniform by default
	BiasInit   Initializer `json:"bias_initializer,omitempty"`   // Zeros by default
}

// Bind accepts every shape of at least one axis.
func (l Dense) Bind(in tensor.Shape) (Stage, error) {
	if l.Units < 1 {
		return nil, fmt.Errorf("units is %d, want at least 1", l.Units)
	}
	if err := firstError(l.Activation.validate(), l.KernelInit.validate(), l.BiasInit.validate()); err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("got a scalar, want samples of at least one axis")
	}
	output := in.Clone()
	output[len(in)-1] = l.Units
	fan := in[len(in)-1]
	return &denseStage{Dense: l, in: fan, rows: in.Size() / fan, output: output}, nil
}

// denseStage runs a Dense on N samples of rows vectors each as one product of
// N·rows rows.
type denseStage struct {
	Dense
	in, rows int
	output   tensor.Shape
}

var (
	_ Deriver       = (*denseStage)(nil)
	_ SigmoidEnding = (*denseStage)(nil)
)

// The parameters' places in Frame.Params.
const (
	denseKernel = iota
	denseBias
)

// denseZ is the place in Frame.Memory of X·W + b, where f needs it.
const denseZ = 0

func (s *denseStage) Plan() Plan {
	params := []Param{{Name: "kernel", Shape: tensor.Shape{s.in, s.Units},
		Init: cmp.Or(s.KernelInit, GlorotUniform), FanIn: s.in, FanOut: s.Units}}
	if !s.NoBias {
		params = append(params, Param{Name: "bias", Shape: tensor.Shape{s.Units},
			Init: cmp.Or(s.BiasInit, Zeros), FanIn: s.in, FanOut: s.Units})
	}
	return Plan{Output: s.output, Params: params, Derived: s.in * s.Units,
		Memory: []int{denseZ: s.Activation.inputMemory(s.output.Size())}}
}

func (s *denseStage) EndsInSigmoid() bool { return s.Activation == Sigmoid }

// Forward: Y = f(X·W + b).
func (s *denseStage) Forward(f *Frame) {
	start, bias := kernel.Overwrite, []float32(nil)
	if !s.NoBias {
		start, bias = kernel.Bias, f.Params[denseBias]
	}
	z := s.Activation.basis(f.Y, f.Memory[denseZ])
	kernel.Gemm(f.N*s.rows, s.Units, s.in, f.X, s.in, 1, f.Params[denseKernel], s.Units, z, s.Units, start, bias)
	outputFunc(s.Activation, f).forward(f.Y, z)
}

// Backward: DY ← dZ = DY ⊙ f'(Z) and DX = dZ·Wᵀ, with Wᵀ from Derived.
func (s *denseStage) Backward(f *Frame) {
	outputFunc(s.Activation, f).backward(f.DY, f.DY, s.Activation.basis(f.Y, f.Memory[denseZ]))
	if f.DX != nil {
		kernel.Gemm(f.N*s.rows, s.in, s.Units, f.DY, s.Units, 1, f.Derived, s.in, f.DX, s.in, kernel.Overwrite, nil)
	}
}

// Gradient: dW = Xᵀ·dZ, and db = the sum of dZ over all rows.
func (s *denseStage) Gradient(f *Frame, param, lo, hi int) {
	n := f.N * s.rows
	if param == denseBias {
		kernel.ColumnSums(f.Grads[denseBias][lo:hi], f.DY[lo:], n, hi-lo, s.Units, false)
		return
	}
	kernel.Gemm(hi-lo, s.Units, n, f.X[lo:], 1, s.in, f.DY, s.Units,
		f.Grads[denseKernel][lo*s.Units:hi*s.Units], s.Units, kernel.Overwrite, nil)
}

func (s *denseStage) gradientReads() reads { return reads{x: true, dy: true} }

// Derive: columns lo to hi of Wᵀ are rows lo to hi of W.
func (s *denseStage) Derive(f *Frame, param, lo, hi int) {
	if param == denseKernel {
		kernel.Transpose(f.Derived[lo:], s.in, f.Params[denseKernel][lo*s.Units:hi*s.Units], s.Units, hi-lo, s.Units)
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
