package nn_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass/nn"
	"hourglass/tensor"
)

// TestRefusals binds layers to shapes they do not take, and layers with options that
// make no sense: the error names the layer, what it got and what it wants.
func TestRefusals(t *testing.T) {
	image, sequence, vector := tensor.Shape{8, 8, 3}, tensor.Shape{8, 3}, tensor.Shape{8}
	conv := nn.Conv2D{Filters: 2, Kernel: nn.Square(3)}
	transposed := nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(3), Strides: nn.Square(2)}
	conv2dCausal := nn.Conv2D{Filters: 2, Kernel: nn.Square(3), Padding: nn.Causal}
	const huge = math.MaxInt
	for _, test := range []struct {
		input tensor.Shape
		layer nn.Layer
		want  string
	}{
		{vector, conv, "layer 0 (Conv2D) on input 8: got samples of shape 8, want height×width×channels"},
		{sequence, transposed, "want height×width×channels"},
		{sequence, nn.MaxPool2D{}, "want height×width×channels"},
		{vector, nn.AveragePooling2D{}, "want height×width×channels"},
		{vector, nn.GlobalAveragePooling2D{}, "want height×width×channels"},
		{vector, nn.UpSampling2D{}, "want height×width×channels"},
		{vector, nn.ZeroPadding2D{}, "want height×width×channels"},
		{vector, nn.Cropping2D{}, "want height×width×channels"},
		{image, nn.Conv1D{Filters: 1, Kernel: 1}, "want steps×features"},
		{image, nn.Conv1DTranspose{Filters: 1, Kernel: 1}, "want steps×features"},
		{vector, nn.LSTM{Units: 2}, "layer 0 (LSTM) on input 8: got samples of shape 8, want steps×features"},
		{image, nn.GRU{Units: 2}, "want steps×features"},
		{image, nn.SimpleRNN{Units: 2}, "want steps×features"},
		{sequence, nn.RepeatVector{Times: 2}, "want a single axis"},
		{vector, nn.TimeDistributed{Layer: nn.Dense{Units: 2}}, "want steps and at least one more axis"},
		{sequence, nn.TimeDistributed{Layer: nn.LSTM{Units: 2}}, "LSTM on steps of shape 3: got samples of shape 3, want steps×features"},
		{image, nn.Bidirectional{Layer: nn.LSTM{Units: 2}}, "want steps×features"},
		{sequence, nn.Bidirectional{Layer: nn.Flatten{}}, "got Flatten"},
		{sequence, nn.Bidirectional{Layer: nn.BatchNormalization{}}, "got BatchNormalization"},
		{sequence, nn.TimeDistributed{}, "got no layer"},
		{sequence, nn.Bidirectional{}, "got no layer"},
		{image, nn.Permute{2, 1}, "orders 2 axes, got samples of shape 8×8×3"},
		{image, nn.Permute{1, 2, 2}, "want each of 1 to 3 once"},
		{image, nn.Permute{1, 2, 4}, "want each of 1 to 3 once"},

		{image, nn.Conv2D{Kernel: nn.Square(3)}, "filters is 0"},
		{image, nn.Conv2D{Filters: 2}, "kernel is 0"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Pair{3, -1}}, "kernel is -1"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Square(huge), Padding: nn.Same}, "want 1 to 32768"},
		{image, nn.Conv2D{Filters: huge, Kernel: nn.Square(3)}, "more than"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Square(1 << 15), Padding: nn.Same}, "too much padding|more than"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Square(3), Dilation: nn.Square(1 << 15), Padding: nn.Same}, "more than"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Square(9)}, "height: a kernel that spans 9 positions does not fit into 8"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Square(3), Dilation: nn.Pair{1, 4}}, "width: a kernel that spans 9 positions"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Square(3), Strides: nn.Pair{1, -1}}, "stride is -1"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Square(3), Strides: nn.Pair{0, 1}}, "stride is 0"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Square(3), Padding: 7}, "unknown padding 7"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Square(3), Activation: 77}, "unknown activation 77"},
		{image, nn.Conv2D{Filters: 2, Kernel: nn.Square(3), BiasInit: 77}, "unknown initializer 77"},
		{image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(3), OutputPadding: &nn.Pair{0, 1}}, "output padding is 1, want less than the stride 1"},
		{image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(3), OutputPadding: &nn.Pair{-1, 0}}, "output padding is -1"},
		{image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(4), Strides: nn.Square(2), Padding: nn.Same, OutputPadding: &nn.Pair{0, 0}},
			"output padding 0 with padding same would make 14 positions of 8, want 15 to 16"},
		{image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(3), Strides: nn.Square(1 << 15)}, "more than"},
		{sequence, nn.Conv1D{Filters: 1, Kernel: 9}, "spans 9 positions"},
		{sequence, nn.Conv1D{Filters: 1, Kernel: 1, Strides: -2}, "stride is -2"},
		{sequence, nn.Conv1DTranspose{Filters: 1, Kernel: 0}, "kernel is 0"},
		{image, nn.MaxPool2D{Pool: nn.Square(9)}, "spans 9 positions"},
		{image, nn.MaxPool2D{Pool: nn.Square(-1)}, "pool size is -1"},
		{image, nn.AveragePooling2D{Strides: nn.Pair{1, 0}}, "stride is 0"},
		{image, nn.AveragePooling2D{Padding: 3}, "unknown padding"},
		{image, nn.UpSampling2D{Size: nn.Square(-2)}, "size is -2"},
		{image, nn.UpSampling2D{Size: nn.Square(1 << 15)}, "more than"},
		{image, nn.ZeroPadding2D{Padding: nn.Margins{Top: -1}}, "top is -1"},
		{image, nn.ZeroPadding2D{Padding: nn.Around(huge)}, "want 0 to 32768"},
		{image, nn.ZeroPadding2D{Padding: nn.Around(1 << 15)}, "more than"},
		{image, nn.Cropping2D{Cropping: nn.Around(4)}, "leaves nothing"},
		{image, nn.BatchNormalization{Momentum: 1}, "momentum is 1"},
		{image, nn.BatchNormalization{Epsilon: -1}, "epsilon is -1"},
		{image, nn.LayerNormalization{Epsilon: math.NaN()}, "epsilon is NaN"},
		{sequence, nn.LSTM{}, "units is 0"},
		{sequence, nn.LSTM{Units: huge}, "units is"},
		{sequence, nn.GRU{Units: 1 << 15}, "more than"},
		{sequence, nn.SimpleRNN{Units: 2, RecurrentInit: 77}, "unknown initializer"},
		{vector, nn.RepeatVector{}, "n is 0"},
		{vector, nn.RepeatVector{Times: huge}, "want 1 to 32768"},
		{sequence, nest(9), "wraps layers within layers"},
		{image, conv2dCausal, "padding is causal, want valid or same"},
		{image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(3), Padding: nn.Causal}, "padding is causal"},
		{sequence, nn.Conv1DTranspose{Filters: 2, Kernel: 3, Padding: nn.Causal}, "padding is causal"},
		{image, nn.AveragePooling2D{Padding: nn.Causal}, "padding is causal"},
		{sequence, nn.Conv1D{Filters: 2, Kernel: 3, Padding: 7}, "unknown padding 7"},
		{image, nn.DepthwiseConv2D{Kernel: nn.Square(3), Padding: nn.Causal}, "padding is causal"},
		{image, nn.DepthwiseConv2D{}, "kernel is 0, want 1 to 32768"},
		{image, nn.DepthwiseConv2D{Kernel: nn.Square(3), Multiplier: -1}, "depth multiplier is -1"},
		{image, nn.DepthwiseConv2D{Kernel: nn.Square(9)}, "height: a kernel that spans 9 positions does not fit into 8"},
		{image, nn.DepthwiseConv2D{Kernel: nn.Square(1), Multiplier: 1 << 15, Strides: nn.Square(1 << 15), Padding: nn.Same, Activation: 77}, "unknown activation 77"},
		{vector, nn.DepthwiseConv2D{Kernel: nn.Square(3)}, "want height×width×channels"},
		{image, nn.DepthwiseConv1D{Kernel: 3}, "want steps×features"},
		{sequence, nn.DepthwiseConv1D{Kernel: 9}, "spans 9 positions"},
		{image, nn.SeparableConv2D{Kernel: nn.Square(3)}, "filters is 0, want at least 1"},
		{image, nn.SeparableConv2D{Filters: 2, Kernel: nn.Square(3), PointwiseInit: 77}, "unknown initializer 77"},
		{sequence, nn.SeparableConv1D{Filters: 2, Kernel: 3, Strides: -1}, "stride is -1"},
		{image, nn.MultiHeadAttention{Heads: 2, KeyDim: 2}, "want steps×features"},
		{sequence, nn.MultiHeadAttention{KeyDim: 2}, "num heads is 0"},
		{sequence, nn.MultiHeadAttention{Heads: 2}, "key dim is 0"},
		{sequence, nn.MultiHeadAttention{Heads: 2, KeyDim: 2, ValueDim: -1}, "value dim is -1"},
		{sequence, nn.MultiHeadAttention{Heads: 1 << 15, KeyDim: 1 << 15}, "more than"},
		{image, nn.GroupNormalization{}, "cannot cut 3 channels into 32 groups, want a divisor"},
		{image, nn.GroupNormalization{Groups: -2}, "groups is -2, want at least 1, or -1"},
		{image, nn.GroupNormalization{Groups: 3, Epsilon: 2}, "epsilon is 2"},
		{image, nn.PReLU{SharedAxes: []int{4}}, "cannot share axis 4 of samples of shape 8×8×3, want axes from 1 to 3"},
		{image, nn.PReLU{AlphaInit: 77}, "unknown initializer 77"},
		{image, nn.PixelShuffle{}, "upscale factor is 0"},
		{image, nn.PixelShuffle{Factor: 2}, "cannot make 2×2 pixels of 3 channels, want a multiple of 4"},
		{vector, nn.PixelShuffle{Factor: 1}, "want height×width×channels"},
		{image, nn.UpSampling2D{Interpolation: 9}, "unknown interpolation 9, want one of [nearest bilinear]"},
		{image, nn.PositionEmbedding{}, "want steps×features"},
		{sequence, nn.PositionEmbedding{Sinusoidal: true, Init: nn.Zeros}, "sinusoidal positions are not learned"},
		{vector, nn.Activation{Func: nn.ReLU, Slope: 0.1}, "slope is 0.1, but only leaky_relu has one, not relu"},
		{vector, nn.Activation{Func: nn.LeakyReLU, Slope: 1}, "slope is 1, want above 0 and below 1"},
		{vector, nn.Activation{Func: nn.LeakyReLU, Slope: math.NaN()}, "slope is NaN"},
	} {
		_, err := nn.NewNetwork(test.input, test.layer)
		if err == nil {
			t.Errorf("%T%+v on %v: no error, want %q", test.layer, test.layer, test.input, test.want)
			continue
		}
		found := false
		for _, want := range strings.Split(test.want, "|") {
			found = found || strings.Contains(err.Error(), want)
		}
		if kind := reflect.TypeOf(test.layer).Name(); !found || !strings.Contains(err.Error(), "("+kind+")") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%T on %v: %v, want %q", test.layer, test.input, err, test.want)
		}
	}
}

