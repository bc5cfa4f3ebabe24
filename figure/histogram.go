package figure

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sample is one set of values of a [Histogram].
type Sample struct {
	Name   string // in the legend
	Values []float64
}

// Threshold is a marked value of a [Histogram].
type Threshold struct {
	Name  string // in the legend
	Value float64
}

// HistogramOptions are the choices of [Histogram].
type HistogramOptions struct {
	// XLabel names the values, such as "reconstruction error".
	XLabel string

	// Bins is the number of bins over the range of all values; 0 means 50.
	Bins int

	// Thresholds are drawn as dashed upright lines.
	Thresholds []Threshold
}

const (
	histogramWidth  = 6.4 // inches
	histogramHeight = 4.0
	defaultBins     = 50
	maxBins         = 10_000
)

// Histogram draws how the values of each sample are spread, one over the other
// in equal bins: heights are the share of the sample in a bin in percent, so that
// samples of different size compare. Values that are not finite are left out.
func Histogram(samples []Sample, o HistogramOptions) (*Figure, error) {
	x, err := histogramSpan(samples, o)
	if err != nil {
		return nil, err
	}
	bins := o.Bins
	if bins == 0 {
		bins = defaultBins
	}
	var heights [][]float64
	top := 0.0
	for _, s := range samples {
		h := shares(s.Values, x, bins)
		for _, v := range h {
			top = max(top, v)
		}
		heights = append(heights, h)
	}
	c, err := newCanvas("histogram", inches(histogramWidth), inches(histogramHeight), color.White)
	if err != nil {
		return nil, err
	}
	area := drawLegendAbove(c, inset(c.Rectangle, pageMargin), histogramLegend(samples, o))
	a := drawAxes(c, area, axesStyle{
		x: x.padded(0.02), y: span{0, top * 1.05}, xLabel: o.XLabel, yLabel: "share of samples [%]",
		xTicks: ticks{count: 8}, yTicks: ticks{count: 9}, noVerticals: true,
	})
	drawBars(c, a, x, heights)
	for i, t := range o.Thresholds {
		at := a.x(t.Value)
		c.StrokeLine2(thresholdStyle(i), at, a.Min.Y, at, a.Max.Y)
	}
	return c.figure(), nil
}

// histogramSpan checks the arguments and returns the range of all values and
// thresholds, widened if it is a single value.
func histogramSpan(samples []Sample, o HistogramOptions) (span, error) {
	if len(samples) == 0 {
		return span{}, errors.New("figure: histogram: there are no samples, want at least one")
	}
	if o.Bins < 0 || o.Bins > maxBins {
		return span{}, fmt.Errorf("figure: histogram: bins is %d, want 0 (automatic) to %d", o.Bins, maxBins)
	}
	x := emptySpan()
	for _, s := range samples {
		own := emptySpan()
		for _, v := range s.Values {
			own = own.include(v)
		}
		if own.empty() {
			return span{}, fmt.Errorf("figure: histogram: sample %q has no finite value, want at least one", s.Name)
		}
		x = x.include(own.min).include(own.max)
	}
	for _, t := range o.Thresholds {
		if !drawable(t.Value) {
			return span{}, fmt.Errorf("figure: histogram: threshold %q is %v, want a finite value", t.Name, t.Value)
		}
		x = x.include(t.Value)
	}
	return x.padded(0), nil
}

// shares returns the percentage of the drawable values in each of the bins of x;
// a value on the border of two belongs to the upper one, the largest to the last.
func shares(values []float64, x span, bins int) []float64 {
	counts, total := make([]float64, bins), 0.0
	for _, v := range values {
		if drawable(v) {
			bin := int(math.Floor((v - x.min) / (x.max - x.min) * float64(bins)))
			counts[min(max(bin, 0), bins-1)]++
			total++
		}
	}
	for i := range counts {
		counts[i] *= 100 / total
	}
	return counts
}

// fillOpacity lets a histogram behind another be seen.
const fillOpacity = 0.4

// outlines returns the steps around each run of bins that are not empty.
func outlines(a axes, x span, heights []float64) [][]vg.Point {
	edge := func(i int) float64 { return x.min + float64(i)/float64(len(heights))*(x.max-x.min) }
	var runs [][]vg.Point
	for i, h := range heights {
		if h == 0 {
			continue
		}
		if i == 0 || heights[i-1] == 0 {
			runs = append(runs, []vg.Point{a.at(edge(i), 0)})
		}
		run := &runs[len(runs)-1]
		*run = append(*run, a.at(edge(i), h), a.at(edge(i+1), h))
		if i == len(heights)-1 || heights[i+1] == 0 {
			*run = append(*run, a.at(edge(i+1), 0))
		}
	}
	return runs
}

// drawBars draws the areas of all samples and then, over them, their outlines.
func drawBars(c *canvas, a axes, x span, heights [][]float64) {
	for i, h := range heights {
		for _, run := range outlines(a, x, h) {
			c.FillPolygon(translucent(ClassColor(i), fillOpacity), run)
		}
	}
	for i, h := range heights {
		for _, run := range outlines(a, x, h) {
			c.StrokeLines(draw.LineStyle{Color: ClassColor(i), Width: 1}, run)
		}
	}
}

// thresholdStyle returns how the i-th threshold is drawn.
func thresholdStyle(i int) draw.LineStyle {
	style := draw.LineStyle{Color: ink, Width: 1.2, Dashes: []vg.Length{5, 3}}
	if i > 0 {
		style.Color = ClassColor(2 + i)
	}
	return style
}

func histogramLegend(samples []Sample, o HistogramOptions) []legendEntry {
	var entries []legendEntry
	for i, s := range samples {
		entries = append(entries, legendEntry{symbol: patchSymbol, color: translucent(ClassColor(i), 0.6), text: s.Name})
	}
	for i, t := range o.Thresholds {
		entries = append(entries, legendEntry{symbol: lineSymbol, line: thresholdStyle(i), text: t.Name})
	}
	return entries
}
