package architecture_test

import (
	"reflect"
	"strings"
	"testing"

	"hourglass/architecture"
	"hourglass/nn"
	"hourglass/tensor"
)

// stacked is the lecture's first autoencoder.
var stacked = struct{ encoder, decoder nn.Layers }{
	nn.Layers{nn.Flatten{}, nn.Dense{Units: 100, Activation: nn.SELU}, nn.Dense{Units: 30, Activation: nn.SELU}},
	nn.Layers{nn.Dense{Units: 100, Activation: nn.SELU}, nn.Dense{Units: 784, Activation: nn.Sigmoid}, nn.Reshape{28, 28}},
}

func TestParseAcceptsEveryWayOfWritingASeparator(t *testing.T) {
	for _, text := range []string{
		"flatten > dense 100 selu > dense 30 selu | dense 100 selu > dense 784 sigmoid > reshape 28x28",
		"flatten>dense 100 selu>dense 30 selu|dense 100 selu>dense 784 sigmoid>reshape 28x28",
		"flatten\ndense 100 selu\ndense 30 selu\n|\ndense 100 selu\ndense 784 sigmoid\nreshape 28x28\n",
		"# a stack\n\nflatten # 784 values\n  > dense 100 selu\n  > dense 30 selu\n| dense 100 selu >\n\n dense 784 sigmoid\n > reshape 28x28 # the end",
		"\uFEFFflatten\r\ndense 100 selu\r\ndense 30 selu\r\n|\r\ndense 100 selu\r\ndense 784 sigmoid\r\nreshape 28×28\r\n",
		"Flatten > Dense 100 SELU > DENSE 30 selu | dense units=100 activation=selu > dense activation = sigmoid units = 784 > reshape shape=28,28",
		`flatten > dense "100" "selu" > dense 30 selu | dense 100 activation="selu" > dense 784 sigmoid > reshape 28X28`,
	} {
		encoder, decoder, err := architecture.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if !reflect.DeepEqual(encoder, stacked.encoder) || !reflect.DeepEqual(decoder, stacked.decoder) {
			t.Errorf("%q: got %v | %v", text, encoder, decoder)
		}
	}
}

