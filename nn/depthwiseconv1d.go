package nn

import (
	"cmp"

	"hourglass/tensor"
)

// DepthwiseConv1D convolves every channel of a sequence with kernels of its own:
// DepthwiseConv2D with a single row. It takes samples of steps×channels and gives
// steps'×(Multiplier·channels). As Keras' DepthwiseConv1D. The kernel is
// kernel×channels×Multiplier, the bias has Multiplier·channels values.
type DepthwiseConv1D struct {
	Kernel     int         `json:"kernel_size"`                     // taps, at least 1
	Strides    int         `json:"strides,omitempty"`               // 1 by default
	Padding    Padding     `json:"padding"`                         // Valid by default
	Multiplier int         `json:"depth_multiplier,omitempty"`      // kernels a channel, 1 by default
	Dilation   int         `json:"dilation_rate,omitempty"`         // distance between taps, 1 by default
	Activation Func        `json:"activation"`                      // Linear by default
	NoBias     bool        `json:"no_bias,omitempty"`               // leave out the bias
	KernelInit Initializer `json:"depthwise_initializer,omitempty"` // GlorotUniform by default
	BiasInit   Initializer `json:"bias_initializer,omitempty"`      // Zeros by default
}

// Bind accepts sequences of steps×channels that the kernel fits into.
func (l DepthwiseConv1D) Bind(in tensor.Shape) (Stage, error) {
	kernel, strides, dilation, multiplier := inRow(l.Kernel), inRow(cmp.Or(l.Strides, 1)), inRow(cmp.Or(l.Dilation, 1)), cmp.Or(l.Multiplier, 1)
	if err := firstError(checkDepthwise(multiplier, kernel, strides, dilation, l.Activation, l.KernelInit, l.BiasInit),
		l.Padding.validateImage(), wantSequence(in)); err != nil {
		return nil, err
	}
	x, err := newConvAxis(in[0], kernel[1], strides[1], dilation[1], l.Padding)
	if err != nil {
		return nil, err
	}
	return newDepthwiseStage(singleRow, x, depthShape(tensor.Shape{l.Kernel}, in[1], multiplier),
		tensor.Shape{x.small, in[1] * multiplier}, convOptions{fn: l.Activation, noBias: l.NoBias, kernelInit: l.KernelInit, biasInit: l.BiasInit})
}
