package nn

import (
	"cmp"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// gruBeforeStage is a GRU whose reset gate acts before the product with R.
type gruBeforeStage struct {
	GRU
	recurrent
}

var (
	_ Deriver      = (*gruBeforeStage)(nil)
	_ RepeatReader = (*gruBeforeStage)(nil)
)

// Its own arrays of Frame.Memory.
const (
	gruResetMemory      = recurrentMemories + iota // steps×units: r ⊙ h(t-1)
	gruAheadMemory                                 // units: the gradient of h(t-1) that does not go through Rz and Rr
	gruResetSlopeMemory                            // units: the gradient of r ⊙ h(t-1)
)

func (s *gruBeforeStage) Plan() Plan {
	bias := Param{Shape: tensor.Shape{s.width}, Init: cmp.Or(s.BiasInit, Zeros)}
	return s.plan(s.KernelInit, s.RecurrentInit, bias, s.steps*s.units, s.units, s.units)
}

func (s *gruBeforeStage) Forward(f *Frame) {
	z, reset, u := f.Memory[gateMemory], f.Memory[gruResetMemory], s.units
	for t := range s.steps {
		s.multiplyInputs(f, t)
		if t > 0 {
			s.multiplyColumns(f, f.Memory[stateMemory], t, 0, 2*u)
		}
		for i := range f.N {
			gates := s.row(z, i, t, s.width)[:2*u]
			kernel.Sigmoid(gates, gates)
			kernel.Mul(s.row(reset, i, t, u), gates[u:], s.row(f.Memory[stateMemory], i, t, u))
		}
		if t > 0 {
			s.multiplyColumns(f, reset, t, 2*u, 3*u)
		}
		for i := range f.N {
			gates, before, h := s.row(z, i, t, s.width), s.row(f.Memory[stateMemory], i, t, u), s.output(f, i, t)
			g := gates[2*u:]
			kernel.Tanh(g, g)
			for j, zj := range gates[:u] {
				h[j] = float32(zj*before[j]) + float32((1-zj)*g[j])
			}
			s.pass(f, i, t, h)
		}
	}
}

// multiplyColumns adds the product of a step's rows of states, steps×units for a sample, with
// columns lo to hi of R to those of the gates.
func (s *gruBeforeStage) multiplyColumns(f *Frame, states []float32, step, lo, hi int) {
	kernel.Gemm(f.N, hi-lo, s.units, states[step*s.units:], s.steps*s.units, 1,
		f.Params[recurrentState][lo:], s.width, f.Memory[gateMemory][step*s.width+lo:], s.steps*s.width, kernel.Accumulate, nil)
}

// Backward goes back in time and replaces (z, r, g) by their gradients.
func (s *gruBeforeStage) Backward(f *Frame) {
	for t := s.steps - 1; t >= 0; t-- {
		dh, stride := s.slopes(f, t)
		if t < s.steps-1 {
			start := kernel.Overwrite
			if s.sequences {
				start = kernel.Accumulate
			}
			s.multiplyGateSlopes(f, t+1, 0, 2*s.units, dh, stride, start)
		}
		for i := range f.N {
			slope, ahead := dh[i*stride:i*stride+s.units], rows(f.Memory[gruAheadMemory], i, i+1, s.units)
			if t < s.steps-1 {
				kernel.Add(slope, slope, ahead)
			}
			gruUpdateGrad(ahead, slope, s.row(f.Memory[gateMemory], i, t, s.width), s.row(f.Memory[stateMemory], i, t, s.units))
		}
		dreset := f.Memory[gruResetSlopeMemory]
		s.multiplyGateSlopes(f, t, 2*s.units, 3*s.units, dreset, s.units, kernel.Overwrite)
		for i := range f.N {
			gruResetGrad(rows(f.Memory[gruAheadMemory], i, i+1, s.units), rows(dreset, i, i+1, s.units),
				s.row(f.Memory[gateMemory], i, t, s.width)[s.units:2*s.units], s.row(f.Memory[stateMemory], i, t, s.units))
		}
		s.multiplyInputSlopes(f, t)
	}
}

// multiplyGateSlopes computes the product of gates lo to hi of a step's gradients with their
// columns of R, transposed.
func (s *gruBeforeStage) multiplyGateSlopes(f *Frame, step, lo, hi int, dst []float32, stride int, start kernel.Start) {
	kernel.Gemm(f.N, s.units, hi-lo, f.Memory[gateMemory][step*s.width+lo:], s.steps*s.width, 1,
		f.Derived[s.features*s.width+lo*s.units:], s.units, dst, stride, start, nil)
}

// gruUpdateGrad replaces z and g in x, which is (z, r, g), by their gradients, and sets ahead
// to the part of the gradient of the state before that goes through z.
func gruUpdateGrad(ahead, dh, x, before []float32) {
	u := len(dh)
	z, g := x[:u:u], x[2*u:]
	for j, d := range dh {
		zj, gj := z[j], g[j]
		ahead[j] = d * zj
		z[j] = float32(d*(before[j]-gj)) * float32(zj*(1-zj))
		g[j] = float32(d*(1-zj)) * (1 - float32(gj*gj))
	}
}

// gruResetGrad replaces r by its gradient, and adds the part of the gradient of the state
// before that goes through r ⊙ h(t-1), whose gradient is dreset.
func gruResetGrad(ahead, dreset, r, before []float32) {
	for j, d := range dreset {
		rj := r[j]
		ahead[j] += float32(d * rj)
		r[j] = float32(d*before[j]) * float32(rj*(1-rj))
	}
}

// Gradient: dRz and dRr are h(t-1)ᵀ·dz, dRg is (r ⊙ h(t-1))ᵀ·dg.
func (s *gruBeforeStage) Gradient(f *Frame, param, lo, hi int) {
	dz, n, u := f.Memory[gateMemory], f.N*s.steps, s.units
	switch param {
	case recurrentBias:
		kernel.ColumnSums(f.Grads[param][lo:hi], dz[lo:], n, hi-lo, s.width, false)
	case recurrentKernel:
		s.gradient(f, param, lo, hi, dz)
	case recurrentState:
		to := f.Grads[param][lo*s.width : hi*s.width]
		kernel.Gemm(hi-lo, 2*u, n, f.Memory[stateMemory][lo:], 1, u, dz, s.width, to, s.width, kernel.Overwrite, nil)
		kernel.Gemm(hi-lo, u, n, f.Memory[gruResetMemory][lo:], 1, u, dz[2*u:], s.width, to[2*u:], s.width, kernel.Overwrite, nil)
	}
}
