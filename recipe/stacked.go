package recipe

import (
	"context"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

// stacked is the lecture's "More advanced features, stacked AEs".
var stacked = Recipe{
	Name:  "stacked",
	Title: "Stacked autoencoder",
	About: "Two dense layers squeeze an image of 784 pixels into 30 numbers, two more draw it again. " +
		"Look at how much of the shape survives, and, on the map of the codes, at which digits lie side by side.",
	Shows: []string{CurvesFigure, ReconstructionFigure, scatterFigure, mapFigure("mnist")},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Flatten{},
		nn.Dense{Units: 100, Activation: nn.SELU},
		nn.Dense{Units: 30, Activation: nn.SELU},
	},
	Decoder: nn.Layers{
		nn.Dense{Units: 100, Activation: nn.SELU},
		nn.Dense{Units: 28 * 28, Activation: nn.Sigmoid},
		nn.Reshape{28, 28},
	},
	Loss:       loss.BinaryCrossEntropy{},
	Optimizer:  optim.SGD{LearningRate: 1.5},
	Metrics:    []metric.Metric{metric.RoundedAccuracy{}},
	Epochs:     20,
	BatchSize:  32,
	Validation: 5000,

	After: func(ctx context.Context, s *Session) error {
		if err := s.showReconstructions(s.Data.Validation.Tensor(0, shownImages)); err != nil {
			return err
		}
		return s.showMap(ctx)
	},
}
