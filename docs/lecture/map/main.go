package main

import (
	"context"
	"fmt"
	"log"

	"hourglass"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/nn"
	"hourglass/tsne"
)

func main() {
	ctx := context.Background()
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
	check(figure.Save("visualization_plot.png", picture))
	fmt.Printf("a map of %d images\n", len(labels))
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
