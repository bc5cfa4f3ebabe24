// Package models has the autoencoders that the formats below exchange are tested with: each
// layer there is, each recipe, each way to scale data, with weights that are the same on
// every platform.
package models

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/nn"
	"hourglass/recipe"
	"hourglass/tensor"
)

// Parsed returns an autoencoder that is written in a line.
func Parsed(t testing.TB, line string) *hourglass.Autoencoder {
	t.Helper()
	encoder, decoder, err := architecture.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	return Filled(t, encoder, decoder)
}

// Samples returns values for inputs of a shape.
func Samples(t testing.TB, count int, shape tensor.Shape) tensor.Tensor {
	t.Helper()
	x, err := tensor.FromSlice(golden.Values(99, count*shape.Size(), -1, 1), append([]int{count}, shape...)...)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Filled returns an autoencoder with weights that are the same on every platform.
func Filled(t testing.TB, encoder, decoder nn.Layers) *hourglass.Autoencoder {
	t.Helper()
	ae, err := hourglass.New(encoder, decoder)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range ae.Network().Arrays() {
		limit := 0.3
		if n := len(a.Shape); n > 1 { // values stay of the size of 1 in wide layers too
			limit = min(limit, math.Sqrt(6/float64(a.Shape[n-2]+a.Shape[n-1])))
		}
		lo, hi := -limit, limit
		if strings.HasSuffix(a.Name, "variance") {
			lo, hi = 0.5, 2
		}
		copy(a.Values, golden.Values(uint64(i+1), len(a.Values), lo, hi))
	}
	return ae
}

// Around returns an autoencoder with a layer in its encoder.
func Around(t testing.TB, in tensor.Shape, layers ...nn.Layer) *hourglass.Autoencoder {
	t.Helper()
	return Filled(t, append(nn.Layers{nn.Input(in)}, layers...), nn.Layers{nn.Flatten{}, nn.Dense{Units: in.Size()}, nn.Reshape(in)})
}

// NestedSkips is a U-Net in the way that it is read where its skips have no names, cut at its
// smallest values.
const NestedSkips = "input 8x8x2 > conv2d 3 3x3 relu padding=same > tap skip1 > max_pooling2d 2x2 > conv2d 4 3x3 relu padding=same > tap skip4 > max_pooling2d 2x2 > " +
	"conv2d 5 3x3 relu padding=same > max_pooling2d 2x2 > conv2d 3 1x1 | conv2d_transpose 4 4x4 relu strides=4 > join skip4 > " +
	"conv2d_transpose 3 2x2 relu strides=2 > join skip1 > conv2d 2 1x1"

// Model is an autoencoder to write.
type Model struct {
	Name string
	AE   *hourglass.Autoencoder
}

// EveryLayer has each layer of nn and each activation, some in several ways.
func EveryLayer(t testing.TB) []Model {
	image, sequence, vector := tensor.Shape{7, 6, 3}, tensor.Shape{5, 4}, tensor.Shape{6}
	var models []Model
	add := func(in tensor.Shape, layers ...nn.Layer) {
		kind := nn.Kind(layers[0])
		models = append(models, Model{fmt.Sprintf("%02d-%s", len(models), kind), Around(t, in, layers...)})
	}
	for fn := nn.Linear; ; fn++ {
		if _, err := fn.MarshalText(); err != nil {
			break
		}
		add(vector, nn.Dense{Units: 5, Activation: fn})
	}
	add(vector, nn.Activation{Func: nn.LeakyReLU, Slope: 0.05})
	add(vector, nn.Dense{Units: 5, NoBias: true})
	add(image, nn.Dense{Units: 5, Activation: nn.Tanh})
	add(image, nn.Activation{Func: nn.Tanh})
	add(vector, nn.GaussianNoise{Stddev: 0.5}, nn.Dropout{Rate: 0.5}, nn.Dense{Units: 2})
	add(image, nn.Flatten{}, nn.Reshape{3, 42}, nn.Permute{2, 1})
	add(image, nn.Permute{3, 1, 2}, nn.Conv2D{Filters: 2, Kernel: nn.Square(2)})
	add(image, nn.BatchNormalization{})
	add(vector, nn.BatchNormalization{Epsilon: 1e-5, Momentum: 0.9})
	add(sequence, nn.BatchNormalization{})
	add(image, nn.Conv2D{Filters: 2, Kernel: nn.Square(2)}, nn.Flatten{}, nn.BatchNormalization{}, nn.Dense{Units: 3})
	add(image, nn.LayerNormalization{})
	add(sequence, nn.LayerNormalization{Epsilon: 1e-5})
	for _, padding := range []nn.Padding{nn.Valid, nn.Same} {
		add(image, nn.Conv2D{Filters: 4, Kernel: nn.Pair{3, 2}, Strides: nn.Pair{2, 1}, Padding: padding, Activation: nn.SELU})
		add(image, nn.Conv2D{Filters: 4, Kernel: nn.Square(2), Dilation: nn.Pair{2, 3}, Padding: padding, NoBias: true})
		add(sequence, nn.Conv1D{Filters: 3, Kernel: 2, Strides: 2, Padding: padding})
		add(image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Pair{3, 4}, Strides: nn.Pair{2, 3}, Padding: padding})
		add(image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Pair{2, 1}, Strides: nn.Pair{3, 2}, Padding: padding, Activation: nn.ReLU})
		add(image, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: padding, OutputPadding: &nn.Pair{1, 0}})
		add(sequence, nn.Conv1DTranspose{Filters: 3, Kernel: 3, Strides: 2, Padding: padding})
		add(image, nn.MaxPooling2D{Pool: nn.Pair{3, 2}, Strides: nn.Square(2), Padding: padding})
		add(image, nn.AveragePooling2D{Pool: nn.Pair{3, 2}, Strides: nn.Square(2), Padding: padding})
	}
	add(image, nn.MaxPooling2D{})
	add(image, nn.GlobalAveragePooling2D{}, nn.Dense{Units: 2})
	add(image, nn.UpSampling2D{Size: nn.Pair{2, 3}})
	add(image, nn.ZeroPadding2D{Padding: nn.Margins{Top: 1, Bottom: 2, Left: 3, Right: 0}})
	add(image, nn.Cropping2D{Cropping: nn.Margins{Top: 1, Bottom: 2, Left: 3, Right: 0}})
	for _, sequences := range []bool{false, true} {
		for _, l := range []nn.Layer{
			nn.SimpleRNN{Units: 3, ReturnSequences: sequences}, nn.LSTM{Units: 3, ReturnSequences: sequences},
			nn.GRU{Units: 3, ReturnSequences: sequences}, nn.GRU{Units: 3, ReturnSequences: sequences, ResetBefore: true}, nn.LSTM{Units: 3, ReturnSequences: sequences, NoBias: true},
		} {
			add(sequence, l)
			add(sequence, nn.Bidirectional{Layer: l})
		}
	}
	add(sequence, nn.LSTM{Units: 3, ReturnSequences: true}, nn.GRU{Units: 2})
	add(sequence, nn.Bidirectional{Layer: nn.Conv1D{Filters: 2, Kernel: 2, Padding: nn.Same}})
	add(sequence, nn.Bidirectional{Layer: nn.Conv1D{Filters: 2, Kernel: 2}})
	add(vector, nn.RepeatVector{Times: 3}, nn.GRU{Units: 4, ReturnSequences: true}, nn.TimeDistributed{Layer: nn.Dense{Units: 2, Activation: nn.Sigmoid}})
	add(tensor.Shape{2, 6, 5, 3}, nn.TimeDistributed{Layer: nn.Conv2D{Filters: 2, Kernel: nn.Square(3)}})
	add(vector, nn.Dense{Units: 24, Activation: nn.ReLU}, nn.Reshape{4, 3, 2}, nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(2)})
	add(tensor.Shape{4, 4, 8}, nn.GroupNormalization{Groups: 4})
	add(sequence, nn.GroupNormalization{Groups: -1, Epsilon: 1e-5})
	add(image, nn.PReLU{SharedAxes: []int{1, 2}})
	add(vector, nn.PReLU{})
	add(sequence, nn.PositionEmbedding{})
	add(sequence, nn.PositionEmbedding{Sinusoidal: true})
	add(tensor.Shape{3, 2, 8}, nn.PixelShuffle{Factor: 2})
	add(image, nn.UpSampling2D{Size: nn.Pair{2, 3}, Interpolation: nn.Bilinear})
	conv := func(filters int) nn.Layer {
		return nn.Conv2D{Filters: filters, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.ReLU}
	}
	add(image, nn.Residual{Layers: nn.Layers{conv(2), conv(3)}, Activation: nn.ReLU})
	add(image, nn.Residual{Layers: nn.Layers{conv(2)}, Projection: nn.Layers{nn.Conv2D{Filters: 2, Kernel: nn.Square(1)}}})
	add(vector, nn.Dense{Units: 4}, nn.Residual{Layers: nn.Layers{nn.LayerNormalization{}, nn.Dense{Units: 4, Activation: nn.GELU}}})
	add(sequence, nn.Residual{Layers: nn.Layers{nn.LSTM{Units: 4, ReturnSequences: true}}})
	add(image, nn.Parallel{Branches: []nn.Layers{{}, {conv(2)}, {nn.MaxPooling2D{}, nn.UpSampling2D{}, nn.ZeroPadding2D{Padding: nn.Margins{Bottom: 1}}}}})
	add(vector, nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 3}}, {nn.Dense{Units: 3, Activation: nn.Tanh}}}, Merge: nn.Multiply})
	add(image, nn.Tap{Name: "skip"}, conv(4), nn.Join{Name: "skip"}, conv(3), nn.Join{Name: "skip", Merge: nn.Add})
	add(image, nn.Named{Name: "first", Layer: conv(2)}, nn.Frozen{Layer: nn.Dense{Units: 3}})
	add(image, nn.Regularized{Layer: nn.Dense{Units: 3}, L2: 0.1}, nn.ActivityRegularization{L2: 0.1}, nn.Activation{Func: nn.Sigmoid}, nn.KLRegularization{Target: 0.1, Weight: 0.1})
	add(vector, nn.MaskingNoise{Rate: 0.1}, nn.SaltAndPepperNoise{Rate: 0.1}, nn.Dense{Units: 2}, nn.MMDRegularization{Weight: 1})
	add(vector, nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 2}}, {nn.Dense{Units: 2}}}}, nn.Sampling{Weight: 1})
	add(image, nn.Named{Name: "block", Layer: nn.Residual{Layers: nn.Layers{nn.Named{Name: "inner", Layer: conv(3)}}}})
	for _, padding := range []nn.Padding{nn.Valid, nn.Same} {
		add(image, nn.DepthwiseConv2D{Kernel: nn.Pair{3, 2}, Strides: nn.Square(2), Multiplier: 2, Padding: padding, Activation: nn.ReLU})
		add(image, nn.SeparableConv2D{Filters: 4, Kernel: nn.Pair{2, 3}, Dilation: nn.Square(2), Padding: padding, Activation: nn.GELU})
		add(sequence, nn.DepthwiseConv1D{Kernel: 3, Padding: padding, NoBias: true})
		add(sequence, nn.SeparableConv1D{Filters: 5, Kernel: 3, Strides: 2, Multiplier: 3, Padding: padding})
	}
	add(sequence, nn.MultiHeadAttention{Heads: 2, KeyDim: 3})
	add(sequence, nn.MultiHeadAttention{Heads: 3, KeyDim: 2, ValueDim: 5, Causal: true, NoBias: true})
	add(sequence, nn.Residual{Layers: nn.Layers{nn.LayerNormalization{}, nn.MultiHeadAttention{Heads: 2, KeyDim: 2, Causal: true}}})
	halves := nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 2}}, {nn.Dense{Units: 2}}}}
	add(vector, nn.Dense{Units: 9}, nn.ColumnActivation{Columns: "numbers:3,classes:4,booleans:2"})
	add(vector, nn.Dense{Units: 3}, nn.VectorQuantizer{Codes: 4, Commitment: 0.25}, nn.Dense{Units: 2})
	add(image, nn.VectorQuantizer{Codes: 5, Commitment: 1, Decay: 0.9})
	add(vector, nn.Dense{Units: 3}, nn.Adversary{Layers: nn.Layers{nn.Dense{Units: 4, Activation: nn.ReLU}, nn.Dense{Units: 1}}, Weight: 0.5})
	wide := nn.Named{Name: "wide", Layer: nn.Dense{Units: 5, Activation: nn.SELU}}
	models = append(models,
		Model{"tied-vectors", Filled(t, nn.Layers{nn.Input{6}, wide, nn.Named{Name: "narrow", Layer: nn.Dense{Units: 3}}},
			nn.Layers{nn.Tied{To: "narrow", Activation: nn.Tanh}, nn.Tied{To: "wide", NoBias: true}})},
		Model{"tied-images", Filled(t, nn.Layers{nn.Input{4, 3, 2}, conv(2), nn.Flatten{}, wide}, nn.Layers{nn.Tied{To: "wide"}, nn.Reshape{4, 3, 2}, conv(2)})},
		Model{"drawn-importance", Around(t, vector, halves, nn.ImportanceSampling{Samples: 2, Weight: 1})},
		Model{"drawn-tc", Around(t, vector, halves, nn.TCSampling{Weight: 1, Correlation: 2, Samples: 9})},
		Model{"contractive-dense", Around(t, vector, nn.Contractive{Layers: nn.Layers{nn.Dense{Units: 4, Activation: nn.Tanh}}, Weight: 1})},
		Model{"contractive-images", Around(t, image, nn.PatchMasking{Size: nn.Pair{7, 2}, Rate: 0.5}, nn.Contractive{Layers: nn.Layers{conv(2), nn.Flatten{}, nn.Dense{Units: 3}}, Weight: 1})},
		Model{"tied-steps", Filled(t, nn.Layers{nn.Input{4, 3}, wide}, nn.Layers{nn.Tied{To: "wide", Activation: nn.Sigmoid}})})
	first := nn.Named{Name: "first", Layer: nn.Conv2D{Filters: 4, Kernel: nn.Pair{3, 2}, Strides: nn.Square(2), Padding: nn.Same, Activation: nn.SELU}}
	second := nn.Named{Name: "second", Layer: nn.Frozen{Layer: nn.Conv2D{Filters: 3, Kernel: nn.Square(3), Strides: nn.Pair{1, 2}}}}
	steps := nn.Named{Name: "steps", Layer: nn.Conv1D{Filters: 4, Kernel: 3, Strides: 2, Padding: nn.Same}}
	back := nn.Named{Name: "back", Layer: nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(2), Strides: nn.Square(2), NoBias: true}}
	models = append(models,
		Model{"tied-convolutions", Filled(t, nn.Layers{nn.Input{10, 12, 2}, first, second},
			nn.Layers{nn.Tied{To: "second", Activation: nn.SELU}, nn.Residual{Layers: nn.Layers{back, nn.Tied{To: "back"}}}, nn.Tied{To: "first", Activation: nn.Sigmoid}})},
		Model{"tied-sequences", Filled(t, nn.Layers{nn.Input{8, 2}, steps}, nn.Layers{nn.Tied{To: "steps", NoBias: true}})})
	models = append(models, conditioned(t)...)
	return append(models, Model{"skips", Filled(t,
		nn.Layers{nn.Input{8, 8, 1}, conv(2), nn.Tap{Name: "a"}, nn.MaxPooling2D{}, conv(3)},
		nn.Layers{nn.UpSampling2D{}, nn.Join{Name: "a"}, conv(1)})},
		Model{"skips-tapped-first", Filled(t,
			nn.Layers{nn.Input{8, 8, 1}, conv(2), nn.Tap{Name: "a"}, nn.MaxPooling2D{}, conv(3), nn.Tap{Name: "b"}, nn.MaxPooling2D{}},
			nn.Layers{nn.UpSampling2D{}, nn.Join{Name: "b", TappedFirst: true}, nn.UpSampling2D{}, nn.Join{Name: "a", TappedFirst: true}, conv(1)})})
}

