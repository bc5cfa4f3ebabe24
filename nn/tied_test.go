package nn

import (
	"fmt"
	"math"
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
		{Layers{Reshape{2, 2}, named(Conv1D{Filters: 2, Kernel: 1}), Reshape{4, 1}, Tied{To: "a"}}, "got samples of shape 4×1, want 2×2, what \"a\" gives"},
		{Layers{Reshape{2, 2}, named(DepthwiseConv1D{Kernel: 1}), Tied{To: "a"}}, "has shape 1×2×1, want that of a Dense, Conv1D, Conv2D, Conv1DTranspose or Conv2DTranspose"},
		{Layers{Reshape{2, 2}, named(TimeDistributed{Conv1D{Filters: 2, Kernel: 1}}), Tied{To: "a"}}, "want steps×features"},
		{Layers{named(Dense{Units: 3}), Dense{Units: 2}, Tied{To: "a"}}, `got samples of shape 2, want 3 values on the last axis, the units of "a"`},
		{Layers{named(Dense{Units: 3}), Tied{To: "a", Activation: 99}}, "unknown activation 99"},
	} {
		if _, err := NewNetwork(tensor.Shape{4}, c.layers...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.layers, err, c.want)
		}
	}
}

// tiedConvolutions are autoencoders whose decoders have the kernels of their encoders: with
// margins and without, strides that leave rows over, taps apart, hardly any channels and many.
var tiedConvolutions = []struct {
	in     tensor.Shape
	layers Layers
}{
	{tensor.Shape{7, 6, 2}, Layers{Named{Name: "a", Layer: Conv2D{Filters: 3, Kernel: Pair{3, 2}, Strides: Square(2), Padding: Same, Activation: Tanh}}, Tied{To: "a", Activation: Sigmoid}}},
	{tensor.Shape{8, 7, 6}, Layers{Named{Name: "a", Layer: Conv2D{Filters: 2, Kernel: Square(3), Strides: Pair{2, 3}, Activation: SELU}}, Tied{To: "a", NoBias: true}}},
	{tensor.Shape{6, 6, 5}, Layers{Named{Name: "a", Layer: Conv2D{Filters: 2, Kernel: Square(2), Dilation: Pair{2, 1}, NoBias: true}}, Tied{To: "a", Activation: GELU}}},
	{tensor.Shape{3, 4, 2}, Layers{Named{Name: "a", Layer: Conv2DTranspose{Filters: 5, Kernel: Square(3), Strides: Square(2), Padding: Same, Activation: Tanh}}, Tied{To: "a", Activation: Tanh}}},
	{tensor.Shape{9, 3}, Layers{Named{Name: "a", Layer: Conv1D{Filters: 4, Kernel: 3, Padding: Causal, Activation: Tanh}}, Dense{Units: 4}, Tied{To: "a"}}},
	{tensor.Shape{5, 3}, Layers{Named{Name: "a", Layer: Conv1DTranspose{Filters: 2, Kernel: 4, Strides: 3}}, Tied{To: "a", Activation: Softplus}}},
	{tensor.Shape{6, 5, 1}, Layers{Named{Name: "a", Layer: Conv2D{Filters: 4, Kernel: Square(3), Padding: Same, Activation: Tanh}}, MaxPooling2D{}, UpSampling2D{}, ZeroPadding2D{Padding: Margins{Right: 1}},
		Residual{Layers: Layers{Named{Name: "b", Layer: Conv2D{Filters: 3, Kernel: Square(2), Activation: Tanh}}, Tied{To: "b", Activation: Tanh}}}, Tied{To: "a", Activation: Sigmoid}}},
}

// TestTiedConvolutions moves each weight and each value of the input a little, in a network
// that has the kernel twice, in float64, and looks for other bits with other numbers of workers.
func TestTiedConvolutions(t *testing.T) {
	for i, c := range tiedConvolutions {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			const n = 3
			net := newTestNetwork(t, c.in, c.layers...)
			x, r := golden.Values(12, n*c.in.Size(), -1.5, 1.5), golden.Values(13, n*net.Output().Size(), -1, 1)
			pass := net.NewTrainingPass(n, PassOptions{})
			y := slices.Clone(pass.Forward(x, n))
			pass.Backward(r)
			got := slices.Clone(pass.Gradients())
			loss := func() (sum float64) {
				for i, v := range pass.Forward(x, n) {
					sum += float64(v) * float64(r[i])
				}
				return sum
			}
			w := net.Weights()
			for i := range w {
				const step = 1.0 / 128
				was := w[i]
				w[i] = was + step
				up := loss()
				w[i] = was - step
				down := loss()
				w[i] = was
				if want := (up - down) / (2 * step); math.Abs(want-float64(got[i])) > 3e-3*(1+math.Abs(want)) {
					t.Errorf("gradient of weight %d is %v, want %v", i, got[i], want)
				}
			}
			if inferred := net.NewPass(n).Forward(x, n); !slices.Equal(inferred, y) {
				t.Error("inference gives other values")
			}
			weights, gradients := stepOn(t, 1, 7, c.in, c.layers)
			for _, workers := range []int{2, 3} {
				if w, g := stepOn(t, workers, 7, c.in, c.layers); !slices.Equal(w, weights) || !slices.Equal(g, gradients) {
					t.Errorf("%d workers give other bits than one", workers)
				}
			}
			if n := testing.AllocsPerRun(5, func() { pass.Forward(x, n); pass.Backward(r) }); n != 0 && !race.Enabled {
				t.Errorf("a step allocates %v times", n)
			}
		})
	}
}

// The layers that have golden values of Keras and PyTorch do the same, given the kernel twice.
func TestTiedConvolutionIsPlain(t *testing.T) {
	in := tensor.Shape{8, 6, 2}
	conv := Conv2D{Filters: 3, Kernel: Pair{3, 2}, Strides: Square(2), Padding: Same, Activation: Tanh}
	tied := newTestNetwork(t, in, Named{Name: "a", Layer: conv}, Tied{To: "a", Activation: SELU})
	plain := newTestNetwork(t, in, conv, Conv2DTranspose{Filters: 2, Kernel: Pair{3, 2}, Strides: Square(2), Padding: Same, Activation: SELU})
	kernel, bias := 3*2*2*3, 3
	w := plain.Weights()
	copy(w, tied.Weights()[:kernel+bias])
	copy(w[kernel+bias:], w[:kernel])
	copy(w[2*kernel+bias:], tied.Weights()[kernel+bias:])
	x := golden.Values(5, 2*in.Size(), -1, 1)
	if got, want := tied.NewPass(2).Forward(x, 2), plain.NewPass(2).Forward(x, 2); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
