package recipe

import (
	"context"

	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
)

// functional is the lecture's last program, written with Keras' functional API.
var functional = Recipe{
	Name:  "functional",
	Title: "Keras' functional autoencoder",
	About: "Codes of 16 numbers, found with Adam. Look at the loss against that of relu, " +
		"the same network fed with pixels in [-1, 1].",
	Shows: []string{CurvesFigure, ReconstructionFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28, 1},
		nn.Flatten{},
		nn.Dense{Units: 64, Activation: nn.ReLU},
		nn.Dense{Units: 16, Activation: nn.ReLU},
	},
	Decoder: nn.Layers{
		nn.Dense{Units: 64, Activation: nn.ReLU},
		nn.Dense{Units: 28 * 28, Activation: nn.Sigmoid},
		nn.Reshape{28, 28, 1},
	},
	Loss:      loss.MeanSquaredError{},
	Optimizer: optim.Adam{},
	Epochs:    10,
	BatchSize: 128,

	After: func(ctx context.Context, s *Session) error {
		return s.showReconstructions(s.Data.Test.Tensor(0, shownImages))
	},
}
