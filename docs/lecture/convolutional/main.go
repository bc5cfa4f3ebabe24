package main

import (
	"fmt"
	"log"

	"hourglass"
	"hourglass/nn"
)

func main() {
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
