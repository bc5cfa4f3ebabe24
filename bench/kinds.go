package main

import (
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/recipe"
)

// kinds are systems that are measured beside the lecture's: steps that other kinds of
// autoencoders are made of.
var kinds = []recipe.Recipe{
	drawing("vae", nn.Sampling{Weight: 1. / 784}),
	drawing("iwae", nn.ImportanceSampling{Samples: 5, Weight: 1. / 784}),
	kind("masked"),
	kind("vq-vae"),
}

// drawing is a variational autoencoder 784-400-20 with a layer that draws its codes.
func drawing(name string, draw nn.Layer) recipe.Recipe {
	return recipe.Recipe{
		Name: name + "-400-20",
		Encoder: nn.Layers{nn.Input{28, 28}, nn.Flatten{}, nn.Dense{Units: 400, Activation: nn.ReLU},
			nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 20}}, {nn.Dense{Units: 20}}}}, draw},
		Decoder:   nn.Layers{nn.Dense{Units: 400, Activation: nn.ReLU}, nn.Dense{Units: 784, Activation: nn.Sigmoid}, nn.Reshape{28, 28}},
		Loss:      loss.BinaryCrossEntropy{},
		Optimizer: optim.Adam{},
		BatchSize: 128,
	}
}

// kind is the recipe of that name.
func kind(name string) recipe.Recipe {
	r, err := recipe.ByName(name)
	if err != nil {
		panic(err) // a recipe that there is
	}
	return r
}
