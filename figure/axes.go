package figure

import (
	"image/color"
	"math"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// span is the range of an axis.
type span struct{ min, max float64 }

// emptySpan is the span of no values, which include widens.
func emptySpan() span { return span{math.Inf(1), math.Inf(-1)} }

func (s span) empty() bool { return s.min > s.max }

// drawable reports whether v is a number that an axis can show. The bound keeps
// differences and scales of values finite.
func drawable(v float64) bool { return math.Abs(v) <= math.MaxFloat32 }

// include widens s to hold v; values that cannot be drawn are ignored.
func (s span) include(v float64) span {
	if !drawable(v) {
		return s
	}
	return span{min(s.min, v), max(s.max, v)}
}

// padded returns s with a margin of the given share on either side. A span too
// narrow for ticks that differ gets room around its value.
func (s span) padded(share float64) span {
	width := s.max - s.min
	size := max(math.Abs(s.min), math.Abs(s.max))
	if width <= 1e-9*size || width == 0 {
		room := 0.1 * size
		if room == 0 {
			room = 0.5
		}
		return span{s.min - room, s.max + room}
	}
	return span{s.min - share*width, s.max + share*width}
}

// ticks is a plot.Ticker of at most count+1 round values.
type ticks struct {
	count   int
	integer bool
}

var _ plot.Ticker = ticks{}

// Ticks returns the multiples of a round step between low and high, labelled
// with as many decimals as the step has.
func (t ticks) Ticks(low, high float64) []plot.Tick {
	step := roundStep((high - low) / float64(t.count))
	if t.integer {
		step = max(1, roundStep(step))
	}
	var marks []plot.Tick
	first := math.Ceil(low/step - 1e-6)
	for k := range t.count + 2 {
		// An integer times the step, so that errors do not add up.
		v := (first + float64(k)) * step
		if v > high+1e-6*step {
			break
		}
		marks = append(marks, plot.Tick{Value: v, Label: tickLabel(v, step)})
	}
	return marks
}

// roundStep returns the smallest of 1, 2, 5 times a power of ten that is at least x.
func roundStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// tickLabel writes v with the decimals that multiples of step need, and values
// with very many digits as 2e−7.
func tickLabel(v, step float64) string {
	decimals := int(math.Max(0, -math.Floor(math.Log10(step)+1e-9)))
	var s string
	switch {
	case math.Abs(v) < step/2 && decimals > 5:
		s = "0"
	case math.Abs(v) >= 1e6 || decimals > 5:
		digits := math.Floor(math.Log10(math.Abs(v))) - math.Floor(math.Log10(step)+1e-9)
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', max(0, int(digits)), 64), "e")
		power, _ := strconv.Atoi(exponent)
		s = mantissa + "e" + strconv.Itoa(power)
	default:
		s = strconv.FormatFloat(v+0, 'f', decimals, 64) // +0 turns −0 to 0
	}
	return strings.ReplaceAll(s, "-", "−")
}

// axesStyle describes a pair of axes.
type axesStyle struct {
	x, y           span
	xLabel, yLabel string
	xTicks, yTicks plot.Ticker
	noVerticals    bool // grid lines run horizontally only
	// left is the room for the labels of the y axis at least, so that axes below one another
	// begin at one place; see labelRoom.
	left vg.Length
}

// axes is the part of a page between axes, with the transforms from values to it.
type axes struct {
	vg.Rectangle
	x, y func(float64) vg.Length
}

// at returns the place of a pair of values.
func (a axes) at(x, y float64) vg.Point { return vg.Point{X: a.x(x), Y: a.y(y)} }

const (
	axisNameSize   vg.Length = 10
	axisSymbolSize vg.Length = 16
	tickLabelSize  vg.Length = 9
	axisNameGap    vg.Length = 7 // between an axis' name and its tick labels
)

// drawAxes draws axes with ticks, names and grid lines into an area of the page.
func drawAxes(page *canvas, area vg.Rectangle, s axesStyle) axes {
	xName, yName := axisName(s.xLabel), axisName(s.yLabel)
	outer := area
	area.Min.X += yName.room()
	area.Min.Y += xName.room()
	a := drawTicks(draw.Canvas{Canvas: page, Rectangle: area}, s)
	xName.writeAcross(page, vg.Point{X: (a.Min.X + a.Max.X) / 2, Y: outer.Min.Y})
	yName.writeAlong(page, vg.Point{X: outer.Min.X, Y: (a.Min.Y + a.Max.Y) / 2})
	page.StrokeLines(axisStyle, []vg.Point{{X: a.Min.X, Y: a.Max.Y}, a.Min, {X: a.Max.X, Y: a.Min.Y}})
	return a
}

// axisStyle is the look of axes and ticks.
var axisStyle = draw.LineStyle{Color: axisLine, Width: 0.7}

// drawTicks draws ticks, their labels and grid lines by gonum/plot. Lines and
// names of the axes are left to drawAxes, as gonum/plot draws lines that do not
// meet, and no symbols.
func drawTicks(c draw.Canvas, s axesStyle) axes {
	c.Min.X += max(s.left-labelRoom(c, s), 0)
	p := s.plot()
	p.Draw(c)
	inner := p.DataCanvas(c)
	a := axes{Rectangle: inner.Rectangle}
	a.x, a.y = p.Transforms(&inner)
	return a
}

// labelRoom returns how much of the width of a canvas is left of the axes.
func labelRoom(c draw.Canvas, s axesStyle) vg.Length {
	return s.plot().DataCanvas(c).Min.X - c.Min.X
}

// plot returns ticks, their labels and grid lines.
func (s axesStyle) plot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = s.x.min, s.x.max, s.y.min, s.y.max
	p.X.Tick.Marker, p.Y.Tick.Marker = s.xTicks, s.yTicks
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Padding = 0
		axis.LineStyle.Width = 0
		axis.Tick.LineStyle = axisStyle
		axis.Tick.Length = 3
		axis.Tick.Label.Font = sans
		axis.Tick.Label.Font.Size = tickLabelSize
		axis.Tick.Label.Color = ink
	}
	grid := plotter.NewGrid()
	grid.Horizontal = draw.LineStyle{Color: gridLine, Width: 0.6}
	grid.Vertical = grid.Horizontal
	if s.noVerticals {
		grid.Vertical.Color = nil
	}
	p.Add(grid)
	return p
}

