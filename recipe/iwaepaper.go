package recipe

import (
	"context"
	"encoding/json"
	"math"

	"hourglass"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/train"
)

// binarizedSeed is the seed of the zeros and ones of images that are not trained on; those for testing
// have the next one.
const binarizedSeed = 2016

// iwaePhases are the phases of the paper: 3^i epochs at 10^(-3-i/7), for i from 0 to 7.
var iwaePhases = train.Phases{Base: 3, Count: 8, By: math.Pow(10, -1./7)}

// iwaePaper repeats the table of Burda, Grosse and Salakhutdinov 2016 for one stochastic
// layer. Adam has the constants of the paper's code; β₂ is its default. Weights start as Glorot and Bengio have
// it, the biases of the output at the logits of the mean image.
var iwaePaper = func() Recipe {
	hidden := nn.Dense{Units: 200, Activation: nn.Tanh}
	r := Recipe{
		Name:  "iwae-paper",
		Title: "The table of Burda et al. 2016",
		About: "An importance weighted autoencoder with one stochastic layer on images that are binarised anew at every use, 3,280 epochs in eight phases. " +
			"With one sample (the default) it is the variational autoencoder; the paper has a test likelihood of -86.76 nats for that, -85.54 for 5 samples and -84.78 for 50. " +
			"Look at the likelihood after each phase.",
		Shows: vae.Shows,

		Encoder: nn.Layers{
			nn.Input{28, 28},
			nn.Flatten{},
			hidden, hidden,
			nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 50}}, {nn.Dense{Units: 50}}}},
			nn.ImportanceSampling{Samples: 1, Weight: 1. / (28 * 28)},
		},
		Decoder: nn.Layers{
			hidden, hidden,
			nn.Named{Name: outputLayer, Layer: nn.Dense{Units: 28 * 28, Activation: nn.Sigmoid}},
			nn.Reshape{28, 28},
		},
		Loss:       vae.Loss,
		Optimizer:  optim.Adam{LearningRate: 1e-3, Beta1: 0.99, Beta2: 0.999, Epsilon: 1e-4},
		Schedule:   iwaePhases,
		Binarize:   true,
		Metrics:    vae.Metrics,
		Epochs:     3280,
		BatchSize:  20,
		Validation: 400,
		Draws:      5000,

		Start: startAtMean,
		Watch: func(s *Session) train.Observer { return &phaseKeeper{s} },
		After: vae.After,
	}
	r.WithSamples = drawing(r.Encoder)
	return r
}()

// outputLayer is the name of the layer whose biases start at the mean image.
const outputLayer = "output"

// startAtMean lets the decoder begin with the mean training image: its last biases are the logits
// of the pixels' means, which are kept from 0 and 1 by a thousandth as in the paper's code.
func startAtMean(s *Session) error {
	const margin = 1e-3
	images := s.Data.Train
	sums, sample := make([]float64, images.Sample().Size()), make([]float32, images.Sample().Size())
	for i := range images.Len() {
		if err := images.Read(sample, []int{i}); err != nil {
			return err
		}
		for j, v := range sample {
			sums[j] += float64(v)
		}
	}
	for _, a := range s.Model.Network().Arrays() {
		if a.LayerName != outputLayer || a.Name != "bias" {
			continue
		}
		for j, sum := range sums {
			p := min(max(sum/float64(images.Len()), margin), 1-margin)
			a.Values[j] = float32(math.Log(p / (1 - p)))
		}
	}
	return nil
}

// Phase is what a phase of the training ended with.
type Phase struct {
	Epoch      int                  `json:"epoch"` // after which it ended
	Loss       float64              `json:"loss"`  // on the training images
	Likelihood hourglass.Likelihood `json:"likelihood"`
}

// phaseKeeper estimates the likelihood of test images at the ends of phases.
type phaseKeeper struct{ session *Session }

var _ train.Stateful = (*phaseKeeper)(nil)

// phaseDraws is how many codes of each image that takes, fewer than at the end of all.
const phaseDraws = 100

// Observe reports the end of a phase.
func (k *phaseKeeper) Observe(e train.Event, r *train.Run) error {
	if e != train.EpochEnded {
		return nil
	}
	for i, end := range iwaePhases.Ends() {
		if end != r.Epoch {
			continue
		}
		l, err := k.session.Model.LogLikelihood(context.Background(), k.session.Test, min(phaseDraws, k.session.Recipe.Draws), k.session.Options.Seed, nil)
		if err != nil {
			return err
		}
		last := r.History.Epochs[len(r.History.Epochs)-1]
		k.session.Metrics.Phases = append(k.session.Metrics.Phases, Phase{r.Epoch, last.Train.Loss, l})
		k.session.Logf("phase %d of %d ended after %d epochs: test log-likelihood %.2f nats with %d draws, bound of one draw %.2f\n",
			i+1, iwaePhases.Count, end, l.LogLikelihood, l.Draws, l.ELBO)
	}
	return nil
}

// State returns the phases that have ended.
func (k *phaseKeeper) State() any { return k.session.Metrics.Phases }

// SetState puts back what State returned.
func (k *phaseKeeper) SetState(text json.RawMessage) error {
	return json.Unmarshal(text, &k.session.Metrics.Phases)
}