// conditioned returns autoencoders that are told labels, in several places.
func conditioned(t testing.TB) []Model {
	onehot, learned := nn.Condition{Classes: 3}, nn.Condition{Classes: 4, Embedding: 2}
	conv := nn.Conv2D{Filters: 3, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.ReLU}
	return []Model{
		{"condition-encoder", Around(t, tensor.Shape{6}, onehot, nn.Dense{Units: 2, Activation: nn.Tanh})},
		{"condition-decoder", Filled(t, nn.Layers{nn.Input{6}, nn.Dense{Units: 2}}, nn.Layers{learned, nn.Dense{Units: 6}})},
		{"condition-image", Filled(t, nn.Layers{nn.Input{5, 4, 2}, onehot, conv, nn.Flatten{}, nn.Dense{Units: 3}},
			nn.Layers{onehot, nn.Dense{Units: 40}, nn.Reshape{5, 4, 2}, nn.Condition{Classes: 3, Embedding: 2}, conv, nn.Dense{Units: 2}})},
		{"condition-steps", Filled(t, nn.Layers{nn.Input{5, 2}, learned, nn.GRU{Units: 3}},
			nn.Layers{nn.RepeatVector{Times: 5}, nn.Residual{Layers: nn.Layers{nn.Condition{Classes: 4}, nn.Dense{Units: 3}}}, nn.Dense{Units: 2}})},
	}
}

