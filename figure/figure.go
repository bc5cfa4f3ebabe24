// Package figure draws the pictures Hourglass makes: originals over
// reconstructions, image grids, training curves, scatters and thumbnail maps of
// codes, confusion matrices and histograms of scores.
//
// Every function takes numbers (tensors of images or points, slices of values)
// and returns a finished [Figure] of 300 dots per inch, which [Save] writes as a
// PNG file and [Figure.Encode] to any writer:
//
//	f, err := figure.Reconstructions(images, outputs, figure.ReconstructionOptions{})
//	if err != nil {
//		return err
//	}
//	return figure.Save("reconstruction_plot.png", f)
//
// Images are N×H×W (grey) or N×H×W×C with C 1 (grey) or 3 (red, green, blue).
// Every options struct is useful as its zero value. The same arguments give the
// same bytes. Arguments that cannot be drawn give an error and never a panic;
// single values that are not finite (a NaN point, a NaN pixel) are left out.
package figure

import (
	"errors"
	"fmt"
	"image"
	"io"
	"math"

	"hourglass/internal/atomicfile"
)

// DPI is the resolution of every figure in dots per inch.
const DPI = 300

// maxPixels bounds a figure to what viewers open (400 MB in memory).
const maxPixels = 100_000_000

// Figure is a finished picture: opaque pixels at [DPI] dots per inch.
type Figure struct {
	Image *image.RGBA
}

// Encode writes the figure as a PNG image that states its resolution.
func (f *Figure) Encode(w io.Writer) error {
	if f == nil || f.Image == nil {
		return errors.New("figure: encode: the figure is empty")
	}
	return WritePNG(w, f.Image, DPI)
}

// Save writes the figure as a PNG file. The file appears whole or not at all; an
// older one of the same name stays until the new one is complete.
func Save(path string, f *Figure) error {
	if err := atomicfile.Write(path, f.Encode); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}

// inches converts a length in inches to pixels.
func inches(x float64) int { return int(math.Round(x * DPI)) }

// checkSize reports a picture too large to be drawn; what names it.
func checkSize(what string, width, height int) error {
	if width < 1 || height < 1 || width > maxPixels/height {
		return fmt.Errorf("figure: %s: the picture would have %d×%d pixels, want at most %d million in all",
			what, width, height, maxPixels/1_000_000)
	}
	return nil
}
