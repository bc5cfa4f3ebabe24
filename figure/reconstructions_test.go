package figure_test

import (
	"fmt"
	"image/color"
	"testing"

	"hourglass/figure"
	"hourglass/tensor"
)

// TestReconstructionsPixels checks every pixel of the figure against the
// layout: cells of 450 pixels, an image of 28 pixels enlarged by 14 (the largest
// whole factor within 88 % of a cell) in the middle of each.
func TestReconstructionsPixels(t *testing.T) {
	const n, cell, factor, margin = 2, 450, 14, 29
	originals, outputs := ramp(n, 28, 28), ramp(n, 28, 28, 1)
	for i := range outputs.Data {
		outputs.Data[i] = 1 - outputs.Data[i]
	}
	outputs.Shape = outputs.Shape[:3]
	f := must(t)(figure.Reconstructions(originals, outputs, figure.ReconstructionOptions{}))
	wantSize(t, f, n*cell, 2*cell)
	for y := range 2 * cell {
		for x := range n * cell {
			want := color.RGBA{255, 255, 255, 255}
			i, row := x/cell, y/cell
			px, py := (x%cell-margin)/factor, (y%cell-margin)/factor
			if x%cell >= margin && y%cell >= margin && px < 28 && py < 28 {
				level := uint8((i*784 + py*28 + px) % 256)
				if row == 0 {
					level = 255 - level // matplotlib's "binary": 1 is black
				}
				want = color.RGBA{level, level, level, 255}
			}
			if got := f.Image.RGBAAt(x, y); got != want {
				t.Fatalf("pixel (%d, %d) is %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestReconstructionsMiddleRowAndCaptions(t *testing.T) {
	black, white := tensor.New(1, 4, 4), tensor.New(1, 4, 4)
	for i := range black.Data {
		black.Data[i] = 1
	}
	f := must(t)(figure.Reconstructions(black, white, figure.ReconstructionOptions{Middle: black}))
	wantSize(t, f, 450, 3*450)
	for row, want := range []uint8{0, 0, 255} {
		if got := f.Image.RGBAAt(225, 225+450*row).R; got != want {
			t.Errorf("row %d is %d, want %d", row, got, want)
		}
	}
	o := figure.ReconstructionOptions{Captions: []string{"original", "reconstruction"}}
	f = must(t)(figure.Reconstructions(white, white, o))
	wantSize(t, f, 90+450, 900)
	for row := range 2 {
		dark := 0
		for y := 450 * row; y < 450*(row+1); y++ {
			for x := range 90 {
				if f.Image.RGBAAt(x, y).R < 128 {
					dark++
				}
			}
		}
		if dark == 0 {
			t.Errorf("row %d has no caption", row)
		}
	}
}

func TestReconstructionsColourAndRange(t *testing.T) {
	x, _ := tensor.FromSlice([]float32{-1, 0, 1}, 1, 1, 1, 3)
	f := must(t)(figure.Reconstructions(x, x, figure.ReconstructionOptions{Range: figure.Range{Low: -1, High: 1}}))
	if got := f.Image.RGBAAt(225, 225); got != (color.RGBA{0, 128, 255, 255}) {
		t.Errorf("(-1, 0, 1) is drawn as %v, want 0, 128, 255", got)
	}
	// Clipped to 0 … 1 where no range is given.
	f = must(t)(figure.Reconstructions(x, x, figure.ReconstructionOptions{}))
	if got := f.Image.RGBAAt(225, 225); got != (color.RGBA{0, 0, 255, 255}) {
		t.Errorf("(-1, 0, 1) is clipped to %v, want 0, 0, 255", got)
	}
}

func TestReconstructionsShrinksLargeImages(t *testing.T) {
	x := tensor.New(1, 800, 400)
	for i := range x.Data {
		x.Data[i] = 1
	}
	f := must(t)(figure.Reconstructions(x, x, figure.ReconstructionOptions{}))
	if got := count(f, color.RGBA{0, 0, 0, 255}); got != 2*396*198 {
		t.Errorf("%d pixels are black, want two images of 198×396", got)
	}
}

func TestReconstructionsErrors(t *testing.T) {
	x := ramp(2, 4, 4)
	for want, args := range map[string]struct {
		originals, reconstructions tensor.Tensor
		o                          figure.ReconstructionOptions
	}{
		"originals: there are none":      {tensor.Tensor{}, x, figure.ReconstructionOptions{}},
		"reconstructions: there are":     {x, tensor.Tensor{}, figure.ReconstructionOptions{}},
		"reconstructions: shape is 3×4":  {x, ramp(3, 4, 4), figure.ReconstructionOptions{}},
		"middle row: shape is 2×5×4":     {x, x, figure.ReconstructionOptions{Middle: ramp(2, 5, 4)}},
		"got 3 captions":                 {x, x, figure.ReconstructionOptions{Captions: make([]string, 3)}},
		"pixel range is 1 to 0":          {x, x, figure.ReconstructionOptions{Range: figure.Range{Low: 1}}},
		"want at most 100 million":       {tensor.New(1000, 1, 1), tensor.New(1000, 1, 1), figure.ReconstructionOptions{}},
		"want N×H×W or N×H×W×C":          {tensor.New(2, 4), x, figure.ReconstructionOptions{}},
		"middle row: it has a shape but": {x, x, figure.ReconstructionOptions{Middle: tensor.Tensor{Shape: tensor.Shape{2}}}},
	} {
		_, err := figure.Reconstructions(args.originals, args.reconstructions, args.o)
		wantError(t, "reconstructions", err, want)
	}
}

func ExampleReconstructions() {
	images := tensor.New(5, 28, 28) // as they went in
	outputs := tensor.New(5, 28, 28)
	f, err := figure.Reconstructions(images, outputs, figure.ReconstructionOptions{
		Captions: []string{"original", "reconstruction"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Image.Rect.Size())
	// Output: (2340,900)
}
