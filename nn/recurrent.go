package nn

import (
	"cmp"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// recurrent is what recurrent layers have in common: a state h of units values that
// goes from step to step, and gates with
//
//	z(t) = x(t)·W + h(t-1)·R + b
//
// The products of the state must go step by step, and each of these takes all samples of
// the frame at once. Those of the inputs are one matrix product over samples and steps,
// or, where its result would leave the cache before it is needed, go step by step as well.
type recurrent struct {
	steps, features, units int
	width                  int // values of the gates: units, times their number
	sequences              bool
	noBias                 bool
}

// The arrays of Frame.Memory that recurrent layers share; steps×width and so on for a
// sample.
const (
	gateMemory  = iota // steps×width: z, after the gates' functions; from Backward on dz
	stateMemory        // steps×units: the state in front of every step, zero at first
	slopeMemory        // units: the gradient of the state, unless DY holds it
	inputMemory        // width: for inputs that are repeated, x·W + b, and from Backward on the sum of dz over the steps
	recurrentMemories
)

// The parameters' places in Frame.Params.
const (
	recurrentKernel = iota
	recurrentState
	recurrentBias
)

// bindRecurrent fixes a recurrent layer to sequences of shape in.
func bindRecurrent(in tensor.Shape, units, gates int, sequences, noBias bool, inits ...Initializer) (recurrent, error) {
	if err := firstError(checkOption("units", units, 1), wantSequence(in)); err != nil {
		return recurrent{}, err
	}
	for _, init := range inits {
		if err := init.validate(); err != nil {
			return recurrent{}, err
		}
	}
	s := recurrent{in[0], in[1], units, gates * units, sequences, noBias}
	return s, firstError(tensor.Shape{s.steps, s.width}.Validate(), tensor.Shape{s.units, s.width}.Validate())
}

// plan describes a layer with these initialisers and more memory of its own.
func (s *recurrent) plan(kernelInit, stateInit Initializer, bias Param, memory ...int) Plan {
	p := Plan{
		Output: tensor.Shape{s.units},
		Params: []Param{
			{Name: "kernel", Shape: tensor.Shape{s.features, s.width},
				Init: cmp.Or(kernelInit, GlorotUniform), FanIn: s.features, FanOut: s.width},
			{Name: "recurrent_kernel", Shape: tensor.Shape{s.units, s.width},
				Init: cmp.Or(stateInit, Orthogonal), FanIn: s.units, FanOut: s.width},
		},
		Memory:        append([]int{s.steps * s.width, s.steps * s.units, s.units, s.width}, memory...),
		Derived:       (s.features + s.units) * s.width,
		DerivedAlways: true,
	}
	if s.sequences {
		p.Output = tensor.Shape{s.steps, s.units}
	}
	if !s.noBias {
		bias.Name, bias.FanIn, bias.FanOut = "bias", s.features, s.width
		p.Params = append(p.Params, bias)
	}
	return p
}

// ReadsRepeats: where all steps get the same input it is multiplied once.
func (s *recurrent) ReadsRepeats() bool { return true }

// The inputs' products go step by step where the gates of all steps have at least
// stepwiseValues, half a megabyte, and each of the products has stepwiseSamples rows, as
// many as a product needs to be fast.
const (
	stepwiseValues  = 1 << 17
	stepwiseSamples = 16
)

// stepwise tells whether the inputs' products go step by step.
func (s *recurrent) stepwise(f *Frame) bool {
	return f.N >= stepwiseSamples && f.N*s.steps*s.width >= stepwiseValues
}

// multiplyInputs sets z(step) = x(step)·W + b for all samples. It is called for one step
// after another, and may be ahead of them.
func (s *recurrent) multiplyInputs(f *Frame, step int) {
	z := f.Memory[gateMemory]
	switch {
	case f.Repeated:
		once := f.Memory[inputMemory] // x·W + b for all steps, until Backward
		if step == 0 {
			s.multiplyInputRows(f, f.N, 0, s.features, once, s.width)
		}
		for i := range f.N {
			copy(s.row(z, i, step, s.width), rows(once, i, i+1, s.width))
		}
	case s.stepwise(f):
		s.multiplyInputRows(f, f.N, step*s.features, s.steps*s.features, z[step*s.width:], s.steps*s.width)
	case step == 0:
		s.multiplyInputRows(f, f.N*s.steps, 0, s.features, z, s.width)
	}
}

// multiplyInputRows sets n rows of z, which are apart, to x·W + b for the rows of x from a
// place on.
func (s *recurrent) multiplyInputRows(f *Frame, n, from, apart int, z []float32, zApart int) {
	start, bias := kernel.Overwrite, []float32(nil)
	if !s.noBias {
		start, bias = kernel.Bias, f.Params[recurrentBias]
	}
	kernel.Gemm(n, s.width, s.features, f.X[from:], apart, 1, f.Params[recurrentKernel], s.width, z, zApart, start, bias)
}

// row returns the values of one step of a sample in an array of steps×size values.
func (s *recurrent) row(array []float32, sample, step, size int) []float32 {
	r := sample*s.steps + step
	return rows(array, r, r+1, size)
}

// multiplyStates adds h(t-1)·R to dst, which holds the rows of step t, steps×width
// apart. The state in front of the first step is zero.
func (s *recurrent) multiplyStates(f *Frame, dst []float32, step int, start kernel.Start, bias []float32) {
	k := s.units
	if step == 0 {
		k = 0
	}
	kernel.Gemm(f.N, s.width, k, f.Memory[stateMemory][step*s.units:], s.steps*s.units, 1,
		f.Params[recurrentState], s.width, dst[step*s.width:], s.steps*s.width, start, bias)
}

// output returns where a step of a sample leaves its state: in Y, or else only
// for the next step.
func (s *recurrent) output(f *Frame, sample, step int) []float32 {
	switch {
	case s.sequences:
		return s.row(f.Y, sample, step, s.units)
	case step == s.steps-1:
		return rows(f.Y, sample, sample+1, s.units)
	default:
		return s.row(f.Memory[stateMemory], sample, step+1, s.units)
	}
}

// pass hands the state of a step on to the next.
func (s *recurrent) pass(f *Frame, sample, step int, h []float32) {
	if s.sequences && step < s.steps-1 {
		copy(s.row(f.Memory[stateMemory], sample, step+1, s.units), h)
	}
}

// slopes returns the gradients of the states after a step, one sample after
// another, and how far these are apart.
func (s *recurrent) slopes(f *Frame, step int) (dh []float32, stride int) {
	switch {
	case s.sequences:
		return f.DY[step*s.units:], s.steps * s.units
	case step == s.steps-1:
		return f.DY, s.units
	default:
		return f.Memory[slopeMemory], s.units
	}
}

// multiplySlopes adds to the gradients of the states in front of step, which dst
// holds in rows stride apart, dz(step)·Rᵀ.
func (s *recurrent) multiplySlopes(f *Frame, dz []float32, step int, dst []float32, stride int, start kernel.Start) {
	kernel.Gemm(f.N, s.units, s.width, dz[step*s.width:], s.steps*s.width, 1,
		f.Derived[s.features*s.width:], s.units, dst, stride, start, nil)
}

// multiplyInputSlopes computes DX = dz·Wᵀ, and what Gradient needs of dz where the
// input is repeated. It is called for each step once dz(step) is known, the last one first,
// and may be late.
func (s *recurrent) multiplyInputSlopes(f *Frame, step int) {
	dz := f.Memory[gateMemory]
	switch {
	case f.Repeated:
		if step == 0 {
			sumSteps(f.Memory[inputMemory], dz, f.N, s.steps, s.width)
			s.multiplySlopeRows(f, f.N, f.Memory[inputMemory], s.width, 0, s.features)
		}
	case s.stepwise(f):
		s.multiplySlopeRows(f, f.N, dz[step*s.width:], s.steps*s.width, step*s.features, s.steps*s.features)
	case step == 0:
		s.multiplySlopeRows(f, f.N*s.steps, dz, s.width, 0, s.features)
	}
}

// multiplySlopeRows sets n rows of DX, which are apart, from a place on to dz·Wᵀ.
func (s *recurrent) multiplySlopeRows(f *Frame, n int, dz []float32, dzApart, from, apart int) {
	if f.DX != nil {
		kernel.Gemm(n, s.features, s.width, dz, dzApart, 1, f.Derived, s.features, f.DX[from:], apart, kernel.Overwrite, nil)
	}
}

// gradient computes rows lo to hi of a kernel's gradient: dW = xᵀ·dz, dR = h(t-1)ᵀ·dz.
// For R, dz may be another array than that of the inputs.
func (s *recurrent) gradient(f *Frame, param, lo, hi int, stateSlopes []float32) {
	n, dz, from, length := f.N*s.steps, f.Memory[gateMemory], f.X, s.features
	switch {
	case param == recurrentState:
		dz, from, length = stateSlopes, f.Memory[stateMemory], s.units
	case f.Repeated:
		n, dz = f.N, f.Memory[inputMemory]
	}
	kernel.Gemm(hi-lo, s.width, n, from[lo:], 1, length, dz, s.width,
		f.Grads[param][lo*s.width:hi*s.width], s.width, kernel.Overwrite, nil)
}

func (s *recurrent) gradientReads() reads { return reads{x: true, memory: true} }

// Derive keeps Wᵀ and, behind it, Rᵀ.
func (s *recurrent) Derive(f *Frame, param, lo, hi int) {
	switch param {
	case recurrentKernel:
		kernel.Transpose(f.Derived[lo:], s.features, f.Params[param][lo*s.width:hi*s.width], s.width, hi-lo, s.width)
	case recurrentState:
		kernel.Transpose(f.Derived[s.features*s.width+lo:], s.units, f.Params[param][lo*s.width:hi*s.width], s.width, hi-lo, s.width)
	}
}

// sumSteps sets dst, n×width, to the sums over the steps of src, n×steps×width.
func sumSteps(dst, src []float32, n, steps, width int) {
	for i := range n {
		kernel.ColumnSums(rows(dst, i, i+1, width), src[i*steps*width:], steps, width, width, false)
	}
}
