package figure

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"

	"hourglass/tensor"
)

// ThumbnailOptions are the choices of [Thumbnails].
type ThumbnailOptions struct {
	// Distance is how far a thumbnail must be from those already placed, in
	// units of the square that UnitSquare scales to; 0 means √0.02.
	Distance float64

	// Names are the classes' names in a legend beside the map; without names
	// there is no legend.
	Names []string

	// Range is the range of pixel values.
	Range Range
}

const (
	mapWidth  = 10.0 // inches
	mapHeight = 8.0

	// thumbSide is the side of a thumbnail in points, as matplotlib draws 28
	// pixels at zoom 1; thumbPad and thumbFrame are the white space and the frame
	// around it, matplotlib's pad of 0.4 at 10 points and "lw" of 2.
	thumbSide  vg.Length = 28
	thumbPad   vg.Length = 4
	thumbFrame vg.Length = 2

	defaultSquaredDistance = 0.02
)

// Thumbnails draws the lecture's map of codes, 10 × 8 inches: the N×2 points,
// scaled by [UnitSquare], as dots in the colours of their labels, and over them
// some of their images, framed in those colours. An image is shown if its point
// is further than o.Distance from the corner (1, 1) and from every image shown
// before; points are visited in order. Grey images are drawn in the "binary"
// colour map.
//
// Labels are one a point, or none; images are N×H×W or N×H×W×C.
func Thumbnails(points tensor.Tensor, labels []int, images tensor.Tensor, o ThumbnailOptions) (*Figure, error) {
	const what = "thumbnails"
	b, err := newBatch(what, images, o.Range, inkOnPaper)
	if err != nil {
		return nil, err
	}
	scaled, err := UnitSquare(points)
	if err != nil {
		return nil, err
	}
	cloud, err := newCloud(what, scaled, labels)
	if err != nil {
		return nil, err
	}
	if b.n != points.Len() {
		return nil, fmt.Errorf("figure: %s: got %d images for %d points, want one each", what, b.n, points.Len())
	}
	if !(o.Distance >= 0) {
		return nil, fmt.Errorf("figure: %s: distance is %v, want at least 0", what, o.Distance)
	}
	c, err := newCanvas(what, inches(mapWidth), inches(mapHeight), color.White)
	if err != nil {
		return nil, err
	}
	area := inset(c.Rectangle, pageMargin)
	if len(o.Names) > 0 && len(labels) > 0 {
		area = drawLegendBeside(c, area, classLegend(labels, o.Names))
	}
	// Thumbnails of points at the edge stay on the page.
	place := cloud.frameless(inset(area, thumbSide/2+thumbPad+thumbFrame))
	cloud.draw(c, place, scatterDiameter)
	for _, i := range cloud.spread(o.squaredDistance()) {
		x, y, _ := cloud.point(i)
		px, py := c.pixelAt(place(x, y))
		drawThumbnail(c.pixels, b, i, int(math.Round(px)), int(math.Round(py)), cloud.color(i))
	}
	return c.figure(), nil
}

func (o ThumbnailOptions) squaredDistance() float64 {
	if o.Distance == 0 {
		return defaultSquaredDistance
	}
	return o.Distance * o.Distance
}

// drawThumbnail draws image i in a white box with a frame, its middle at (x, y).
func drawThumbnail(dst *image.RGBA, b batch, i, x, y int, edge color.Color) {
	// Up to a tenth larger than the side, so that images of 28 and of 32 pixels
	// are both enlarged by 4.
	side := int(thumbSide.Dots(DPI) * 1.1)
	w, h := b.fit(side, side, noLimit)
	pad, line := int(math.Round(thumbPad.Dots(DPI))), int(math.Round(thumbFrame.Dots(DPI)))
	r := image.Rect(0, 0, w, h).Add(image.Pt(x-w/2, y-h/2))
	box := r.Inset(-pad)
	fill(dst, box, color.White)
	frame(dst, box, line, edge)
	blit(dst, b.image(i), r.Min.X, r.Min.Y, w, h)
}

// spread returns the points that get a thumbnail: in order, each whose squared
// distance to the corner (1, 1) and to all chosen before is more than limit.
func (c cloud) spread(limit float64) []int {
	type position struct{ x, y float64 }
	placed := []position{{1, 1}}
	var chosen []int
next:
	for i := range len(c.xy) / 2 {
		x, y, ok := c.point(i)
		if !ok {
			continue
		}
		for _, p := range placed {
			dx, dy := x-p.x, y-p.y
			// The conversions keep compilers from fusing, so that all machines agree.
			if float64(dx*dx)+float64(dy*dy) <= limit {
				continue next
			}
		}
		placed = append(placed, position{x, y})
		chosen = append(chosen, i)
	}
	return chosen
}

// UnitSquare scales N×2 points into the unit square as the lecture does,
// (x − min)/(max − min) with the least and largest value of both axes together,
// so that distances keep their ratios. It leaves the argument as it is. Values
// that are not finite stay NaN; points that all coincide go to (0.5, 0.5).
func UnitSquare(points tensor.Tensor) (tensor.Tensor, error) {
	if err := checkPoints("unit square", points); err != nil {
		return tensor.Tensor{}, err
	}
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range points.Data {
		if drawable(float64(v)) {
			low, high = min(low, v), max(high, v)
		}
	}
	scaled := tensor.New(points.Shape...)
	for i, v := range points.Data {
		scaled.Data[i] = unitScale(v, low, high)
	}
	return scaled, nil
}

// unitScale returns (v − low)/(high − low).
func unitScale(v, low, high float32) float32 {
	switch {
	case !drawable(float64(v)):
		return float32(math.NaN())
	case low == high:
		return 0.5
	case math.IsInf(float64(high-low), 0): // the range itself overflows
		return float32((float64(v) - float64(low)) / (float64(high) - float64(low)))
	}
	return (v - low) / (high - low)
}
