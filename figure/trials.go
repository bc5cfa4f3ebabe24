package figure

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// TrialAxis is a panel of [Trials]: what each trial had of one of the things that were varied.
type TrialAxis struct {
	Name string
	// Values are the numbers that the trials had, or where there are Categories, indices of those.
	Values     []float64
	Categories []string
	Log        bool // equal ratios are equally far apart; all values must be above 0
}

// TrialsOptions are the choices of [Trials].
type TrialsOptions struct {
	YLabel string // what the scores are
	Best   []bool // trials of the best setting, which are drawn in another colour; none, or one for each
	Faint  []bool // trials that were ended early, which are drawn in grey; none, or one for each
}

const (
	trialsSide = 3.8 // inches of a panel
	trialsRow  = 3   // panels in a row
)

// Trials draws what trials of several settings came to: the score of each against what it had of every
// axis, in panels of 3.8 × 3.8 inches, three in a row. The scores are on a logarithmic axis if they are all above 0
// and the largest is ten times the least or more. Scores that are not finite are left out.
func Trials(scores []float64, axes []TrialAxis, o TrialsOptions) (*Figure, error) {
	values, err := checkTrials(scores, axes, o)
	if err != nil {
		return nil, err
	}
	columns := min(len(axes), trialsRow)
	rows := (len(axes) + trialsRow - 1) / trialsRow
	c, err := newCanvas("trials", inches(trialsSide)*columns, inches(trialsSide)*rows, color.White)
	if err != nil {
		return nil, err
	}
	y := scale{log: values.min > 0 && values.max >= 10*values.min}
	for i, axis := range axes {
		area := c.Rectangle
		area.Min.X = points(inches(trialsSide) * (i % trialsRow))
		area.Max.X = points(inches(trialsSide) * (i%trialsRow + 1))
		area.Max.Y = c.Max.Y - points(inches(trialsSide)*(i/trialsRow))
		area.Min.Y = c.Max.Y - points(inches(trialsSide)*(i/trialsRow+1))
		drawTrials(c, inset(area, pageMargin), axis, scores, y, o)
	}
	return c.figure(), nil
}

// checkTrials returns the span of the scores.
func checkTrials(scores []float64, axes []TrialAxis, o TrialsOptions) (span, error) {
	values := emptySpan()
	for _, v := range scores {
		values = values.include(v)
	}
	switch {
	case len(axes) == 0:
		return values, errors.New("figure: trials: there are no axes, want at least one")
	case values.empty():
		return values, errors.New("figure: trials: no score is finite, want at least one")
	case len(o.Best) > 0 && len(o.Best) != len(scores), len(o.Faint) > 0 && len(o.Faint) != len(scores):
		return values, fmt.Errorf("figure: trials: %d trials are marked as the best and %d as ended early, want none or all %d", len(o.Best), len(o.Faint), len(scores))
	}
	for _, a := range axes {
		if len(a.Values) != len(scores) {
			return values, fmt.Errorf("figure: trials: %s has %d values, want one for each of %d trials", a.Name, len(a.Values), len(scores))
		}
		for _, v := range a.Values {
			index := int(v)
			switch {
			case !drawable(v), a.Log && v <= 0:
				return values, fmt.Errorf("figure: trials: %s has the value %v, which the axis cannot show", a.Name, v)
			case a.Categories != nil && (float64(index) != v || index < 0 || index >= len(a.Categories)):
				return values, fmt.Errorf("figure: trials: %s has the value %v, want an index of %d categories", a.Name, v, len(a.Categories))
			}
		}
	}
	return values, nil
}

