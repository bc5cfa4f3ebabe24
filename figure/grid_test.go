package figure_test

import (
	"fmt"
	"image/color"
	"slices"
	"testing"

	"hourglass/figure"
	"hourglass/tensor"
)

// makeGrid is torchvision.utils.make_grid (0.14) for N×H×W×C, pixel by pixel.
func makeGrid(x tensor.Tensor, columns, padding int) (levels [][][3]uint8) {
	n, h, w, c := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	xmaps := min(columns, n)
	ymaps := (n + xmaps - 1) / xmaps
	levels = make([][][3]uint8, ymaps*(h+padding)+padding)
	for y := range levels {
		levels[y] = make([][3]uint8, xmaps*(w+padding)+padding)
	}
	for k := range n {
		top, left := k/xmaps*(h+padding)+padding, k%xmaps*(w+padding)+padding
		for y := range h {
			for x0 := range w {
				for ch := range 3 {
					v := x.Row(k)[(y*w+x0)*c+ch%c]
					levels[top+y][left+x0][ch] = uint8(v*255 + 0.5)
				}
			}
		}
	}
	return levels
}

func TestGridIsMakeGridEnlarged(t *testing.T) {
	for _, c := range []struct {
		images                  tensor.Tensor
		columns, padding, scale int
		torchPadding            int
	}{
		{ramp(16, 28, 28, 1), 4, 0, 3, 2},
		{ramp(5, 4, 7, 3), 3, 0, 2, 2},
		{ramp(2, 4, 7, 3), 8, 5, 1, 5},
		{ramp(7, 3, 3, 1), 2, -1, 4, 0},
	} {
		f := must(t)(figure.Grid(c.images, c.columns, figure.GridOptions{Padding: c.padding, Scale: c.scale}))
		want := makeGrid(c.images, c.columns, c.torchPadding)
		wantSize(t, f, len(want[0])*c.scale, len(want)*c.scale)
		for y := range f.Image.Rect.Dy() {
			for x := range f.Image.Rect.Dx() {
				l := want[y/c.scale][x/c.scale]
				if got := f.Image.RGBAAt(x, y); got != (color.RGBA{l[0], l[1], l[2], 255}) {
					t.Fatalf("%v in %d columns: pixel (%d, %d) is %v, want %v", c.images.Shape, c.columns, x, y, got, l)
				}
			}
		}
	}
}

func TestGridAutomaticScale(t *testing.T) {
	// 4×4 images of 28 make 122 pixels, which fit 1440 eleven times.
	wantSize(t, must(t)(figure.Grid(ramp(16, 28, 28), 4, figure.GridOptions{})), 1342, 1342)
	// One image would fit 45 times; the limit is 16.
	wantSize(t, must(t)(figure.Grid(ramp(1, 28, 28), 4, figure.GridOptions{})), 32*16, 32*16)
	// Larger than the usual figure: drawn one to one.
	wantSize(t, must(t)(figure.Grid(tensor.New(1, 1500, 1000), 1, figure.GridOptions{})), 1004, 1504)
}

func TestGridMarksWrongImagesOnly(t *testing.T) {
	red := color.RGBA{255, 77, 77, 255}
	labels, wrong, err := figure.Verdicts([]int{7, 2}, []int{7, 5}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := must(t)(figure.Grid(tensor.New(2, 28, 28), 2, figure.GridOptions{Labels: labels, Wrong: wrong, Scale: 5}))
	// Images at (10, 10) and (160, 10), 140 wide; frames of a third of the padding.
	for _, c := range []struct {
		x, y int
		want color.RGBA
	}{
		{159, 9, red}, {157, 7, red}, {302, 152, red}, {302, 7, red}, {230, 8, red}, // around the second
		{156, 80, color.RGBA{A: 255}}, {303, 80, color.RGBA{A: 255}}, {160, 10, color.RGBA{A: 255}},
		{9, 9, color.RGBA{A: 255}}, {8, 80, color.RGBA{A: 255}}, // around the first
	} {
		if got := f.Image.RGBAAt(c.x, c.y); got != c.want {
			t.Errorf("pixel (%d, %d) is %v, want %v", c.x, c.y, got, c.want)
		}
	}
	white, reddish := 0, 0
	for y := 155; y < f.Image.Rect.Dy(); y++ {
		for x := range f.Image.Rect.Dx() {
			switch p := f.Image.RGBAAt(x, y); {
			case p.R > 200 && p.B > 200 && x < 155:
				white++
			case p.R > 200 && p.B < 100 && x > 155:
				reddish++
			}
		}
	}
	if white == 0 || reddish == 0 {
		t.Errorf("labels have %d white pixels below the first and %d red ones below the second, want some of both", white, reddish)
	}
}

func TestVerdicts(t *testing.T) {
	labels, wrong, err := figure.Verdicts([]int{0, 1, 12}, []int{0, 2, 1}, []string{"cat", "dog"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"cat", "dog → 2", "12 → dog"}; !slices.Equal(labels, want) {
		t.Errorf("labels are %q, want %q", labels, want)
	}
	if want := []bool{false, true, true}; !slices.Equal(wrong, want) {
		t.Errorf("marks are %v, want %v", wrong, want)
	}
	labels, _, _ = figure.Verdicts([]int{0}, []int{1}, []string{"Sandal", "Bag"})
	if labels[0] != "Sandal\n→ Bag" {
		t.Errorf("long names are labelled %q, want two lines", labels[0])
	}
	if _, _, err := figure.Verdicts([]int{1}, nil, nil); err == nil {
		t.Error("predictions and labels of different number were accepted")
	}
}

func TestGridErrors(t *testing.T) {
	x := ramp(2, 4, 4)
	for want, args := range map[string]struct {
		images  tensor.Tensor
		columns int
		o       figure.GridOptions
	}{
		"grid: there are none":     {tensor.Tensor{}, 2, figure.GridOptions{}},
		"columns is 0":             {x, 0, figure.GridOptions{}},
		"got 3 labels":             {x, 2, figure.GridOptions{Labels: make([]string, 3)}},
		"got 1 marks":              {x, 2, figure.GridOptions{Wrong: make([]bool, 1)}},
		"scale is -1":              {x, 2, figure.GridOptions{Scale: -1}},
		"padding is 1000000":       {x, 2, figure.GridOptions{Padding: 1_000_000}},
		"want at most 100 million": {tensor.New(50_000, 8, 8), 1, figure.GridOptions{Scale: 30}},
		"1 or 3 channels":          {ramp(2, 4, 4, 4), 2, figure.GridOptions{}},
	} {
		_, err := figure.Grid(args.images, args.columns, args.o)
		wantError(t, "grid", err, want)
	}
}

func ExampleGrid() {
	f, err := figure.Grid(tensor.New(16, 28, 28), 4, figure.GridOptions{Scale: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Image.Rect.Size()) // 4·(28 + 2) + 2
	// Output: (122,122)
}

func ExampleVerdicts() {
	labels, wrong, _ := figure.Verdicts([]int{7, 2}, []int{7, 3}, nil)
	fmt.Println(labels, wrong)
	// Output: [7 2 → 3] [false true]
}
