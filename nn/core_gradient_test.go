package nn

import (
	"math"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

// refLayer is a layer of the float64 reference, which shares nothing with the
// package: how many weights it has and what it makes of one sample.
type refLayer struct {
	weights int
	eval    func(w, x []float64) []float64
}

// refFuncs are the activations by their definitions.
var refFuncs = map[Func]func(float64) float64{
	Linear: func(x float64) float64 { return x },
	ReLU:   func(x float64) float64 { return math.Max(x, 0) },
	LeakyReLU: func(x float64) float64 {
		if x > 0 {
			return x
		}
		return 0.2 * x
	},
	ELU: func(x float64) float64 {
		if x > 0 {
			return x
		}
		return math.Expm1(x)
	},
	SELU: func(x float64) float64 {
		const scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
		if x > 0 {
			return scale * x
		}
		return scale * alpha * math.Expm1(x)
	},
	Sigmoid:  func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
	Tanh:     math.Tanh,
	Softplus: func(x float64) float64 { return math.Log1p(math.Exp(-math.Abs(x))) + math.Max(x, 0) },
	GELU:     func(x float64) float64 { return x * (1 + math.Erf(x/math.Sqrt2)) / 2 },
	GELUTanh: func(x float64) float64 {
		return x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) / 2
	},
	SiLU:        func(x float64) float64 { return x / (1 + math.Exp(-x)) },
	Mish:        func(x float64) float64 { return x * math.Tanh(math.Log1p(math.Exp(x))) },
	HardSigmoid: func(x float64) float64 { return math.Min(math.Max(x+3, 0), 6) / 6 },
	HardSiLU:    func(x float64) float64 { return x * math.Min(math.Max(x+3, 0), 6) / 6 },
	ReLU6:       func(x float64) float64 { return math.Min(math.Max(x, 0), 6) },
}

// refDense is f(x·W + b) for every row of in values.
func refDense(in, units int, f Func, bias bool) refLayer {
	weights := in * units
	if bias {
		weights += units
	}
	return refLayer{weights, func(w, x []float64) []float64 {
		y := make([]float64, len(x)/in*units)
		for r := 0; r < len(x)/in; r++ {
			for u := range units {
				z := 0.0
				if bias {
					z = w[in*units+u]
				}
				for i := range in {
					z += x[r*in+i] * w[i*units+u]
				}
				y[r*units+u] = refFuncs[f](z)
			}
		}
		return y
	}}
}

func refActivation(f Func) refLayer {
	return refLayer{0, func(_, x []float64) []float64 {
		y := make([]float64, len(x))
		for i := range x {
			y[i] = refFuncs[f](x[i])
		}
		return y
	}}
}

// refView stands for every layer that leaves the values as they are.
var refView = refLayer{0, func(_, x []float64) []float64 { return x }}

// refRun runs the reference on all samples.
func refRun(layers []refLayer, w, x []float64, n int) []float64 {
	var y []float64
	size := len(x) / n
	for i := range n {
		sample, rest := x[i*size:(i+1)*size], w
		for _, l := range layers {
			sample = l.eval(rest[:l.weights], sample)
			rest = rest[l.weights:]
		}
		y = append(y, sample...)
	}
	return y
}

// refGradient returns the derivatives of Σ r·y with respect to the weights, by
// central differences.
func refGradient(layers []refLayer, w, x, r []float64, n int) []float64 {
	const h = 1e-5
	loss := func() float64 {
		sum := 0.0
		for i, y := range refRun(layers, w, x, n) {
			sum += r[i] * y
		}
		return sum
	}
	gradient := make([]float64, len(w))
	for i, v := range w {
		w[i] = v + h
		up := loss()
		w[i] = v - h
		gradient[i] = (up - loss()) / (2 * h)
		w[i] = v
	}
	return gradient
}

