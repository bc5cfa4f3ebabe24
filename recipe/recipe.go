// Package recipe holds the lecture's systems and other kinds of autoencoders, one file
// each, and runs them.
//
// A [Recipe] is a description that reads like the lecture's own program:
// layers, loss, optimiser, epochs, and what is done with the trained model. All
// systems are trained by the same [Recipe.Run].
package recipe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hourglass/dataset"
	"hourglass/internal/suggest"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/train"
)

// Recipe describes one system.
type Recipe struct {
	Name  string   // on the command line: "stacked"
	Title string   // "Stacked autoencoder"
	About string   // what it is and what to look for, in a sentence or two
	Shows []string // the figures it makes, by file name

	Encoder, Decoder nn.Layers
	Loss             loss.Loss
	Optimizer        optim.Optimizer
	Optimizers       map[string]optim.Optimizer // of groups of weights, by name
	Schedule         train.Schedule             // of the learning rate; nil for none
	Penalties        map[string]train.Schedule  // of the factors of penalties, by name
	Metrics          []metric.Metric
	Epochs           int
	BatchSize        int
	Validation       int     // how many of the last training images validate
	Binarize         bool    // pixels become zeros and ones: anew at every use in training, once for all elsewhere
	Mean, Std        float32 // pixels become (x - Mean)/Std; a Std of 0 leaves them in [0, 1]

	// Own returns the data of a recipe that is not about images; nil otherwise.
	Own func() dataset.Array

	// Draws is how many codes the likelihood of a test image is estimated by; 0 for no estimate.
	Draws int
	// WithSamples returns the encoder that draws so many codes of a sample in training; nil if the
	// encoder draws none, or one.
	WithSamples func(samples int) nn.Layers

	// Training returns what is trained on instead of the training images; nil for those.
	Training func(s *Session) dataset.Source
	// Start sets the weights to start from, beyond what the layers do; nil for nothing.
	Start func(s *Session) error
	// Stages returns the optimiser of each stage, from 1, where the model is trained stage by
	// stage before it is as a whole; nil where it is not.
	Stages func(stage int) optim.Optimizer

	// Watch returns what follows the training beside progress; nil for nothing.
	Watch func(s *Session) train.Observer
	// After does what the lecture does with the trained model; nil for nothing.
	After func(ctx context.Context, s *Session) error
}

// lecture lists the lecture's recipes in its order, kinds the other kinds of autoencoders.
var (
	lecture = []Recipe{linear, stacked, convolutional, recurrent, denoising, dropout, sigmoid, relu, functional}
	kinds   = []Recipe{sparse, sparseKL, tied, greedy, hashing, contractive, robust, masking, saltPepper, masked, unet, vae, betaVAE, betaTCVAE, conditionalVAE, iwae, iwaePaper, waeMMD, adversarial, vqVAE}
)

// Lecture returns the recipes of the lecture in its order.
func Lecture() []Recipe { return slices.Clone(lecture) }

// All returns all recipes, those of the lecture first.
func All() []Recipe { return slices.Concat(lecture, kinds) }

// Names returns the names of all recipes, those of the lecture first.
func Names() []string {
	var names []string
	for _, r := range All() {
		names = append(names, r.Name)
	}
	return names
}

// ByName returns a recipe, or an error that lists those there are.
func ByName(name string) (Recipe, error) {
	for _, r := range All() {
		if r.Name == name {
			return r, nil
		}
	}
	if guess := suggest.Question(name, Names()); guess != "" {
		return Recipe{}, fmt.Errorf("recipe: unknown recipe %q%s", name, guess)
	}
	return Recipe{}, fmt.Errorf("recipe: unknown recipe %q, want one of: %s", name, strings.Join(Names(), ", "))
}
