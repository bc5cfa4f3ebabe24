package nn

import (
	"cmp"

	"hourglass/tensor"
)

// SeparableConv1D is SeparableConv2D with a single row, over sequences: it takes samples of
// steps×channels and gives steps'×Filters. As Keras' SeparableConv1D. The depthwise kernel is
// kernel×channels×Multiplier, the pointwise one 1×(Multiplier·channels)×Filters, the bias has
// Filters values.
type SeparableConv1D struct {
	Filters       int         `json:"filters"`                         // output channels, at least 1
	Kernel        int         `json:"kernel_size"`                     // taps, at least 1
	Strides       int         `json:"strides,omitempty"`               // 1 by default
	Padding       Padding     `json:"padding"`                         // Valid by default
	Multiplier    int         `json:"depth_multiplier,omitempty"`      // kernels a channel, 1 by default
	Dilation      int         `json:"dilation_rate,omitempty"`         // distance between taps, 1 by default
	Activation    Func        `json:"activation"`                      // Linear by default
	NoBias        bool        `json:"no_bias,omitempty"`               // leave out the bias
	DepthwiseInit Initializer `json:"depthwise_initializer,omitempty"` // GlorotUniform by default
	PointwiseInit Initializer `json:"pointwise_initializer,omitempty"` // GlorotUniform by default
	BiasInit      Initializer `json:"bias_initializer,omitempty"`      // Zeros by default
}

// Bind accepts sequences of steps×channels that the kernel fits into.
func (l SeparableConv1D) Bind(in tensor.Shape) (Stage, error) {
	kernel, strides, dilation, multiplier := inRow(l.Kernel), inRow(cmp.Or(l.Strides, 1)), inRow(cmp.Or(l.Dilation, 1)), cmp.Or(l.Multiplier, 1)
	if err := firstError(checkFilters(l.Filters), checkDepthwise(multiplier, kernel, strides, dilation, l.Activation,
		l.DepthwiseInit, l.PointwiseInit, l.BiasInit), l.Padding.validate(), wantSequence(in)); err != nil {
		return nil, err
	}
	x, err := newConvAxis(in[0], kernel[1], strides[1], dilation[1], l.Padding)
	if err != nil {
		return nil, err
	}
	return newSeparableStage(singleRow, x, depthShape(tensor.Shape{l.Kernel}, in[1], multiplier),
		tensor.Shape{1, in[1] * multiplier, l.Filters}, tensor.Shape{x.small, l.Filters},
		convOptions{fn: l.Activation, noBias: l.NoBias, kernelInit: l.DepthwiseInit, biasInit: l.BiasInit}, l.PointwiseInit)
}
