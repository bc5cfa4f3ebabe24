package nn

import (
	"slices"
	"strings"
	"testing"

	"hourglass/internal/golden"
	"hourglass/internal/race"
	"hourglass/tensor"
)

// tiedLayers is an autoencoder whose decoder has the kernels of its encoder, and a
// second use of one of them.
var tiedLayers = Layers{
	Named{Name: "wide", Layer: Dense{Units: 6, Activation: Tanh}}, Named{Name: "code", Layer: Dense{Units: 3, Activation: SELU}},
	Tied{To: "code", Activation: Tanh}, Residual{Layers: Layers{Dense{Units: 3, Activation: Tanh}, Tied{To: "code", NoBias: true, Activation: GELU}}},
	Tied{To: "wide", Activation: Sigmoid},
}

// refTied evaluates it, with weights in the order of the arena.
func refTied() refLayer {
	const in, wide, code = 8, 6, 3
	transposed := func(w, b, x []float64, from, to int, f Func) []float64 {
		y := make([]float64, to)
		for i := range y {
			if b != nil {
				y[i] = b[i]
			}
			for j := range from {
				y[i] += w[i*from+j] * x[j]
			}
			y[i] = refFuncs[f](y[i])
		}
		return y
	}
	return refLayer{in*wide + wide + wide*code + code + wide + wide*3 + 3 + in, func(w, x []float64) []float64 {
		next := func(n int) []float64 {
			part := w[:n]
			w = w[n:]
			return part
		}
		first, firstBias, second, secondBias := next(in*wide), next(wide), next(wide*code), next(code)
		h := refDense(in, wide, Tanh, true).eval(slices.Concat(first, firstBias), x)
		h = refDense(wide, code, SELU, true).eval(slices.Concat(second, secondBias), h)
		h = transposed(second, next(wide), h, code, wide, Tanh)
		inner := refDense(wide, 3, Tanh, true).eval(next(wide*3+3), h)
		h = refMerge(Add, 1, h, transposed(second, nil, inner, code, wide, GELU))
		return transposed(first, next(in), h, wide, in, Sigmoid)
	}}
}

// TestTied compares output and gradients with the reference, to which each shared kernel
// is one array, and looks for other bits with other numbers of workers.
func TestTied(t *testing.T) {
	const n = 5
	net := newTestNetwork(t, tensor.Shape{8}, tiedLayers...)
	ref := []refLayer{refTied()}
	if want := ref[0].weights; len(net.Weights()) != want || len(net.Arrays()) != 8 {
		t.Fatalf("%d weights in %d arrays, want %d in 8", len(net.Weights()), len(net.Arrays()), want)
	}
	x, r, w := golden.Values(12, n*8, -1.5, 1.5), golden.Values(13, n*8, -1, 1), doubles(net.Weights())
	pass := net.NewTrainingPass(n, PassOptions{})
	y := slices.Clone(pass.Forward(x, n))
	golden.Close(t, "output", y, refRun(ref, w, doubles(x), n), 1e-5)
	pass.Backward(r)
	golden.Close(t, "gradient", pass.Gradients(), refGradient(ref, w, doubles(x), doubles(r), n), 1e-4)
	code := net.Slice(0, 2).NewPass(n).Forward(x, n)
	if decoded := net.Slice(2, 5).NewPass(n).Forward(code, n); !slices.Equal(decoded, y) {
		t.Errorf("encoder and decoder give %v, want %v", decoded, y)
	}
	// The decoder alone trains what is its own.
	decoder := net.Slice(2, 5).NewTrainingPass(n, PassOptions{})
	decoder.Forward(code, n)
	decoder.Backward(r)
	golden.Close(t, "decoder's gradient", decoder.Gradients(), refGradient(ref, w, doubles(x), doubles(r), n)[8*6+6+6*3+3:], 1e-4)

	for _, n := range []int{1, 7} {
		weights, gradients := stepOn(t, 1, n, tensor.Shape{8}, tiedLayers)
		for _, workers := range []int{2, 3, 8} {
			w, g := stepOn(t, workers, n, tensor.Shape{8}, tiedLayers)
			if !slices.Equal(w, weights) || !slices.Equal(g, gradients) {
				t.Errorf("%d samples: %d workers give other bits than one", n, workers)
			}
		}
	}
	// The race detector empties the pool that the product with a transpose takes memory from.
	if n := testing.AllocsPerRun(5, func() { pass.Forward(x, n); pass.Backward(r) }); n != 0 && !race.Enabled {
		t.Errorf("a step allocates %v times", n)
	}
}

// What a frozen kernel is tied to does not train it.
func TestTiedToFrozen(t *testing.T) {
	net := newTestNetwork(t, tensor.Shape{4}, Dense{Units: 4, Activation: Tanh}, Frozen{Layer: Named{Name: "a", Layer: Dense{Units: 2}}},
		Tied{To: "a", NoBias: true})
	pass := net.NewTrainingPass(3, PassOptions{})
	pass.Forward(golden.Values(1, 12, -1, 1), 3)
	pass.Backward(golden.Values(2, 12, -1, 1))
	if g := pass.Gradients(); slices.ContainsFunc(g[20:], func(x float32) bool { return x != 0 }) || g[0] == 0 {
		t.Errorf("gradients %v", g)
	}
}

func TestTiedRefusals(t *testing.T) {
	named := func(l Layer) Layer { return Named{Name: "a", Layer: l} }
	for _, c := range []struct {
		layers Layers
		want   string
	}{
		{Layers{Tied{To: "a"}}, `no layer with weights in front of it is called "a"`},
		{Layers{Tied{}}, `name is ""`},
		{Layers{named(LayerNormalization{}), Tied{To: "a"}}, `the layer "a" has no kernel`},
		{Layers{Reshape{2, 2}, named(Conv1D{Filters: 2, Kernel: 1}), Tied{To: "a"}}, "has shape 1×2×2, want that of a Dense"},
		{Layers{named(Dense{Units: 3}), Dense{Units: 2}, Tied{To: "a"}}, `got samples of shape 2, want 3 values on the last axis, the units of "a"`},
		{Layers{named(Dense{Units: 3}), Tied{To: "a", Activation: 99}}, "unknown activation 99"},
	} {
		if _, err := NewNetwork(tensor.Shape{4}, c.layers...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.layers, err, c.want)
		}
	}
}
