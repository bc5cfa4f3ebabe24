package recipe

import (
	"context"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

// convolutional is the lecture's "Using Convolutional Layers Instead of Dense
// Layers".
var convolutional = Recipe{
	Name:  "convolutional",
	Title: "Convolutional autoencoder",
	About: "Small filters slide over the image, which shrinks to 3×3 pixels of 64 channels and grows again. " +
		"Look at the sharper reconstructions, for a third of the parameters of the stacked autoencoder (and codes of 576 numbers).",
	Shows: []string{CurvesFigure, ReconstructionFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Reshape{28, 28, 1},
		nn.Conv2D{Filters: 16, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU},
		nn.MaxPooling2D{Pool: nn.Square(2)},
		nn.Conv2D{Filters: 32, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU},
		nn.MaxPooling2D{Pool: nn.Square(2)},
		nn.Conv2D{Filters: 64, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU},
		nn.MaxPooling2D{Pool: nn.Square(2)},
	},
	Decoder: nn.Layers{
		nn.Conv2DTranspose{Filters: 32, Kernel: nn.Square(3), Strides: nn.Square(2), Activation: nn.SELU},
		nn.Conv2DTranspose{Filters: 16, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.SELU},
		nn.Conv2DTranspose{Filters: 1, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.Sigmoid},
		nn.Reshape{28, 28},
	},
	Loss:       loss.BinaryCrossEntropy{},
	Optimizer:  optim.SGD{LearningRate: 1},
	Metrics:    []metric.Metric{metric.RoundedAccuracy{}},
	Epochs:     5,
	BatchSize:  32,
	Validation: 5000,

	After: func(ctx context.Context, s *Session) error {
		s.Logf("%s", s.Model.Summary())
		return s.showReconstructions(s.Data.Validation.Tensor(0, shownImages))
	},
}
