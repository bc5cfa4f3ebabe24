package figure

import (
	"errors"
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"

	"hourglass/tensor"
)

// ReconstructionOptions are the choices of [Reconstructions].
type ReconstructionOptions struct {
	// Middle holds images of a row between the two others, such as the corrupted
	// inputs of a denoising autoencoder. Without data there is no such row.
	Middle tensor.Tensor

	// Captions name the rows from top to bottom, written upwards at their left.
	// None, or one a row; captions widen the figure by 0.3 inches.
	Captions []string

	// Range is the range of pixel values.
	Range Range
}

const (
	cellInches    = 1.5  // an image and its margin, as in the lecture's figure
	captionInches = 0.3  // the strip for the rows' captions
	imageShare    = 0.88 // of a cell that an image may fill
)

// Reconstructions draws originals over their reconstructions, pairs side by
// side, as the lecture's show_reconstructions: each image in 1.5 × 1.5 inches
// without axes, grey ones in the "binary" colour map (0 white, 1 black), pixels
// as sharp squares. Both are N×H×W or N×H×W×C of one shape; all N are drawn.
func Reconstructions(originals, reconstructions tensor.Tensor, o ReconstructionOptions) (*Figure, error) {
	rows, err := reconstructionRows(originals, reconstructions, o)
	if err != nil {
		return nil, err
	}
	if len(o.Captions) > 0 && len(o.Captions) != len(rows) {
		return nil, fmt.Errorf("figure: reconstructions: got %d captions, want none or one for each of the %d rows",
			len(o.Captions), len(rows))
	}
	cell, left := inches(cellInches), 0
	if len(o.Captions) > 0 {
		left = inches(captionInches)
	}
	c, err := newCanvas("reconstructions", left+rows[0].n*cell, len(rows)*cell, color.White)
	if err != nil {
		return nil, err
	}
	box := int(imageShare * float64(cell))
	for r, row := range rows {
		w, h := row.fit(box, box, noLimit)
		for i := range row.n {
			blit(c.pixels, row.image(i), left+i*cell+(cell-w)/2, r*cell+(cell-h)/2, w, h)
		}
	}
	for r, caption := range o.Captions {
		f := face(sans, 10)
		middle := vg.Point{X: points(left*2) / 3, Y: c.Max.Y - points(cell*r+cell/2)}
		c.writeUpwards(shorten(caption, f, points(cell)), f, ink, middle, alignCentre)
	}
	return c.figure(), nil
}

// reconstructionRows checks the images of all rows, top to bottom.
func reconstructionRows(originals, reconstructions tensor.Tensor, o ReconstructionOptions) ([]batch, error) {
	sources := []tensor.Tensor{originals, reconstructions}
	names := []string{"originals", "reconstructions"}
	if len(o.Middle.Data) > 0 {
		sources = []tensor.Tensor{originals, o.Middle, reconstructions}
		names = []string{"originals", "middle row", "reconstructions"}
	} else if len(o.Middle.Shape) > 0 {
		return nil, errors.New("figure: middle row: it has a shape but no values")
	}
	rows := make([]batch, len(sources))
	for i, source := range sources {
		row, err := newBatch(names[i], source, o.Range, inkOnPaper)
		if err != nil {
			return nil, err
		}
		if rows[i] = row; !row.fits(rows[0]) {
			return nil, fmt.Errorf("figure: %s: shape is %v, want that of the originals, %v", names[i], source.Shape, originals.Shape)
		}
	}
	return rows, nil
}
