package figure

import (
	"errors"
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is one line of [Curves].
type Series struct {
	// Axis names the vertical axis, such as "loss". Series of one Axis share a panel.
	Axis string

	// Name is the line's name in the legend, such as "training". A name that
	// begins with "val" is drawn dashed.
	Name string

	// Values holds a value for each epoch, the first that of epoch 1. NaN and
	// infinite values leave a gap.
	Values []float64
}

const (
	panelWidth  = 4.6 // inches
	panelHeight = 3.4
	pageMargin  = vg.Length(9)
)

// Curves draws values over epochs: a panel for each different Axis, side by side
// in order of first appearance (4.6 × 3.4 inches each), with grid lines, whole
// epochs as ticks and a legend above the lines.
func Curves(series ...Series) (*Figure, error) {
	panels, err := groupByAxis(series)
	if err != nil {
		return nil, err
	}
	c, err := newCanvas("curves", inches(panelWidth)*len(panels), inches(panelHeight), color.White)
	if err != nil {
		return nil, err
	}
	width := c.Size().X / vg.Length(len(panels))
	for i, panel := range panels {
		area := c.Rectangle
		area.Min.X, area.Max.X = width*vg.Length(i)+pageMargin, width*vg.Length(i+1)-pageMargin
		area.Min.Y, area.Max.Y = area.Min.Y+pageMargin, area.Max.Y-pageMargin
		drawPanel(c, area, panel)
	}
	return c.figure(), nil
}

// groupByAxis checks the series and collects those of one panel.
func groupByAxis(series []Series) ([][]Series, error) {
	if len(series) == 0 {
		return nil, errors.New("figure: curves: there are no series, want at least one")
	}
	var panels [][]Series
	index := map[string]int{}
	for _, s := range series {
		if s.valueSpan().empty() {
			return nil, fmt.Errorf("figure: curves: series %q has no finite value, want at least one", s.Name)
		}
		i, known := index[s.Axis]
		if !known {
			i = len(panels)
			index[s.Axis] = i
			panels = append(panels, nil)
		}
		panels[i] = append(panels[i], s)
	}
	return panels, nil
}

func (s Series) valueSpan() span {
	values := emptySpan()
	for _, v := range s.Values {
		values = values.include(v)
	}
	return values
}

// style returns how the i-th line of a panel is drawn.
func (s Series) style(i int) draw.LineStyle {
	style := draw.LineStyle{Color: ClassColor(i), Width: 1.6}
	if strings.HasPrefix(s.Name, "val") {
		style.Dashes = []vg.Length{4, 2}
	}
	return style
}

// drawPanel draws the lines of one axis.
func drawPanel(c *canvas, area vg.Rectangle, panel []Series) {
	values, epochs := emptySpan(), 1
	var legend []legendEntry
	for i, s := range panel {
		own := s.valueSpan()
		values = values.include(own.min).include(own.max)
		epochs = max(epochs, len(s.Values))
		legend = append(legend, legendEntry{symbol: lineSymbol, line: s.style(i), text: s.Name})
	}
	area = drawLegendAbove(c, area, legend)
	x := span{1, float64(epochs)}.padded(0.02)
	if epochs == 1 {
		x = span{0.5, 1.5}
	}
	a := drawAxes(c, area, axesStyle{
		x: x, y: values.padded(0.05), xLabel: "epoch", yLabel: panel[0].Axis,
		xTicks: ticks{count: 10, integer: true}, yTicks: ticks{count: 9},
	})
	for i, s := range panel {
		drawLine(c, a, s.Values, s.style(i))
	}
}

// mostMarked is the number of epochs up to which each is marked by a dot.
const mostMarked = 30

// drawLine draws a line through the drawable values. Those without neighbours
// are seen as dots, as are all of a short training.
func drawLine(c *canvas, a axes, values []float64, style draw.LineStyle) {
	missing := func(i int) bool { return i < 0 || i >= len(values) || !drawable(values[i]) }
	dot := draw.GlyphStyle{Color: style.Color, Radius: 1.9, Shape: draw.CircleGlyph{}}
	var run []vg.Point
	for i := range len(values) + 1 {
		if missing(i) {
			c.StrokeLines(style, run)
			run = nil
			continue
		}
		p := a.at(float64(i+1), values[i])
		run = append(run, p)
		if len(values) <= mostMarked || missing(i-1) && missing(i+1) {
			c.DrawGlyph(dot, p)
		}
	}
}
