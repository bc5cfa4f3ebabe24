package recipe

import (
	"context"

	"hourglass/dataset"
	"hourglass/neighbors"
	"hourglass/probe"
	"hourglass/progress"
	"hourglass/tensor"
)

// likelihoodImages is how many test images the likelihood is estimated of, unless the recipe wants
// more draws of each than manyDraws and so asks for exact numbers.
const (
	likelihoodImages = 1000
	manyDraws        = 1000
)

// estimateLikelihood estimates how likely test images are.
func (s *Session) estimateLikelihood(ctx context.Context) error {
	images := s.Test
	if s.Recipe.Draws <= manyDraws && images.Len() > likelihoodImages {
		first := make([]int, likelihoodImages)
		for i := range first {
			first[i] = i
		}
		var err error
		if images, err = dataset.Subset(images, first); err != nil {
			return err
		}
	}
	l, err := s.Model.LogLikelihood(ctx, images, s.Recipe.Draws, s.Options.Seed, progress.Meter(s.Log, "likelihood"))
	if err != nil {
		return err
	}
	s.Metrics.Likelihood = &l
	s.Logf("log-likelihood of %d test images %.2f nats (%d draws of each); bound of one draw %.2f: reconstruction %.2f, divergence %.2f\n",
		images.Len(), l.LogLikelihood, l.Draws, l.ELBO, l.Reconstruction, l.KL)
	return nil
}

// CodeQuality says how much of the classes is in codes that were learned without them, by how many
// test images are labelled rightly from their codes.
type CodeQuality struct {
	Learned int `json:"learned"` // training images whose codes and labels were known
	Judged  int `json:"judged"`  // test images
	K       int `json:"k"`
	// Nearest is the accuracy of the majority among the k nearest codes, Probe that of a linear classifier.
	Nearest float64 `json:"nearest_accuracy"`
	Probe   float64 `json:"probe_accuracy"`
}

// judgeCodes labels test images by their codes; where these are sequences, by the means over the
// steps.
func (s *Session) judgeCodes(ctx context.Context) error {
	const known, judged, k = 5000, 2000, 5
	training, err := s.encodeLabelled(ctx, s.Data.Train.Slice(0, min(known, s.Data.Train.Len())))
	if err != nil {
		return err
	}
	test, err := s.encodeLabelled(ctx, s.Data.Test.Slice(0, min(judged, s.Data.Test.Len())))
	if err != nil {
		return err
	}
	training.Codes, test.Codes = meanOverSteps(training.Codes), meanOverSteps(test.Codes)
	q := CodeQuality{Learned: len(training.Labels), Judged: len(test.Labels), K: min(k, len(training.Labels))}
	result, err := neighbors.Recognize(ctx, training.Labeled, test.Labeled, q.K)
	if err != nil {
		return err
	}
	q.Nearest = result.Confusion.Accuracy()
	linear, err := probe.Fit(ctx, training.Codes, training.Labels, s.Data.Train.Classes, probe.Options{})
	if err != nil {
		return err
	}
	predicted, err := linear.Predict(test.Codes)
	if err != nil {
		return err
	}
	for i, class := range predicted {
		if class == test.Labels[i] {
			q.Probe += 1 / float64(len(predicted))
		}
	}
	s.Metrics.Codes = &q
	s.Logf("classes in the codes: of %d test images %.1f %% are labelled rightly by the %d nearest of %d codes, %.1f %% by a linear classifier on them\n",
		q.Judged, 100*q.Nearest, q.K, q.Learned, 100*q.Probe)
	return nil
}

// meanOverSteps returns the means of codes of steps×features over the steps, and others as they are.
func meanOverSteps(codes tensor.Tensor) tensor.Tensor {
	if len(codes.Shape) != 3 {
		return codes
	}
	steps, features := codes.Shape[1], codes.Shape[2]
	means := tensor.New(codes.Len(), features)
	for i := range codes.Len() {
		mean, code := means.Row(i), codes.Row(i)
		for j, v := range code {
			mean[j%features] += v / float32(steps)
		}
	}
	return means
}
