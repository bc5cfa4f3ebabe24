package nn

import (
	"fmt"
	"math"

	"hourglass/tensor"
)

// LayerNormalization standardises every row along the last axis and scales it (Ba et
// al. 2016):
//
//	y = γ ⊙ (x - mean) / √(variance + ε) + β
//
// with mean and variance of the row itself, so that it does the same in training and
// afterwards. It takes samples of any shape. As Keras' and PyTorch's LayerNormalization,
// apart from the default of ε. gamma and beta have a value for every position of the
// last axis.
type LayerNormalization struct {
	Epsilon float64 `json:"epsilon,omitempty"` // ε; 0.001 by default
}

// Bind accepts every shape of at least one axis.
func (l LayerNormalization) Bind(in tensor.Shape) (Stage, error) {
	epsilon, err := bindEpsilon(l.Epsilon)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("got a scalar, want samples of at least one axis")
	}
	length := in[len(in)-1]
	return &layerNormStage{in.Clone(), in.Size() / length, length, epsilon}, nil
}

type layerNormStage struct {
	shape        tensor.Shape
	rows, length int // a sample's
	epsilon      float64
}

var _ Trainable = (*layerNormStage)(nil)

// Plan: a row's mean and 1/√(variance + ε) are kept.
func (s *layerNormStage) Plan() Plan {
	param := func(name string, init Initializer) Param {
		return Param{Name: name, Shape: tensor.Shape{s.length}, Init: init, FanIn: s.length, FanOut: s.length}
	}
	return Plan{
		Output: s.shape,
		Params: []Param{param("gamma", Ones), param("beta", Zeros)},
		Memory: []int{s.rows, s.rows},
	}
}

func (s *layerNormStage) Forward(f *Frame) {
	gamma, beta := f.Params[normGamma], f.Params[normBeta]
	for r := range f.N * s.rows {
		x, y := rows(f.X, r, r+1, s.length), rows(f.Y, r, r+1, s.length)
		mean, scale := s.standard(x)
		f.Memory[0][r], f.Memory[1][r] = mean, scale
		for j, v := range x {
			y[j] = float32(gamma[j]*float32((v-mean)*scale)) + beta[j]
		}
	}
}

// standard returns mean and 1/√(variance + ε) of a row.
func (s *layerNormStage) standard(x []float32) (mean, scale float32) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
	}
	m := sum / float64(len(x))
	for _, v := range x {
		d := float64(v) - m
		squares += float64(d * d)
	}
	return float32(m), float32(1 / math.Sqrt(squares/float64(len(x))+s.epsilon))
}

// Backward: dx = scale·(d - mean of d - x̂ · mean of d·x̂) with d = γ·dy and the
// normalised x̂.
func (s *layerNormStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	gamma := f.Params[normGamma]
	for r := range f.N * s.rows {
		x, dy, dx := rows(f.X, r, r+1, s.length), rows(f.DY, r, r+1, s.length), rows(f.DX, r, r+1, s.length)
		mean, scale := f.Memory[0][r], f.Memory[1][r]
		var sum, product float64
		for j, v := range x {
			d := float64(gamma[j] * dy[j])
			sum += d
			product += float64(d * float64((v-mean)*scale))
		}
		shift, slope := float32(sum/float64(s.length)), float32(product/float64(s.length))
		for j, v := range x {
			dx[j] = scale * (float32(gamma[j]*dy[j]) - shift - float32(float32((v-mean)*scale)*slope))
		}
	}
}

func (s *layerNormStage) gradientReads() reads { return reads{x: true, dy: true, memory: true} }

// Gradient: dγ = Σ dy·x̂ and dβ = Σ dy, over all rows of the batch.
func (s *layerNormStage) Gradient(f *Frame, param, lo, hi int) {
	for j := lo; j < hi; j++ {
		var sum float64
		for r := range f.N * s.rows {
			d := float64(f.DY[r*s.length+j])
			if param == normGamma {
				d *= float64((f.X[r*s.length+j] - f.Memory[0][r]) * f.Memory[1][r])
			}
			sum += d
		}
		f.Grads[param][j] = float32(sum)
	}
}
