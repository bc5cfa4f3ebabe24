package recipe

import (
	"context"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

// recurrent is the lecture's "Recurrent Autoencoders".
var recurrent = Recipe{
	Name:  "recurrent",
	Title: "Recurrent autoencoder",
	About: "An image is read row by row, as a sequence of 28 steps, and written again row by row from a code of 30 numbers. " +
		"Look at how blurred it is still: plain SGD at this rate learns slowly.",
	Shows: []string{CurvesFigure, ReconstructionFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.LSTM{Units: 100, ReturnSequences: true},
		nn.LSTM{Units: 30},
	},
	Decoder: nn.Layers{
		nn.RepeatVector{Times: 28},
		nn.LSTM{Units: 100, ReturnSequences: true},
		nn.TimeDistributed{Layer: nn.Dense{Units: 28, Activation: nn.Sigmoid}},
	},
	Loss:       loss.BinaryCrossEntropy{},
	Optimizer:  optim.SGD{LearningRate: 0.1},
	Metrics:    []metric.Metric{metric.RoundedAccuracy{}},
	Epochs:     10,
	BatchSize:  32,
	Validation: 5000,

	After: func(ctx context.Context, s *Session) error {
		return s.showReconstructions(s.Data.Validation.Tensor(0, shownImages))
	},
}