func doubles(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// newTestNetwork returns a network with weights in ±0.8.
func newTestNetwork(t testing.TB, input tensor.Shape, layers ...Layer) *Network {
	t.Helper()
	n, err := NewNetwork(input, layers...)
	if err != nil {
		t.Fatal(err)
	}
	copy(n.Weights(), golden.Values(11, len(n.Weights()), -0.8, 0.8))
	return n
}

// TestGradients compares outputs and gradients of networks with the reference.
// What lies in front of a layer proves its gradient with respect to its input.
func TestGradients(t *testing.T) {
	type network struct {
		input  tensor.Shape
		layers Layers
		ref    []refLayer
	}
	networks := map[string]network{
		"dense 1-d": {tensor.Shape{7}, Layers{Dense{Units: 5}}, []refLayer{refDense(7, 5, Linear, true)}},
		"dense one to one": {tensor.Shape{1}, Layers{Dense{Units: 1, Activation: Tanh}},
			[]refLayer{refDense(1, 1, Tanh, true)}},
		"dense 2-d": {tensor.Shape{3, 4}, Layers{Dense{Units: 5, Activation: Tanh}, Dense{Units: 2}},
			[]refLayer{refDense(4, 5, Tanh, true), refDense(5, 2, Linear, true)}},
		"dense 3-d": {tensor.Shape{2, 3, 4}, Layers{Dense{Units: 6, Activation: ELU}, Dense{Units: 3, Activation: Softplus}},
			[]refLayer{refDense(4, 6, ELU, true), refDense(6, 3, Softplus, true)}},
		"no bias": {tensor.Shape{6}, Layers{Dense{Units: 4, NoBias: true, Activation: SELU}, Dense{Units: 5, NoBias: true}},
			[]refLayer{refDense(6, 4, SELU, false), refDense(4, 5, Linear, false)}},
		"wide": {tensor.Shape{19}, Layers{Dense{Units: 35, Activation: Sigmoid}, Dense{Units: 17, Activation: Tanh}},
			[]refLayer{refDense(19, 35, Sigmoid, true), refDense(35, 17, Tanh, true)}},
		"stacked autoencoder": {tensor.Shape{4, 5},
			Layers{Flatten{}, Dense{Units: 9, Activation: SELU}, Dense{Units: 3, Activation: SELU},
				Dense{Units: 9, Activation: SELU}, Dense{Units: 20, Activation: Sigmoid}, Reshape{4, 5}},
			[]refLayer{refView, refDense(20, 9, SELU, true), refDense(9, 3, SELU, true),
				refDense(3, 9, SELU, true), refDense(9, 20, Sigmoid, true), refView}},
		"views everywhere": {tensor.Shape{2, 6},
			Layers{Reshape{3, 4}, Flatten{}, Reshape{4, 3}, Dense{Units: 5, Activation: Tanh}, Reshape{5, 4}, Flatten{},
				Reshape{2, -1}, Dense{Units: 3, Activation: Sigmoid}, Flatten{}, Reshape{3, 2}},
			[]refLayer{refDense(3, 5, Tanh, true), refDense(10, 3, Sigmoid, true)}},
		"noise and dropout rest": {tensor.Shape{8},
			Layers{Input{8}, GaussianNoise{Stddev: 1}, Dense{Units: 6, Activation: Tanh}, Dropout{Rate: 0.5},
				GaussianNoise{Stddev: 0.5}, Dense{Units: 4}, Dropout{Rate: 0.9}},
			[]refLayer{refDense(8, 6, Tanh, true), refDense(6, 4, Linear, true)}},
	}
	for f := range refFuncs {
		networks["dense "+f.String()] = network{tensor.Shape{6},
			Layers{Dense{Units: 8, Activation: f}, Dense{Units: 5, Activation: f}},
			[]refLayer{refDense(6, 8, f, true), refDense(8, 5, f, true)}}
		networks["activation "+f.String()] = network{tensor.Shape{2, 3},
			Layers{Activation{Func: f}, Dense{Units: 8}, Activation{Func: f}, Dense{Units: 5}, Activation{Func: f}},
			[]refLayer{refActivation(f), refDense(3, 8, Linear, true), refActivation(f), refDense(8, 5, Linear, true), refActivation(f)}}
	}
	for name, c := range networks {
		t.Run(name, func(t *testing.T) { checkReference(t, c.input, c.layers, c.ref) })
	}
}

// checkReference compares outputs and gradients of a network with the reference.
func checkReference(t *testing.T, input tensor.Shape, layers Layers, ref []refLayer) {
	t.Helper()
	const n = 5
	net := newTestNetwork(t, input, layers...)
	x := golden.Values(12, n*input.Size(), -1.5, 1.5)
	r := golden.Values(13, n*net.Output().Size(), -1, 1)
	w := doubles(net.Weights())

	pass := net.NewTrainingPass(n, PassOptions{})
	golden.Close(t, "output", pass.Forward(x, n), refRun(ref, w, doubles(x), n), 1e-5)
	pass.Backward(r)
	golden.Close(t, "gradient", pass.Gradients(), refGradient(ref, w, doubles(x), doubles(r), n), 1e-4)
	golden.Close(t, "inference", net.NewPass(n).Forward(x, n), refRun(ref, w, doubles(x), n), 1e-5)
}

// TestGolden compares a net of each activation with PyTorch.
func TestGolden(t *testing.T) {
	var want map[string]struct{ Y, Gradient []float64 }
	golden.Load(t, "testdata/core_golden.json", &want)
	if len(want) != len(funcNames) {
		t.Errorf("the golden file has %d activations, want %d", len(want), len(funcNames))
	}
	for i, name := range funcNames {
		f := Func(i)
		net := newTestNetwork(t, tensor.Shape{6}, Dense{Units: 5, Activation: f}, Dense{Units: 4, Activation: f})
		for j, a := range net.Arrays() {
			copy(a.Values, golden.Values(uint64(3+j), len(a.Values), -1, 1))
		}
		pass := net.NewTrainingPass(3, PassOptions{})
		golden.Close(t, name, pass.Forward(golden.Values(1, 18, -2, 2), 3), want[name].Y, 1e-5)
		pass.Backward(golden.Values(2, 12, -1, 1))
		golden.Close(t, name+" gradient", pass.Gradients(), want[name].Gradient, 1e-5)
	}
}

// Gradients with respect to logits: what comes in is the gradient before the
// sigmoid already, and what goes out is not a probability.
func TestLogits(t *testing.T) {
	const n = 4
	for name, ending := range map[string]Layers{
		"dense":               {Dense{Units: 6, Activation: Sigmoid}},
		"activation":          {Dense{Units: 6}, Activation{Func: Sigmoid}},
		"dense and view":      {Dense{Units: 6, Activation: Sigmoid}, Reshape{2, 3}},
		"activation and view": {Dense{Units: 6}, Activation{Func: Sigmoid}, Reshape{2, 3}, Flatten{}},
	} {
		t.Run(name, func(t *testing.T) {
			net := newTestNetwork(t, tensor.Shape{5}, append(Layers{Dense{Units: 4, Activation: Sigmoid}}, ending...)...)
			if !net.EndsInSigmoid() {
				t.Fatal("EndsInSigmoid is false")
			}
			ref := []refLayer{refDense(5, 4, Sigmoid, true), refDense(4, 6, Linear, true)}
			x, r, w := golden.Values(1, n*5, -1, 1), golden.Values(2, n*6, -1, 1), doubles(net.Weights())
			pass := net.NewTrainingPass(n, PassOptions{Logits: true})
			golden.Close(t, "logits", pass.Forward(x, n), refRun(ref, w, doubles(x), n), 1e-5)
			pass.Backward(r)
			golden.Close(t, "gradient", pass.Gradients(), refGradient(ref, w, doubles(x), doubles(r), n), 1e-4)
		})
	}
}

func TestEndsInSigmoid(t *testing.T) {
	for _, c := range []struct {
		layers Layers
		want   bool
	}{
		{Layers{Dense{Units: 4, Activation: Sigmoid}}, true},
		{Layers{Dense{Units: 4, Activation: Sigmoid}, Reshape{2, 2}}, true},
		{Layers{Activation{Func: Sigmoid}}, true},
		{Layers{Dense{Units: 4, Activation: Tanh}}, false},
		{Layers{Dense{Units: 4, Activation: Sigmoid}, Dense{Units: 4}}, false},
		{Layers{Dense{Units: 4, Activation: Sigmoid}, Dropout{Rate: 0.5}}, false},
		{Layers{Flatten{}}, false},
		{nil, false},
	} {
		if got := newTestNetwork(t, tensor.Shape{4}, c.layers...).EndsInSigmoid(); got != c.want {
			t.Errorf("%v: EndsInSigmoid is %v", c.layers, got)
		}
	}
}
