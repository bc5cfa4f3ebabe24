package recipe

import "hourglass/nn"

// betaTCVAE is the β-TCVAE (Chen et al. 2018) of the size of the variational one.
var betaTCVAE = variational("beta-tcvae", "β-TCVAE, β = 6",
	"The divergence is taken apart, and only what makes the numbers of a code depend on each other, the total correlation, counts six times. "+
		"Look at the three terms, and at the walk along each number of a code.",
	nn.TCSampling{Weight: 1. / (28 * 28), Correlation: 6, Samples: 55000})
