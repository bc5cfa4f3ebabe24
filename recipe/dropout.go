package recipe

import (
	"context"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

// dropout is the lecture's "And using dropout".
var dropout = Recipe{
	Name:  "dropout",
	Title: "Denoising autoencoder, dropout",
	About: "Half of the pixels are missing and the rest twice as bright; the autoencoder is asked for the whole image. " +
		"Look at how little of a digit is enough to draw it.",
	Shows: []string{CurvesFigure, dropoutFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Flatten{},
		nn.Dropout{Rate: 0.5},
		nn.Dense{Units: 100, Activation: nn.SELU},
		nn.Dense{Units: 30, Activation: nn.SELU},
	},
	Decoder:    stacked.Decoder,
	Loss:       loss.BinaryCrossEntropy{},
	Optimizer:  optim.SGD{LearningRate: 1},
	Metrics:    []metric.Metric{metric.RoundedAccuracy{}},
	Epochs:     10,
	BatchSize:  32,
	Validation: 5000,

	After: func(ctx context.Context, s *Session) error {
		return s.showDenoising(dropoutFigure, nn.Dropout{Rate: 0.5})
	},
}
