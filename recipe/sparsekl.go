package recipe

import (
	"hourglass/nn"
)

// sparseKL is the sparse autoencoder with a target rate of Géron's notebook to chapter
// 17, whose Keras divides the weight of 0.05 by the size of the batch.
var sparseKL = Recipe{
	Name:  "sparse-kl",
	Title: "Sparse autoencoder, target rate",
	About: "Each of 300 numbers of the codes should be active for a tenth of the images: the divergence of its mean activity from that rate is penalised. " +
		"Look at how the reconstructions compare with those of the L1 penalty.",
	Shows: sparse.Shows,

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Flatten{},
		nn.Dense{Units: 100, Activation: nn.SELU},
		nn.Dense{Units: 300, Activation: nn.Sigmoid},
		nn.KLRegularization{Target: 0.1, Weight: 0.05 / 32},
	},
	Decoder:    stacked.Decoder,
	Loss:       sparse.Loss,
	Optimizer:  sparse.Optimizer,
	Metrics:    sparse.Metrics,
	Epochs:     10,
	BatchSize:  32,
	Validation: 5000,
	After:      sparse.After,
}
