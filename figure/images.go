package figure

import (
	"fmt"
	"image"
	"image/color"
	"math"

	xdraw "golang.org/x/image/draw"

	"hourglass/tensor"
)

// Range says which pixel values are drawn as the two ends of the colour scale;
// values outside are clipped to it. The zero Range means 0 to 1.
type Range struct{ Low, High float32 }

// bounds returns the range's two ends.
func (r Range) bounds() (low, high float32, err error) {
	if r == (Range{}) {
		return 0, 1, nil
	}
	if !(r.Low < r.High) || math.IsInf(float64(r.High-r.Low), 0) {
		return 0, 0, fmt.Errorf("pixel range is %v to %v, want a finite one that rises", r.Low, r.High)
	}
	return r.Low, r.High, nil
}

// polarity says what a grey pixel of value 1 looks like.
type polarity bool

const (
	inkOnPaper   polarity = false // 1 is black: matplotlib's "binary" colour map
	lightOnBlack polarity = true  // 1 is white
)

// batch is a checked batch of images.
type batch struct {
	n, height, width, channels int
	data                       []float32
	low, high                  float32
	ink                        polarity
}

// newBatch checks that t holds images; what names them in errors.
func newBatch(what string, t tensor.Tensor, r Range, p polarity) (batch, error) {
	if err := checkTensor(what, t); err != nil {
		return batch{}, err
	}
	low, high, err := r.bounds()
	if err != nil {
		return batch{}, fmt.Errorf("figure: %s: %w", what, err)
	}
	s := t.Shape
	b := batch{channels: 1, data: t.Data, low: low, high: high, ink: p}
	if len(s) == 4 {
		b.channels = s[3]
	}
	if len(s) < 3 || len(s) > 4 || b.channels != 1 && b.channels != 3 {
		return batch{}, fmt.Errorf("figure: %s: shape is %v, want N×H×W or N×H×W×C with 1 or 3 channels", what, s)
	}
	b.n, b.height, b.width = s[0], s[1], s[2]
	return b, nil
}

// checkTensor reports a tensor that is empty or whose values do not fill its shape.
func checkTensor(what string, t tensor.Tensor) error {
	if len(t.Shape) == 0 || len(t.Data) == 0 {
		return fmt.Errorf("figure: %s: there are none, want at least one", what)
	}
	if err := t.Shape.Validate(); err != nil {
		return fmt.Errorf("figure: %s: %w", what, err)
	}
	if len(t.Data) != t.Shape.Size() {
		return fmt.Errorf("figure: %s: %d values do not fill shape %v, want %d", what, len(t.Data), t.Shape, t.Shape.Size())
	}
	return nil
}

// fits reports whether the images of b and c have one size and number.
func (b batch) fits(c batch) bool {
	return b.n == c.n && b.height == c.height && b.width == c.width && b.channels == c.channels
}

// level maps a value to 0 … 255; NaN counts as the low end.
func (b batch) level(v float32) uint8 {
	x := (float64(v) - float64(b.low)) / (float64(b.high) - float64(b.low))
	if !(x > 0) {
		return 0
	}
	return uint8(math.Round(255 * min(x, 1)))
}

// image returns the i-th image, one pixel a pixel.
func (b batch) image(i int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, b.width, b.height))
	size := b.height * b.width * b.channels
	values := b.data[i*size : (i+1)*size]
	for p := range b.height * b.width {
		pixel := img.Pix[4*p : 4*p+4 : 4*p+4]
		pixel[3] = 255
		if b.channels == 3 {
			for k := range 3 {
				pixel[k] = b.level(values[3*p+k])
			}
			continue
		}
		grey := b.level(values[p])
		if b.ink == inkOnPaper {
			grey = 255 - grey
		}
		pixel[0], pixel[1], pixel[2] = grey, grey, grey
	}
	return img
}

// fit returns the size at which an image is drawn in a box of the given side
// lengths: enlarged by the largest whole factor up to limit, so that its pixels
// stay equal squares, or shrunk where it is larger than the box.
func (b batch) fit(width, height, limit int) (w, h int) {
	if factor := min(width/b.width, height/b.height, limit); factor >= 1 {
		return factor * b.width, factor * b.height
	}
	shrink := min(float64(width)/float64(b.width), float64(height)/float64(b.height))
	return max(1, int(shrink*float64(b.width))), max(1, int(shrink*float64(b.height)))
}

// noLimit lets fit enlarge as far as the box allows.
const noLimit = math.MaxInt

// blit draws src into the rectangle of dst whose upper left corner is (x, y),
// with hard pixel edges when it is enlarged and smoothly when it is shrunk.
func blit(dst *image.RGBA, src *image.RGBA, x, y, width, height int) {
	var scaler xdraw.Scaler = xdraw.NearestNeighbor
	if width < src.Rect.Dx() || height < src.Rect.Dy() {
		scaler = xdraw.CatmullRom
	}
	scaler.Scale(dst, image.Rect(x, y, x+width, y+height), src, src.Rect, xdraw.Src, nil)
}

// fill paints a rectangle.
func fill(dst *image.RGBA, r image.Rectangle, c color.Color) {
	xdraw.Draw(dst, r, image.NewUniform(c), image.Point{}, xdraw.Src)
}

// frame paints a border of the given width around the outside of r.
func frame(dst *image.RGBA, r image.Rectangle, width int, c color.Color) {
	outer := r.Inset(-width)
	fill(dst, image.Rect(outer.Min.X, outer.Min.Y, outer.Max.X, r.Min.Y), c)
	fill(dst, image.Rect(outer.Min.X, r.Max.Y, outer.Max.X, outer.Max.Y), c)
	fill(dst, image.Rect(outer.Min.X, r.Min.Y, r.Min.X, r.Max.Y), c)
	fill(dst, image.Rect(r.Max.X, r.Min.Y, outer.Max.X, r.Max.Y), c)
}
