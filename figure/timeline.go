package figure

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hourglass/tensor"
)

// TimelineOptions are the choices of [Timeline].
type TimelineOptions struct {
	Names  []string // of the features, written beside their panels; none, or one for each
	XLabel string   // empty means "row"
	// Marked are stretches of rows, the first and the last one, that are painted over.
	Marked [][2]int
	// Scores are drawn in a panel of their own if there are some: one for each row, NaN where
	// there is none. Threshold is a line in it, NaN for none.
	Scores    []float64
	Threshold float64
}

const (
	timelineWidth   = 9.0 // inches
	timelineHeight  = 1.2 // of a panel
	mostPanels      = 8   // features that are drawn
	timelineColumns = 1500
)

// markedColor is painted over what is marked.
var markedColor = translucent(color.RGBA{R: 220, G: 40, B: 40, A: 255}, 0.22)

// Timeline draws a long series with what became of it: both are rows×features, and each
// feature, of many the first eight, is drawn over all rows in a panel of 9 × 1.2 inches. Rows of NaN leave a gap.
// Where rows are many, each column of pixels shows the least and the greatest of its rows.
func Timeline(rows, reconstruction tensor.Tensor, o TimelineOptions) (*Figure, error) {
	if err := o.check(rows, reconstruction); err != nil {
		return nil, err
	}
	n, features := rows.Shape[0], rows.Shape[1]
	panels := min(features, mostPanels)
	if len(o.Scores) > 0 {
		panels++
	}
	if o.XLabel == "" {
		o.XLabel = "row"
	}
	legend := []legendEntry{{symbol: lineSymbol, line: inputStyle(0), text: "series"}, {symbol: lineSymbol, line: outputStyle(0, 1), text: "reconstruction"}}
	if len(o.Marked) > 0 {
		legend = append(legend, legendEntry{symbol: patchSymbol, color: markedColor, text: "unusual"})
	}
	if len(o.Scores) > 0 && drawable(o.Threshold) {
		legend = append(legend, legendEntry{symbol: lineSymbol, line: thresholdStyle(0), text: "threshold"})
	}
	top, bottom := legendPitch+legendBelow+pageMargin, axisName(o.XLabel).room()+pageMargin
	c, err := newCanvas("timeline", inches(timelineWidth), inches(timelineHeight)*panels+int((top+bottom).Dots(DPI)), color.White)
	if err != nil {
		return nil, err
	}
	area := c.Rectangle
	area.Min.X, area.Max.X, area.Max.Y = area.Min.X+pageMargin, area.Max.X-2*pageMargin, area.Max.Y-pageMargin
	area = drawLegendAbove(c, area, legend)
	styles := make([]axesStyle, panels)
	var left vg.Length // of all panels, whose rows are the same
	for i := range styles {
		styles[i] = axesStyle{x: span{0, float64(max(n-1, 1))}, y: spanOf(o.Scores, []float64{o.Threshold}), xTicks: ticks{count: 10, integer: true}, yTicks: ticks{count: 4}}
		if i < features && i < mostPanels {
			styles[i].y = spanOf(column(rows, i), column(reconstruction, i))
		}
		left = max(left, labelRoom(draw.Canvas{Canvas: c, Rectangle: area}, styles[i]))
	}
	for i, style := range styles {
		panel := area
		panel.Max.Y = area.Max.Y - points(i*inches(timelineHeight))
		panel.Min.Y = panel.Max.Y - points(inches(timelineHeight))
		style.left = left
		if i == panels-1 {
			style.xLabel, panel.Min.Y = o.XLabel, pageMargin
		}
		if i == features || i == mostPanels {
			o.drawScores(c, panel, style)
			continue
		}
		o.drawFeature(c, panel, style, i, column(rows, i), column(reconstruction, i))
	}
	return c.figure(), nil
}

// check reports what cannot be drawn.
func (o *TimelineOptions) check(rows, reconstruction tensor.Tensor) error {
	if err := checkTensor("timeline: rows", rows); err != nil {
		return err
	}
	if err := checkTensor("timeline: reconstruction", reconstruction); err != nil {
		return err
	}
	if len(rows.Shape) != 2 || !reconstruction.Shape.Equal(rows.Shape) {
		return fmt.Errorf("figure: timeline: shapes are %v and %v, want rows×features of both", rows.Shape, reconstruction.Shape)
	}
	n := rows.Shape[0]
	switch {
	case len(o.Names) > 0 && len(o.Names) != rows.Shape[1]:
		return fmt.Errorf("figure: timeline: got %d names, want none or one for each of %d features", len(o.Names), rows.Shape[1])
	case len(o.Scores) > 0 && len(o.Scores) != n:
		return fmt.Errorf("figure: timeline: got %d scores, want none or one for each of %d rows", len(o.Scores), n)
	}
	for _, m := range o.Marked {
		if m[0] < 0 || m[1] < m[0] || m[1] >= n {
			return fmt.Errorf("figure: timeline: rows %d to %d are marked, want some of %d", m[0], m[1], n)
		}
	}
	return nil
}

