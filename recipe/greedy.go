package recipe

import (
	"context"

	"hourglass/optim"
)

// greedy is the stacked autoencoder trained stage by stage of Géron's notebook to chapter
// 17 (Hinton and Salakhutdinov 2006; Bengio et al. 2007).
var greedy = Recipe{
	Name:  "greedy",
	Title: "Stacked autoencoder, trained stage by stage",
	About: "A shallow autoencoder learns 100 numbers, another one 30 numbers of these; stacked they are the system that is then tuned as a whole. " +
		"Look at how good the loss is after the first epoch of that, and at the losses of the stages.",
	Shows: []string{CurvesFigure, ReconstructionFigure},

	Encoder:    stacked.Encoder,
	Decoder:    stacked.Decoder,
	Loss:       stacked.Loss,
	Optimizer:  optim.SGD{LearningRate: 0.1},
	Metrics:    stacked.Metrics,
	Epochs:     10,
	BatchSize:  32,
	Validation: 5000,

	Stages: func(stage int) optim.Optimizer { return optim.SGD{LearningRate: [...]float64{1.5, 0.05}[stage-1]} },
	After: func(_ context.Context, s *Session) error {
		return s.showReconstructions(s.Data.Validation.Tensor(0, shownImages))
	},
}
