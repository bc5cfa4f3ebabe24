package digits

import (
	"math"
	"testing"
)

// A horizontal stroke of radius r shades the pixels by the distance of their middles from it.
func TestLineShadesByDistance(t *testing.T) {
	var p path
	p.add(dab{knot{vec{3, 10}, 1.5}, true})
	p.add(dab{knot{vec{17, 10}, 1.5}, false})
	var c canvas
	c.draw(&p)
	for y := range box {
		distance := math.Abs(float64(y) + 0.5 - 10)
		want := math.Max(1.5-distance, -edge)
		if distance > 1.5+edge/2 {
			want = -edge
		}
		if got := c[y*box+10]; got != want {
			t.Errorf("row %d: depth %v, want %v", y, got, want)
		}
	}
	grey := c.develop()
	if got := grey[9*box+10]; got != 255 {
		t.Errorf("half a pixel from the middle of the stroke: %d, want 255", got)
	}
	if got := grey[5*box+10]; got != 0 {
		t.Errorf("four pixels off: %d, want 0", got)
	}
	// On the outline, half the ink.
	if got := (&canvas{0}).develop()[0]; got != 128 {
		t.Errorf("on the outline: %d, want 128", got)
	}
}

// Both ends are round, and the radius changes evenly in between.
func TestLineEndsRound(t *testing.T) {
	var p path
	p.add(dab{knot{vec{5.5, 10.5}, 1}, true})
	p.add(dab{knot{vec{13.5, 10.5}, 3}, false})
	var c canvas
	c.draw(&p)
	for _, q := range []struct {
		x, y int
		want float64
	}{{4, 10, 0}, {5, 9, 0}, {9, 10, 2}, {9, 12, 0}, {16, 10, 0}, {15, 12, 3 - 2*math.Sqrt2}} {
		if got := c[q.y*box+q.x]; math.Abs(got-q.want) > 1e-12 {
			t.Errorf("depth at %d, %d: %v, want %v", q.x, q.y, got, q.want)
		}
	}
}

func TestMarginCentresOrStaysInside(t *testing.T) {
	for _, q := range []struct {
		mass, middle float64
		want         int
	}{{100, 10, 4}, {100, 10.4, 4}, {100, 10.6, 3}, {100, 9.4, 5}, {100, 1, 8}, {100, 19, 0}} {
		if got := margin(int(2*q.mass*q.middle), int(q.mass)); got != q.want {
			t.Errorf("centre of mass at %v: margin %d, want %d", q.middle, got, q.want)
		}
	}
}
