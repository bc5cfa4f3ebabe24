package nn

import (
	"cmp"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// LSTM is a recurrent layer with a memory cell (Hochreiter & Schmidhuber 1997; Gers
// et al. 2000). In every step t it computes
//
//	(i, f, g, o) = x(t)·W + h(t-1)·R + b
//	c(t) = σ(f) ⊙ c(t-1) + σ(i) ⊙ tanh(g)
//	h(t) = σ(o) ⊙ tanh(c(t))
//
// from h and c that are zero at first, with the logistic function σ. It takes samples
// of steps×features and gives the last h, of Units values, or all of them,
// steps×Units, with ReturnSequences. As Keras' LSTM with its default activations. W is
// features×4·Units, R is Units×4·Units and b has 4·Units values, the gates in Keras'
// order, which is also PyTorch's; see LSTMFromPyTorch.
type LSTM struct {
	Units           int         `json:"units"`                           // at least 1
	ReturnSequences bool        `json:"return_sequences,omitempty"`      // give h of all steps
	NoBias          bool        `json:"no_bias,omitempty"`               // leave out b
	KernelInit      Initializer `json:"kernel_initializer,omitempty"`    // of W; GlorotUniform by default
	RecurrentInit   Initializer `json:"recurrent_initializer,omitempty"` // of R; Orthogonal by default
	BiasInit        Initializer `json:"bias_initializer,omitempty"`      // UnitForget by default
}

// Bind accepts sequences of steps×features.
func (l LSTM) Bind(in tensor.Shape) (Stage, error) {
	const gates = 4
	r, err := bindRecurrent(in, l.Units, gates, l.ReturnSequences, l.NoBias, l.KernelInit, l.RecurrentInit, l.BiasInit)
	if err != nil {
		return nil, err
	}
	return &lstmStage{LSTM: l, recurrent: r}, nil
}

type lstmStage struct {
	LSTM
	recurrent
}

var (
	_ Deriver      = (*lstmStage)(nil)
	_ RepeatReader = (*lstmStage)(nil)
)

// The LSTM's own arrays of Frame.Memory.
const (
	cellMemory      = recurrentMemories + iota // (1+steps)×units: c, from the zeros in front of the first step on
	tanhMemory                                 // steps×units: tanh c
	cellSlopeMemory                            // units: the gradient of c
)

func (s *lstmStage) Plan() Plan {
	bias := Param{Shape: tensor.Shape{s.width}, Init: cmp.Or(s.BiasInit, UnitForget)}
	return s.plan(s.KernelInit, s.RecurrentInit, bias, (1+s.steps)*s.units, s.steps*s.units, s.units)
}

func (s *lstmStage) Forward(f *Frame) {
	z := f.Memory[gateMemory]
	for t := range s.steps {
		s.multiplyInputs(f, t)
		if t > 0 {
			s.multiplyStates(f, z, t, kernel.Accumulate, nil)
		}
		for i := range f.N {
			h := s.output(f, i, t)
			kernel.LSTM(h, s.cell(f, i, t+1), s.row(f.Memory[tanhMemory], i, t, s.units), s.row(z, i, t, s.width), s.cell(f, i, t))
			s.pass(f, i, t, h)
		}
	}
}

// cell returns c in front of a step.
func (s *lstmStage) cell(f *Frame, sample, step int) []float32 {
	r := sample*(1+s.steps) + step
	return rows(f.Memory[cellMemory], r, r+1, s.units)
}

// Backward goes back in time and replaces the gates by their gradients.
func (s *lstmStage) Backward(f *Frame) {
	z, dc := f.Memory[gateMemory], f.Memory[cellSlopeMemory]
	clear(dc)
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
			kernel.LSTMGrad(s.row(z, i, t, s.width), rows(dc, i, i+1, s.units), dh[i*stride:i*stride+s.units],
				s.row(f.Memory[tanhMemory], i, t, s.units), s.cell(f, i, t))
		}
		s.multiplyInputSlopes(f, t)
	}
}

func (s *lstmStage) Gradient(f *Frame, param, lo, hi int) {
	dz := f.Memory[gateMemory]
	if param == recurrentBias {
		kernel.ColumnSums(f.Grads[param][lo:hi], dz[lo:], f.N*s.steps, hi-lo, s.width, false)
		return
	}
	s.gradient(f, param, lo, hi, dz)
}