// layerTexts are layers as they are written first, and other ways to write them.
var layerTexts = []struct {
	layer nn.Layer
	texts []string
}{
	{nn.Dense{Units: 30}, []string{"dense 30", "dense 30 linear", "Dense units=30 no_bias=false"}},
	{nn.Dense{Units: 30, NoBias: true, KernelInit: nn.HeNormal},
		[]string{"dense 30 no_bias kernel_initializer=he_normal", "dense no_bias 30 kernel_init=HeNormal", "dense 30 NoBias KernelInit=he-normal"}},
	{nn.Dense{Units: 3, Activation: nn.LeakyReLU}, []string{"dense 3 leaky_relu", "dense 3 LeakyReLU"}},
	{nn.Activation{Func: nn.Tanh}, []string{"activation tanh"}},
	{nn.Activation{Func: nn.SiLU}, []string{"activation silu", "activation swish", "activation SiLU"}},
	{nn.Activation{Func: nn.LeakyReLU, Slope: 0.3}, []string{"activation leaky_relu slope=0.3"}},
	{nn.GroupNormalization{Groups: 8}, []string{"group_normalization 8", "groupnorm 8", "group_normalization groups=8"}},
	{nn.GroupNormalization{}, []string{"group_normalization"}},
	{nn.PReLU{SharedAxes: []int{1, 2}}, []string{"prelu shared_axes=1x2", "PReLU shared_axes=1,2"}},
	{nn.DepthwiseConv2D{Kernel: nn.Square(3), Multiplier: 2, Padding: nn.Same}, []string{"depthwise_conv2d 3x3 padding=same depth_multiplier=2", "DepthwiseConv2D 3 padding=same multiplier=2"}},
	{nn.SeparableConv2D{Filters: 16, Kernel: nn.Square(3), Activation: nn.SiLU}, []string{"separable_conv2d 16 3x3 silu"}},
	{nn.SeparableConv1D{Filters: 16, Kernel: 3, Padding: nn.Causal}, []string{"separable_conv1d 16 3 padding=causal"}},
	{nn.MultiHeadAttention{Heads: 4, KeyDim: 16, Causal: true}, []string{"multi_head_attention 4 16 causal", "MultiHeadAttention heads=4 key_dim=16 causal"}},
	{nn.PixelShuffle{Factor: 2}, []string{"pixel_shuffle 2", "depth_to_space 2"}},
	{nn.UpSampling2D{Interpolation: nn.Bilinear}, []string{"up_sampling2d interpolation=bilinear"}},
	{nn.PositionEmbedding{Sinusoidal: true}, []string{"position_embedding sinusoidal"}},
	{nn.Conv1D{Filters: 4, Kernel: 3, Padding: nn.Causal}, []string{"conv1d 4 3 padding=causal"}},
	{nn.GRU{Units: 4, ResetBefore: true}, []string{"gru 4 reset_before"}},
	{nn.Dense{Units: 3, Activation: nn.GELU}, []string{"dense 3 gelu", "dense 3 GELU"}},
	{nn.Dropout{Rate: 0.5}, []string{"dropout 0.5", "dropout .5", "dropout rate=5e-1"}},
	{nn.Dropout{}, []string{"dropout 0"}},
	{nn.GaussianNoise{Stddev: 0.2}, []string{"gaussian_noise 0.2", "GaussianNoise 0.2", "gaussiannoise 0.2"}},
	{nn.Reshape{28, 28, 1}, []string{"reshape 28x28x1", "reshape 28×28×1", "unflatten 28x28x1"}},
	{nn.Reshape{-1, 4}, []string{"reshape -1x4", "reshape -1,4"}},
	{nn.Reshape{}, []string{"reshape ()"}},
	{nn.Permute{2, 1}, []string{"permute 2,1", "permute 2x1", "permute axes=2,1"}},
	{nn.Conv2D{Filters: 32, Kernel: nn.Square(3), Activation: nn.SELU, Strides: nn.Square(2), Padding: nn.Same},
		[]string{"conv2d 32 3x3 selu strides=2 padding=same", "conv2d 32 3 selu strides=2x2 padding=Same", "Conv2D padding=same 32 3,3 selu strides=2"}},
	{nn.Conv2D{Filters: 8, Kernel: nn.Pair{1, 5}, Dilation: nn.Pair{1, 2}}, []string{"conv2d 8 1x5 dilation_rate=1x2", "conv2d 8 1x5 dilation=1x2"}},
	{nn.Conv2DTranspose{Filters: 1, Kernel: nn.Square(3), OutputPadding: &nn.Pair{}},
		[]string{"conv2d_transpose 1 3x3 output_padding=0", "Conv2DTranspose 1 3 linear OutputPadding=0x0", "conv_transpose2d 1 3 output_padding=0"}},
	{nn.Conv1D{Filters: 8, Kernel: 5, Strides: 2}, []string{"conv1d 8 5 strides=2"}},
	{nn.MaxPooling2D{}, []string{"max_pooling2d", "MaxPool2D"}},
	{nn.MaxPooling2D{Pool: nn.Square(2), Padding: nn.Same}, []string{"max_pooling2d 2x2 padding=same", "max_pool_2d 2 padding=same"}},
	{nn.MaxPooling2D{Strides: nn.Pair{1, 2}}, []string{"max_pooling2d strides=1x2"}},
	{nn.ZeroPadding2D{Padding: nn.Margins{Top: 1, Bottom: 2, Left: 3, Right: 4}}, []string{"zero_padding2d 1,2,3,4"}},
	{nn.Cropping2D{Cropping: nn.Margins{Top: 2, Bottom: 2, Left: 2, Right: 2}}, []string{"cropping2d 2", "cropping2d 2,2,2,2"}},
	{nn.LSTM{Units: 100, ReturnSequences: true}, []string{"lstm 100 return_sequences", "LSTM 100 returnsequences=TRUE"}},
	{nn.BatchNormalization{Momentum: 0.9}, []string{"batch_normalization momentum=0.9", "BatchNorm momentum=.9"}},
	{nn.RepeatVector{Times: 28}, []string{"repeat_vector 28", "repeat_vector times=28"}},
	{nn.TimeDistributed{Layer: nn.Dense{Units: 28, Activation: nn.Sigmoid}},
		[]string{"time_distributed (dense 28 sigmoid)", "TimeDistributed(Dense 28 sigmoid)", "time_distributed layer=(\n dense 28 sigmoid # of a step\n)"}},
	{nn.Bidirectional{Layer: nn.LSTM{Units: 30}}, []string{"bidirectional (lstm 30)"}},
	{nn.TimeDistributed{Layer: nn.TimeDistributed{Layer: nn.Flatten{}}}, []string{"time_distributed (time_distributed (flatten))"}},
	{nn.Residual{Layers: nn.Layers{nn.Dense{Units: 9, Activation: nn.SELU}, nn.Dense{Units: 4}}},
		[]string{"residual (dense 9 selu > dense 4)", "Residual layers=(dense 9 selu > dense 4)"}},
	{nn.Residual{Layers: nn.Layers{nn.Dense{Units: 4}}, Projection: nn.Layers{nn.Dense{Units: 4}}, Activation: nn.ReLU},
		[]string{"residual (dense 4) projection=(dense 4) activation=relu"}},
	{nn.Parallel{Branches: []nn.Layers{nil, {nn.Dense{Units: 3}, nn.Dense{Units: 2}}, {nn.Flatten{}}}},
		[]string{"parallel () (dense 3 > dense 2) (flatten)", "Parallel branches=() (dense 3 > dense 2) branches=(flatten) merge=concatenate"}},
	{nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 3}}, {nn.Parallel{Branches: []nn.Layers{nil, nil}}}}, Merge: nn.Add},
		[]string{"parallel (dense 3) (parallel () ()) merge=add"}},
	{nn.Tied{To: "code", Activation: nn.Sigmoid, NoBias: true}, []string{"tied code sigmoid no_bias"}},
	{nn.Tap{Name: "wide"}, []string{"tap wide", `tap "wide"`, "Tap name=wide"}},
	{nn.Tap{Name: "name"}, []string{`tap "name"`}},
	{nn.Named{Name: "code", Layer: nn.Frozen{Layer: nn.Dense{Units: 3}}}, []string{"named code (frozen (dense 3))"}},

	{block{Name: "a b", Layers: nn.Layers{nn.Dense{Units: 3}, nn.Flatten{}}},
		[]string{`block "a b" layers=(dense 3 > flatten)`, `block layers=(dense 3` + "\n" + `flatten) name="a b"`}},
	{block{Name: "training", Training: true, Tags: map[string]int{"a": 1}, Scales: []float64{1, 2.5}},
		[]string{`block "training" training tags={"a":1} scales=[1,2.5]`, `block name=training training=true tags={ "a": 1 } scales=[1, 2.5]`}},
	{block{Shared: Shared{Seed: 7, Rate: 0.1}, Small: 200}, []string{"block small=200 seed=7 rate=0.1", "block seed=7 rate=0.1 small=200"}},
	{&pointer{Weight: 0.25, On: new(bool)}, []string{"pointer 0.25 on=false"}},
	{private{3}, []string{`private {"n":3}`}},
	{scale(2.5), []string{"scale 2.5", "scale value=2.5"}},
	{Scale{2}, []string{"Scale 2", "Scale factor=2"}},
}

