package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"hourglass"
	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/dataset/schema"
	"hourglass/figure"
	"hourglass/train"
)

// Record is what decides the bits of a run, and what later data must be like. It is
// in run.json and in every file that the model can be loaded from.
type Record struct {
	Version      string `json:"version,omitempty"` // of Hourglass
	Recipe       string `json:"recipe,omitempty"`  // of the lecture
	Architecture string `json:"architecture,omitempty"`
	Dataset      string `json:"dataset"`

	train.Settings          // what the training is resumed by
	Metrics        []string `json:"metrics,omitempty"`
	Epochs         int      `json:"epochs"`
	Patience       int      `json:"early_stopping,omitempty"`
	Average        float64  `json:"weight_average,omitempty"` // its decay
	BestEpoch      int      `json:"best_epoch,omitempty"`     // whose weights early stopping kept

	// Scaling says in words how values are scaled; the scaler itself is in the model.
	Scaling string  `json:"scaling,omitempty"`
	Data    Digests `json:"data"`

	Only     string                 `json:"only,omitempty"`     // label of the samples that alone were taken
	Features []string               `json:"features,omitempty"` // names of a table's columns
	Series   *dataset.SeriesOptions `json:"series,omitempty"`   // how samples were cut out of it, if they were
	Fill     []float32              `json:"fill,omitempty"`     // what replaces missing cells
	Schema   *schema.Schema         `json:"schema,omitempty"`   // what a table's columns are that are not all plain numbers
	Classes  []string               `json:"classes,omitempty"`  // what the labels that layers ask for stand for
	Images   *dataset.ImageOptions  `json:"images,omitempty"`   // how a folder of images was read
	Range    *figure.Range          `json:"range,omitempty"`    // of the values of images: black and white
	Pixels   *Pixels                `json:"pixels,omitempty"`   // what a recipe made of bytes; nil for their share of 255
}

// Pixels are the constants of a recipe's images: a byte becomes (byte/255 - Mean)/Std.
type Pixels struct {
	Mean float32 `json:"mean"`
	Std  float32 `json:"std"`
}

// Digests are the SHA-256 of a run's data, part by part; see dataset.Digest. That of
// a part that there is not is empty, as are all where nobody knows.
type Digests struct {
	Train      string `json:"train,omitempty"`
	Validation string `json:"validation,omitempty"`
	Test       string `json:"test,omitempty"`
}

// Differ reports the first thing that decides the bits and that a run has otherwise
// than it is recorded, with both values. How many epochs there are does not count:
// a run may go on for more.
func (r Record) Differ(here Record) error {
	for _, c := range [][3]string{
		{"recipe", r.Recipe, here.Recipe},
		{"architecture", r.Architecture, here.Architecture},
		{"data set", r.Dataset, here.Dataset},
	} {
		if c[1] != c[2] {
			return fmt.Errorf("the run has the %s %s, not %s", c[0], cmp.Or(c[1], "none"), cmp.Or(c[2], "none"))
		}
	}
	if err := r.Settings.Differ(here.Settings); err != nil {
		return err
	}
	switch {
	case !slices.Equal(r.Metrics, here.Metrics):
		return fmt.Errorf("the run has the metrics %v, not %v", r.Metrics, here.Metrics)
	case r.Patience != here.Patience:
		return fmt.Errorf("the run has an early stopping of %d, not %d", r.Patience, here.Patience)
	case r.Average != here.Average:
		return fmt.Errorf("the run has a weight average with a decay of %v, not %v", r.Average, here.Average)
	case r.Scaling != here.Scaling:
		return fmt.Errorf("the run has the scaling %s, not %s", cmp.Or(r.Scaling, "none"), cmp.Or(here.Scaling, "none"))
	case r.Data == Digests{}:
		return nil // it was ended before anybody knew
	}
	for _, c := range [][3]string{
		{"training", r.Data.Train, here.Data.Train},
		{"validation", r.Data.Validation, here.Data.Validation},
		{"test", r.Data.Test, here.Data.Test},
	} {
		if c[1] != c[2] {
			return fmt.Errorf("the %s data has changed: its digest was %.12s, now it is %.12s", c[0], cmp.Or(c[1], "none"), cmp.Or(c[2], "none"))
		}
	}
	return nil
}

// record returns what is recorded of a session before it has begun, but for the
// digests, which may not be known yet.
func (s *Session) record() Record {
	r := s.Plan.Record
	r.Version = version()
	r.Architecture = architecture.Format(s.Model.Encoder().Layers(), s.Model.Decoder().Layers())
	r.Dataset = s.Numbers.Dataset.Name
	t := train.Trainer{Loss: s.Loss, Optimizer: s.Optimizer, Optimizers: s.Optimizers, Penalties: s.Penalties, Binarize: s.Binarize, Schedule: s.Schedule, Clipping: s.Clipping, BatchSize: s.BatchSize, Seed: s.Seed}
	if s.Plateau != nil {
		t.Observers = []train.Observer{s.Plateau}
	}
	r.Settings = t.Settings(s.Train, s.Validation)
	for _, m := range s.Plan.Metrics {
		r.Metrics = append(r.Metrics, m.Name())
	}
	r.Epochs, r.Patience, r.Average = s.Epochs, s.Patience, s.Average
	return r
}

// version returns the version of the program.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return cmp.Or(info.Main.Version, "(devel)")
	}
	return "(devel)"
}

// startDigests begins to work out the digests of the data, beside whatever else is
// done. It returns a function that waits for them, and one that ends it: it comes
// back when the data is no longer read.
func (s *Session) startDigests(ctx context.Context) (digests func() (Digests, error), stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	digests = sync.OnceValues(func() (d Digests, err error) {
		for _, part := range []struct {
			digest *string
			data   dataset.Source
		}{{&d.Train, s.Train}, {&d.Validation, s.Validation}, {&d.Test, s.Test}} {
			if part.data == nil {
				continue
			}
			if *part.digest, err = dataset.Digest(ctx, part.data, s.Model.Faces()...); err != nil {
				return Digests{}, err
			}
		}
		return d, nil
	})
	go digests()
	return digests, func() {
		cancel()
		digests()
	}
}

// recordData completes the record, in the model too, once the digests are known. A
// run that is cancelled before does without them.
func (s *Session) recordData(digests func() (Digests, error)) (hourglass.Digests, error) {
	d, err := digests()
	if err != nil && !errors.Is(err, context.Canceled) {
		return hourglass.Digests{}, err
	}
	s.Plan.Record.Data = d
	return hourglass.Digests{Train: d.Train, Validation: d.Validation}, errors.Join(err, s.Model.SetRecord(s.record()))
}
