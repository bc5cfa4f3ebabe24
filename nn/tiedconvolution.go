package nn

import "hourglass/internal/kernel"

// tiedConvStage is the convolution with the kernel of a transposed one.
type tiedConvStage struct{ convStage }

// tiedConvTransposeStage is the transposed convolution with the kernel of a convolution.
type tiedConvTransposeStage struct{ convTransposeStage }

var (
	_ Sharer        = (*tiedConvStage)(nil)
	_ Trainable     = (*tiedConvStage)(nil)
	_ SigmoidEnding = (*tiedConvStage)(nil)
	_ Sharer        = (*tiedConvTransposeStage)(nil)
	_ Trainable     = (*tiedConvTransposeStage)(nil)
	_ SigmoidEnding = (*tiedConvTransposeStage)(nil)
)

// transpose returns the stage that goes the other way, with the same geometry: so it
// makes exactly what the owner of the kernel takes, of exactly what that makes.
func (l Tied) transpose(owner boundStage) (Sharer, bool) {
	o := convOptions{fn: l.Activation, noBias: l.NoBias, biasInit: l.BiasInit, tied: true}
	switch s := owner.Stage.(type) {
	case *convStage:
		return &tiedConvTransposeStage{convTransposeStage{s.convolution, o, s.kernel, owner.in, s.out, s.in}}, true
	case *convTransposeStage:
		return &tiedConvStage{convStage{s.convolution, o, s.kernel, owner.in, s.out, s.in}}, true
	}
	return nil, false
}

// AddGradient adds the product of the input and dZ.
func (s *tiedConvStage) AddGradient(f *Frame, shared, lo, hi int) {
	s.kernelGradient(f, f.SharedGrads[shared], kernel.Accumulate, lo, hi)
}

// AddGradient adds the product of dZ and the input.
func (s *tiedConvTransposeStage) AddGradient(f *Frame, shared, lo, hi int) {
	s.kernelGradient(f, f.SharedGrads[shared], kernel.Accumulate, lo, hi)
}
