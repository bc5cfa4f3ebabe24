package nn

import (
	"cmp"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// SimpleRNN is the plain recurrent layer (Elman 1990):
//
//	h(t) = tanh(x(t)·W + h(t-1)·R + b)
//
// from an h that is zero at first. It takes samples of steps×features and gives the last
// h, of Units values, or all of them, steps×Units, with ReturnSequences. As Keras'
// SimpleRNN with its default activation. W is features×Units, R is Units×Units and b has
// Units values.
type SimpleRNN struct {
	Units           int         `json:"units"`                           // at least 1
	ReturnSequences bool        `json:"return_sequences,omitempty"`      // give h of all steps
	NoBias          bool        `json:"no_bias,omitempty"`               // leave out b
	KernelInit      Initializer `json:"kernel_initializer,omitempty"`    // of W; GlorotUniform by default
	RecurrentInit   Initializer `json:"recurrent_initializer,omitempty"` // of R; Orthogonal by default
	BiasInit        Initializer `json:"bias_initializer,omitempty"`      // Zeros by default
}

// Bind accepts sequences of steps×features.
func (l SimpleRNN) Bind(in tensor.Shape) (Stage, error) {
	r, err := bindRecurrent(in, l.Units, 1, l.ReturnSequences, l.NoBias, l.KernelInit, l.RecurrentInit, l.BiasInit)
	if err != nil {
		return nil, err
	}
	return &simpleRNNStage{SimpleRNN: l, recurrent: r}, nil
}

type simpleRNNStage struct {
	SimpleRNN
	recurrent
}

var (
	_ Deriver      = (*simpleRNNStage)(nil)
	_ RepeatReader = (*simpleRNNStage)(nil)
)

func (s *simpleRNNStage) Plan() Plan {
	return s.plan(s.KernelInit, s.RecurrentInit, Param{Shape: tensor.Shape{s.width}, Init: cmp.Or(s.BiasInit, Zeros)})
}

func (s *simpleRNNStage) Forward(f *Frame) {
	z := f.Memory[gateMemory]
	for t := range s.steps {
		s.multiplyInputs(f, t)
		if t > 0 {
			s.multiplyStates(f, z, t, kernel.Accumulate, nil)
		}
		for i := range f.N {
			gate, h := s.row(z, i, t, s.units), s.output(f, i, t)
			kernel.Tanh(gate, gate)
			copy(h, gate)
			s.pass(f, i, t, h)
		}
	}
}

// Backward goes back in time and replaces tanh z by dz.
func (s *simpleRNNStage) Backward(f *Frame) {
	z := f.Memory[gateMemory]
	for t := s.steps - 1; t >= 0; t-- {
		dh, stride := s.slopes(f, t)
		if t < s.steps-1 {
			start := kernel.Overwrite
			if s.sequences {
				start = kernel.Accumulate
			}
			s.multiplySlopes(f, z, t+1, dh, stride, start)
		}
		for i := range f.N {
			gate := s.row(z, i, t, s.units)
			kernel.TanhGrad(gate, dh[i*stride:i*stride+s.units], gate)
		}
		s.multiplyInputSlopes(f, t)
	}
}

func (s *simpleRNNStage) Gradient(f *Frame, param, lo, hi int) {
	dz := f.Memory[gateMemory]
	if param == recurrentBias {
		kernel.ColumnSums(f.Grads[param][lo:hi], dz[lo:], f.N*s.steps, hi-lo, s.width, false)
		return
	}
	s.gradient(f, param, lo, hi, dz)
}
