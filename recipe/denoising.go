package recipe

import (
	"context"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

// denoising is the lecture's "Stacked denoising Autoencoder with Gaussian noise".
var denoising = Recipe{
	Name:  "denoising",
	Title: "Denoising autoencoder, Gaussian noise",
	About: "The stacked autoencoder sees images with noise and is asked for the clean ones. " +
		"Look at what it puts where the noise was.",
	Shows: []string{CurvesFigure, denoisingFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Flatten{},
		nn.GaussianNoise{Stddev: 0.2},
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
		return s.showDenoising(denoisingFigure, nn.GaussianNoise{Stddev: 0.2})
	},
}
