package main

import (
	"context"
	"fmt"
	"log"

	"hourglass"
	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
)

func main() {
	ctx := context.Background()
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
