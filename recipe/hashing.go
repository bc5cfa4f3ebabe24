package recipe

import (
	"context"
	"errors"

	"hourglass/figure"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/neighbors"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// hashFigure shows images and those with the nearest hashes.
const hashFigure = "hash_neighbours.png"

// hashing is the hashing autoencoder of Géron's notebook to chapter 17, after
// Salakhutdinov and Hinton 2009.
var hashing = Recipe{
	Name:  "hashing",
	Title: "Hashing autoencoder",
	About: "Strong noise in front of 16 sigmoids drives them to 0 and 1, so that rounded codes are hashes of 16 bits. " +
		"Look at which images have the nearest hashes, and at the share of them that show the same thing.",
	Shows: []string{CurvesFigure, ReconstructionFigure, hashFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Flatten{},
		nn.Dense{Units: 100, Activation: nn.SELU},
		nn.GaussianNoise{Stddev: 15},
		nn.Dense{Units: 16, Activation: nn.Sigmoid},
	},
	Decoder:    stacked.Decoder,
	Loss:       loss.BinaryCrossEntropy{},
	Optimizer:  optim.SGD{LearningRate: 1},
	Metrics:    []metric.Metric{metric.RoundedAccuracy{}},
	Epochs:     10,
	BatchSize:  32,
	Validation: 5000,

	After: func(ctx context.Context, s *Session) error {
		return errors.Join(s.showReconstructions(s.Data.Validation.Tensor(0, shownImages)), s.retrieve(ctx))
	},
}

// Retrieval says how well images are found by their hashes.
type Retrieval struct {
	Bits   int `json:"bits"`
	Images int `json:"images"` // each searched for among the others
	K      int `json:"k"`      // how many nearest are looked at
	// Precision is the share of them that have the label of the image searched for.
	Precision float64 `json:"precision"`
}

// retrieve searches for every validation image by its hash, and shows the first ones.
func (s *Session) retrieve(ctx context.Context) error {
	const nearest, threshold, shownRows, shownColumns = 100, 0.5, 8, 10
	images := s.Data.Validation
	codes, err := s.encodeLabelled(ctx, images)
	if err != nil {
		return err
	}
	hashes := neighbors.Binarize(codes.Codes, threshold)
	near, err := hashes.Others(ctx, min(nearest, images.Len()-1))
	if err != nil {
		return err
	}
	r := Retrieval{Bits: hashes.Bits, Images: images.Len(), K: near.K}
	if r.Precision, err = near.Precision(codes.Labels); err != nil {
		return err
	}
	s.Metrics.Retrieval = &r
	s.Logf("of the %d nearest by their hashes of %d bits, %.1f %% show the same thing\n", r.K, r.Bits, 100*r.Precision)
	var shown []int
	for i := range min(shownRows, images.Len()) {
		shown = append(shown, i)
		indices, _ := near.Row(i)
		for _, j := range indices[:min(shownColumns-1, len(indices))] {
			shown = append(shown, int(j))
		}
	}
	batch := tensor.New(append([]int{len(shown)}, images.Shape...)...)
	images.Read(batch.Data, shown)
	return s.Draw(hashFigure)(figure.Grid(batch, min(shownColumns, near.K+1), figure.GridOptions{Range: s.pixels()}))
}
