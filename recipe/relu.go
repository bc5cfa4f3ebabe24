package recipe

import (
	"context"

	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
)

// relu is the lecture's second PyTorch program.
var relu = Recipe{
	Name:  "relu",
	Title: "PyTorch's ReLU autoencoder",
	About: "Pixels are scaled to [-1, 1], but the network ends in a sigmoid and can only give [0, 1]: " +
		"the background, -1, is out of its reach, which is why the loss stays near 0.9.",
	Shows: []string{CurvesFigure, ReconstructionFigure},

	Encoder: nn.Layers{
		nn.Input{1, 28, 28},
		nn.Flatten{},
		torchLinear(64, nn.ReLU),
		torchLinear(16, nn.ReLU),
	},
	Decoder: nn.Layers{
		torchLinear(64, nn.ReLU),
		torchLinear(28*28, nn.Sigmoid),
		nn.Reshape{1, 28, 28},
	},
	Loss:      loss.MeanSquaredError{},
	Optimizer: optim.Adam{LearningRate: 1e-3, Torch: true},
	Epochs:    10,
	BatchSize: 128,
	Mean:      0.5,
	Std:       0.5,

	After: func(ctx context.Context, s *Session) error {
		return s.showReconstructions(s.Data.Test.Tensor(0, shownImages))
	},
}

// torchLinear is PyTorch's nn.Linear with its own initialisation, and the
// function behind it.
func torchLinear(units int, f nn.Func) nn.Dense {
	return nn.Dense{Units: units, Activation: f, KernelInit: nn.TorchLinear, BiasInit: nn.TorchLinear}
}
