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
