package recipe

import (
	"context"
	"errors"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

// vaeCodes is how many numbers the codes of the variational autoencoders have.
const vaeCodes = 10

// vae is the variational autoencoder of Géron's notebook to chapter 17 (Kingma and
// Welling 2014).
var vae = variational("vae", "Variational autoencoder",
	"Codes are drawn from normal distributions that the encoder chooses and that are held close to N(0, 1), so that codes drawn from that decode to new images. "+
		"Look at the samples, and at the divergence (kl) beside the reconstruction loss.",
	nn.Sampling{Weight: 1. / (28 * 28)})

// variational is a variational autoencoder with a layer that draws its codes.
func variational(name, title, about string, draw nn.Layer) Recipe {
	return Recipe{
		Name:  name,
		Title: title,
		About: about,
		Shows: []string{CurvesFigure, ReconstructionFigure, samplesFigure, walksFigure, traversalFigure},

		Encoder: nn.Layers{
			nn.Input{28, 28},
			nn.Flatten{},
			nn.Dense{Units: 150, Activation: nn.SELU},
			nn.Dense{Units: 100, Activation: nn.SELU},
			nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: vaeCodes}}, {nn.Dense{Units: vaeCodes}}}},
			draw,
		},
		Decoder: nn.Layers{
			nn.Dense{Units: 100, Activation: nn.SELU},
			nn.Dense{Units: 150, Activation: nn.SELU},
			nn.Dense{Units: 28 * 28, Activation: nn.Sigmoid},
			nn.Reshape{28, 28},
		},
		Loss:       loss.BinaryCrossEntropy{},
		Optimizer:  optim.RMSprop{},
		Metrics:    []metric.Metric{metric.RoundedAccuracy{}},
		Epochs:     25,
		BatchSize:  128,
		Validation: 5000,
		Draws:      500,

		After: func(ctx context.Context, s *Session) error {
			return errors.Join(
				s.showReconstructions(s.Data.Validation.Tensor(0, shownImages)),
				s.showGenerated(ctx),
				s.countActive(ctx),
				s.estimateLikelihood(ctx),
				s.judgeCodes(ctx))
		},
	}
}
