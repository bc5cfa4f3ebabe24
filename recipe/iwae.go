package recipe

import "hourglass/nn"

// iwae is the importance weighted autoencoder (Burda et al. 2016) of the size of the
// variational one, with five codes drawn of each image.
var iwae = func() Recipe {
	r := variational("iwae", "Importance weighted autoencoder, k = 5",
		"Five codes are drawn of each image and count by how likely they make it, which is a tighter bound of the likelihood than that of a variational autoencoder. "+
			"Look at the tightening beside the reconstruction loss and the divergence, and at the likelihood of test images.",
		nn.ImportanceSampling{Samples: 5, Weight: 1. / (28 * 28)})
	r.WithSamples = drawing(r.Encoder)
	return r
}()

// drawing returns a function that puts another number of codes into the last layer of an encoder.
func drawing(encoder nn.Layers) func(samples int) nn.Layers {
	return func(samples int) nn.Layers {
		layers := append(nn.Layers{}, encoder...)
		last := layers[len(layers)-1].(nn.ImportanceSampling)
		last.Samples = samples
		layers[len(layers)-1] = last
		return layers
	}
}
