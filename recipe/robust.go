package recipe

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/loss"
	"hourglass/optim"
	"hourglass/tensor"
)

// outliersFigure shows training images that do not belong, and what is made of them.
const outliersFigure = "outliers_plot.png"

// robust is an autoencoder with the correntropy for its loss (Qi et al. 2014), trained on
// images of which a tenth are noise.
var robust = Recipe{
	Name:  "robust",
	Title: "Robust autoencoder, correntropy",
	About: "A tenth of the training images are noise. No difference counts for more than 1 in the loss, so that they are left aside instead of being learned. " +
		"Look at what is made of them, and at how well their reconstruction error tells them from the others.",
	Shows: []string{CurvesFigure, ReconstructionFigure, outliersFigure},

	Encoder:    stacked.Encoder,
	Decoder:    stacked.Decoder,
	Loss:       loss.Correntropy{Sigma: 0.5},
	Optimizer:  optim.Adam{},
	Metrics:    stacked.Metrics,
	Epochs:     10,
	BatchSize:  32,
	Validation: 5000,

	Training: func(s *Session) dataset.Source { return outliers{s.Data.Train} },
	After: func(ctx context.Context, s *Session) error {
		return errors.Join(
			s.showReconstructions(s.Data.Validation.Tensor(0, shownImages)),
			s.showOutliers(),
			s.judgeOutliers(ctx))
	},
}

// outlierEvery says that every so many-th training image is noise.
const outlierEvery = 10

// outliers are images with noise in the place of some, the same whatever the seed of a run.
type outliers struct{ dataset.Source }

// isOutlier reports whether an image is noise.
func isOutlier(image int) bool { return image%outlierEvery == outlierEvery-1 }

// Read reads images, with uniform noise for every tenth.
func (o outliers) Read(dst []float32, indices []int) error {
	if err := o.Source.Read(dst, indices); err != nil {
		return err
	}
	size := o.Sample().Size()
	for i, image := range indices {
		if !isOutlier(image) {
			continue
		}
		rng := rand.New(rand.NewPCG(uint64(image), 0))
		for j := range size {
			dst[i*size+j] = rng.Float32()
		}
	}
	return nil
}

// Window is that of the images.
func (o outliers) Window() (buffer, block int) { return dataset.Window(o.Source) }

// showOutliers draws images that are noise over what the model makes of them.
func (s *Session) showOutliers() error {
	batch := tensor.New(append([]int{min(shownImages, s.Train.Len()/outlierEvery)}, s.Data.Train.Shape...)...)
	var indices []int
	for i := range batch.Len() {
		indices = append(indices, (i+1)*outlierEvery-1)
	}
	if err := s.Train.Read(batch.Data, indices); err != nil {
		return err
	}
	outputs, err := s.reconstruct(batch)
	if err != nil {
		return err
	}
	return s.Draw(outliersFigure)(figure.Reconstructions(batch, outputs, figure.ReconstructionOptions{}))
}

// Outliers says how well training images that do not belong are told from the others by their
// reconstruction error.
type Outliers struct {
	Images int `json:"images"` // looked at
	Noise  int `json:"noise"`  // of them that are noise
	// AUC is the share of pairs of a noise and an image in which the noise has the larger error: the
	// area under the receiver operating characteristic.
	AUC float64 `json:"auc"`
	// Ratio is how many times the mean error of the images that of the noise is.
	Ratio float64 `json:"error_ratio"`
}

// judgeOutliers scores the first training images.
func (s *Session) judgeOutliers(ctx context.Context) error {
	const most = 10000
	first := make([]int, min(most, s.Train.Len()))
	for i := range first {
		first[i] = i
	}
	some, err := dataset.Subset(s.Train, first)
	if err != nil {
		return err
	}
	scores, err := s.Model.ScoreAll(ctx, some)
	if err != nil {
		return err
	}
	var noise, images []float64
	for i, score := range scores {
		if isOutlier(i) {
			noise = append(noise, score)
		} else {
			images = append(images, score)
		}
	}
	o := Outliers{Images: len(scores), Noise: len(noise), AUC: areaUnderROC(noise, images), Ratio: mean(noise) / mean(images)}
	s.Metrics.Outliers = &o
	s.Logf("of %d training images %d are noise; their error is %.1f times that of the others, area under the ROC curve %.4f\n", o.Images, o.Noise, o.Ratio, o.AUC)
	return nil
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// areaUnderROC returns the share of pairs in which the score that is to be high is the higher,
// with half of those in which both are alike.
func areaUnderROC(high, low []float64) float64 {
	low = slices.Sorted(slices.Values(low))
	var pairs float64
	for _, h := range high {
		below, _ := slices.BinarySearch(low, h)
		upTo, _ := slices.BinarySearchFunc(low, h, func(x, h float64) int {
			if x <= h {
				return -1
			}
			return 1
		})
		pairs += float64(below+upTo) / 2
	}
	return pairs / float64(len(high)*len(low))
}
