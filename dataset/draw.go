package dataset

import (
	"context"
	"fmt"

	"hourglass/dataset/digits"
	"hourglass/internal/parallel"
	"hourglass/tensor"
)

// digitsSeed is the seed of the built-in data set. It is one data set, the same
// for everyone, whatever the seed of a training.
const digitsSeed = 42

// openDigits draws the built-in images that o asks for, and no others.
func openDigits(ctx context.Context, o Options) (*Split, error) {
	first, err := o.trainSize(Digits, digits.Train)
	if err != nil {
		return nil, err
	}
	s := &Split{Name: Digits}
	if s.Train, err = drawDigits(ctx, 0, first); err != nil {
		return nil, err
	}
	if s.Validation, err = drawDigits(ctx, digits.Train-o.Validation, digits.Train); err != nil {
		return nil, err
	}
	if s.Test, err = drawDigits(ctx, digits.Train, digits.Train+digits.Test); err != nil {
		return nil, err
	}
	return s, nil
}

// drawDigits returns the built-in digits number lo to hi (exclusive).
func drawDigits(ctx context.Context, lo, hi int) (*Images, error) {
	d := &Images{
		Name:    Digits,
		Shape:   tensor.Shape{digits.Side, digits.Side},
		Pixels:  make([]byte, (hi-lo)*digits.Side*digits.Side),
		Labels:  make([]uint8, hi-lo),
		Classes: digitNames,
	}
	if err := d.draw(ctx, lo); err != nil {
		return nil, fmt.Errorf("dataset: open %s: %w", Digits, err)
	}
	return d, nil
}

// draw fills the images with the digits from number start on, on every core,
// until done or ctx ends. Each is a function of its number alone, so it does
// not matter which core draws which and when.
func (d *Images) draw(ctx context.Context, start int) error {
	const block = 128 // taken at a time: a few milliseconds of work
	n, size := d.Len(), d.Shape.Size()
	return parallel.Each(ctx, 0, (n+block-1)/block, func(_, b int) error {
		for i := b * block; i < min((b+1)*block, n); i++ {
			d.Labels[i] = digits.Draw(digitsSeed, start+i, d.Pixels[i*size:(i+1)*size])
		}
		return nil
	})
}
