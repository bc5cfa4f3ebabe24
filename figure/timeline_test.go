package figure_test

import (
	"image/color"
	"math"
	"strings"
	"testing"

	"hourglass/figure"
	"hourglass/tensor"
)

func wave(rows, features int) tensor.Tensor {
	x := tensor.New(rows, features)
	for i := range x.Data {
		x.Data[i] = float32(math.Sin(float64(i/features) / 20))
	}
	return x
}

// reddish counts the pixels that are painted over.
func reddish(f *figure.Figure) (n int) {
	bounds := f.Image.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := color.NRGBAModel.Convert(f.Image.At(x, y)).(color.NRGBA)
			if c.R > 230 && c.G > 190 && c.G < 225 && c.B == c.G {
				n++
			}
		}
	}
	return n
}

func TestTimelineMarks(t *testing.T) {
	x := wave(1000, 2)
	plain := must(t)(figure.Timeline(x, x, figure.TimelineOptions{Threshold: math.NaN()}))
	if n := reddish(plain); n != 0 {
		t.Errorf("%d pixels are marked where nothing is", n)
	}
	tenth := must(t)(figure.Timeline(x, x, figure.TimelineOptions{Marked: [][2]int{{300, 399}}, Threshold: math.NaN()}))
	third := must(t)(figure.Timeline(x, x, figure.TimelineOptions{Marked: [][2]int{{300, 399}, {500, 699}}, Threshold: math.NaN()}))
	if one, two := reddish(tenth), reddish(third); one == 0 || two < 5*one/2 || two > 7*one/2 {
		t.Errorf("%d pixels are marked for a tenth of the rows, %d for three", one, two)
	}
}

func TestTimelineSizes(t *testing.T) {
	one := must(t)(figure.Timeline(wave(50, 1), wave(50, 1), figure.TimelineOptions{Threshold: math.NaN()}))
	many := must(t)(figure.Timeline(wave(50, 20), wave(50, 20), figure.TimelineOptions{Scores: make([]float64, 50), Threshold: 1}))
	per := 1.2 * figure.DPI
	if got := many.Image.Bounds().Dy() - one.Image.Bounds().Dy(); float64(got) < 7.9*per || float64(got) > 8.1*per {
		t.Errorf("twenty features with scores are %d pixels higher than one, want eight panels", got)
	}
	long := must(t)(figure.Timeline(wave(100000, 1), wave(100000, 1), figure.TimelineOptions{Threshold: math.NaN()}))
	if count(long, figure.ClassColor(1)) == 0 {
		t.Error("a long series is not drawn")
	}
}

func TestTimelineRefuses(t *testing.T) {
	x := wave(10, 2)
	for _, c := range []struct {
		rows, reconstruction tensor.Tensor
		o                    figure.TimelineOptions
		want                 string
	}{
		{tensor.Tensor{}, x, figure.TimelineOptions{}, "rows"},
		{x, wave(9, 2), figure.TimelineOptions{}, "10×2 and 9×2"},
		{x, x, figure.TimelineOptions{Names: []string{"a"}}, "1 names"},
		{x, x, figure.TimelineOptions{Scores: []float64{1}}, "1 scores"},
		{x, x, figure.TimelineOptions{Marked: [][2]int{{3, 10}}}, "rows 3 to 10"},
		{x, x, figure.TimelineOptions{Marked: [][2]int{{3, 2}}}, "rows 3 to 2"},
	} {
		if _, err := figure.Timeline(c.rows, c.reconstruction, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
