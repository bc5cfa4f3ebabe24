package recipe

import (
	"hourglass/nn"
	"hourglass/optim"
)

// adversarial is the adversarial autoencoder (Makhzani et al. 2016) of the size of the
// variational one.
var adversarial = func() Recipe {
	r := waeMMD
	r.Name = "adversarial"
	r.Title = "Adversarial autoencoder"
	r.About = "A second network learns to tell codes from numbers drawn from N(0, 1), and the encoder learns to make codes that it takes for such. " +
		"Look at the samples, and at the discriminator's loss: at ln 2 = 0.69 it can only guess."
	r.Encoder = append(append(nn.Layers{}, waeMMD.Encoder[:len(waeMMD.Encoder)-1]...), nn.Adversary{
		Layers: nn.Layers{
			nn.Dense{Units: 100, Activation: nn.LeakyReLU},
			nn.Dense{Units: 100, Activation: nn.LeakyReLU},
			nn.Dense{Units: 1},
		},
		Weight: 10. / (28 * 28),
	})
	r.Optimizers = map[string]optim.Optimizer{nn.AdversaryGroup: optim.Adam{LearningRate: 5e-4}}
	return r
}()
