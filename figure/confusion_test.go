package figure_test

import (
	"fmt"
	"image/color"
	"math"
	"testing"

	"hourglass/figure"
)

// A cell's shade is that of its share of the row, from light to dark.
func TestConfusionShades(t *testing.T) {
	const cell = 165 // 0.55 inches
	f := must(t)(figure.Confusion([][]int{{0, 10}, {5, 5}}, nil, figure.ConfusionOptions{}))
	left, top := f.Image.Rect.Dx()-45-2*cell, 45
	for _, c := range []struct {
		row, column int
		want        color.RGBA
	}{
		{0, 0, color.RGBA{247, 251, 255, 255}}, {0, 1, color.RGBA{8, 48, 107, 255}},
		{1, 0, color.RGBA{106, 174, 214, 255}}, {1, 1, color.RGBA{106, 174, 214, 255}},
	} {
		// A corner of the cell, where no text is.
		if got := f.Image.RGBAAt(left+c.column*cell+2, top+c.row*cell+2); got != c.want {
			t.Errorf("cell (%d, %d) is %v, want %v", c.row, c.column, got, c.want)
		}
	}
}

func TestConfusionOfManyClasses(t *testing.T) {
	for _, n := range []int{1, 12, 30, 300} {
		matrix := make([][]int, n)
		for i := range matrix {
			matrix[i] = make([]int, n)
			matrix[i][i] = math.MaxInt
		}
		f, err := figure.Confusion(matrix, []string{"first"}, figure.ConfusionOptions{Title: "many"})
		wantTidy(t, fmt.Sprint(n, " classes"), f, err)
		if err != nil || f.Image.Rect.Dx() > 3000 {
			t.Errorf("%d classes: figure is %v wide (error %v), want at most 3000", n, f.Image.Rect.Dx(), err)
		}
	}
}

func TestConfusionErrors(t *testing.T) {
	for want, matrix := range map[string][][]int{
		"got 0 classes":                  nil,
		"row 1 has 1 entries, want 2":    {{1, 2}, {3}},
		"entry (1, 0) is -3":             {{1, 2}, {-3, 4}},
		"got 1001 classes, want 1 to 10": make([][]int, 1001),
	} {
		_, err := figure.Confusion(matrix, nil, figure.ConfusionOptions{})
		wantError(t, "confusion", err, want)
	}
}

func ExampleConfusion() {
	f, err := figure.Confusion([][]int{{980, 2}, {1, 1134}}, []string{"zero", "one"}, figure.ConfusionOptions{Title: "accuracy 99.9 %"})
	fmt.Println(f != nil, err)
	// Output: true <nil>
}
