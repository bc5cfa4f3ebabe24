package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"hourglass/tensor"
)

// TestConvolutionsAreBilinear draws convolutions and transposed convolutions of all
// kinds without bias. Their output is linear in the input x and in the kernel W, so
// that, whatever dy is, Σ y·dy = Σ x·dx = Σ W·dW.
func TestConvolutionsAreBilinear(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pair := func(n int) Pair { return Pair{1 + r.IntN(n), 1 + r.IntN(n)} }
	bound := 0
	for range 600 {
		input := tensor.Shape{1 + r.IntN(11), 1 + r.IntN(11), 1 + r.IntN(20)}
		var layer Layer = Conv2D{Filters: 1 + r.IntN(20), Kernel: pair(4), Strides: pair(4), Dilation: pair(4),
			Padding: Padding(r.IntN(2)), NoBias: true}
		if r.IntN(2) == 0 {
			l := Conv2DTranspose{Filters: 1 + r.IntN(20), Kernel: pair(4), Strides: pair(4), Dilation: pair(4),
				Padding: Padding(r.IntN(2)), NoBias: true}
			if r.IntN(2) == 0 {
				l.OutputPadding = &Pair{r.IntN(l.Strides[0]), r.IntN(l.Strides[1])}
			}
			layer = l
		}
		if r.IntN(3) == 0 {
			layer = DepthwiseConv2D{Kernel: pair(4), Strides: pair(4), Dilation: pair(4), Padding: Padding(r.IntN(2)),
				Multiplier: 1 + r.IntN(3), NoBias: true}
		}
		net, err := NewNetwork(input, learner{}, layer)
		if err != nil {
			continue // the kernel does not fit
		}
		bound++
		fill := func(x []float32) {
			for i := range x {
				x[i] = 2*r.Float32() - 1
			}
		}
		const batch = 2
		fill(net.Weights())
		x, dy := make([]float32, batch*input.Size()), make([]float32, batch*net.Output().Size())
		fill(x)
		fill(dy)
		pass := net.NewTrainingPass(batch, PassOptions{})
		y := append([]float32(nil), pass.Forward(x, batch)...)
		pass.Backward(dy)
		want, size := dot(y, dy)
		tolerance := 1e-5 * (1 + size)
		if got, _ := dot(x, pass.dvalues[1]); math.Abs(got-want) > tolerance {
			t.Errorf("%+v on %v: Σ x·dx = %v, want %v", layer, input, got, want)
		}
		if got, _ := dot(net.Weights()[1:], pass.Gradients()[1:]); math.Abs(got-want) > tolerance {
			t.Errorf("%+v on %v: Σ W·dW = %v, want %v", layer, input, got, want)
		}
	}
	if bound < 300 {
		t.Errorf("only %d layers fit", bound)
	}
}

// dot returns the sum of products and that of their magnitudes.
func dot(x, y []float32) (sum, size float64) {
	for i, v := range x {
		p := float64(v) * float64(y[i])
		sum += p
		size += math.Abs(p)
	}
	return sum, size
}

// TestConvolutionOfOneTap compares a single tap with strides and padding with what it
// must pick, by hand.
func TestConvolutionOfOneTap(t *testing.T) {
	net, err := NewNetwork(tensor.Shape{5, 1}, Conv1D{Filters: 1, Kernel: 1, Strides: 3, Padding: Same},
		Conv1DTranspose{Filters: 1, Kernel: 1, Strides: 2})
	if err != nil {
		t.Fatal(err)
	}
	copy(net.Weights(), []float32{10, 1, -1, 0.5}) // kernels and biases in turn
	got := net.NewPass(1).Forward([]float32{1, 2, 3, 4, 5}, 1)
	for i, want := range []float32{-10.5, 0.5, -40.5, 0.5} {
		if got[i] != want {
			t.Errorf("element %d is %v, want %v", i, got[i], want)
		}
	}
}

