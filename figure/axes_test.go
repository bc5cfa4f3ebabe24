package figure

import (
	"image/color"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/draw"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		ticks     ticks
		low, high float64
		want      string
	}{
		{ticks{count: 5}, 0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{ticks{count: 6}, -1.2, 1.1, "−1.0 −0.5 0.0 0.5 1.0"},
		{ticks{count: 9}, 0.0915, 0.0985, "0.092 0.093 0.094 0.095 0.096 0.097 0.098"},
		{ticks{count: 4}, 990, 1010, "990 995 1000 1005 1010"},
		{ticks{count: 4}, 0, 3e9, "0 1e9 2e9 3e9"},
		{ticks{count: 4}, 1e-7, 3e-7, "1.0e−7 1.5e−7 2.0e−7 2.5e−7 3.0e−7"},
		{ticks{count: 10, integer: true}, 0.5, 1.5, "1"},
		{ticks{count: 10, integer: true}, 0.9, 5.1, "1 2 3 4 5"},
		{ticks{count: 10, integer: true}, 0.6, 20.4, "2 4 6 8 10 12 14 16 18 20"},
		{ticks{count: 10, integer: true}, 0, 100, "0 10 20 30 40 50 60 70 80 90 100"},
	} {
		var labels []string
		for _, tick := range c.ticks.Ticks(c.low, c.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("ticks from %v to %v are %q, want %q", c.low, c.high, got, c.want)
		}
	}
}

func TestTicksLieWithinSpan(t *testing.T) {
	for _, s := range []span{{0, 1}, {-3, 1e6}, {1e30, 1.1e30}, {-math.MaxFloat32, math.MaxFloat32}, {1e-38, 2e-38}} {
		s = s.padded(0.05)
		marks := ticks{count: 8}.Ticks(s.min, s.max)
		if len(marks) < 2 || len(marks) > 10 {
			t.Errorf("%v has %d ticks, want 2 to 10", s, len(marks))
		}
		for i, m := range marks {
			slack := 1e-5 * (s.max - s.min)
			if m.Value < s.min-slack || m.Value > s.max+slack || i > 0 && m.Value <= marks[i-1].Value {
				t.Errorf("%v: tick %d is at %v", s, i, m.Value)
			}
		}
	}
}

func TestPaddedSpanHasWidth(t *testing.T) {
	for _, c := range []struct{ in, want span }{
		{span{0, 10}, span{-1, 11}},
		{span{0, 0}, span{-0.5, 0.5}},
		{span{5, 5}, span{4.5, 5.5}},
		{span{-20, -20}, span{-22, -18}},
	} {
		if got := c.in.padded(0.1); got != c.want {
			t.Errorf("%v padded is %v, want %v", c.in, got, c.want)
		}
	}
}

func TestAxisSymbols(t *testing.T) {
	for name, want := range map[axisName][2]string{"z₁": {"z", "1"}, "x₁₂": {"x", "12"}, "β₀": {"β", "0"}} {
		letter, subscript, ok := name.symbol()
		if !ok || letter != want[0] || subscript != want[1] {
			t.Errorf("%s is %q with subscript %q (%v), want %q", name, letter, subscript, ok, want)
		}
	}
	for _, name := range []axisName{"", "z", "zz", "loss", "z₁₂₃₄", "z₁x"} {
		if _, _, ok := name.symbol(); ok {
			t.Errorf("%q was taken for a symbol", name)
		}
	}
}

// Axes below one another begin at one place, however long the labels of each are.
func TestAxesAlign(t *testing.T) {
	c, err := newCanvas("test", 400, 200, color.White)
	if err != nil {
		t.Fatal(err)
	}
	short := axesStyle{x: span{0, 10}, y: span{0, 5}, xTicks: ticks{count: 5}, yTicks: ticks{count: 4}}
	long := short
	long.y = span{0.12345, 0.12349}
	area := c.Rectangle
	room := labelRoom(draw.Canvas{Canvas: c, Rectangle: area}, long)
	if room <= labelRoom(draw.Canvas{Canvas: c, Rectangle: area}, short) {
		t.Fatal("long labels take no more room than short ones")
	}
	short.left, long.left = room, room
	if a, b := drawAxes(c, area, short), drawAxes(c, area, long); a.Min.X != b.Min.X || a.Max.X != b.Max.X {
		t.Errorf("axes reach from %v to %v, and from %v to %v", a.Min.X, a.Max.X, b.Min.X, b.Max.X)
	}
}