// nest returns a layer within n others.
func nest(n int) nn.Layer {
	var l nn.Layer = nn.Dense{Units: 1}
	for range n {
		l = nn.TimeDistributed{Layer: l}
	}
	return l
}

// TestLayersJSON writes layers, reads them and compares; options that are not set are
// not written.
func TestLayersJSON(t *testing.T) {
	layers := append(nn.Layers{
		nn.Conv2DTranspose{Filters: 3, Kernel: nn.Pair{3, 2}, Strides: nn.Square(2), OutputPadding: &nn.Pair{0, 1}, Padding: nn.Same, KernelInit: nn.HeNormal},
		nn.Conv1DTranspose{Filters: 3, Kernel: 2, NoBias: true},
		nn.GlobalAveragePooling2D{},
		nn.TimeDistributed{Layer: nn.Bidirectional{Layer: nn.LSTM{Units: 3, ReturnSequences: true}}},
		nn.BatchNormalization{Momentum: 0.9},
	}, slices.Concat(everything, blocks, attentive)...)
	data, err := json.Marshal(layers)
	if err != nil {
		t.Fatal(err)
	}
	var got nn.Layers
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, layers) {
		t.Errorf("got %#v\nwant %#v", got, layers)
	}
	text, err := json.Marshal(nn.Layers{
		nn.Conv2D{Filters: 16, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU}, nn.MaxPool2D{},
		nn.TimeDistributed{Layer: nn.Dense{Units: 28, Activation: nn.Sigmoid}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"layer":"Conv2D","config":{"filters":16,"kernel_size":[3,3],"padding":"same","activation":"selu"}},` +
		`{"layer":"MaxPooling2D","config":{"padding":"valid"}},` +
		`{"layer":"TimeDistributed","config":{"layer":{"layer":"Dense","config":{"units":28,"activation":"sigmoid"}}}}]`
	if string(text) != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
}

func TestWrappedJSONRefusals(t *testing.T) {
	deep := strings.Repeat(`{"layer":"TimeDistributed","config":{"layer":`, 3000) + "0" + strings.Repeat("}}", 3000)
	for name, text := range map[string]string{
		"unknown":    `{"layer":"TimeDistributed","config":{"layer":{"layer":"Nope","config":{}}}}`,
		"other name": `{"layer":"TimeDistributed","config":{"inner":{}}}`,
		"no layer":   `{"layer":"Bidirectional","config":{}}`,
		"a number":   `{"layer":"Bidirectional","config":{"layer":3}}`,
		"padding":    `{"layer":"MaxPooling2D","config":{"padding":"full"}}`,
		"deep":       deep,
	} {
		var layers nn.Layers
		if err := json.Unmarshal([]byte("["+text+"]"), &layers); err == nil || len(err.Error()) > 300 {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	if _, err := json.Marshal(nn.Layers{nn.TimeDistributed{}}); err == nil {
		t.Error("a TimeDistributed without a layer was written")
	}
}

// TestSummaries checks names, shapes and counts that Keras prints for the lecture's
// autoencoders, and for layers with unusual names or frozen weights.
func TestSummaries(t *testing.T) {
	for _, test := range []struct {
		layers        nn.Layers
		input         tensor.Shape
		total, frozen int
		table         string // of some of the layers
	}{
		{convolutional[:7], tensor.Shape{28, 28}, 23296, 0, `reshape Reshape 28×28×1 0
conv2d Conv2D 28×28×16 160
max_pooling2d MaxPooling2D 14×14×16 0
conv2d_1 Conv2D 14×14×32 4640
max_pooling2d_1 MaxPooling2D 7×7×32 0
conv2d_2 Conv2D 7×7×64 18496
max_pooling2d_2 MaxPooling2D 3×3×64 0
`},
		{convolutional[7:], tensor.Shape{3, 3, 64}, 23233, 0, `conv2d_transpose Conv2DTranspose 7×7×32 18464
conv2d_transpose_1 Conv2DTranspose 14×14×16 4624
conv2d_transpose_2 Conv2DTranspose 28×28×1 145
reshape Reshape 28×28 0
`},
		{recurrent, tensor.Shape{28, 28}, 51600 + 15720 + 52400 + 2828, 0, `lstm LSTM 28×100 51600
lstm_1 LSTM 30 15720
repeat_vector RepeatVector 28×30 0
lstm_2 LSTM 28×100 52400
time_distributed TimeDistributed 28×28 2828
`},
		{nn.Layers{nn.SimpleRNN{Units: 3}, nn.BatchNormalization{}}, tensor.Shape{4, 2}, 18 + 12, 6, `simple_rnn SimpleRNN 3 18
batch_normalization BatchNormalization 3 12
`},
		{nn.Layers{nn.Bidirectional{Layer: nn.GRU{Units: 5}}, nn.Reshape{10, 1, 1}, nn.UpSampling2D{}}, tensor.Shape{4, 3}, 300, 0,
			`bidirectional Bidirectional 10 300
reshape Reshape 10×1×1 0
up_sampling2d UpSampling2D 20×2×1 0
`},
	} {
		net, err := nn.NewNetwork(test.input, test.layers...)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(net.Weights()); got != test.total {
			t.Errorf("%d weights, want %d", got, test.total)
		}
		var table strings.Builder
		for _, l := range net.Table() {
			fmt.Fprintln(&table, l.Name, l.Layer, l.Output, l.Parameters)
		}
		if table.String() != test.table {
			t.Errorf("got\n%s\nwant\n%s", &table, test.table)
		}
		if summary, want := net.Summary("model"), fmt.Sprintf("Non-trainable params: %d ", test.frozen); !strings.Contains(summary, want) {
			t.Errorf("summary lacks %q:\n%s", want, summary)
		}
	}
}

// TestInitialWeights checks Keras' defaults that differ from layer to layer.
func TestInitialWeights(t *testing.T) {
	net, err := nn.NewNetwork(tensor.Shape{5, 12, 8}, nn.Conv2D{Filters: 16, Kernel: nn.Square(3)}, nn.Reshape{30, 16}, nn.LSTM{Units: 10})
	if err != nil {
		t.Fatal(err)
	}
	net.Init(1)
	arrays := net.Arrays()
	// Glorot over the receptive field: √(6 / (9·8 + 9·16)).
	largest := float32(0)
	for _, v := range arrays[0].Values {
		largest = max(largest, max(v, -v))
	}
	if limit := float32(math.Sqrt(6.0 / 216)); largest > limit || largest < 0.98*limit {
		t.Errorf("largest weight is %v, want nearly %v", largest, limit)
	}
	recurrent, bias := arrays[3].Values, arrays[4].Values
	for i := range 10 { // the rows of 10×40 are orthonormal
		for j := range 10 {
			dot, want := 0.0, 0.0
			for k := range 40 {
				dot += float64(recurrent[i*40+k]) * float64(recurrent[j*40+k])
			}
			if i == j {
				want = 1
			}
			if math.Abs(dot-want) > 1e-6 {
				t.Fatalf("rows %d and %d of the recurrent kernel have product %v, want %v", i, j, dot, want)
			}
		}
	}
	for i, v := range bias {
		want := float32(0)
		if i/10 == 1 {
			want = 1
		}
		if v != want {
			t.Errorf("bias %d is %v, want %v", i, v, want)
		}
	}
}

// TestRepeatedInput compares an LSTM that reads the vector in front of RepeatVector
// with one that a layer keeps from doing so: the outputs are the same bits.
func TestRepeatedInput(t *testing.T) {
	for _, layer := range []nn.Layer{nn.LSTM{Units: 5, ReturnSequences: true}, nn.GRU{Units: 5}, nn.SimpleRNN{Units: 5}} {
		short := nn.Layers{nn.Dense{Units: 3}, nn.RepeatVector{Times: 6}, layer}
		long := nn.Layers{nn.Dense{Units: 3}, nn.RepeatVector{Times: 6}, nn.Activation{}, layer}
		x := []float32{0.1, -0.4, 0.7, 0.2, -0.3, 0.5, 0.9, -0.8}
		var outputs, grads [2][]float32
		for i, layers := range []nn.Layers{short, long} {
			net, err := nn.NewNetwork(tensor.Shape{4}, layers...)
			if err != nil {
				t.Fatal(err)
			}
			for j := range net.Weights() {
				net.Weights()[j] = float32(math.Sin(float64(j * j)))
			}
			pass := net.NewTrainingPass(2, nn.PassOptions{})
			y := pass.Forward(x, 2)
			outputs[i] = append([]float32(nil), y...)
			if inferred := net.NewPass(2).Forward(x, 2); !reflect.DeepEqual(inferred, outputs[i]) {
				t.Errorf("%T: inference gives %v, training %v", layer, inferred, outputs[i])
			}
			pass.Backward(y)
			grads[i] = pass.Gradients()
			code := net.Slice(0, 1).NewPass(2).Forward(x, 2)
			if decoded := net.Slice(1, len(layers)).NewPass(2).Forward(code, 2); !reflect.DeepEqual(decoded, outputs[i]) {
				t.Errorf("%T: the part behind the vector gives %v, the whole %v", layer, decoded, outputs[i])
			}
		}
		if !reflect.DeepEqual(outputs[0], outputs[1]) {
			t.Errorf("%T: outputs %v, want %v", layer, outputs[0], outputs[1])
		}
		for i, want := range grads[1] {
			if math.Abs(float64(grads[0][i]-want)) > 1e-5*(1+math.Abs(float64(want))) {
				t.Errorf("%T: gradient %d is %v, want %v", layer, i, grads[0][i], want)
			}
		}
	}
}

// TestBatchNormalizationRuns follows the running statistics by hand, and uses them.
func TestBatchNormalizationRuns(t *testing.T) {
	s := newStepper(t, 2, 3, 0, tensor.Shape{4}, nn.BatchNormalization{Momentum: 0.8}, nn.Activation{Func: nn.Sigmoid})
	const steps = 3
	for range steps {
		s.step()
	}
	arrays := s.net.Arrays()
	gamma, beta, means, variances := arrays[0].Values, arrays[1].Values, arrays[2].Values, arrays[3].Values
	gamma[2], beta[2] = 1.5, -0.25
	y := s.net.NewPass(3).Forward(s.batch, 3)
	kept := math.Pow(0.8, steps)
	for c := range 4 {
		x := []float64{float64(s.batch[c]), float64(s.batch[4+c]), float64(s.batch[8+c])}
		mean := (x[0] + x[1] + x[2]) / 3
		variance := ((x[0]-mean)*(x[0]-mean) + (x[1]-mean)*(x[1]-mean) + (x[2]-mean)*(x[2]-mean)) / 3
		mean, variance = (1-kept)*mean, kept+(1-kept)*variance
		if math.Abs(float64(means[c])-mean) > 1e-6 || math.Abs(float64(variances[c])-variance) > 1e-6 {
			t.Errorf("channel %d: running values are %v and %v, want %v and %v", c, means[c], variances[c], mean, variance)
		}
		for i := range x {
			z := float64(gamma[c])*(x[i]-mean)/math.Sqrt(variance+1e-3) + float64(beta[c])
			if want := 1 / (1 + math.Exp(-z)); math.Abs(float64(y[4*i+c])-want) > 1e-6 {
				t.Errorf("channel %d, sample %d: got %v, want %v", c, i, y[4*i+c], want)
			}
		}
	}
}

// TestBatchNormalizationGradient checks the gradients outside of a training step,
// where the statistics are constants: dx = γ·dy/√(variance + ε).
func TestBatchNormalizationGradient(t *testing.T) {
	net, err := nn.NewNetwork(tensor.Shape{2}, nn.Dense{Units: 2, NoBias: true}, nn.BatchNormalization{})
	if err != nil {
		t.Fatal(err)
	}
	copy(net.Weights(), []float32{1, 0, 0, 1, 2, 3, 0.5, 0.25, 0.1, 0.2, 0.9, 1.6}) // kernel, gamma, beta, mean, variance
	pass := net.NewTrainingPass(1, nn.PassOptions{})
	pass.Forward([]float32{0.4, 0.8}, 1)
	pass.Backward([]float32{1, -2})
	scale := []float64{1 / math.Sqrt(0.901), 1 / math.Sqrt(1.601)}
	dx := []float64{2 * scale[0], -6 * scale[1]}
	want := []float64{0.4 * dx[0], 0.4 * dx[1], 0.8 * dx[0], 0.8 * dx[1], 0.3 * scale[0], -2 * 0.6 * scale[1], 1, -2, 0, 0, 0, 0}
	for i, g := range pass.Gradients() {
		if math.Abs(float64(g)-want[i]) > 1e-6 {
			t.Errorf("gradient %d is %v, want %v", i, g, want[i])
		}
	}
}

// TestConvolutionsEndInSigmoid asks for values before the sigmoid of layers that end in
// one, and of one that does not.
func TestConvolutionsEndInSigmoid(t *testing.T) {
	for _, test := range []struct {
		layer nn.Layer
		ends  bool
	}{
		{nn.Conv2D{Filters: 1, Kernel: nn.Square(2), Activation: nn.Sigmoid}, true},
		{nn.Conv2DTranspose{Filters: 1, Kernel: nn.Square(2), Activation: nn.Sigmoid}, true},
		{nn.TimeDistributed{Layer: nn.Conv1D{Filters: 1, Kernel: 2, Activation: nn.Sigmoid}}, true},
		{nn.TimeDistributed{Layer: nn.Dense{Units: 1, Activation: nn.Tanh}}, false},
		{nn.TimeDistributed{Layer: nn.LayerNormalization{}}, false},
	} {
		net, err := nn.NewNetwork(tensor.Shape{3, 3, 2}, test.layer)
		if err != nil {
			t.Fatal(err)
		}
		if net.EndsInSigmoid() != test.ends {
			t.Errorf("%+v ends in a sigmoid: %v, want %v", test.layer, !test.ends, test.ends)
		}
		if !test.ends {
			continue
		}
		net.Init(1)
		x := make([]float32, 18)
		for i := range x {
			x[i] = float32(i%5) - 2
		}
		y := net.NewPass(1).Forward(x, 1)
		logits := net.NewTrainingPass(1, nn.PassOptions{Logits: true}).Forward(x, 1)
		for i, z := range logits {
			if want := 1 / (1 + math.Exp(-float64(z))); math.Abs(float64(y[i])-want) > 1e-6 {
				t.Errorf("%+v: output %d is %v, want %v of the logit %v", test.layer, i, y[i], want, z)
			}
		}
	}
}

// TestMaxPoolTies gives the gradient of equal values to the first of the window.
func TestMaxPoolTies(t *testing.T) {
	for _, test := range []struct {
		layer nn.MaxPooling2D
		want  []float32
	}{
		{nn.MaxPooling2D{}, []float32{1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0}},
		{nn.MaxPooling2D{Pool: nn.Square(3), Strides: nn.Square(1)}, []float32{1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{nn.MaxPooling2D{Pool: nn.Square(3), Strides: nn.Square(2), Padding: nn.Same}, []float32{1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0}},
	} {
		// The bias of a convolution with a kernel of zeros makes all pixels equal, and a
		// convolution's kernel gradient with an input that marks one pixel shows that pixel's slope.
		net, err := nn.NewNetwork(tensor.Shape{4, 4, 1}, nn.Conv2D{Filters: 1, Kernel: nn.Square(1)}, test.layer)
		if err != nil {
			t.Fatal(err)
		}
		pass := net.NewTrainingPass(1, nn.PassOptions{})
		for i, want := range test.want {
			x, dy := make([]float32, 16), make([]float32, net.Output().Size())
			x[i] = 1
			for j := range dy {
				dy[j] = 1
			}
			pass.Forward(x, 1)
			pass.Backward(dy)
			if got := pass.Gradients()[0]; got != want {
				t.Errorf("%+v: gradient of pixel %d is %v, want %v", test.layer, i, got, want)
			}
		}
	}
}
