package main

import (
	"context"
	"fmt"
	"log"

	"hourglass"
	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/neighbors"
	"hourglass/nn"
	"hourglass/optim"
)

func main() {
	ctx := context.Background()
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

	labelled := func(images *dataset.Images) neighbors.Labeled {
		labels := make([]int, images.Len())
		for i, label := range images.Labels {
			labels[i] = int(label)
		}
		return neighbors.Labeled{Codes: must(ae.EncodeAll(ctx, images)), Labels: labels}
	}
	training, test := labelled(data.Train), labelled(data.Test.Slice(0, 1000))
	spread := must(neighbors.RecognizeDraws(ctx, training, test, 10, 20, 42)) // ten a class, twenty draws
	fmt.Println("better than guessing:", spread.Mean > 0.2)
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
