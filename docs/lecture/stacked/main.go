package main

import (
	"context"
	"fmt"
	"log"

	"hourglass"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

func main() {
	ctx := context.Background()
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
	check(figure.Save("reconstruction_plot.png", picture))
}

// must returns a value, or ends the program with the error.
func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
