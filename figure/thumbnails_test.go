package figure

import (
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/tensor"
)

// lectureSequence returns the points of testdata/thumbnails.py before scaling.
func lectureSequence() tensor.Tensor {
	points := tensor.New(400, 2)
	state := uint64(1)
	for i := range points.Data {
		state = (1103515245*state + 12345) % (1 << 31)
		v := float32(state>>7) / (1 << 24)
		v = float32(v*3) - 1.25
		if i%2 == 1 {
			v *= 0.5
		}
		points.Data[i] = v
	}
	return points
}

// Numbers printed by testdata/thumbnails.py.
func TestThumbnailsAreTheLectures(t *testing.T) {
	points := lectureSequence()
	before := slices.Clone(points.Data)
	scaled, err := UnitSquare(points)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(points.Data, before) {
		t.Error("UnitSquare changed its argument")
	}
	for i, want := range []float32{0x1.0525ccp-1, 0x1.27083ap-2, 0x1.34074ap-2, 0x1.e25692p-2, 0x1.e796c6p-1, 0x1.24f0fcp-2} {
		if scaled.Data[i] != want {
			t.Errorf("value %d is scaled to %x, want %x", i, scaled.Data[i], want)
		}
	}
	c, err := newCloud("test", scaled, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []int{0, 1, 2, 3, 5, 7, 8, 12, 14, 15, 19, 28, 29, 71, 123, 144, 158, 159, 248}
	if got := c.spread(defaultSquaredDistance); !slices.Equal(got, want) {
		t.Errorf("points with a thumbnail are %v, want %v", got, want)
	}
}

func TestUnitSquareOfOddPoints(t *testing.T) {
	nan, most := float32(math.NaN()), float32(math.MaxFloat32)
	for _, c := range []struct{ in, want []float32 }{
		{[]float32{2, 4, 6, 3}, []float32{0, 0.5, 1, 0.25}},
		{[]float32{7, 7, 7, 7}, []float32{0.5, 0.5, 0.5, 0.5}},
		{[]float32{0, nan, 4, 1}, []float32{0, nan, 1, 0.25}},
		{[]float32{-most, most, 0, float32(math.Inf(1))}, []float32{0, 1, 0.5, nan}},
	} {
		got, err := UnitSquare(tensor.Tensor{Shape: tensor.Shape{2, 2}, Data: c.in})
		if err != nil {
			t.Fatal(err)
		}
		equal := func(a, b float32) bool { return a == b || a != a && b != b }
		if !slices.EqualFunc(got.Data, c.want, equal) {
			t.Errorf("%v is scaled to %v, want %v", c.in, got.Data, c.want)
		}
	}
}

// Three points: the first two so close that only the first is shown, the third
// far away. Images are black, so that each shown one is 28·4 black pixels wide.
func TestThumbnailsPixels(t *testing.T) {
	points, _ := tensor.FromSlice([]float32{0, 0, 0.05, 0.05, 0.4, 1}, 3, 2)
	images := tensor.New(3, 28, 28)
	for i := range images.Data {
		images.Data[i] = 1
	}
	f, err := Thumbnails(points, []int{4, 1, 2}, images, ThumbnailOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if size := f.Image.Rect.Size(); size.X != 3000 || size.Y != 2400 {
		t.Fatalf("the map has %v pixels, want 3000×2400", size)
	}
	black, frames := 0, map[color.RGBA]int{}
	for y := range 2400 {
		for x := range 3000 {
			p := f.Image.RGBAAt(x, y)
			if p == (color.RGBA{A: 255}) {
				black++
			}
			frames[p]++
		}
	}
	if want := 2 * 112 * 112; black != want {
		t.Errorf("%d pixels are black, want %d, two thumbnails", black, want)
	}
	// White pad of 17 pixels (4 points) around the image, then 8 of frame (2 points).
	box := 112 + 2*17
	for label, want := range map[int]int{4: 4 * 8 * (box + 8), 2: 4 * 8 * (box + 8)} {
		if got := frames[ClassColor(label)]; got != want {
			t.Errorf("the frame of label %d has %d pixels, want %d", label, got, want)
		}
	}
	if frames[ClassColor(1)] == 0 {
		t.Error("the point without a thumbnail has no dot")
	}
}

// Later thumbnails lie over earlier ones, and all of them over the dots.
func TestThumbnailsOrder(t *testing.T) {
	points, _ := tensor.FromSlice([]float32{0, 0, 0.02, 0.02, 1, 0.9}, 3, 2)
	f, err := Thumbnails(points, []int{4, 1, 2}, tensor.New(3, 28, 28), ThumbnailOptions{Distance: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	box := 112 + 2*17
	seen := map[color.RGBA]int{}
	for i := 0; i < len(f.Image.Pix); i += 4 {
		p := f.Image.Pix[i:]
		seen[color.RGBA{p[0], p[1], p[2], p[3]}]++
	}
	whole := 4 * 8 * (box + 8)
	if got := seen[ClassColor(1)]; got != whole {
		t.Errorf("the second frame shows %d of its %d pixels", got, whole)
	}
	if got := seen[ClassColor(4)]; got >= whole || got == 0 {
		t.Errorf("the first frame shows %d of its %d pixels, want some covered", got, whole)
	}
}

func TestThumbnailsErrors(t *testing.T) {
	points, images := lectureSequence(), tensor.New(400, 2, 2)
	for want, args := range map[string]struct {
		points tensor.Tensor
		labels []int
		images tensor.Tensor
		o      ThumbnailOptions
	}{
		"got 399 labels for 400": {points, make([]int, 399), images, ThumbnailOptions{}},
		"got 3 images for 400":   {points, nil, tensor.New(3, 2, 2), ThumbnailOptions{}},
		"points have shape 2×3":  {tensor.New(2, 3), nil, images, ThumbnailOptions{}},
		"distance is -1":         {points, nil, images, ThumbnailOptions{Distance: -1}},
		"distance is NaN":        {points, nil, images, ThumbnailOptions{Distance: math.NaN()}},
		"want N×H×W":             {points, nil, points, ThumbnailOptions{}},
	} {
		_, err := Thumbnails(args.points, args.labels, args.images, args.o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}
