package figure_test

import (
	"fmt"
	"image/color"
	"math"
	"testing"

	"hourglass/figure"
	"hourglass/tensor"
)

// corners are four points, one for each corner of the picture.
func corners() tensor.Tensor {
	t, _ := tensor.FromSlice([]float32{0, 0, 10, 0, 0, 4, 10, 4}, 4, 2)
	return t
}

// near reports whether f has a pixel of colour c within 3 pixels of (x, y).
func near(f *figure.Figure, x, y int, c color.RGBA) bool {
	for dy := -3; dy <= 3; dy++ {
		for dx := -3; dx <= 3; dx++ {
			if f.Image.RGBAAt(x+dx, y+dy) == c {
				return true
			}
		}
	}
	return false
}

func TestScatterPlacesPoints(t *testing.T) {
	f := must(t)(figure.Scatter(corners(), nil, figure.ScatterOptions{Width: 4, Height: 3, Diameter: 6}))
	wantSize(t, f, 1200, 900)
	// The margin is 9 points and half a dot: 12 points, 50 pixels.
	for _, p := range [][2]int{{50, 850}, {1150, 850}, {50, 50}, {1150, 50}} {
		if !near(f, p[0], p[1], figure.ClassColor(0)) {
			t.Errorf("no dot at %v", p)
		}
	}
	// Four discs of 6 points, 25 pixels, their edges blended.
	if got, want := count(f, figure.ClassColor(0)), 4*math.Pi*12.5*12.5; float64(got) < 0.85*want || float64(got) > want {
		t.Errorf("%d pixels are blue, want a little less than %.0f", got, want)
	}
}

func TestScatterColoursByLabel(t *testing.T) {
	labels := []int{3, 0, 12, -1}
	f := must(t)(figure.Scatter(corners(), labels, figure.ScatterOptions{}))
	for _, label := range labels {
		if count(f, figure.ClassColor(label)) < 300 { // a dot and its legend
			t.Errorf("class %d is hardly drawn", label)
		}
	}
	if got := count(f, figure.ClassColor(1)); got != 0 {
		t.Errorf("%d pixels have the colour of a class that no point has", got)
	}
}

// The legend stands to the right of all points.
func TestScatterLegendIsBesidePoints(t *testing.T) {
	labels := []int{0, 1, 0, 1}
	f := must(t)(figure.Scatter(corners(), labels, figure.ScatterOptions{Names: []string{"normal", "anomaly"}}))
	rightmost := 0 // dot of a corner, in the lower or upper tenth of the page
	leftmost := f.Image.Rect.Dx()
	for y := range f.Image.Rect.Dy() {
		for x := range f.Image.Rect.Dx() {
			if f.Image.RGBAAt(x, y) == (color.RGBA{255, 255, 255, 255}) {
				continue
			}
			if y < f.Image.Rect.Dy()/10 || y > f.Image.Rect.Dy()*9/10 {
				rightmost = max(rightmost, x)
			} else {
				leftmost = min(leftmost, x)
			}
		}
	}
	if rightmost >= leftmost {
		t.Errorf("points reach to column %d, the legend begins at %d", rightmost, leftmost)
	}
}

func TestScatterLeavesOutPointsThatAreNotFinite(t *testing.T) {
	nan := float32(math.NaN())
	with, _ := tensor.FromSlice([]float32{0, 0, nan, 1, 10, 0, 0, 4, 10, 4, 1, float32(math.Inf(1))}, 6, 2)
	a := must(t)(figure.Scatter(with, nil, figure.ScatterOptions{}))
	b := must(t)(figure.Scatter(corners(), nil, figure.ScatterOptions{}))
	if string(a.Image.Pix) != string(b.Image.Pix) {
		t.Error("points that are not finite change the picture")
	}
}

func TestScatterErrors(t *testing.T) {
	for want, args := range map[string]struct {
		points tensor.Tensor
		labels []int
		o      figure.ScatterOptions
	}{
		"there are none":             {tensor.Tensor{}, nil, figure.ScatterOptions{}},
		"points have shape 4×3":      {tensor.New(4, 3), nil, figure.ScatterOptions{}},
		"got 3 labels for 4 points":  {corners(), make([]int, 3), figure.ScatterOptions{}},
		"width is -1, want 2 to 100": {corners(), nil, figure.ScatterOptions{Width: -1}},
		"height is NaN":              {corners(), nil, figure.ScatterOptions{Height: math.NaN()}},
		"diameter is 1000":           {corners(), nil, figure.ScatterOptions{Diameter: 1000}},
		"want at most 100 million":   {corners(), nil, figure.ScatterOptions{Width: 100, Height: 100}},
	} {
		_, err := figure.Scatter(args.points, args.labels, args.o)
		wantError(t, "scatter", err, want)
	}
}

func ExampleScatter() {
	codings, _ := tensor.FromSlice([]float32{-1, 0.5, 0, 0.7, 1, 0.4}, 3, 2)
	f, err := figure.Scatter(codings, nil, figure.ScatterOptions{
		Axes: true, XLabel: "z₁", YLabel: "z₂", Width: 4, Height: 3,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Image.Rect.Size())
	// Output: (1200,900)
}