// column returns a feature of all rows.
func column(t tensor.Tensor, feature int) []float64 {
	values := make([]float64, t.Shape[0])
	for i := range values {
		values[i] = float64(t.Row(i)[feature])
	}
	return values
}

// drawFeature draws a feature and what became of it.
func (o *TimelineOptions) drawFeature(c *canvas, area vg.Rectangle, style axesStyle, feature int, was, is []float64) {
	const nameSize, above = 9, 13
	area.Max.Y -= above
	a := drawAxes(c, area, style)
	o.mark(c, a)
	drawDense(c, a, was, inputStyle(0))
	drawDense(c, a, is, outputStyle(0, 1))
	if len(o.Names) > 0 {
		font := face(sans, nameSize)
		c.write(shorten(o.Names[feature], font, a.Max.X-a.Min.X), font, ink, vg.Point{X: a.Min.X, Y: a.Max.Y + above/2}, alignLeft)
	}
}

// drawScores draws the scores and the threshold.
func (o *TimelineOptions) drawScores(c *canvas, area vg.Rectangle, style axesStyle) {
	const nameSize, above = 9, 13
	area.Max.Y -= above
	a := drawAxes(c, area, style)
	o.mark(c, a)
	drawDense(c, a, o.Scores, draw.LineStyle{Color: ink, Width: 1})
	if drawable(o.Threshold) {
		at := a.y(o.Threshold)
		c.StrokeLine2(thresholdStyle(0), a.Min.X, at, a.Max.X, at)
	}
	c.write("score", face(sans, nameSize), ink, vg.Point{X: a.Min.X, Y: a.Max.Y + above/2}, alignLeft)
}

// spanOf is that of the values that can be drawn.
func spanOf(lists ...[]float64) span {
	values := emptySpan()
	for _, list := range lists {
		for _, v := range list {
			values = values.include(v)
		}
	}
	if values.empty() {
		return span{0, 1}
	}
	return values.padded(0.06)
}

// mark paints over the stretches that are marked.
func (o *TimelineOptions) mark(c *canvas, a axes) {
	const narrowest = vg.Length(0.6)
	for _, m := range o.Marked {
		left, right := a.x(float64(m[0])-0.5), a.x(float64(m[1])+0.5)
		if right-left < narrowest {
			right = left + narrowest
		}
		left, right = max(left, a.Min.X), min(right, a.Max.X)
		c.FillPolygon(markedColor, []vg.Point{{X: left, Y: a.Min.Y}, {X: right, Y: a.Min.Y}, {X: right, Y: a.Max.Y}, {X: left, Y: a.Max.Y}})
	}
}

// drawDense draws a line through all values, or of very many through the least and the
// greatest of each column; what cannot be drawn leaves a gap.
func drawDense(c *canvas, a axes, values []float64, style draw.LineStyle) {
	// The rasterizer takes a time that grows as the square of a line's points.
	const mostPoints = 64
	var run []vg.Point
	for _, p := range thinned(values) {
		switch {
		case !drawable(p[1]):
			c.StrokeLines(style, run)
			run = nil
			continue
		case len(run) == mostPoints:
			c.StrokeLines(style, run)
			run = []vg.Point{run[mostPoints-1]}
		}
		run = append(run, a.at(p[0], p[1]))
	}
	c.StrokeLines(style, run)
}

// thinned returns places and values, at most two for each column and NaN for gaps.
func thinned(values []float64) (list [][2]float64) {
	per := max(len(values)/timelineColumns, 1)
	for first := 0; first < len(values); first += per {
		part := values[first:min(first+per, len(values))]
		low, high := -1, -1
		for i, v := range part {
			if !drawable(v) {
				continue
			}
			if low < 0 || v < part[low] {
				low = i
			}
			if high < 0 || v > part[high] {
				high = i
			}
		}
		switch {
		case low < 0:
			list = append(list, [2]float64{float64(first), math.NaN()})
		case low == high:
			list = append(list, [2]float64{float64(first + low), part[low]})
		default:
			a, b := min(low, high), max(low, high)
			list = append(list, [2]float64{float64(first + a), part[a]}, [2]float64{float64(first + b), part[b]})
		}
	}
	return list
}
