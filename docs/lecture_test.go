package docs_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"log"
	"os"
	"regexp"
	"strings"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/neighbors"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/pca"
	"hourglass/tensor"
	"hourglass/tsne"
)

// The examples below are the programs of lecture.md; a test holds the two
// together. They train on a few built-in digits, so that they run in no time.

var ctx = context.Background()

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func Example_linear() {
	points := dataset.Curve3D(60).Array()
	ae := must(hourglass.New(
		nn.Layers{nn.Input{3}, nn.Dense{Units: 2}},
		nn.Layers{nn.Dense{Units: 3}},
	))
	must(ae.Fit(ctx, points, hourglass.Epochs(20), hourglass.Loss(loss.MeanSquaredError{}),
		hourglass.Optimizer(optim.SGD{LearningRate: 1.5})))

	principal := must(pca.Fit(points.Tensor, 2))
	plane := ae.Decoder().Arrays()[0] // the decoder's 2×3 kernel spans the learned plane
	angles := must(pca.PrincipalAngles(must(tensor.FromSlice(plane.Values, 2, 3)), principal.Components))
	fmt.Printf("the planes are less than %.0f degree apart\n", angles[0]*180/3.14159+1)
	// Output: the planes are less than 1 degree apart
}

func Example_stacked() {
	data := must(dataset.Open(ctx, "digits", dataset.Options{Validation: 200, TrainSize: 640}))
	ae := must(hourglass.New(
		nn.Layers{
			nn.Input{28, 28},
			nn.Flatten{},
			nn.Dense{Units: 100, Activation: nn.SELU},
			nn.Dense{Units: 30, Activation: nn.SELU},
		},
		nn.Layers{
			nn.Dense{Units: 100, Activation: nn.SELU},
			nn.Dense{Units: 28 * 28, Activation: nn.Sigmoid},
			nn.Reshape{28, 28},
		},
	))
	history := must(ae.Fit(ctx, data.Train,
		hourglass.Epochs(2), // 20 in the lecture
		hourglass.Loss(loss.BinaryCrossEntropy{}),
		hourglass.Optimizer(optim.SGD{LearningRate: 1.5}),
		hourglass.Metrics(metric.RoundedAccuracy{}),
		hourglass.Validation(data.Validation)))
	fmt.Println("epochs:", len(history.Epochs))

	images := data.Validation.Tensor(0, 5)
	picture := must(figure.Reconstructions(images, must(ae.Reconstruct(images)), figure.ReconstructionOptions{}))
	fmt.Println("picture:", picture.Image.Bounds().Size())
	// Output:
	// epochs: 2
	// picture: (2250,900)
}

func Example_map() {
	data := must(dataset.Open(ctx, "digits", dataset.Options{Validation: 200, TrainSize: 640}))
	ae := must(hourglass.New(
		nn.Layers{nn.Input{28, 28}, nn.Flatten{}, nn.Dense{Units: 30, Activation: nn.SELU}},
		nn.Layers{nn.Dense{Units: 28 * 28, Activation: nn.Sigmoid}, nn.Reshape{28, 28}},
	))
	must(ae.Fit(ctx, data.Train, hourglass.Epochs(1)))

	codes := must(ae.EncodeAll(ctx, data.Validation))
	embedding := must(tsne.Embed(ctx, codes, tsne.Options{Iterations: 300})) // 1000 by default
	labels := make([]int, data.Validation.Len())
	for i, label := range data.Validation.Labels {
		labels[i] = int(label)
	}
	picture := must(figure.Thumbnails(embedding.Points(), labels, data.Validation.Tensor(0, 200), figure.ThumbnailOptions{}))
	fmt.Println("picture:", picture.Image.Bounds().Size())
	// Output: picture: (3000,2400)
}

func Example_convolutional() {
	ae := must(hourglass.New(
		nn.Layers{
			nn.Input{28, 28},
			nn.Reshape{28, 28, 1},
			nn.Conv2D{Filters: 16, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU},
			nn.MaxPooling2D{Pool: nn.Square(2)},
			nn.Conv2D{Filters: 32, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU},
			nn.MaxPooling2D{Pool: nn.Square(2)},
			nn.Conv2D{Filters: 64, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU},
			nn.MaxPooling2D{Pool: nn.Square(2)},
		},
		nn.Layers{
			nn.Conv2DTranspose{Filters: 32, Kernel: nn.Square(3), Strides: nn.Square(2), Activation: nn.SELU},
			nn.Conv2DTranspose{Filters: 16, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.SELU},
			nn.Conv2DTranspose{Filters: 1, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.Sigmoid},
			nn.Reshape{28, 28},
		},
	))
	fmt.Println("encoder", len(ae.Encoder().Weights()), "weights, decoder", len(ae.Decoder().Weights()))
	fmt.Println("code", ae.Encoder().Output())
	// Output:
	// encoder 23296 weights, decoder 23233
	// code 3×3×64
}

