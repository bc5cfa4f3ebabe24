package figure

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hourglass/tensor"
)

// LinesOptions are the choices of [Lines].
type LinesOptions struct {
	// Captions name the two lines in the legend; empty means "input" and
	// "reconstruction".
	Captions [2]string

	// Names are those of the samples, written over their panels; none, or one for
	// each.
	Names []string

	// XLabel and YLabel name the axes; empty means "time step" and "value".
	XLabel, YLabel string
}

const (
	linesWidth  = 6.4 // inches
	linesHeight = 1.5 // of a panel
	// mostLines is how many features of a sample are drawn.
	mostLines = 5
)

// Lines draws series, each in a panel of its own with what became of it: inputs and
// outputs are of one shape, N×T or N×T×F, and all N are drawn over T steps, in panels
// of 6.4 × 1.5 inches. A single feature is drawn as two lines of different colours;
// of several, the first five, each has a colour, and its output is dashed.
func Lines(inputs, outputs tensor.Tensor, o LinesOptions) (*Figure, error) {
	for _, t := range []struct {
		what   string
		values tensor.Tensor
	}{{"inputs", inputs}, {"outputs", outputs}} {
		if err := checkTensor("lines: "+t.what, t.values); err != nil {
			return nil, err
		}
	}
	s := inputs.Shape
	switch {
	case len(s) < 2 || len(s) > 3:
		return nil, fmt.Errorf("figure: lines: shape is %v, want N×T or N×T×F", s)
	case !outputs.Shape.Equal(s):
		return nil, fmt.Errorf("figure: lines: outputs have shape %v, want that of the inputs, %v", outputs.Shape, s)
	case len(o.Names) > 0 && len(o.Names) != s[0]:
		return nil, fmt.Errorf("figure: lines: got %d names, want none or one for each of %d samples", len(o.Names), s[0])
	}
	o.setDefaults()
	legend := o.legend(features(s))
	top, bottom := legendPitch+legendBelow+pageMargin, axisName(o.XLabel).room()+pageMargin
	height := inches(linesHeight)*s[0] + int((top + bottom).Dots(DPI))
	c, err := newCanvas("lines", inches(linesWidth), height, color.White)
	if err != nil {
		return nil, err
	}
	area := c.Rectangle
	area.Min.X, area.Max.X, area.Max.Y = area.Min.X+pageMargin, area.Max.X-pageMargin, area.Max.Y-pageMargin
	area = drawLegendAbove(c, area, legend)
	for i := range s[0] {
		panel := area
		panel.Max.Y = area.Max.Y - points(i*inches(linesHeight))
		panel.Min.Y = panel.Max.Y - points(inches(linesHeight))
		style := axesStyle{yLabel: o.YLabel, xTicks: ticks{count: 10, integer: true}, yTicks: ticks{count: 4}}
		if i == s[0]-1 {
			style.xLabel, panel.Min.Y = o.XLabel, pageMargin
		}
		name := ""
		if len(o.Names) > 0 {
			name = o.Names[i]
		}
		drawSample(c, panel, style, name, inputs.Row(i), outputs.Row(i), features(s))
	}
	return c.figure(), nil
}

// features is how many values a step of these samples has.
func features(shape tensor.Shape) int {
	if len(shape) == 3 {
		return shape[2]
	}
	return 1
}

func (o *LinesOptions) setDefaults() {
	for _, d := range []struct {
		field *string
		value string
	}{{&o.Captions[0], "input"}, {&o.Captions[1], "reconstruction"}, {&o.XLabel, "time step"}, {&o.YLabel, "value"}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
}

// legend explains the lines of samples with so many features.
func (o *LinesOptions) legend(features int) []legendEntry {
	if features == 1 {
		return []legendEntry{
			{symbol: lineSymbol, line: inputStyle(0), text: o.Captions[0]},
			{symbol: lineSymbol, line: outputStyle(0, 1), text: o.Captions[1]},
		}
	}
	input, output := inputStyle(0), outputStyle(0, features)
	input.Color, output.Color = axisLine, axisLine
	entries := []legendEntry{{symbol: lineSymbol, line: input, text: o.Captions[0]}, {symbol: lineSymbol, line: output, text: o.Captions[1]}}
	for f := range min(features, mostLines) {
		entries = append(entries, legendEntry{symbol: dotSymbol, color: ClassColor(f), text: fmt.Sprint("feature ", f+1)})
	}
	return entries
}

// inputStyle is the look of feature f of an input.
func inputStyle(f int) draw.LineStyle { return draw.LineStyle{Color: ClassColor(f), Width: 1.2} }

// outputStyle is the look of feature f, of so many, of an output.
func outputStyle(f, features int) draw.LineStyle {
	if features == 1 {
		return draw.LineStyle{Color: ClassColor(1), Width: 1.2}
	}
	return draw.LineStyle{Color: ClassColor(f), Width: 1.2, Dashes: []vg.Length{3, 2}}
}

// drawSample draws a sample and what became of it.
func drawSample(c *canvas, area vg.Rectangle, style axesStyle, name string, input, output []float32, features int) {
	const nameSize, above = 9, 13
	area.Max.Y -= above
	steps, values := len(input)/features, emptySpan()
	for _, row := range [][]float32{input, output} {
		for i, v := range row {
			if i%features < mostLines {
				values = values.include(float64(v))
			}
		}
	}
	if values.empty() {
		values = span{0, 1}
	}
	style.x, style.y = span{0, float64(max(steps-1, 1))}, values.padded(0.06)
	a := drawAxes(c, area, style)
	for f := range min(features, mostLines) {
		drawSteps(c, a, input[f:], features, inputStyle(f))
		drawSteps(c, a, output[f:], features, outputStyle(f, features))
	}
	font := face(sans, nameSize)
	c.write(shorten(name, font, a.Max.X-a.Min.X), font, ink, vg.Point{X: a.Min.X, Y: a.Max.Y + above/2}, alignLeft)
}

// drawSteps draws a line through every stride-th value; what cannot be drawn leaves a
// gap.
func drawSteps(c *canvas, a axes, values []float32, stride int, style draw.LineStyle) {
	var run []vg.Point
	for step := 0; step*stride < len(values); step++ {
		if v := float64(values[step*stride]); drawable(v) {
			run = append(run, a.at(float64(step), v))
			continue
		}
		c.StrokeLines(style, run)
		run = nil
	}
	c.StrokeLines(style, run)
}
