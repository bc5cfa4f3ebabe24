package recipe

import (
	"context"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

// sparse is the sparse autoencoder with a penalty on the size of codes of Géron's
// notebook to chapter 17.
var sparse = Recipe{
	Name:  "sparse",
	Title: "Sparse autoencoder, L1 penalty",
	About: "Codes may have 300 numbers but pay for their sum, so that few of them are active for any one image. " +
		"Look at the activity term beside the reconstruction loss.",
	Shows: []string{CurvesFigure, ReconstructionFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Flatten{},
		nn.Dense{Units: 100, Activation: nn.SELU},
		nn.Dense{Units: 300, Activation: nn.Sigmoid},
		nn.ActivityRegularization{L1: 1e-3},
	},
	Decoder:    stacked.Decoder,
	Loss:       loss.BinaryCrossEntropy{},
	Optimizer:  optim.SGD{LearningRate: 1},
	Metrics:    []metric.Metric{metric.RoundedAccuracy{}},
	Epochs:     10,
	BatchSize:  32,
	Validation: 5000,

	After: func(_ context.Context, s *Session) error {
		return s.showReconstructions(s.Data.Validation.Tensor(0, shownImages))
	},
}
