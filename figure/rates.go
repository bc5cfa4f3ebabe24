package figure

import (
	"errors"
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// RateCurve is a line of [Rates]: shares from 0 to 1 against shares.
type RateCurve struct {
	XLabel, YLabel string
	Name           string // in the legend
	X, Y           []float64
	Chance         [2]float64 // what guessing reaches at the left and at the right end, drawn dashed
}

// Rates draws curves such as the receiver operating characteristic, each in a panel of its
// own of 3.8 × 3.8 inches with both axes from 0 to 1, and dashed what guessing reaches.
func Rates(curves ...RateCurve) (*Figure, error) {
	const side = 3.8
	if len(curves) == 0 {
		return nil, errors.New("figure: rates: there are no curves, want at least one")
	}
	for _, c := range curves {
		if len(c.X) == 0 || len(c.X) != len(c.Y) {
			return nil, fmt.Errorf("figure: rates: curve %q has %d places and %d values, want as many, and at least one", c.Name, len(c.X), len(c.Y))
		}
	}
	c, err := newCanvas("rates", inches(side)*len(curves), inches(side), color.White)
	if err != nil {
		return nil, err
	}
	width := c.Size().X / vg.Length(len(curves))
	for i, curve := range curves {
		area := c.Rectangle
		area.Min.X, area.Max.X = width*vg.Length(i)+pageMargin, width*vg.Length(i+1)-pageMargin
		area.Min.Y, area.Max.Y = area.Min.Y+pageMargin, area.Max.Y-pageMargin
		curve.draw(c, area)
	}
	return c.figure(), nil
}

func (r RateCurve) draw(c *canvas, area vg.Rectangle) {
	line := draw.LineStyle{Color: ClassColor(0), Width: 1.6}
	dashed := draw.LineStyle{Color: color.Gray{Y: 128}, Width: 1, Dashes: []vg.Length{4, 2}}
	area = drawLegendAbove(c, area, []legendEntry{{symbol: lineSymbol, line: line, text: r.Name}, {symbol: lineSymbol, line: dashed, text: "guessing"}})
	unit := span{0, 1}.padded(0.02)
	a := drawAxes(c, area, axesStyle{x: unit, y: unit, xLabel: r.XLabel, yLabel: r.YLabel, xTicks: ticks{count: 6}, yTicks: ticks{count: 6}})
	var points []vg.Point
	for i, x := range r.X {
		points = append(points, a.at(x, r.Y[i]))
	}
	c.StrokeLines(dashed, []vg.Point{a.at(0, r.Chance[0]), a.at(1, r.Chance[1])})
	c.StrokeLines(line, points)
}
