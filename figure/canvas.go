package figure

import (
	"image"
	"image/color"
	"math"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// canvas is a page drawn on in two ways that share their pixels: vector
// graphics and text through draw.Canvas (points, origin at the lower left, y
// upwards) and raster images through pixels (origin at the upper left).
type canvas struct {
	draw.Canvas
	pixels *image.RGBA
}

// newCanvas returns an empty page of the given size in pixels; what names the
// figure in errors.
func newCanvas(what string, width, height int, background color.Color) (*canvas, error) {
	if err := checkSize(what, width, height); err != nil {
		return nil, err
	}
	page := vgimg.NewWith(vgimg.UseWH(points(width), points(height)), vgimg.UseDPI(DPI), vgimg.UseBackgroundColor(background))
	return &canvas{Canvas: draw.New(page), pixels: page.Image().(*image.RGBA)}, nil
}

// points converts a number of pixels to a length.
func points(pixels int) vg.Length { return vg.Length(pixels) * vg.Inch / DPI }

// pixelAt returns the pixel coordinates of a point of the page.
func (c *canvas) pixelAt(p vg.Point) (x, y float64) {
	return p.X.Dots(DPI), float64(c.pixels.Rect.Dy()) - p.Y.Dots(DPI)
}

// figure returns what was drawn.
func (c *canvas) figure() *Figure { return &Figure{Image: c.pixels} }

// sans and boldSans are the typefaces of all text: Liberation Sans, whose files
// are part of gonum/plot, so that figures look the same on every machine.
var (
	sans     = font.Font{Typeface: "Liberation", Variant: "Sans"}
	boldSans = font.Font{Typeface: "Liberation", Variant: "Sans", Weight: xfont.WeightBold}
)

// face returns a typeface at a size.
func face(f font.Font, size vg.Length) *font.Face {
	found := font.DefaultCache.Lookup(f, size)
	return &found
}

// fittingFace returns a typeface at the given size, or smaller where text would be
// wider than width.
func fittingFace(f font.Font, text string, size, width vg.Length) *font.Face {
	if w := face(f, size).Width(oneLine(text)); w > width {
		size *= width / w
	}
	return face(f, size)
}

// capHeight is the height of Liberation Sans' capitals and digits in ems.
const capHeight = 0.69

// Horizontal alignments of text: the share of its width left of the anchor.
const (
	alignLeft   = 0
	alignCentre = 0.5
	alignRight  = 1
)

// write draws one line of text. Its anchor p is at the given horizontal
// alignment and at half the height of capitals, so that text of different
// letters stands on one line.
func (c *canvas) write(text string, f *font.Face, ink color.Color, p vg.Point, align vg.Length) {
	p.X -= align * f.Width(text)
	p.Y -= capHeight / 2 * f.Font.Size
	c.SetColor(ink)
	c.FillString(*f, p, text)
}

// writeUpwards draws one line of text that reads from bottom to top, its middle at p.
func (c *canvas) writeUpwards(text string, f *font.Face, ink color.Color, p vg.Point, align vg.Length) {
	c.Push()
	c.Translate(p)
	c.Rotate(math.Pi / 2)
	c.write(text, f, ink, vg.Point{}, align)
	c.Pop()
}

// oneLine makes text of any origin fit to be drawn: control characters, which
// have no shape, become spaces.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// mostLetters is more than fits any figure.
const mostLetters = 300

// shorten returns text cut with an ellipsis to the given width.
func shorten(text string, f *font.Face, width vg.Length) string {
	letters := []rune(oneLine(text))
	letters = letters[:min(len(letters), mostLetters)]
	if f.Width(string(letters)) <= width {
		return string(letters)
	}
	for len(letters) > 0 && f.Width(string(letters)+"…") > width {
		letters = letters[:len(letters)-1]
	}
	return strings.TrimRight(string(letters), " ") + "…"
}