// FuzzBind binds layers with arbitrary options: it may refuse them, but neither
// panic nor plan what does not run.
func FuzzBind(f *testing.F) {
	f.Add(uint8(0), 28, 28, 1, 16, 3, 1, 1, uint8(1))
	f.Add(uint8(1), 3, 3, 64, 32, 3, 2, 1, uint8(0))
	f.Add(uint8(2), 9, 8, 2, 0, 3, 2, 1, uint8(1))
	f.Add(uint8(3), 4, 4, 1, math.MaxInt-1, math.MaxInt32, -1, 1<<15, uint8(9))
	f.Add(uint8(7), 4, 4, 1, 5, 2, 2, 7, uint8(0))
	f.Add(uint8(10), 3, 4, 2, 1, 3, 2, 1, uint8(0))
	f.Add(uint8(11), 3, 4, 8, 1, 2, 2, 1, uint8(0))
	f.Add(uint8(12), 3, 4, 8, 4, 2, 2, 1, uint8(0))
	f.Add(uint8(13), 3, 4, 8, 4, 2, 3, 1, uint8(0))
	f.Add(uint8(15), 5, 4, 3, 2, 3, 2, 1, uint8(1))
	f.Add(uint8(16), 5, 4, 3, 2, 3, 2, 1, uint8(1))
	f.Add(uint8(18), 5, 4, 3, 2, 3, 2, 2, uint8(1))
	f.Add(uint8(17), 5, 4, 3, 2, 3, 2, 2, uint8(2))
	f.Add(uint8(14), 3, 9, 4, 5, 3, 2, 2, uint8(2))
	f.Fuzz(func(t *testing.T, kind uint8, height, width, channels, filters, kernel, stride, dilation int, padding uint8) {
		pad := Padding(padding)
		image := tensor.Shape{height, width, channels}
		shape, layer := image, Layer(nil)
		switch kind % 19 {
		case 0:
			layer = Conv2D{Filters: filters, Kernel: Pair{kernel, 2}, Strides: Pair{stride, 1}, Dilation: Pair{1, dilation}, Padding: pad}
		case 1:
			layer = Conv2DTranspose{Filters: filters, Kernel: Square(kernel), Strides: Square(stride), Dilation: Square(dilation), Padding: pad}
		case 2:
			layer = MaxPooling2D{Pool: Square(kernel), Strides: Pair{stride, dilation}, Padding: pad}
		case 3:
			layer = AveragePooling2D{Pool: Pair{kernel, stride}, Padding: pad}
		case 4:
			layer = UpSampling2D{Size: Pair{kernel, stride}}
		case 5:
			layer = ZeroPadding2D{Padding: Margins{kernel, stride, dilation, filters}}
		case 6:
			layer = Cropping2D{Cropping: Margins{kernel, stride, dilation, filters}}
		case 7:
			shape, layer = shape[1:], Bidirectional{Layer: GRU{Units: filters, ReturnSequences: padding > 0}}
		case 8:
			shape, layer = shape[1:], TimeDistributed{Layer: RepeatVector{Times: kernel}}
		case 9:
			shape, layer = shape[1:], Conv1DTranspose{Filters: filters, Kernel: kernel, Strides: stride, Dilation: dilation, Padding: pad,
				OutputPadding: &channels}
		case 10:
			layer = UpSampling2D{Size: Pair{kernel, stride}, Interpolation: Bilinear}
		case 11:
			layer = PixelShuffle{Factor: kernel}
		case 12:
			layer = GroupNormalization{Groups: filters}
		case 13:
			layer = PReLU{SharedAxes: []int{kernel, stride}}
		case 14:
			shape, layer = shape[1:], Conv1D{Filters: filters, Kernel: kernel, Strides: stride, Dilation: dilation, Padding: Causal}
		case 15:
			layer = DepthwiseConv2D{Kernel: Pair{kernel, 2}, Strides: Pair{stride, 1}, Dilation: Pair{1, dilation}, Padding: pad, Multiplier: filters}
		case 16:
			layer = SeparableConv2D{Filters: filters, Kernel: Pair{2, kernel}, Strides: Square(stride), Dilation: Square(dilation), Padding: pad}
		case 17:
			shape, layer = shape[1:], SeparableConv1D{Filters: filters, Kernel: kernel, Strides: stride, Dilation: dilation, Padding: pad, Multiplier: 2}
		case 18:
			shape, layer = shape[1:], MultiHeadAttention{Heads: filters, KeyDim: kernel, ValueDim: stride, Causal: padding > 0}
		}
		if shape.Validate() != nil || shape.Size() > 1<<12 {
			return
		}
		net, err := NewNetwork(shape, Activation{}, layer)
		if err != nil {
			return
		}
		const small = 1 << 16
		if net.Output().Size() > small || len(net.Weights()) > small {
			return
		}
		for _, memory := range append(net.ops[1].Memory, net.ops[1].Workspace) {
			if memory > 1<<20 {
				return
			}
		}
		pass := net.NewTrainingPass(1, PassOptions{})
		y := pass.Forward(make([]float32, shape.Size()), 1)
		if len(net.Weights()) > 0 {
			pass.Backward(y)
		}
	})
}
