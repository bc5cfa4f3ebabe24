package main

import (
	"context"
	"fmt"
	"log"

	"hourglass"
	"hourglass/dataset"
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
