package hourglass_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"

	"hourglass"
	"hourglass/dataset"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// line returns points on the line y = 2x - 0.5, z = 0.5 - x, which a code of one
// number can describe.
func line(n int) tensor.Tensor {
	points := tensor.New(n, 3)
	for i := range n {
		x := float32(i) / float32(n-1)
		copy(points.Row(i), []float32{x, 2*x - 0.5, 0.5 - x})
	}
	return points
}

// An autoencoder learns that points in space lie on a line.
func Example() {
	ae, err := hourglass.New(
		nn.Layers{nn.Input{3}, nn.Dense{Units: 1}},
		nn.Layers{nn.Dense{Units: 3}},
	)
	if err != nil {
		log.Fatal(err)
	}
	points := line(64)
	history, err := ae.Fit(context.Background(), dataset.Array{Tensor: points},
		hourglass.Epochs(200), hourglass.BatchSize(8), hourglass.Optimizer(optim.Adam{LearningRate: 0.01}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("loss below 0.0001: %v\n", history.Last().Train.Loss < 1e-4)

	codes, err := ae.Encode(points)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("codes:", codes.Shape)

	y, err := ae.Reconstruct(line(3))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("the end is at %.1f\n", y.Row(2))
	// Output:
	// loss below 0.0001: true
	// codes: 64×1
	// the end is at [1.0 1.5 -0.5]
}

// Images are trained on as bytes; metrics and validation data are options.
func ExampleAutoencoder_Fit() {
	ae, err := hourglass.New(
		nn.Layers{nn.Input{4, 4}, nn.Flatten{}, nn.Dense{Units: 2, Activation: nn.SELU}},
		nn.Layers{nn.Dense{Units: 16, Activation: nn.Sigmoid}, nn.Reshape{4, 4}},
	)
	if err != nil {
		log.Fatal(err)
	}
	// White squares in one of four corners.
	images := &dataset.Images{Shape: tensor.Shape{4, 4}, Pixels: make([]byte, 64*16)}
	for i := range images.Len() {
		corner := []int{0, 2, 8, 10}[i%4]
		for _, at := range []int{0, 1, 4, 5} {
			images.Pixels[16*i+corner+at] = 255
		}
	}
	history, err := ae.Fit(context.Background(), images.Slice(0, 48),
		hourglass.Epochs(100),
		hourglass.BatchSize(4),
		hourglass.Optimizer(optim.Adam{LearningRate: 0.03}),
		hourglass.Metrics(metric.RoundedAccuracy{}),
		hourglass.Validation(images.Slice(48, 64)))
	if err != nil {
		log.Fatal(err)
	}
	last := history.Last()
	fmt.Printf("epoch %d: val_rounded_accuracy %.2f\n", last.Epoch, last.Validation.Metrics[0])
	// Output:
	// epoch 100: val_rounded_accuracy 1.00
}

// A saved autoencoder is one file, from which it comes back bit for bit.
func ExampleLoad() {
	ae, err := hourglass.New(
		nn.Layers{nn.Input{3}, nn.Dense{Units: 2, Activation: nn.Tanh}},
		nn.Layers{nn.Dense{Units: 3}},
	)
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.safetensors")
	if err := ae.Save(path); err != nil {
		log.Fatal(err)
	}
	loaded, err := hourglass.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	before, err := ae.Reconstruct(line(5))
	if err != nil {
		log.Fatal(err)
	}
	after, err := loaded.Reconstruct(line(5))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(before.Row(4)[2] == after.Row(4)[2])
	// Output:
	// true
}

// Samples unlike those that an autoencoder knows are reconstructed badly.
func ExampleAutoencoder_Score() {
	ae, err := hourglass.New(nn.Layers{nn.Input{3}, nn.Dense{Units: 1}}, nn.Layers{nn.Dense{Units: 3}})
	if err != nil {
		log.Fatal(err)
	}
	_, err = ae.Fit(context.Background(), dataset.Array{Tensor: line(64)},
		hourglass.Epochs(200), hourglass.BatchSize(8), hourglass.Optimizer(optim.Adam{LearningRate: 0.01}))
	if err != nil {
		log.Fatal(err)
	}
	points := line(3)
	copy(points.Row(1), []float32{1, 0, 1}) // far from the line
	scores, err := ae.Score(points)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range scores {
		fmt.Println(s > 0.1)
	}
	// Output:
	// false
	// true
	// false
}

// Scale is a layer that this library does not have: it multiplies every feature
// by a learned factor, y = Start·s⊙x, where s starts as ones. It takes samples of
// shape (features).
type Scale struct {
	Start float64 `json:"start"` // what all factors start from
}

// Bind fixes the layer to an input shape, or says why it does not take it.
func (l Scale) Bind(in tensor.Shape) (nn.Stage, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("got samples of shape %v, want one axis", in)
	}
	if math.IsNaN(l.Start) || math.IsInf(l.Start, 0) {
		return nil, fmt.Errorf("start is %v, want a finite number", l.Start)
	}
	return scaleStage{l, in[0]}, nil
}

// scaleStage is a Scale that knows how many features there are.
type scaleStage struct {
	Scale
	features int
}

// Plan declares the factors.
func (s scaleStage) Plan() nn.Plan {
	return nn.Plan{
		Output: tensor.Shape{s.features},
		Params: []nn.Param{{Name: "factor", Shape: tensor.Shape{s.features}, Init: nn.Ones}},
	}
}

// Forward: y = Start·s⊙x.
func (s scaleStage) Forward(f *nn.Frame) {
	for i, x := range f.X {
		f.Y[i] = float32(s.Start) * f.Params[0][i%s.features] * x
	}
}

// Backward: dx = Start·s⊙dy. There is no dx to compute if nothing in front learns.
func (s scaleStage) Backward(f *nn.Frame) {
	for i := range f.DX {
		f.DX[i] = float32(s.Start) * f.Params[0][i%s.features] * f.DY[i]
	}
}

// Gradient: ds = Start·Σ x⊙dy over the samples, for factors lo to hi.
func (s scaleStage) Gradient(f *nn.Frame, _, lo, hi int) {
	for j := lo; j < hi; j++ {
		sum := float32(0)
		for i := j; i < len(f.X); i += s.features {
			sum += f.X[i] * f.DY[i]
		}
		f.Grads[0][j] = float32(s.Start) * sum
	}
}

// A layer written outside the library is trained, saved and loaded like one of
// its own.
func Example_layer() {
	nn.Register(Scale{})
	ae, err := hourglass.New(
		nn.Layers{nn.Input{3}, Scale{Start: 0.5}},
		nn.Layers{Scale{Start: 0.25}},
	)
	if err != nil {
		log.Fatal(err)
	}
	_, err = ae.Fit(context.Background(), dataset.Array{Tensor: line(64)},
		hourglass.Epochs(100), hourglass.BatchSize(8), hourglass.Optimizer(optim.Adam{LearningRate: 0.1}))
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "scale.safetensors")
	if err := ae.Save(path); err != nil {
		log.Fatal(err)
	}
	ae, err = hourglass.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	y, err := ae.Reconstruct(line(5))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f\n", y.Row(4))
	fmt.Print(ae.Encoder().Summary("encoder"))
	// Output:
	// [1.00 1.50 -0.50]
	// Model: "encoder"
	// _________________________________________________________________
	//  Layer (type)                Output Shape              Param #
	// =================================================================
	//  scale (Scale)               (None, 3)                 3
	//
	// =================================================================
	// Total params: 3 (12.00 B)
	// Trainable params: 3 (12.00 B)
	// Non-trainable params: 0 (0.00 B)
	// _________________________________________________________________
}

// A conditional autoencoder is told the class of each sample, by its data while it learns and
// by Given later: one code becomes a sample of any class.
func ExampleAutoencoder_Given() {
	data, err := dataset.Open(context.Background(), dataset.Digits, dataset.Options{TrainSize: 300})
	if err != nil {
		log.Fatal(err)
	}
	ae, err := hourglass.New(
		nn.Layers{nn.Input{28, 28}, nn.Flatten{}, nn.Condition{Classes: 10}, nn.Dense{Units: 8, Activation: nn.SELU}},
		nn.Layers{nn.Condition{Classes: 10}, nn.Dense{Units: 784, Activation: nn.Sigmoid}, nn.Reshape{28, 28}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := ae.Fit(context.Background(), data.Train, hourglass.Epochs(1)); err != nil {
		log.Fatal(err)
	}
	codes, err := ae.Given(7).Encode(data.Train.Tensor(0, 2))
	if err != nil {
		log.Fatal(err)
	}
	threes, err := ae.Given(3).Decode(codes)
	fmt.Println(threes.Shape, err)
	_, err = ae.Decode(codes)
	fmt.Println(err)
	// Output:
	// 2×28×28 <nil>
	// hourglass: decode: the model asks for labels of 10 classes, want Given(labels) in front
}
