package recipe

import (
	"context"
	"errors"

	"hourglass/generate"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

// The codes of the vector quantised autoencoder: 7×7 vectors of a codebook.
const (
	vqVectors = 128
	vqSize    = 16
)

// vqVAE is a small vector quantised variational autoencoder (van den Oord et al. 2017) with
// a codebook that follows its vectors.
var vqVAE = Recipe{
	Name:  "vq-vae",
	Title: "Vector quantised autoencoder",
	About: "A code is 7×7 vectors, each one of 128 in a codebook: 343 bits an image. New images are codes drawn vector by vector, by what followed what. " +
		"Look at the perplexity, how many vectors are in use, and at the samples.",
	Shows: []string{CurvesFigure, ReconstructionFigure, samplesFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Reshape{28, 28, 1},
		nn.Conv2D{Filters: 32, Kernel: nn.Square(4), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.ReLU},
		nn.Conv2D{Filters: 64, Kernel: nn.Square(4), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.ReLU},
		nn.Conv2D{Filters: vqSize, Kernel: nn.Square(1)},
		nn.VectorQuantizer{Codes: vqVectors, Commitment: 0.25, Revive: 0.5},
	},
	Decoder: nn.Layers{
		nn.Conv2D{Filters: 64, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.ReLU},
		nn.Conv2DTranspose{Filters: 32, Kernel: nn.Square(4), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.ReLU},
		nn.Conv2DTranspose{Filters: 1, Kernel: nn.Square(4), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.Sigmoid},
		nn.Reshape{28, 28},
	},
	Loss:       loss.BinaryCrossEntropy{},
	Optimizer:  optim.Adam{},
	Metrics:    []metric.Metric{metric.RoundedAccuracy{}},
	Epochs:     5,
	BatchSize:  128,
	Validation: 5000,

	After: func(ctx context.Context, s *Session) error {
		return errors.Join(s.showReconstructions(s.Data.Validation.Tensor(0, shownImages)), s.showQuantized(ctx))
	},
}

// showQuantized fits a prior to the codes of training images, says how likely those of test images
// are, and draws samples.
func (s *Session) showQuantized(ctx context.Context) error {
	const most, columns = 20000, 8
	training, err := s.Model.EncodeAll(ctx, s.Data.Train.Slice(0, min(most, s.Data.Train.Len())))
	if err != nil {
		return err
	}
	codebook, _ := s.Model.Codebook()
	prior, err := generate.FitAutoregressive(training, codebook)
	if err != nil {
		return err
	}
	test, err := s.Model.EncodeAll(ctx, s.Data.Test.Slice(0, min(judgedSamples, s.Data.Test.Len())))
	if err != nil {
		return err
	}
	nats, err := prior.LogLikelihood(test)
	if err != nil {
		return err
	}
	s.Metrics.Prior = &nats
	s.Logf("log-likelihood of the codes of %d test images under the autoregressive prior %.1f nats\n", test.Len(), nats)
	return errors.Join(
		s.drawDecoded(samplesFigure, columns, prior.Sample(columns*columns, s.Options.Seed)),
		s.judge(ctx, prior))
}