// Labels returns labels for so many samples, nil where an autoencoder asks for none.
func Labels(ae *hourglass.Autoencoder, count int) []int {
	if ae.Classes() == 0 {
		return nil
	}
	labels := make([]int, count)
	for i := range labels {
		labels[i] = (2*i + 1) % ae.Classes()
	}
	return labels
}

// Reconstruct returns what an autoencoder makes of samples, with Labels where it asks for them.
func Reconstruct(t testing.TB, ae *hourglass.Autoencoder, x tensor.Tensor) tensor.Tensor {
	t.Helper()
	y, err := ae.Given(Labels(ae, x.Len())...).Reconstruct(x)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// WantEveryKind reports kinds of layers that no model has.
func WantEveryKind(t testing.TB, models []Model) {
	t.Helper()
	var has strings.Builder
	for _, m := range models {
		text, err := json.Marshal(nn.Layers(slices.Concat(m.AE.Encoder().Layers(), m.AE.Decoder().Layers())))
		if err != nil {
			t.Fatal(err)
		}
		has.Write(text)
	}
	for _, kind := range nn.Kinds() {
		if !strings.Contains(has.String(), `"layer":"`+kind+`"`) && kind != "Input" {
			t.Errorf("no model has the layer %s", kind)
		}
	}
}

// Recipes returns all recipes.
func Recipes(t testing.TB) []Model {
	var models []Model
	for _, r := range recipe.All() {
		models = append(models, Model{r.Name, Filled(t, r.Encoder, r.Decoder)})
	}
	return models
}

// Scaled returns autoencoders that scale their data.
func Scaled(t testing.TB) []Model {
	var models []Model
	for _, kind := range dataset.Scalings() {
		for _, in := range []tensor.Shape{{6}, {4, 3, 2}} {
			ae := Around(t, in, nn.Activation{Func: nn.Tanh})
			samples, err := tensor.FromSlice(golden.Values(9, 5*in.Size(), -3, 8), append([]int{5}, in...)...)
			if err != nil {
				t.Fatal(err)
			}
			s, err := dataset.FitScaler(t.Context(), kind, dataset.Array{Tensor: samples}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := ae.SetScaler(s); err != nil {
				t.Fatal(err)
			}
			models = append(models, Model{fmt.Sprintf("scaled-%s-%d", kind, len(in)), ae})
		}
	}
	return models
}
