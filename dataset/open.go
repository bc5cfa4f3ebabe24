package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Digits is the name of the built-in data set, which needs no files.
const Digits = "digits"

// ErrUnavailable is what [Open] wraps where a data set of that name exists but
// is not on this machine and could not, or was not to be, downloaded. A caller
// may go on with [Digits].
var ErrUnavailable = errors.New("not on this machine")

// Options says where [Open] looks for a data set and how it splits it.
type Options struct {
	// DataDir is the only folder looked in, where it is not empty.
	DataDir string
	// Download allows downloading what is on no folder of this machine.
	Download bool
	// Progress is called as a download proceeds, if not nil.
	Progress func(Progress)
	// Validation is how many of the last training images are set aside to
	// validate with; Keras' recipes of 60,000 take 5,000.
	Validation int
	// TrainSize keeps only the first so many of the training images left by
	// Validation; 0 keeps all.
	TrainSize int
}

// Split is a data set divided by purpose.
type Split struct {
	// Name is the data set's name or path, as given to [Open].
	Name string
	// Dir is the folder its files were read from, empty for one that is drawn.
	Dir string
	// Train, Validation and Test are never nil, but Validation is empty where
	// none was asked for.
	Train, Validation, Test *Images
}

// Open returns the data set of a name that [Sets] lists, or the one in the
// folder of that path, which holds four IDX files named and shaped like those
// of MNIST (bytes, labels, plain or .gz).
//
// A named data set is looked for in o.DataDir and nowhere else if that is given;
// otherwise in $HOURGLASS_DATA and then in the user's cache, below a folder of
// its name (or torchvision's) or in that folder itself. If it is in none of
// them and o.Download allows, it is downloaded into the cache. Its content must
// have the published SHA-256.
//
// The error is one line; it wraps [ErrUnavailable] where the built-in digits
// are the way on, and ctx's error where ctx ended.
func Open(ctx context.Context, name string, o Options) (*Split, error) {
	if o.Validation < 0 || o.TrainSize < 0 {
		return nil, fmt.Errorf("dataset: open %s: validation of %d and training of %d images, want none below 0", name, o.Validation, o.TrainSize)
	}
	info, known := Lookup(name)
	switch {
	case name == Digits:
		return openDigits(ctx, o)
	case known:
		dir, err := locateOrDownload(ctx, info, o)
		if err != nil {
			return nil, err
		}
		return openFolder(ctx, name, dir, &info, o)
	}
	if stat, err := os.Stat(name); err != nil || !stat.IsDir() {
		return nil, fmt.Errorf("dataset: open %q: want mnist, fashion-mnist, digits or a folder with the four IDX files of a data set", name)
	}
	return openFolder(ctx, name, name, nil, o)
}

func openFolder(ctx context.Context, name, dir string, info *Info, o Options) (*Split, error) {
	train, test, err := loadFolder(dir, info)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dataset: open %s: %w", name, err)
	}
	first, err := o.trainSize(name, train.Len())
	if err != nil {
		return nil, err
	}
	train.Name, test.Name = name, name
	return &Split{
		Name:       name,
		Dir:        dir,
		Train:      train.Slice(0, first),
		Validation: train.Slice(train.Len()-o.Validation, train.Len()),
		Test:       test,
	}, nil
}

// trainSize returns how many of n training images are for training.
func (o Options) trainSize(name string, n int) (int, error) {
	left := n - o.Validation
	switch {
	case left < 1:
		return 0, fmt.Errorf("dataset: open %s: %d images for validation leave none of %d for training", name, o.Validation, n)
	case o.TrainSize > left:
		return 0, fmt.Errorf("dataset: open %s: want the first %d training images, but there are %d beside %d for validation", name, o.TrainSize, left, o.Validation)
	case o.TrainSize > 0:
		return o.TrainSize, nil
	}
	return left, nil
}
