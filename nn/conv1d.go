package nn

import "hourglass/tensor"

// Conv1D slides kernels along a sequence or signal: Conv2D with a single row. It takes
// samples of steps×channels and gives steps'×Filters, with lengths as Conv2D's.
// As Keras' Conv1D. Kernel W is kernel×channels×Filters, bias b has Filters values.
type Conv1D struct {
	Filters    int         `json:"filters"`                      // output channels, at least 1
	Kernel     int         `json:"kernel_size"`                  // taps, at least 1
	Strides    int         `json:"strides,omitempty"`            // 1 by default
	Padding    Padding     `json:"padding"`                      // Valid by default
	Dilation   int         `json:"dilation_rate,omitempty"`      // distance between taps, 1 by default
	Activation Func        `json:"activation"`                   // f; Linear by default
	NoBias     bool        `json:"no_bias,omitempty"`            // leave out b
	KernelInit Initializer `json:"kernel_initializer,omitempty"` // GlorotUniform by default
	BiasInit   Initializer `json:"bias_initializer,omitempty"`   // Zeros by default
}

// Bind accepts sequences of steps×channels that the kernel fits into.
func (l Conv1D) Bind(in tensor.Shape) (Stage, error) {
	kernel, strides, dilation := inRow(l.Kernel), inRow(orOne(l.Strides)), inRow(orOne(l.Dilation))
	if err := firstError(checkConvolution(l.Filters, kernel, strides, dilation, l.Activation, l.KernelInit, l.BiasInit), l.Padding.validate()); err != nil {
		return nil, err
	}
	if err := wantSequence(in); err != nil {
		return nil, err
	}
	x, err := newConvAxis(in[0], kernel[1], strides[1], dilation[1], l.Padding)
	if err != nil {
		return nil, err
	}
	return newConvStage(singleRow, x, tensor.Shape{l.Kernel, in[1], l.Filters}, tensor.Shape{x.small, l.Filters},
		convOptions{fn: l.Activation, noBias: l.NoBias, kernelInit: l.KernelInit, biasInit: l.BiasInit})
}

// singleRow is the axis across a sequence.
var singleRow = convAxis{big: 1, small: 1, kernel: 1, stride: 1, dilation: 1}

// inRow is an option for a single row.
func inRow(n int) Pair { return Pair{1, n} }

// orOne returns n, or 1 if it is not set.
func orOne(n int) int {
	if n == 0 {
		return 1
	}
	return n
}
