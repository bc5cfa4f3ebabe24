package nn

import (
	"cmp"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// GRU is a recurrent layer with an update gate z and a reset gate r (Cho et al. 2014),
// in the form of cuDNN, Keras (reset_after=True, its default) and PyTorch:
//
//	z = σ(x(t)·Wz + bz + h(t-1)·Rz + b'z)
//	r = σ(x(t)·Wr + br + h(t-1)·Rr + b'r)
//	g = tanh(x(t)·Wg + bg + r ⊙ (h(t-1)·Rg + b'g))
//	h(t) = z ⊙ h(t-1) + (1 - z) ⊙ g
//
// or, with ResetBefore (Keras' reset_after=False), in the form of the paper, where b' is left
// out and
//
//	g = tanh(x(t)·Wg + bg + (r ⊙ h(t-1))·Rg)
//
// from an h that is zero at first. It takes samples of steps×features and gives the last
// h, of Units values, or all of them, steps×Units, with ReturnSequences. W is
// features×3·Units, R is Units×3·Units and the biases b and b' are the rows of
// 2×3·Units values, b alone 3·Units, the gates in Keras' order z, r, g; see GRUFromPyTorch.
type GRU struct {
	Units           int         `json:"units"`                           // at least 1
	ReturnSequences bool        `json:"return_sequences,omitempty"`      // give h of all steps
	ResetBefore     bool        `json:"reset_before,omitempty"`          // the reset gate acts before the product with R
	NoBias          bool        `json:"no_bias,omitempty"`               // leave out b and b'
	KernelInit      Initializer `json:"kernel_initializer,omitempty"`    // of W; GlorotUniform by default
	RecurrentInit   Initializer `json:"recurrent_initializer,omitempty"` // of R; Orthogonal by default
	BiasInit        Initializer `json:"bias_initializer,omitempty"`      // Zeros by default
}

// Bind accepts sequences of steps×features.
func (l GRU) Bind(in tensor.Shape) (Stage, error) {
	const gates = 3
	r, err := bindRecurrent(in, l.Units, gates, l.ReturnSequences, l.NoBias, l.KernelInit, l.RecurrentInit, l.BiasInit)
	if err != nil {
		return nil, err
	}
	if l.ResetBefore {
		return &gruBeforeStage{GRU: l, recurrent: r}, nil
	}
	return &gruStage{GRU: l, recurrent: r}, nil
}

type gruStage struct {
	GRU
	recurrent
}

var (
	_ Deriver      = (*gruStage)(nil)
	_ RepeatReader = (*gruStage)(nil)
)

// The GRU's own arrays of Frame.Memory.
const (
	gruStateMemory = recurrentMemories + iota // steps×width: h(t-1)·R + b'; from Backward on its gradient
	gruSlopeMemory                            // units: the gradient of h(t-1) that does not go through R
)

func (s *gruStage) Plan() Plan {
	bias := Param{Shape: tensor.Shape{2, s.width}, Init: cmp.Or(s.BiasInit, Zeros)}
	return s.plan(s.KernelInit, s.RecurrentInit, bias, s.steps*s.width, s.units)
}

func (s *gruStage) Forward(f *Frame) {
	start, bias := kernel.Overwrite, []float32(nil)
	if !s.noBias {
		start, bias = kernel.Bias, f.Params[recurrentBias][s.width:]
	}
	inner := f.Memory[gruStateMemory]
	for t := range s.steps {
		s.multiplyInputs(f, t)
		s.multiplyStates(f, inner, t, start, bias)
		for i := range f.N {
			h := s.output(f, i, t)
			kernel.GRU(h, s.row(f.Memory[gateMemory], i, t, s.width), s.row(inner, i, t, s.width),
				s.row(f.Memory[stateMemory], i, t, s.units))
			s.pass(f, i, t, h)
		}
	}
}

// Backward goes back in time and replaces (z, r, g) by their gradients.
func (s *gruStage) Backward(f *Frame) {
	inner, direct := f.Memory[gruStateMemory], f.Memory[gruSlopeMemory]
	for t := s.steps - 1; t >= 0; t-- {
		dh, stride := s.slopes(f, t)
		if t < s.steps-1 {
			start := kernel.Overwrite
			if s.sequences {
				start = kernel.Accumulate
			}
			s.multiplySlopes(f, inner, t+1, dh, stride, start)
		}
		for i := range f.N {
			slope, ahead := dh[i*stride:i*stride+s.units], rows(direct, i, i+1, s.units)
			if t < s.steps-1 {
				kernel.Add(slope, slope, ahead)
			}
			kernel.GRUGrad(ahead, s.row(f.Memory[gateMemory], i, t, s.width), s.row(inner, i, t, s.width), slope,
				s.row(f.Memory[stateMemory], i, t, s.units))
		}
		s.multiplyInputSlopes(f, t)
	}
}

func (s *gruStage) Gradient(f *Frame, param, lo, hi int) {
	inner := f.Memory[gruStateMemory]
	if param != recurrentBias {
		s.gradient(f, param, lo, hi, inner)
		return
	}
	for row, dz := range [][]float32{f.Memory[gateMemory], inner} {
		if lo <= row && row < hi {
			kernel.ColumnSums(rows(f.Grads[param], row, row+1, s.width), dz, f.N*s.steps, s.width, s.width, false)
		}
	}
}
