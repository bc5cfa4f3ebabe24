package ownparts

import (
	"fmt"

	"hourglass/nn"
	"hourglass/nn/op"
	"hourglass/tensor"
)

// Gated is a layer of one's own: y = (x·W) ⊙ gelu(x·V), a gated linear unit (Shazeer
// 2020). It takes vectors. What it computes with is what the library's layers compute with,
// so it is as fast, allocates nothing, and gives the same bits on any number of cores.
type Gated struct {
	Units int `json:"units"`
}

func init() { nn.Register(Gated{}) } // so that model files and architectures in a line can name it

// Bind accepts vectors.
func (l Gated) Bind(in tensor.Shape) (nn.Stage, error) {
	if l.Units < 1 {
		return nil, fmt.Errorf("units is %d, want at least 1", l.Units)
	}
	if len(in) != 1 {
		return nil, fmt.Errorf("got samples of shape %v, want a single axis", in)
	}
	return &gated{in[0], l.Units}, nil
}

type gated struct{ in, units int }

var _ nn.Trainable = (*gated)(nil)

// What Forward keeps for Backward, and Backward for Gradient: places in Frame.Memory.
const (
	linear  = iota // x·W
	before         // x·V
	gate           // gelu(x·V)
	dLinear        // gradients of the first two
	dBefore
	extra // the second product of Backward
	arrays
)

func (s *gated) Plan() nn.Plan {
	memory := make([]int, arrays)
	for i := range memory {
		memory[i] = s.units
	}
	memory[extra] = s.in
	param := func(name string) nn.Param {
		return nn.Param{Name: name, Shape: tensor.Shape{s.in, s.units}, Init: nn.GlorotUniform, FanIn: s.in, FanOut: s.units}
	}
	return nn.Plan{Output: tensor.Shape{s.units}, Params: []nn.Param{param("kernel"), param("gate_kernel")}, Memory: memory}
}

func (s *gated) weights(f *nn.Frame, i int) op.Matrix { return op.Dense(f.Params[i], s.in, s.units) }

func (s *gated) kept(f *nn.Frame, i int) op.Matrix { return op.Dense(f.Memory[i], f.N, s.units) }

func (s *gated) Forward(f *nn.Frame) {
	x := op.Dense(f.X, f.N, s.in)
	op.Product(s.kept(f, linear), x, s.weights(f, 0))
	op.Product(s.kept(f, before), x, s.weights(f, 1))
	nn.GELU.Forward(f.Memory[gate], f.Memory[before])
	op.Multiply(f.Y, f.Memory[linear], f.Memory[gate])
}

func (s *gated) Backward(f *nn.Frame) {
	op.Multiply(f.Memory[dLinear], f.DY, f.Memory[gate])
	op.Multiply(f.Memory[dBefore], f.DY, f.Memory[linear])
	nn.GELU.Backward(f.Memory[dBefore], f.Memory[dBefore], f.Memory[before], f.Memory[gate])
	if f.DX == nil {
		return // nothing in front learns
	}
	op.ProductNT(op.Dense(f.DX, f.N, s.in), s.kept(f, dLinear), s.weights(f, 0))
	op.ProductNT(op.Dense(f.Memory[extra], f.N, s.in), s.kept(f, dBefore), s.weights(f, 1))
	op.Add(f.DX, f.DX, f.Memory[extra])
}

// Gradient computes rows lo to hi of the gradient of one of the kernels.
func (s *gated) Gradient(f *nn.Frame, param, lo, hi int) {
	gradient := s.kept(f, [...]int{dLinear, dBefore}[param])
	op.GradientRows(op.Dense(f.Grads[param], s.in, s.units), op.Dense(f.X, f.N, s.in), gradient, lo, hi)
}
