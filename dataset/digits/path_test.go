package digits

import (
	"math"
	"testing"
)

// steady is a hand that writes the skeleton as it stands, but for the trembling, which only depends on key.
func steady(key uint64) *hand { return &hand{key: key, width: 1, cos: 1} }

// near says whether two points are one but for rounding.
func near(a, b vec) bool { return a.minus(b).dot(a.minus(b)) < 1e-28 }

func TestSplinePassesThroughThePoints(t *testing.T) {
	line := stroke{{10, 10}, {40, 20}, {40, 20}, {90, 80}, {20, 95}}
	h := steady(3)
	var p path
	p.follow(line, h)
	// The corner has no piece of its own.
	for k, want := range []point{line[0], line[1], line[3], line[4]} {
		if got := p.dabs[k*steps].at; !near(got, h.place(want).at) {
			t.Errorf("dab %d at %v, want %v", k*steps, got, h.place(want).at)
		}
	}
	if p.n != 1+3*steps {
		t.Errorf("%d dabs, want %d", p.n, 1+3*steps)
	}
}

// Four points of a parabola with equal steps in x lie on one cubic: the spline between the middle ones is the parabola.
func TestSplineReproducesAParabola(t *testing.T) {
	at := func(x float64) vec { return vec{x, x * x} }
	for _, s := range []float64{0, 0.25, 0.5, 1} {
		if got, want := catmullRom(at(0), at(1), at(2), at(3), s), at(1+s); got != want {
			t.Errorf("at %v: got %v, want %v", s, got, want)
		}
	}
}

// A loop meets itself smoothly: the chords on either side of the meeting point have nearly one direction.
func TestLoopsCloseSmoothly(t *testing.T) {
	var p path
	p.follow(stroke{{50, 0}, {0, 50}, {50, 100}, {100, 50}, {50, 0}}, steady(1))
	first, last := p.dabs[0].at, p.dabs[p.n-1].at
	if !near(first, last) {
		t.Fatalf("the loop starts at %v and ends at %v", first, last)
	}
	out, in := p.dabs[1].at.minus(first), last.minus(p.dabs[p.n-2].at)
	if cosine := out.dot(in) / math.Sqrt(out.dot(out)*in.dot(in)); cosine < 0.85 {
		t.Errorf("the loop turns by %.0f° where it closes", math.Acos(cosine)*180/math.Pi)
	}
}

func TestTurningKeepsLengths(t *testing.T) {
	for i := range uint64(100) {
		r := newRandom(9, forDrawing, i)
		h := newHand(&r)
		if d := h.cos*h.cos + h.sin*h.sin - 1; math.Abs(d) > 1e-15 {
			t.Errorf("hand %d: cos² + sin² - 1 = %g", i, d)
		}
	}
}
