package architecture_test

import (
	"errors"
	"fmt"

	"hourglass/architecture"
	"hourglass/nn"
	"hourglass/tensor"
)

func ExampleParse() {
	encoder, decoder, err := architecture.Parse(`
		input 28x28x1
		conv2d 16 3x3 selu padding=same
		max_pooling2d                    # 14×14
		flatten > dense 30 selu
		|
		dense 784 sigmoid > reshape 28x28x1`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(encoder), "layers encode,", len(decoder), "decode")
	fmt.Printf("%+v\n", encoder[1])
	// Output:
	// 5 layers encode, 2 decode
	// {Filters:16 Kernel:[3 3] Strides:[0 0] Padding:same Dilation:[0 0] Activation:selu NoBias:false KernelInit:default BiasInit:default}
}

func ExampleFormat() {
	fmt.Println(architecture.Format(
		nn.Layers{nn.Input{28, 28}, nn.LSTM{Units: 100, ReturnSequences: true}, nn.LSTM{Units: 30}},
		nn.Layers{nn.RepeatVector{Times: 28}, nn.LSTM{Units: 100, ReturnSequences: true},
			nn.TimeDistributed{Layer: nn.Dense{Units: 28, Activation: nn.Sigmoid}}},
	))
	// Output:
	// input 28x28 > lstm 100 return_sequences > lstm 30 | repeat_vector 28 > lstm 100 return_sequences > time_distributed (dense 28 sigmoid)
}

func ExampleError_Caret() {
	_, _, err := architecture.ParseFor(tensor.Shape{28, 28}, "flatten > dense 30 | dense 784 sigmiod > reshape 28x28")
	fmt.Println(err)
	var e *architecture.Error
	if errors.As(err, &e) {
		fmt.Println(e.Caret())
	}
	// Output:
	// architecture: column 32: unknown activation "sigmiod", did you mean "sigmoid"?
	// flatten > dense 30 | dense 784 sigmiod > reshape 28x28
	//                                ^^^^^^^
}

func ExampleDefault() {
	encoder, decoder, why := architecture.Default(tensor.Shape{28, 28}, 30, nn.Sigmoid)
	fmt.Println(architecture.Format(encoder, decoder))
	fmt.Println(why)
	// Output:
	// input 28x28 > flatten > dense 150 selu > dense 30 | dense 150 selu > dense 784 sigmoid > reshape 28x28
	// samples of shape 28×28: dense layers, 784 → 150 → 30 codes; sigmoid output, for values in [0, 1]
}
