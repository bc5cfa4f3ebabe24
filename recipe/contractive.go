package recipe

import (
	"context"

	"hourglass/nn"
	"hourglass/optim"
)

// contractive is the contractive autoencoder of Rifai et al. 2011, with as many codes as
// the sparse ones.
var contractive = Recipe{
	Name:  "contractive",
	Title: "Contractive autoencoder",
	About: "It pays for how much the codes change when an image changes a little, and reconstructing well keeps that from being nothing: " +
		"codes follow only those changes that images are told apart by. Look at the contraction term beside the reconstruction loss.",
	Shows: []string{CurvesFigure, ReconstructionFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Flatten{},
		nn.Contractive{Layers: nn.Layers{nn.Dense{Units: 300, Activation: nn.Sigmoid}}, Weight: 1e-4},
	},
	Decoder: nn.Layers{
		nn.Dense{Units: 28 * 28, Activation: nn.Sigmoid},
		nn.Reshape{28, 28},
	},
	Loss:       stacked.Loss,
	Optimizer:  optim.Adam{},
	Metrics:    stacked.Metrics,
	Epochs:     10,
	BatchSize:  32,
	Validation: 5000,

	After: func(ctx context.Context, s *Session) error {
		if err := s.showReconstructions(s.Data.Validation.Tensor(0, shownImages)); err != nil {
			return err
		}
		return s.judgeCodes(ctx)
	},
}