// drawTrials draws a panel.
func drawTrials(c *canvas, area vg.Rectangle, axis TrialAxis, scores []float64, y scale, o TrialsOptions) {
	looks := o.looks()
	var legend []legendEntry
	for _, l := range looks {
		legend = append(legend, legendEntry{symbol: dotSymbol, color: l.color, text: l.name})
	}
	area = drawLegendAbove(c, area, legend)
	x := scale{log: axis.Log}
	places, heights := emptySpan(), emptySpan()
	for i, v := range scores {
		if drawable(v) {
			places, heights = places.include(x.of(axis.Values[i])), heights.include(y.of(v))
		}
	}
	style := axesStyle{x: places.padded(0.05), y: heights.padded(0.05), xLabel: axis.Name, yLabel: o.YLabel, xTicks: x.ticks(6), yTicks: y.ticks(8)}
	if axis.Categories != nil {
		style.x = span{-0.5, float64(len(axis.Categories)) - 0.5}
		style.xTicks = categoryTicks{axis.Categories, (area.Size().X - 50) / vg.Length(len(axis.Categories))}
		style.noVerticals = true
	}
	a := drawAxes(c, area, style)
	for _, l := range looks {
		dot := draw.GlyphStyle{Color: translucent(l.color, l.opacity), Radius: 2.6, Shape: draw.CircleGlyph{}}
		for i, v := range scores {
			if drawable(v) && l.of(i) {
				c.DrawGlyph(dot, a.at(x.of(axis.Values[i]), y.of(v)))
			}
		}
	}
}

// look is how some trials are drawn.
type look struct {
	name    string
	color   color.RGBA
	opacity float64
	of      func(trial int) bool
}

// looks returns those of a figure; what comes later is drawn on top.
func (o TrialsOptions) looks() []look {
	marked := func(marks []bool, i int) bool { return len(marks) > 0 && marks[i] }
	list := []look{{"trials", ClassColor(0), 0.6, func(i int) bool { return !marked(o.Best, i) && !marked(o.Faint, i) }}}
	if slices.Contains(o.Faint, true) {
		early := look{"ended early", unlabelled, 0.8, func(i int) bool { return marked(o.Faint, i) && !marked(o.Best, i) }}
		list = slices.Insert(list, 0, early)
	}
	if slices.Contains(o.Best, true) {
		list = append(list, look{"best setting", ClassColor(1), 1, func(i int) bool { return marked(o.Best, i) }})
	}
	return list
}

// scale is how values become places on an axis.
type scale struct{ log bool }

func (s scale) of(v float64) float64 {
	if s.log {
		return math.Log10(v)
	}
	return v
}

func (s scale) ticks(count int) plot.Ticker {
	if s.log {
		return logTicks{}
	}
	return ticks{count: count}
}

// logTicks marks an axis of common logarithms by the numbers themselves: 1, 2 and 5 times the
// powers of ten, or those alone where they are many.
type logTicks struct{}

var _ plot.Ticker = logTicks{}

// Ticks returns the marks between two logarithms.
func (logTicks) Ticks(low, high float64) []plot.Tick {
	steps, every := []float64{1, 2, 5}, 1
	switch decades := high - low; {
	case decades > 12:
		steps, every = steps[:1], int(decades/6)
	case decades > 2:
		steps = steps[:1]
	}
	var marks []plot.Tick
	for power := int(math.Floor(low)); power <= int(math.Ceil(high)); power += every {
		for _, m := range steps {
			v := m * math.Pow(10, float64(power))
			if at := math.Log10(v); at >= low-1e-9 && at <= high+1e-9 {
				marks = append(marks, plot.Tick{Value: at, Label: tickLabel(v, math.Pow(10, float64(power)))})
			}
		}
	}
	return marks
}

// categoryTicks marks the whole numbers from 0 by names, cut to some width.
type categoryTicks struct {
	names []string
	room  vg.Length
}

var _ plot.Ticker = categoryTicks{}

// Ticks returns the marks between two places.
func (t categoryTicks) Ticks(low, high float64) []plot.Tick {
	f := face(sans, tickLabelSize)
	var marks []plot.Tick
	for i, name := range t.names {
		if v := float64(i); v >= low && v <= high {
			marks = append(marks, plot.Tick{Value: v, Label: shorten(name, f, t.room)})
		}
	}
	return marks
}
