package architecture_test

import (
	"strings"
	"testing"

	"hourglass/architecture"
	"hourglass/nn"
	"hourglass/tensor"
)

func TestDefault(t *testing.T) {
	for _, c := range []struct {
		shape     tensor.Shape
		codes     int
		output    nn.Func
		text, why string
	}{
		{tensor.Shape{28, 28}, 30, nn.Sigmoid,
			"input 28x28 > flatten > dense 150 selu > dense 30 | dense 150 selu > dense 784 sigmoid > reshape 28x28",
			"samples of shape 28×28: dense layers, 784 → 150 → 30 codes; sigmoid output, for values in [0, 1]"},
		{tensor.Shape{28, 28, 1}, 2, nn.Tanh,
			"input 28x28x1 > flatten > dense 110 selu > dense 32 selu > dense 2 | " +
				"dense 32 selu > dense 110 selu > dense 784 tanh > reshape 28x28x1",
			"samples of shape 28×28×1: dense layers, 784 → 110 → 32 → 2 codes; tanh output, for values in [-1, 1]"},
		{tensor.Shape{13}, 0, nn.Linear,
			"input 13 > dense 32 selu > dense 4 | dense 32 selu > dense 13",
			"samples of shape 13: dense layers, 13 → 32 → 4 codes; linear output, for values of any size"},
		{tensor.Shape{3}, 5, nn.Linear,
			"input 3 > dense 32 selu > dense 5 | dense 32 selu > dense 3",
			"samples of shape 3: dense layers, 3 → 32 → 5 codes; as many codes as values need not leave anything out, " +
				"so take fewer; linear output, for values of any size"},
		{tensor.Shape{100, 12}, 30, nn.Linear, // a sequence
			"input 100x12 > flatten > dense 190 selu > dense 30 | dense 190 selu > dense 1200 > reshape 100x12",
			"samples of shape 100×12: dense layers, 1200 → 190 → 30 codes; linear output, for values of any size"},
		{tensor.Shape{64, 64}, 30, nn.Sigmoid,
			"input 64x64 > reshape 64x64x1 > conv2d 16 3x3 selu strides=2 padding=same > conv2d 32 3x3 selu strides=2 padding=same > " +
				"conv2d 64 3x3 selu strides=2 padding=same > flatten > dense 30 | " +
				"dense 4096 selu > reshape 8x8x64 > conv2d_transpose 32 3x3 selu strides=2 padding=same > " +
				"conv2d_transpose 16 3x3 selu strides=2 padding=same > conv2d_transpose 1 3x3 sigmoid strides=2 padding=same > reshape 64x64",
			"samples of shape 64×64: an image, so 3 convolutions of stride 2 down to 8×8×64, then 30 codes; sigmoid output, for values in [0, 1]"},
		{tensor.Shape{17, 20, 3}, 8, nn.Sigmoid,
			"input 17x20x3 > conv2d 16 3x3 selu strides=2 padding=same > conv2d 32 3x3 selu strides=2 padding=same > flatten > dense 8 | " +
				"dense 800 selu > reshape 5x5x32 > conv2d_transpose 16 3x3 selu strides=2 padding=same output_padding=0x1 > " +
				"conv2d_transpose 3 3x3 sigmoid strides=2 padding=same output_padding=0x1",
			"samples of shape 17×20×3: an image, so 2 convolutions of stride 2 down to 5×5×32, then 8 codes; sigmoid output, for values in [0, 1]"},
	} {
		encoder, decoder, why := architecture.Default(c.shape, c.codes, c.output)
		if got := architecture.Format(encoder, decoder); got != c.text {
			t.Errorf("%v, %d codes:\n got %s\nwant %s", c.shape, c.codes, got, c.text)
		}
		if why != c.why {
			t.Errorf("%v, %d codes:\n got %s\nwant %s", c.shape, c.codes, why, c.why)
		}
	}
}

func TestDefaultLeadsToTheCodesAndBack(t *testing.T) {
	for _, shape := range []tensor.Shape{{1}, {2}, {784}, {100000}, {1, 1}, {28, 28}, {64, 65}, {63, 1000}, {99, 99},
		{8, 8, 3}, {16, 16, 2}, {17, 33, 3}, {64, 64, 1}, {65, 127, 3}, {16, 500, 4}, {250, 333, 3}, {3, 4, 5, 6}} {
		for _, codes := range []int{1, 2, 30, 600} {
			encoder, decoder, why := architecture.Default(shape, codes, nn.Sigmoid)
			coded, decoded := output(t, shape, encoder), output(t, tensor.Shape{codes}, decoder)
			if !coded.Equal(tensor.Shape{codes}) || !decoded.Equal(shape) || why == "" {
				t.Errorf("%v: codes %v of %d, and back to %v: %q", shape, coded, codes, decoded, why)
			}
		}
	}
}

// output returns what layers make of samples of a shape.
func output(t *testing.T, shape tensor.Shape, layers nn.Layers) tensor.Shape {
	t.Helper()
	for _, l := range layers {
		stage, err := l.Bind(shape)
		if err != nil {
			t.Fatalf("%s on %v: %v", nn.Kind(l), shape, err)
		}
		shape = stage.Plan().Output
	}
	return shape
}

func TestDefaultForNoShapeIsRefusedWhereItIsBound(t *testing.T) {
	for _, shape := range []tensor.Shape{nil, {}, {0}, {28, -1}, {1 << 20, 1 << 20}} {
		encoder, decoder, why := architecture.Default(shape, 3, nn.Linear)
		if _, err := nn.CountWeights(nil, append(encoder, decoder...)...); err == nil || !strings.Contains(why, "no samples") {
			t.Errorf("%v: got error %v and %q", shape, err, why)
		}
	}
}
