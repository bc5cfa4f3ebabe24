package figure

import (
	"image"
	"image/color"
	"math"

	xdraw "golang.org/x/image/draw"
)

// dot is a smooth-edged disc, drawn by stamping its mask: a map has tens of
// thousands of them, for each of which a vector path would be far too slow.
type dot struct {
	mask   *image.Alpha
	radius int // of the mask's square, in pixels
}

// newDot returns a disc of the given diameter in pixels.
func newDot(diameter float64) dot {
	radius := int(math.Ceil(diameter/2 + 0.5))
	mask := image.NewAlpha(image.Rect(-radius, -radius, radius+1, radius+1))
	for y := -radius; y <= radius; y++ {
		for x := -radius; x <= radius; x++ {
			// A pixel's cover is close to how far the edge lies beyond its centre.
			cover := diameter/2 - math.Hypot(float64(x), float64(y)) + 0.5
			mask.SetAlpha(x, y, color.Alpha{A: uint8(math.Round(255 * min(max(cover, 0), 1)))})
		}
	}
	return dot{mask: mask, radius: radius}
}

// stamp draws the disc around the pixel (x, y).
func (d dot) stamp(dst *image.RGBA, x, y float64, c *image.Uniform) {
	at := d.mask.Rect.Add(image.Pt(int(math.Floor(x)), int(math.Floor(y))))
	xdraw.DrawMask(dst, at, c, image.Point{}, d.mask, d.mask.Rect.Min, xdraw.Over)
}
