package schema

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hourglass/internal/portable"
)

// dates and clocks are the layouts that times are written in, the stricter first.
var (
	isoDates  = []string{"2006-01-02", "2006/01/02", "2006.01.02"}
	dotDates  = []string{"02.01.2006", "2.1.2006", "02.01.06", "2.1.06"}
	wordDates = []string{"2 Jan 2006", "02 Jan 2006", "Jan 2, 2006", "2 January 2006", "January 2, 2006", "02-Jan-2006", "02-Jan-06"}
	dayFirst  = []string{"02/01/2006", "2/1/2006", "02/01/06", "2/1/06", "02-01-2006", "2-1-2006"}
	monthLead = []string{"01/02/2006", "1/2/2006", "01/02/06", "1/2/06", "01-02-2006", "1-2-2006"}

	dayClocks   = []string{"15:04:05", "15:04", "3:04 PM", "3:04:05 PM"}
	clocks      = []string{" 15:04:05", " 15:04", " 3:04:05 PM", " 3:04 PM", "T15:04:05", "T15:04"}
	zonedClocks = []string{"T15:04:05Z07:00", " 15:04:05Z07:00", " 15:04:05 -0700 MST", "T15:04:05-0700"}
)

// withClocks returns dates alone and with each clock.
func withClocks(dates []string, clocks ...string) []string {
	all := slices.Clone(dates)
	for _, d := range dates {
		for _, c := range clocks {
			all = append(all, d+c)
		}
	}
	return all
}

var (
	plainLayouts = slices.Concat(withClocks(isoDates, slices.Concat(clocks, zonedClocks)...),
		withClocks(dotDates, append(clocks, ", 15:04", ", 15:04:05")...), withClocks(wordDates, clocks...), dayClocks)
	dayFirstLayouts  = withClocks(dayFirst, clocks...)
	monthLeadLayouts = withClocks(monthLead, clocks...)
)

// cycle is what times come back in.
type cycle struct {
	name    string
	seconds float64
}

// A year is that of the Gregorian calendar on average.
var cycles = []cycle{{"day", 86400}, {"week", 7 * 86400}, {"year", 365.2425 * 86400}}

// hasDate reports whether a layout has a date, not only a clock.
func hasDate(layout string) bool { return strings.Contains(layout, "06") }

func hasClock(layout string) bool { return strings.Contains(layout, "04") }

// layoutOf returns the first layout that reads all cells, "" if there is none.
func layoutOf(cells, layouts []string) string {
	if len(cells) == 0 {
		return ""
	}
	for _, layout := range layouts {
		if !slices.ContainsFunc(cells, func(cell string) bool { _, err := parseTime(layout, cell); return err != nil }) {
			return layout
		}
	}
	return ""
}

// parseTime reads a time as seconds since 1970, or since midnight if there is no date.
func parseTime(layout, cell string) (float64, error) {
	t, err := time.Parse(layout, cell)
	if err != nil {
		return 0, fmt.Errorf("want a time such as %s", time.Unix(1700000000, 0).UTC().Format(layout))
	}
	if !hasDate(layout) {
		t = t.AddDate(1970, 0, 0)
	}
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9, nil
}

// formatTime writes seconds since 1970.
func formatTime(layout string, seconds float64) string {
	const farthest = 1e11 // seconds, three thousand years
	whole, part := math.Modf(min(max(seconds, -farthest), farthest))
	t := time.Unix(int64(whole), int64(part*1e9)).UTC()
	step := time.Second
	switch {
	case !hasClock(layout):
		step = 24 * time.Hour
	case !strings.Contains(layout, "05"):
		step = time.Minute
	}
	// Round counts from the year 1, whose days and minutes begin where ours do.
	return t.Round(step).Format(layout)
}

// setTime sets what is to be known of a column of times.
func (c *Column) setTime(layout string) {
	c.Layout = layout
	span := c.High - c.Low
	for _, cycle := range cycles {
		switch {
		case cycle.name == "day" && !hasClock(layout), hasDate(layout) && span < cycle.seconds, !hasDate(layout) && cycle.name != "day":
			continue
		}
		c.Cycles = append(c.Cycles, cycle.name)
	}
	parts := len(c.Cycles)
	if hasDate(layout) {
		parts++
	}
	c.Weight = rounded(1 / float64(parts))
}

// encodeTime writes which share of the time between the least and the largest has passed,
// and sine and cosine of the angle in each cycle.
func (c *Column) encodeTime(dst []float32, cell string) error {
	seconds, err := parseTime(c.Layout, cell)
	if err != nil {
		return err
	}
	if hasDate(c.Layout) {
		dst[0], dst = c.share(seconds), dst[1:]
	}
	for i, name := range c.Cycles {
		angle := float64(2 * math.Pi * phase(seconds, period(name)))
		dst[2*i], dst[2*i+1] = float32(portable.Cos(angle-math.Pi/2)), float32(portable.Cos(angle))
	}
	return nil
}

// share is a time's place between the least and the largest, 0 to 1.
func (c *Column) share(seconds float64) float32 {
	if c.High == c.Low {
		return float32((seconds - c.Low) / 86400)
	}
	return float32((seconds - c.Low) / (c.High - c.Low))
}

// phase is a time's place in its period, from 0 to 1.
func phase(seconds, period float64) float64 {
	whole := math.Floor(seconds / period)
	return (seconds - float64(whole*period)) / period
}

func period(name string) float64 {
	for _, cycle := range cycles {
		if cycle.name == name {
			return cycle.seconds
		}
	}
	return 1
}

// decodeTime returns the time with the elapsed share, moved to the nearest that has the
// places in a year, a week and a day.
func (c *Column) decodeTime(values []float32) string {
	seconds := 0.0
	if hasDate(c.Layout) {
		scale := c.High - c.Low
		if scale == 0 {
			scale = 86400
		}
		seconds, values = c.Low+float64(float64(values[0])*scale), values[1:]
	}
	for i := len(c.Cycles) - 1; i >= 0; i-- {
		length := period(c.Cycles[i])
		want := turn(float64(values[2*i]), float64(values[2*i+1]))
		seconds += float64(length * math.Remainder(want-phase(seconds, length), 1))
	}
	return formatTime(c.Layout, seconds)
}

// turn returns the angle with that sine and cosine, or multiples of them, as a share of a
// whole turn, by bisection: with the same bits on all processors.
func turn(sine, cosine float64) float64 {
	const halvings = 50
	length := math.Sqrt(float64(sine*sine) + float64(cosine*cosine))
	if !(length > 0) {
		return 0
	}
	low, high := 0.0, math.Pi
	for range halvings {
		if middle := (low + high) / 2; portable.Cos(middle)*length > cosine {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Copysign(low/(2*math.Pi), sine)
}

func (c *Column) validateTime() error {
	if c.Layout == "" || !hasDate(c.Layout) && len(c.Cycles) == 0 {
		return fmt.Errorf("is a time of the layout %.40q", c.Layout)
	}
	for i, name := range c.Cycles {
		if period(name) == 1 || slices.Contains(c.Cycles[:i], name) {
			return fmt.Errorf("is a time of the cycles %.80q, want some of day, week, year", c.Cycles)
		}
	}
	return nil
}
