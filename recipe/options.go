package recipe

import (
	"context"
	"errors"
	"fmt"

	"hourglass/dataset"
	"hourglass/optim"
	"hourglass/run"
)

// Options are what a user may change about a run. The zero value runs a recipe
// as the lecture has it.
type Options struct {
	Dataset      string  // name or path; by default MNIST, or the built-in digits where MNIST cannot be had
	DataDir      string  // where to look for it
	Epochs       int     // 0 for the recipe's
	BatchSize    int     // 0 for the recipe's
	LearningRate float64 // 0 for the recipe's
	Seed         uint64
	TrainSize    int                  // the first so many training images; 0 for all
	Augment      dataset.Augmentation // of the training images; none
	Quick        bool                 // a fifth of the epochs, on 20,000 images, where nothing else is asked for
	Samples      int                  // codes drawn of each sample in training, where a recipe draws several; 0 for the recipe's
	Draws        int                  // codes that the likelihood of a test image is estimated by; 0 for the recipe's
	Baseline     bool                 // also measure principal component analysis with codes of the same size

	run.Options

	Download func(dataset.Progress) // follows a download; may be nil
}

// quickImages is how many images a quick run trains on.
const quickImages = 20000

// quick returns the options of a quick run of r: what was not chosen is cut.
func (o Options) quick(r Recipe) Options {
	if r.Own != nil {
		return o // takes no time anyway
	}
	if o.Epochs == 0 {
		o.Epochs = max(r.Epochs/5, 1)
	}
	if o.TrainSize == 0 {
		o.TrainSize = quickImages
	}
	return o
}

// check reports a choice that the recipe does not have.
func (o Options) check(r Recipe) error {
	switch {
	case o.Samples < 0 || o.Draws < 0:
		return fmt.Errorf("recipe: %d samples and %d draws, want at least 1 each", o.Samples, o.Draws)
	case o.Samples > 0 && r.WithSamples == nil:
		return fmt.Errorf("recipe: %s draws no more than one code of a sample; that is for iwae and iwae-paper", r.Name)
	case o.Draws > 0 && r.Draws == 0:
		return fmt.Errorf("recipe: %s gives images no likelihood, to be estimated by %d draws; that is for recipes that draw codes", r.Name, o.Draws)
	}
	return nil
}

// apply puts the options into a copy of the recipe.
func (o Options) apply(r Recipe) Recipe {
	if o.Samples != 0 {
		r.Encoder = r.WithSamples(o.Samples)
	}
	if o.Draws != 0 {
		r.Draws = o.Draws
	}
	if o.Epochs != 0 {
		r.Epochs = o.Epochs
	}
	if o.BatchSize != 0 {
		r.BatchSize = o.BatchSize
	}
	if o.LearningRate != 0 {
		r.Optimizer = optim.WithRate(r.Optimizer, o.LearningRate)
	}
	return r
}

// open finds the data. Where none was named and MNIST cannot be had it says so
// and goes on with the built-in digits.
func (o Options) open(ctx context.Context, validation int) (*dataset.Split, error) {
	options := dataset.Options{DataDir: o.DataDir, Download: true, Progress: o.Download,
		Validation: validation, TrainSize: o.TrainSize}
	if o.Dataset != "" {
		return dataset.Open(ctx, o.Dataset, options)
	}
	split, err := dataset.Open(ctx, "mnist", options)
	if o.DataDir != "" || !errors.Is(err, dataset.ErrUnavailable) {
		return split, err
	}
	fmt.Fprintf(o.Log, "%v; going on with the built-in digits\n", err)
	return dataset.Open(ctx, dataset.Digits, options)
}
