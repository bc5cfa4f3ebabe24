package nn_test

import (
	"fmt"

	"hourglass/nn"
	"hourglass/tensor"
)

// A convolution with padding "same" keeps the image's size, pooling halves it, and a
// transposed convolution with strides of 2 doubles it.
func ExampleConv2D() {
	net, err := nn.NewNetwork(tensor.Shape{28, 28, 1},
		nn.Conv2D{Filters: 16, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU},
		nn.MaxPool2D{},
		nn.Conv2DTranspose{Filters: 1, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.Sigmoid},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range net.Table() {
		fmt.Println(l.Name, l.Output, l.Parameters)
	}
	// Output:
	// conv2d 28×28×16 160
	// max_pooling2d 14×14×16 0
	// conv2d_transpose 28×28×1 145
}

// An LSTM gives its last state, or with ReturnSequences all of them, so that a vector
// can be made a sequence again.
func ExampleLSTM() {
	net, err := nn.NewNetwork(tensor.Shape{28, 28}, // 28 rows of an image, one after the other
		nn.LSTM{Units: 30},
		nn.RepeatVector{Times: 28},
		nn.LSTM{Units: 100, ReturnSequences: true},
		nn.TimeDistributed{Layer: nn.Dense{Units: 28, Activation: nn.Sigmoid}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range net.Table() {
		fmt.Println(l.Name, l.Output, l.Parameters)
	}
	// Output:
	// lstm 30 7080
	// repeat_vector 28×30 0
	// lstm_1 28×100 52400
	// time_distributed 28×28 2828
}

// A layer that does not fit is refused with its name, what it got and what it takes.
func ExampleNewNetwork_refused() {
	_, err := nn.NewNetwork(tensor.Shape{28, 28}, nn.Conv2D{Filters: 16, Kernel: nn.Square(3)})
	fmt.Println(err)
	// Output:
	// nn: layer 0 (Conv2D) on input 28×28: got samples of shape 28×28, want height×width×channels
}

// The weights of PyTorch's nn.LSTM(1, 1) become those of an LSTM of one unit.
func ExampleLSTMFromPyTorch() {
	weightIH, weightHH := []float32{1, 2, 3, 4}, []float32{5, 6, 7, 8}
	biasIH, biasHH := []float32{1, 1, 1, 1}, []float32{0, 1, 0, 1}
	kernel, recurrent, bias, err := nn.LSTMFromPyTorch(1, weightIH, weightHH, biasIH, biasHH)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(kernel, recurrent, bias)
	// Output:
	// [1 2 3 4] [5 6 7 8] [1 2 1 2]
}
