package recipe

import (
	"context"

	"hourglass/nn"
	"hourglass/optim"
)

// tied is the autoencoder with tied weights of Géron's notebook to chapter 17: the
// stacked one whose decoder has the encoder's kernels, transposed.
var tied = Recipe{
	Name:  "tied",
	Title: "Stacked autoencoder with tied weights",
	About: "The decoder's kernels are the encoder's, transposed, and only the biases are its own: half of the weights. " +
		"Look at how little that costs.",
	Shows: []string{CurvesFigure, ReconstructionFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Flatten{},
		nn.Named{Name: "wide", Layer: nn.Dense{Units: 100, Activation: nn.SELU}},
		nn.Named{Name: "narrow", Layer: nn.Dense{Units: 30, Activation: nn.SELU}},
	},
	Decoder: nn.Layers{
		nn.Tied{To: "narrow", Activation: nn.SELU},
		nn.Tied{To: "wide", Activation: nn.Sigmoid},
		nn.Reshape{28, 28},
	},
	Loss:       stacked.Loss,
	Optimizer:  optim.SGD{LearningRate: 1.5},
	Metrics:    stacked.Metrics,
	Epochs:     10,
	BatchSize:  32,
	Validation: 5000,

	After: func(_ context.Context, s *Session) error {
		return s.showReconstructions(s.Data.Validation.Tensor(0, shownImages))
	},
}
