package nn

import (
	"hourglass/tensor"
)

// Conv1DTranspose is the transpose of Conv1D's linear map: Conv2DTranspose with a
// single row. It takes samples of steps×channels and gives steps'×Filters, with lengths
// as Conv2DTranspose's. As Keras' Conv1DTranspose. Kernel W is
// kernel×Filters×channels, bias b has Filters values.
type Conv1DTranspose struct {
	Filters       int         `json:"filters"`                      // output channels, at least 1
	Kernel        int         `json:"kernel_size"`                  // taps, at least 1
	Strides       int         `json:"strides,omitempty"`            // 1 by default
	Padding       Padding     `json:"padding"`                      // Valid by default
	OutputPadding *int        `json:"output_padding,omitempty"`     // below Strides; see Conv2DTranspose
	Dilation      int         `json:"dilation_rate,omitempty"`      // distance between taps, 1 by default
	Activation    Func        `json:"activation"`                   // f; Linear by default
	NoBias        bool        `json:"no_bias,omitempty"`            // leave out b
	KernelInit    Initializer `json:"kernel_initializer,omitempty"` // GlorotUniform by default
	BiasInit      Initializer `json:"bias_initializer,omitempty"`   // Zeros by default
}

// Bind accepts sequences of steps×channels.
func (l Conv1DTranspose) Bind(in tensor.Shape) (Stage, error) {
	kernel, strides, dilation := inRow(l.Kernel), inRow(orOne(l.Strides)), inRow(orOne(l.Dilation))
	if err := firstError(checkConvolution(l.Filters, kernel, strides, dilation, l.Activation, l.KernelInit, l.BiasInit), l.Padding.validateImage()); err != nil {
		return nil, err
	}
	if err := wantSequence(in); err != nil {
		return nil, err
	}
	extra := automatic
	if l.OutputPadding != nil {
		extra = *l.OutputPadding
		if err := checkOption("output padding", extra, 0); err != nil {
			return nil, err
		}
	}
	x, err := newTransposedAxis(in[0], kernel[1], strides[1], dilation[1], l.Padding, extra)
	if err != nil {
		return nil, err
	}
	return newConvTransposeStage(singleRow, x, tensor.Shape{l.Kernel, l.Filters, in[1]}, tensor.Shape{x.big, l.Filters},
		convOptions{fn: l.Activation, noBias: l.NoBias, kernelInit: l.KernelInit, biasInit: l.BiasInit})
}