func Example_recurrent() {
	ae := must(hourglass.New(
		nn.Layers{
			nn.Input{28, 28},
			nn.LSTM{Units: 100, ReturnSequences: true},
			nn.LSTM{Units: 30},
		},
		nn.Layers{
			nn.RepeatVector{Times: 28},
			nn.LSTM{Units: 100, ReturnSequences: true},
			nn.TimeDistributed{Layer: nn.Dense{Units: 28, Activation: nn.Sigmoid}},
		},
	))
	fmt.Println("code", ae.Encoder().Output(), "output", ae.Decoder().Output())
	// Output: code 30 output 28×28
}

func Example_denoising() {
	data := must(dataset.Open(ctx, "digits", dataset.Options{Validation: 200, TrainSize: 640}))
	ae := must(hourglass.New(
		nn.Layers{
			nn.Input{28, 28},
			nn.Flatten{},
			nn.GaussianNoise{Stddev: 0.2}, // or nn.Dropout{Rate: 0.5}
			nn.Dense{Units: 100, Activation: nn.SELU},
			nn.Dense{Units: 30, Activation: nn.SELU},
		},
		nn.Layers{
			nn.Dense{Units: 100, Activation: nn.SELU},
			nn.Dense{Units: 28 * 28, Activation: nn.Sigmoid},
			nn.Reshape{28, 28},
		},
	))
	// The noise acts in training only, and the target is the clean image.
	must(ae.Fit(ctx, data.Train, hourglass.Epochs(2), hourglass.Optimizer(optim.SGD{LearningRate: 1})))
	fmt.Println("output", must(ae.Reconstruct(data.Validation.Tensor(0, 5))).Shape)
	// Output: output 5×28×28
}

func Example_recognition() {
	data := must(dataset.Open(ctx, "digits", dataset.Options{TrainSize: 640}))
	linear := func(units int) nn.Dense { // PyTorch's Linear and a sigmoid
		return nn.Dense{Units: units, Activation: nn.Sigmoid, KernelInit: nn.TorchLinear, BiasInit: nn.TorchLinear}
	}
	ae := must(hourglass.New(
		nn.Layers{nn.Input{28, 28}, nn.Flatten{}, linear(256), linear(128)},
		nn.Layers{linear(256), linear(784), nn.Reshape{28, 28}},
	))
	must(ae.Fit(ctx, data.Train,
		hourglass.Epochs(2), // 100 in the lecture
		hourglass.BatchSize(128),
		hourglass.Loss(loss.MeanSquaredError{}),
		hourglass.Optimizer(optim.Adam{Torch: true})))

	labelled := func(images *dataset.Images) neighbors.Labelled {
		labels := make([]int, images.Len())
		for i, label := range images.Labels {
			labels[i] = int(label)
		}
		return neighbors.Labelled{Codes: must(ae.EncodeAll(ctx, images)), Labels: labels}
	}
	training, test := labelled(data.Train), labelled(data.Test.Slice(0, 1000))
	spread := must(neighbors.RecognizeDraws(ctx, training, test, 10, 20, 42)) // ten a class, twenty draws
	fmt.Println("better than guessing:", spread.Mean > 0.2)
	// Output: better than guessing: true
}

func Example_functional() {
	data := must(dataset.Open(ctx, "digits", dataset.Options{TrainSize: 640}))
	ae := must(hourglass.New(
		nn.Layers{
			nn.Input{28, 28, 1},
			nn.Flatten{},
			nn.Dense{Units: 64, Activation: nn.ReLU},
			nn.Dense{Units: 16, Activation: nn.ReLU},
		},
		nn.Layers{
			nn.Dense{Units: 64, Activation: nn.ReLU},
			nn.Dense{Units: 28 * 28, Activation: nn.Sigmoid},
			nn.Reshape{28, 28, 1},
		},
	))
	must(ae.Fit(ctx, data.Train, hourglass.Epochs(2), hourglass.BatchSize(128),
		hourglass.Loss(loss.MeanSquaredError{}), hourglass.Optimizer(optim.Adam{})))
	fmt.Println("code", ae.Encoder().Output())
	// Output: code 16
}

// Every Go program in lecture.md must be the body of an example here, and every
// example must be there.
func TestLectureShowsTheExamples(t *testing.T) {
	page, err := os.ReadFile("lecture.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		shown[strings.TrimSpace(block[1])] = true
	}
	for name, body := range exampleBodies(t) {
		if !shown[body] {
			t.Errorf("lecture.md does not have the program of %s:\n%s", name, body)
		}
		delete(shown, body)
	}
	for block := range shown {
		t.Errorf("lecture.md has a program that is no example:\n%s", block)
	}
}

// exampleBodies returns the statements of the examples in this file, as they
// stand, without the comment on their output.
func exampleBodies(t *testing.T) map[string]string {
	source, err := os.ReadFile("lecture_test.go")
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "lecture_test.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(f.Name.Name, "Example") {
			continue
		}
		from, to := files.Position(f.Body.Lbrace).Offset+1, files.Position(f.Body.Rbrace).Offset
		body, _, _ := strings.Cut(string(source[from:to]), "\t// Output:")
		text, err := format.Source([]byte(strings.ReplaceAll(body, "\n\t", "\n")))
		if err != nil {
			t.Fatal(err)
		}
		bodies[f.Name.Name] = strings.TrimSpace(string(text))
	}
	return bodies
}
