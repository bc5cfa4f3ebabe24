package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The drawing of a chart, in units that are about pixels on a phone.
const (
	chartWidth, chartHeight = 360.0, 236.0
	plotLeft, plotRight     = 50.0, 350.0
	plotTop, plotBottom     = 30.0, 184.0
	mostTicks               = 6
	labelledPoints          = 200 // epochs that are dots with a tooltip; more would be a smear
	// logarithmicFrom is the ratio of the largest to the smallest value from which
	// on a linear axis would show little but the first epochs.
	logarithmicFrom = 20
)

// chart is a drawing of a quantity over the epochs.
type chart struct {
	Title       string
	Description string // the drawing in words
	Logarithmic bool
	Lines       []line
	XTicks      []tick
	YTicks      []tick
}

// line is a series of values in a chart.
type line struct {
	Name   string
	Class  string // of its style
	Path   string // what an SVG path draws
	Dots   []dot
	Legend coordinate // where its entry begins

	values []float64
}

// dot is a value in a chart, with what it says when pointed at.
type dot struct {
	X, Y coordinate
	Text string
}

// tick is a mark on an axis.
type tick struct {
	At   coordinate
	Text string
}

// coordinate is a place in a drawing. Two decimals are finer than any screen.
type coordinate float64

func (c coordinate) String() string {
	return strconv.FormatFloat(math.Round(float64(c)*100)/100, 'f', -1, 64)
}

// newChart draws lines over epochs, each with a value for each epoch.
func newChart(title string, epochs []float64, lines []line) chart {
	var all []float64
	for _, l := range lines {
		all = append(all, l.values...)
	}
	x, y := epochAxis(epochs), valueAxis(all)
	c := chart{Title: title, Logarithmic: y.logarithmic, XTicks: x.ticks(), YTicks: y.ticks()}
	var words []string
	for i, l := range lines {
		l.draw(x, y, epochs)
		l.Legend = coordinate(plotLeft + 130*float64(i))
		c.Lines = append(c.Lines, l)
		words = append(words, l.describe())
	}
	c.Description = fmt.Sprintf("%s over %s: %s.", title, count(len(epochs), "epoch"), strings.Join(words, "; "))
	return c
}

// draw fills in the line's path and dots.
func (l *line) draw(x, y axis, epochs []float64) {
	var path strings.Builder
	for i, v := range l.values {
		d := dot{x.at(epochs[i]), y.at(v), fmt.Sprintf("%s, epoch %s: %s", l.Name, formatNumber(epochs[i]), formatNumber(v))}
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%v %v", command, d.X, d.Y)
		if len(l.values) <= labelledPoints {
			l.Dots = append(l.Dots, d)
		}
	}
	l.Path = path.String()
}

// describe says where a line begins and ends.
func (l *line) describe() string {
	return fmt.Sprintf("%s from %s to %s", l.Name, formatNumber(l.values[0]), formatNumber(l.values[len(l.values)-1]))
}

// axis maps values to places.
type axis struct {
	low, high   float64 // the values at its ends
	from, to    float64 // their places
	logarithmic bool
	whole       bool // ticks only at whole numbers
}

// epochAxis reaches from the first epoch to the last.
func epochAxis(epochs []float64) axis {
	low, high := slices.Min(epochs), slices.Max(epochs)
	if low == high {
		low, high = low-1, high+1
	}
	return axis{low: low, high: high, from: plotLeft + 6, to: plotRight - 6, whole: true}
}

// valueAxis leaves some room above and below the values.
func valueAxis(values []float64) axis {
	low, high := slices.Min(values), slices.Max(values)
	a := axis{from: plotBottom, to: plotTop, logarithmic: low > 1/largestValue && high/low >= logarithmicFrom}
	if a.logarithmic {
		room := math.Pow(high/low, 0.05)
		a.low, a.high = low/room, high*room
		return a
	}
	// Values that are all the same, or nearly, need room to stand in.
	room := max(0.1*(high-low), 1e-3*max(math.Abs(low), math.Abs(high)))
	if room == 0 {
		room = 1
	}
	a.low, a.high = low-room, high+room
	return a
}

// at returns the place of a value.
func (a axis) at(v float64) coordinate {
	low, high := a.low, a.high
	if a.logarithmic {
		v, low, high = math.Log(v), math.Log(low), math.Log(high)
	}
	return coordinate(a.from + (v-low)/(high-low)*(a.to-a.from))
}

// ticks returns marks at round values.
func (a axis) ticks() []tick {
	var ticks []tick
	for _, v := range a.roundValues() {
		ticks = append(ticks, tick{a.at(v), shortNumber(v)})
	}
	return ticks
}

func (a axis) roundValues() []float64 {
	if a.logarithmic {
		return a.decadeValues()
	}
	step := roundStep((a.high - a.low) / mostTicks)
	if a.whole {
		step = max(1, math.Ceil(step))
	}
	var values []float64
	for i := math.Ceil(a.low / step); i*step <= a.high; i++ {
		values = append(values, i*step)
	}
	return values
}

// roundStep returns the least of 1, 2, 5 times a power of ten that is not below
// step.
func roundStep(step float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, m := range []float64{1, 2, 5} {
		if step <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// decadeValues returns 1, 2 and 5 times the powers of ten within the axis, or
// over many decades only every second power or fewer.
func (a axis) decadeValues() []float64 {
	first, last := math.Floor(math.Log10(a.low)), math.Ceil(math.Log10(a.high))
	multiples, stride := []float64{1, 2, 5}, 1.0
	if last-first > 3 {
		multiples, stride = multiples[:1], math.Ceil((last-first)/mostTicks)
	}
	var values []float64
	for power := first; power <= last; power += stride {
		for _, m := range multiples {
			if v := m * math.Pow(10, power); v >= a.low && v <= a.high {
				values = append(values, v)
			}
		}
	}
	return values
}

// shortNumber writes a round number for an axis, where there is room for six
// characters or so.
func shortNumber(v float64) string {
	if v != 0 && (math.Abs(v) >= 1e6 || math.Abs(v) < 1e-4) {
		return strconv.FormatFloat(v, 'e', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}
