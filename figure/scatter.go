package figure

import (
	"fmt"
	"image"
	"image/color"

	"gonum.org/v1/plot/vg"

	"hourglass/tensor"
)

// ScatterOptions are the choices of [Scatter].
type ScatterOptions struct {
	// Names are the classes' names in the legend; a class beyond them is called
	// by its number.
	Names []string

	// Axes draws axes with grid lines, named XLabel and YLabel; without it the
	// points stand alone. A name such as "z₁", a letter and subscript digits, is
	// set as a mathematical symbol.
	Axes           bool
	XLabel, YLabel string

	// Width and Height are the figure's size in inches, 2 to 100; 0 means
	// matplotlib's 6.4 and 4.8.
	Width, Height float64

	// Diameter is that of the dots in points, 0.1 to 72; 0 means 4.16, as
	// matplotlib's scatter draws s=10.
	Diameter float64
}

const (
	scatterWidth    = 6.4
	scatterHeight   = 4.8
	scatterDiameter = 4.16
)

// Scatter draws a dot for each of the N×2 points, coloured by its label (see
// [ClassColor]) with a legend beside the points. Without labels all dots are
// blue and there is no legend. Points that are not finite are left out.
func Scatter(points tensor.Tensor, labels []int, o ScatterOptions) (*Figure, error) {
	cloud, err := newCloud("scatter", points, labels)
	if err != nil {
		return nil, err
	}
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	c, err := newCanvas("scatter", inches(o.Width), inches(o.Height), color.White)
	if err != nil {
		return nil, err
	}
	area := inset(c.Rectangle, pageMargin)
	if len(labels) > 0 {
		area = drawLegendBeside(c, area, classLegend(labels, o.Names))
	}
	place := cloud.frameless(inset(area, vg.Length(o.Diameter)/2))
	if o.Axes {
		place = cloud.withAxes(c, area, o)
	}
	cloud.draw(c, place, o.Diameter)
	return c.figure(), nil
}

// setDefaults fills in the zero fields and reports values that cannot be drawn.
func (o *ScatterOptions) setDefaults() error {
	for _, size := range []struct {
		name                    string
		value                   *float64
		usual, smallest, widest float64
	}{
		{"width", &o.Width, scatterWidth, 2, 100},
		{"height", &o.Height, scatterHeight, 2, 100},
		{"diameter", &o.Diameter, scatterDiameter, 0.1, 72},
	} {
		if *size.value == 0 {
			*size.value = size.usual
		}
		if !(*size.value >= size.smallest && *size.value <= size.widest) {
			return fmt.Errorf("figure: scatter: %s is %v, want %v to %v", size.name, *size.value, size.smallest, size.widest)
		}
	}
	return nil
}

// inset returns r with a margin taken off on each side.
func inset(r vg.Rectangle, margin vg.Length) vg.Rectangle {
	return vg.Rectangle{
		Min: vg.Point{X: r.Min.X + margin, Y: r.Min.Y + margin},
		Max: vg.Point{X: r.Max.X - margin, Y: r.Max.Y - margin},
	}
}

// classLegend returns a coloured dot and a name for each class that occurs.
func classLegend(labels []int, names []string) []legendEntry {
	var entries []legendEntry
	for _, class := range classes(labels) {
		entries = append(entries, legendEntry{symbol: dotSymbol, color: ClassColor(class), text: className(class, names)})
	}
	return entries
}

// cloud is a checked set of points in the plane.
type cloud struct {
	xy     []float32 // pairs
	labels []int     // nil, or one a point
	x, y   span
}

// newCloud checks points and labels; what names the figure in errors.
func newCloud(what string, points tensor.Tensor, labels []int) (cloud, error) {
	if err := checkPoints(what, points); err != nil {
		return cloud{}, err
	}
	n := points.Len()
	if len(labels) > 0 && len(labels) != n {
		return cloud{}, fmt.Errorf("figure: %s: got %d labels for %d points, want none or one each", what, len(labels), n)
	}
	c := cloud{xy: points.Data, labels: labels, x: emptySpan(), y: emptySpan()}
	for i := range n {
		if x, y, ok := c.point(i); ok {
			c.x, c.y = c.x.include(x), c.y.include(y)
		}
	}
	if c.x.empty() {
		return cloud{}, fmt.Errorf("figure: %s: none of the %d points is finite", what, n)
	}
	return c, nil
}

// checkPoints reports a tensor that is not N×2.
func checkPoints(what string, points tensor.Tensor) error {
	if err := checkTensor(what+" points", points); err != nil {
		return err
	}
	if len(points.Shape) != 2 || points.Shape[1] != 2 {
		return fmt.Errorf("figure: %s: points have shape %v, want N×2", what, points.Shape)
	}
	return nil
}

// point returns the i-th point and whether it can be drawn.
func (c cloud) point(i int) (x, y float64, ok bool) {
	x, y = float64(c.xy[2*i]), float64(c.xy[2*i+1])
	return x, y, drawable(x) && drawable(y)
}

// color returns the colour of the i-th point.
func (c cloud) color(i int) color.RGBA {
	if len(c.labels) == 0 {
		return ClassColor(0)
	}
	return ClassColor(c.labels[i])
}

// placement maps a point to the page.
type placement func(x, y float64) vg.Point

// frameless spreads the points over an area, each axis over all of it.
func (c cloud) frameless(area vg.Rectangle) placement {
	x, y := c.x.padded(0), c.y.padded(0)
	size := area.Size()
	return func(px, py float64) vg.Point {
		return vg.Point{
			X: area.Min.X + size.X*vg.Length((px-x.min)/(x.max-x.min)),
			Y: area.Min.Y + size.Y*vg.Length((py-y.min)/(y.max-y.min)),
		}
	}
}

// withAxes draws axes and returns the placement of points between them.
func (c cloud) withAxes(page *canvas, area vg.Rectangle, o ScatterOptions) placement {
	return drawAxes(page, area, axesStyle{
		x: c.x.padded(0.05), y: c.y.padded(0.05), xLabel: o.XLabel, yLabel: o.YLabel,
		xTicks: ticks{count: 6}, yTicks: ticks{count: 8},
	}).at
}

// draw stamps the dots, later points over earlier ones.
func (c cloud) draw(page *canvas, place placement, diameter float64) {
	d := newDot(vg.Length(diameter).Dots(DPI))
	inks := map[color.RGBA]*image.Uniform{}
	for i := range len(c.xy) / 2 {
		x, y, ok := c.point(i)
		if !ok {
			continue
		}
		shade := c.color(i)
		if inks[shade] == nil {
			inks[shade] = image.NewUniform(shade)
		}
		px, py := page.pixelAt(place(x, y))
		d.stamp(page.pixels, px, py, inks[shade])
	}
}