func TestLayersAreParsedAndFormatted(t *testing.T) {
	for _, c := range layerTexts {
		for _, text := range c.texts {
			encoder, _, err := architecture.Parse(text + " | flatten")
			if err != nil {
				t.Errorf("%q: %v", text, err)
			} else if !reflect.DeepEqual(encoder, nn.Layers{c.layer}) {
				t.Errorf("%q: got %#v, want %#v", text, encoder[0], c.layer)
			}
		}
		if got := architecture.Format(nn.Layers{c.layer}, nn.Layers{nn.Flatten{}}); got != c.texts[0]+" | flatten" {
			t.Errorf("%#v: got %q, want %q", c.layer, got, c.texts[0])
		}
	}
}

func TestFormatOfWhatCannotBeParsedStillTellsIt(t *testing.T) {
	var none *pointer
	got := architecture.Format(nn.Layers{nil, none}, nn.Layers{nn.Dense{Activation: 99}, nn.TimeDistributed{}})
	if want := `nil > pointer | dense 0 "Func(99)" > time_distributed ()`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseForStatesTheShapeOfSamples(t *testing.T) {
	const text = "flatten > dense 30 | dense 784 > reshape 28x28"
	encoder, _, err := architecture.ParseFor(tensor.Shape{28, 28}, text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(encoder[0], nn.Input{28, 28}) || len(encoder) != 3 {
		t.Errorf("got encoder %v, want Input 28x28 in front", encoder)
	}
	again, _, err := architecture.ParseFor(tensor.Shape{28, 28}, "input 28x28 > "+text)
	if err != nil || !reflect.DeepEqual(again, encoder) {
		t.Errorf("with input: got %v, %v, want %v", again, err, encoder)
	}
}

// A skip from the encoder to the decoder is written as it is read.
func TestSkipIsParsedAndFormatted(t *testing.T) {
	const text = "input 8 > dense 6 selu > tap wide > dense 2 | dense 6 selu > join wide add > dense 8"
	encoder, decoder, err := architecture.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := architecture.Format(encoder, decoder); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
}

// TestEveryLayerCanBeSaid holds the layers of nn to the words of the line: JSON is
// for types of others.
func TestEveryLayerCanBeSaid(t *testing.T) {
	usage := architecture.Usage()
	for _, l := range []string{"dense UNITS [ACTIVATION] [no_bias] ", "time_distributed (LAYER)\n", "flatten\n",
		"residual (LAYERS) [projection=(…)] [activation=NAME]\n", "parallel (BRANCHES)... [merge=concatenate|add|multiply]\n",
		"join NAME [MERGE] [tapped_first]\n", "named NAME (LAYER)\n",
		"conv2d FILTERS KERNEL_SIZE [ACTIVATION] [strides=NxN] [padding=valid|same] [dilation_rate=NxN] [no_bias] "} {
		if !strings.Contains(usage, l) {
			t.Errorf("usage lacks %q:\n%s", l, usage)
		}
	}
	for line := range strings.Lines(usage) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		own := name == "block" || name == "private" || name == "pointer" || name == "scale"
		if !own && strings.Contains(line, "JSON") {
			t.Errorf("%s has an option that only JSON can say: %s", name, line)
		}
	}
}
