package figure_test

import (
	"math"
	"testing"

	"hourglass/figure"
	"hourglass/tensor"
)

// onFloor are points on a grid in the plane x₃ = height.
func onFloor(height float32) tensor.Tensor {
	t := tensor.New(16, 3)
	for i := range 16 {
		copy(t.Row(i), []float32{float32(i % 4), float32(i / 4), height})
	}
	return t
}

func floor(name string, height float64) figure.Plane {
	return figure.Plane{Name: name, Origin: [3]float64{0, 0, height}, U: [3]float64{2, 0, 0}, V: [3]float64{1, 1, 0}}
}

func TestPlanesShowEveryPlane(t *testing.T) {
	points := onFloor(0)
	one := must(t)(figure.Planes(points, []figure.Plane{floor("a", 0)}, figure.PlanesOptions{}))
	wantSize(t, one, 1560, 1260)
	two := must(t)(figure.Planes(points, []figure.Plane{floor("a", 0), floor("b", 1)}, figure.PlanesOptions{}))
	// Outlines are opaque.
	for class, f := range []*figure.Figure{one, two} {
		if got := count(f, figure.ClassColor(class)); got < 500 {
			t.Errorf("plane %d has an outline of %d pixels", class, got)
		}
	}
	if got := count(one, figure.ClassColor(1)); got != 0 {
		t.Errorf("%d pixels of a plane that is not there", got)
	}
}

// Seen from above, points over a plane hide it, and those under it are dimmed by it.
func TestPlanesHideWhatIsBehind(t *testing.T) {
	dark := func(height float32) int {
		f := must(t)(figure.Planes(onFloor(height), []figure.Plane{floor("far below", -5), floor("a", 0)}, figure.PlanesOptions{Azimuth: -60, Elevation: 70}))
		n := 0
		for i := 0; i < len(f.Image.Pix); i += 4 {
			if p := f.Image.Pix[i:]; p[0] == 45 && p[1] == 45 && p[2] == 45 {
				n++
			}
		}
		return n
	}
	over, under := dark(0.2), dark(-0.2)
	if over < 16*100 || under > over/4 {
		t.Errorf("%d dark pixels of points over the plane and %d of points under it", over, under)
	}
}

func TestPlanesRefuse(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		points tensor.Tensor
		plane  figure.Plane
		want   string
	}{
		{tensor.New(4, 2), floor("a", 0), "points have shape 4×2, want N×3"},
		{tensor.Tensor{}, floor("a", 0), "there are none"},
		{onFloor(float32(nan)), floor("a", 0), "none of 16 points is finite"},
		{onFloor(0), floor("a", nan), `plane "a" goes through`},
		{onFloor(0), figure.Plane{Name: "line", U: [3]float64{1, 2, 3}, V: [3]float64{2, 4, 6}}, `plane "line" goes through`},
		{onFloor(0), figure.Plane{U: [3]float64{math.Inf(1), 0, 0}, V: [3]float64{0, 1, 0}}, "want finite numbers and two directions"},
		{onFloor(0), figure.Plane{}, "want finite numbers and two directions"},
	} {
		_, err := figure.Planes(c.points, []figure.Plane{c.plane}, figure.PlanesOptions{})
		wantError(t, c.want, err, c.want)
	}
	for name, x := range oddTensors() {
		f, err := figure.Planes(x, []figure.Plane{floor("a", 0), floor("a", 1e30)}, figure.PlanesOptions{})
		wantTidy(t, "planes: "+name, f, err)
	}
}