// axisName is the name of an axis: words, or a symbol such as z₁, a letter with
// a subscript, which is set as in mathematics and stands upright on both axes.
type axisName string

// symbol returns the letter and the subscript of a symbol.
func (n axisName) symbol() (letter, subscript string, ok bool) {
	letters := []rune(n)
	if len(letters) < 2 || len(letters) > 4 {
		return "", "", false
	}
	for _, r := range letters[1:] {
		if r < '₀' || r > '₉' {
			return "", "", false
		}
		subscript += string('0' + r - '₀')
	}
	return string(letters[0]), subscript, true
}

// room returns the width of the strip that the name takes beside its axis.
func (n axisName) room() vg.Length {
	if n == "" {
		return 0
	}
	if letter, subscript, ok := n.symbol(); ok {
		return symbolWidth(letter, subscript) + axisNameGap
	}
	return axisNameSize + axisNameGap
}

// writeAcross writes the name of a horizontal axis, its lower edge's middle at p.
func (n axisName) writeAcross(c *canvas, p vg.Point) {
	if letter, subscript, ok := n.symbol(); ok {
		p.X -= symbolWidth(letter, subscript) / 2
		p.Y += axisSymbolSize / 2
		writeSymbol(c, letter, subscript, p)
		return
	}
	p.Y += axisNameSize / 2
	n.writeWords(c, p, c.write)
}

// writeAlong writes the name of a vertical axis, its left edge's middle at p.
func (n axisName) writeAlong(c *canvas, p vg.Point) {
	if letter, subscript, ok := n.symbol(); ok {
		writeSymbol(c, letter, subscript, p)
		return
	}
	p.X += axisNameSize / 2
	n.writeWords(c, p, c.writeUpwards)
}

// writeWords writes a name that is not a symbol.
func (n axisName) writeWords(c *canvas, p vg.Point, write func(string, *font.Face, color.Color, vg.Point, vg.Length)) {
	f := face(sans, axisNameSize)
	write(shorten(string(n), f, longestAxisName), f, ink, p, alignCentre)
}

// longestAxisName fits the shortest axes.
const longestAxisName vg.Length = 180

// symbolFaces returns the faces of a letter and of its subscript.
func symbolFaces() (letter, subscript *font.Face) {
	italic := font.Font{Typeface: "Liberation", Variant: "Serif", Style: xfont.StyleItalic}
	upright := font.Font{Typeface: "Liberation", Variant: "Serif"}
	return face(italic, axisSymbolSize), face(upright, 0.68*axisSymbolSize)
}

// symbolWidth returns the width of a letter with its subscript.
func symbolWidth(letter, subscript string) vg.Length {
	large, small := symbolFaces()
	return large.Width(letter) + small.Width(subscript)
}

// writeSymbol writes a letter with its subscript, the left edge's middle at p.
func writeSymbol(c *canvas, letter, subscript string, p vg.Point) {
	large, small := symbolFaces()
	c.write(letter, large, ink, p, alignLeft)
	p.X += large.Width(letter)
	p.Y -= 0.3 * axisSymbolSize
	c.write(subscript, small, ink, p, alignLeft)
}
