package recipe

import (
	"hourglass/nn"
	"hourglass/train"
)

// betaVAE is the β-VAE (Higgins et al. 2017) with a capacity that rises (Burgess et al. 2018).
var betaVAE = func() Recipe {
	r := variational("beta-vae", "β-VAE with capacity",
		"The divergence from N(0, 1) is held at a capacity that rises from 0 to 25 nats, and being off it counts a hundred times: the numbers of the codes come into use one after another, those that say most first. "+
			"Look at the divergence rising with the epochs, at the walk along each number, and at how many are active.",
		nn.Sampling{Weight: 100. / (28 * 28), Capacity: 25})
	r.Penalties = map[string]train.Schedule{"capacity": train.Ramp{Epochs: 20}}
	return r
}()
