package recipe

import (
	"context"
	"errors"

	"hourglass/nn"
	"hourglass/optim"
)

// waeMMD is a Wasserstein autoencoder with the maximum mean discrepancy (Tolstikhin et
// al. 2018) of the size of the variational one.
var waeMMD = Recipe{
	Name:  "wae-mmd",
	Title: "Wasserstein autoencoder, MMD",
	About: "Codes are not drawn, but all codes of a batch together should look as if they had been drawn from N(0, 1). " +
		"Look at the samples beside those of the variational autoencoder: the reconstructions are sharper.",
	Shows: vae.Shows,

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Flatten{},
		nn.Dense{Units: 150, Activation: nn.SELU},
		nn.Dense{Units: 100, Activation: nn.SELU},
		nn.Dense{Units: vaeCodes},
		nn.MMDRegularization{Weight: 10. / (28 * 28)},
	},
	Decoder:    vae.Decoder,
	Loss:       vae.Loss,
	Optimizer:  optim.Adam{},
	Metrics:    vae.Metrics,
	Epochs:     25,
	BatchSize:  128,
	Validation: 5000,

	After: func(ctx context.Context, s *Session) error {
		return errors.Join(
			s.showReconstructions(s.Data.Validation.Tensor(0, shownImages)),
			s.showGenerated(ctx),
			s.judgeCodes(ctx))
	},
}
