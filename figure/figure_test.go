package figure_test

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hourglass/figure"
	"hourglass/tensor"
)

// ramp returns a tensor whose values are 0, 1/255, … 1, 0, 1/255 …
func ramp(axes ...int) tensor.Tensor {
	t := tensor.New(axes...)
	for i := range t.Data {
		t.Data[i] = float32(i%256) / 255
	}
	return t
}

// sequence returns count points of 24-bit values, which float32 holds exactly.
// testdata/thumbnails.py makes the same.
func sequence(count int) tensor.Tensor {
	t := tensor.New(count, 2)
	state := uint64(1)
	for i := range t.Data {
		state = (1103515245*state + 12345) % (1 << 31)
		t.Data[i] = float32(state>>7) / (1 << 24)
	}
	return t
}

// cycle returns count labels 0, 1, … classes-1, 0, 1 …
func cycle(count, classes int) []int {
	labels := make([]int, count)
	for i := range labels {
		labels[i] = i % classes
	}
	return labels
}

// must returns f, or ends the test.
func must(t *testing.T) func(f *figure.Figure, err error) *figure.Figure {
	return func(f *figure.Figure, err error) *figure.Figure {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
}

// wantSize checks a figure's size in pixels.
func wantSize(t *testing.T, f *figure.Figure, width, height int) {
	t.Helper()
	if size := f.Image.Rect.Size(); size.X != width || size.Y != height {
		t.Errorf("the figure has %d×%d pixels, want %d×%d", size.X, size.Y, width, height)
	}
}

// count returns how many pixels of f have the colour c.
func count(f *figure.Figure, c color.RGBA) int {
	n := 0
	for i := 0; i < len(f.Image.Pix); i += 4 {
		if p := f.Image.Pix[i:]; (color.RGBA{p[0], p[1], p[2], p[3]}) == c {
			n++
		}
	}
	return n
}

// kinds draws one figure of each kind.
var kinds = map[string]func() (*figure.Figure, error){
	"reconstructions": func() (*figure.Figure, error) {
		o := figure.ReconstructionOptions{Middle: ramp(2, 8, 8), Captions: []string{"original", "corrupted", "reconstruction"}}
		return figure.Reconstructions(ramp(2, 8, 8), ramp(2, 8, 8), o)
	},
	"grid": func() (*figure.Figure, error) {
		return figure.Grid(ramp(3, 8, 8, 3), 2, figure.GridOptions{Labels: []string{"a", "b", "c"}, Wrong: []bool{false, true, false}})
	},
	"curves": func() (*figure.Figure, error) {
		return figure.Curves(figure.Series{Axis: "loss", Name: "training", Values: []float64{3, 2, 1}},
			figure.Series{Axis: "loss", Name: "validation", Values: []float64{3, 2.5, 2}},
			figure.Series{Axis: "accuracy", Name: "training", Values: []float64{0.5, 0.8, 0.9}})
	},
	"scatter": func() (*figure.Figure, error) {
		return figure.Scatter(sequence(50), cycle(50, 12), figure.ScatterOptions{Axes: true, XLabel: "z₁", YLabel: "second"})
	},
	"thumbnails": func() (*figure.Figure, error) {
		return figure.Thumbnails(sequence(50), cycle(50, 10), ramp(50, 5, 5), figure.ThumbnailOptions{Names: []string{"zero"}})
	},
	"lines": func() (*figure.Figure, error) {
		return figure.Lines(ramp(2, 40, 2), ramp(2, 40, 2), figure.LinesOptions{Names: []string{"a", "b"}})
	},
	"planes": func() (*figure.Figure, error) {
		return figure.Planes(onFloor(1), []figure.Plane{floor("a", 0), floor("b", 1)}, figure.PlanesOptions{})
	},
	"confusion": func() (*figure.Figure, error) {
		return figure.Confusion([][]int{{5, 1}, {0, 3}}, []string{"normal", "anomaly"}, figure.ConfusionOptions{Title: "accuracy"})
	},
	"histogram": func() (*figure.Figure, error) {
		return figure.Histogram([]figure.Sample{{Name: "normal", Values: []float64{1, 2, 2, 3}}},
			figure.HistogramOptions{XLabel: "error", Thresholds: []figure.Threshold{{Name: "threshold", Value: 2.5}}})
	},
}

// encode returns a figure's PNG file.
func encode(draw func() (*figure.Figure, error)) ([]byte, error) {
	f, err := draw()
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	err = f.Encode(&buf)
	return buf.Bytes(), err
}

func TestSameArgumentsGiveSameBytes(t *testing.T) {
	for name, draw := range kinds {
		t.Run(name, func(t *testing.T) {
			files := make([][]byte, 2)
			var wg sync.WaitGroup
			for i := range files {
				wg.Go(func() {
					file, err := encode(draw)
					if err != nil {
						t.Error(err)
					}
					files[i] = file
				})
			}
			wg.Wait()
			if !bytes.Equal(files[0], files[1]) {
				t.Error("two drawings differ")
			}
		})
	}
}

func TestSaveWritesWholeFile(t *testing.T) {
	f := must(t)(figure.Grid(ramp(4, 8, 8), 2, figure.GridOptions{}))
	path := filepath.Join(t.TempDir(), "grid.png")
	if err := figure.Save(path, f); err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := f.Encode(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("the saved file differs from what Encode writes")
	}
	if found := chunks(t, got); found[len(found)-1].kind != "IEND" {
		t.Error("the saved file is not a whole PNG")
	}
}

func TestSaveLeavesNothingOnError(t *testing.T) {
	dir := t.TempDir()
	for name, f := range map[string]*figure.Figure{"nil": nil, "empty": {}} {
		if err := figure.Save(filepath.Join(dir, "x.png"), f); err == nil {
			t.Errorf("a %s figure was saved", name)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("a failed Save left %v", left)
	}
	f := must(t)(figure.Grid(ramp(1, 2, 2), 1, figure.GridOptions{}))
	if err := figure.Save(filepath.Join(dir, "missing", "x.png"), f); err == nil {
		t.Error("a figure was saved into a folder that does not exist")
	}
}

// oddTensors are arguments that users pass by mistake.
func oddTensors() map[string]tensor.Tensor {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	return map[string]tensor.Tensor{
		"zero":            {},
		"scalar":          {Data: []float32{1}},
		"no data":         {Shape: tensor.Shape{2, 2}},
		"short data":      {Shape: tensor.Shape{4, 2}, Data: make([]float32, 7)},
		"negative":        {Shape: tensor.Shape{-1, 2}, Data: make([]float32, 2)},
		"huge shape":      {Shape: tensor.Shape{1 << 30, 1 << 30, 2}, Data: make([]float32, 2)},
		"one point":       {Shape: tensor.Shape{1, 2}, Data: []float32{3, 4}},
		"equal points":    {Shape: tensor.Shape{3, 2}, Data: []float32{7, 7, 7, 7, 7, 7}},
		"one axis equal":  {Shape: tensor.Shape{3, 2}, Data: []float32{7, 1, 7, 2, 7, 3}},
		"close points":    {Shape: tensor.Shape{2, 2}, Data: []float32{1, 1, 1.0000001, 1.0000001}},
		"some NaN":        {Shape: tensor.Shape{3, 2}, Data: []float32{1, 2, nan, 3, inf, -inf}},
		"all NaN":         {Shape: tensor.Shape{2, 2}, Data: []float32{nan, nan, nan, nan}},
		"whole range":     {Shape: tensor.Shape{2, 2}, Data: []float32{-math.MaxFloat32, 0, math.MaxFloat32, 1}},
		"tiny":            {Shape: tensor.Shape{2, 2}, Data: []float32{0, 0, math.SmallestNonzeroFloat32, 1e-30}},
		"three columns":   tensor.New(4, 3),
		"one pixel":       tensor.New(1, 1, 1),
		"NaN pixels":      {Shape: tensor.Shape{1, 2, 2}, Data: []float32{nan, inf, -inf, 0.5}},
		"wide":            tensor.New(2, 1, 2000),
		"tall":            tensor.New(2, 2000, 1, 1),
		"two channels":    tensor.New(2, 4, 4, 2),
		"colour":          tensor.New(2, 5, 4, 3),
		"five axes":       tensor.New(2, 4, 4, 1, 1),
		"far too many":    tensor.New(100_000, 1, 1),
		"one large image": tensor.New(1, 700, 600, 3),
	}
}

// wantTidy checks that a result is a figure or a one-line error of this package.
func wantTidy(t *testing.T, what string, f *figure.Figure, err error) {
	t.Helper()
	switch {
	case err == nil && (f == nil || f.Image.Rect.Empty()):
		t.Errorf("%s: neither a figure nor an error", what)
	case err != nil && (strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "figure: ")):
		t.Errorf("%s: error is %q, want one line that begins with figure:", what, err)
	case err != nil && f != nil:
		t.Errorf("%s: both a figure and an error", what)
	}
}

func TestOddTensorsGiveFiguresOrErrors(t *testing.T) {
	for name, x := range oddTensors() {
		f, err := figure.Reconstructions(x, x, figure.ReconstructionOptions{})
		wantTidy(t, "reconstructions: "+name, f, err)
		f, err = figure.Grid(x, 3, figure.GridOptions{})
		wantTidy(t, "grid: "+name, f, err)
		f, err = figure.Lines(x, x, figure.LinesOptions{})
		wantTidy(t, "lines: "+name, f, err)
		f, err = figure.Scatter(x, nil, figure.ScatterOptions{Width: 2, Height: 2})
		wantTidy(t, "scatter: "+name, f, err)
		f, err = figure.Scatter(x, nil, figure.ScatterOptions{Axes: true, XLabel: "x", YLabel: "y", Width: 2, Height: 2})
		wantTidy(t, "scatter with axes: "+name, f, err)
		if _, err = figure.UnitSquare(x); err != nil {
			wantTidy(t, "unit square: "+name, nil, err)
		}
	}
}

func TestThumbnailsOfOddPoints(t *testing.T) {
	odd := oddTensors()
	for _, name := range []string{"zero", "short data", "one point", "some NaN", "all NaN", "three columns"} {
		x := odd[name]
		f, err := figure.Thumbnails(x, nil, ramp(max(1, x.Len()), 3, 3), figure.ThumbnailOptions{})
		wantTidy(t, name, f, err)
	}
}

func TestOddTextIsDrawn(t *testing.T) {
	for _, text := range []string{"", "\n\t\x00", strings.Repeat("long ", 10_000), "\xff\xfe", "日本語", "z₁₂₃₄₅", "₁"} {
		names := []string{text, text}
		f, err := figure.Scatter(sequence(4), cycle(4, 2), figure.ScatterOptions{Names: names, Axes: true, XLabel: text, YLabel: text, Width: 2, Height: 2})
		wantTidy(t, "scatter", f, err)
		f, err = figure.Confusion([][]int{{1, 2}, {3, 4}}, names, figure.ConfusionOptions{Title: text})
		wantTidy(t, "confusion", f, err)
		f, err = figure.Curves(figure.Series{Axis: text, Name: text, Values: []float64{1}})
		wantTidy(t, "curves", f, err)
		f, err = figure.Lines(ramp(2, 9), ramp(2, 9), figure.LinesOptions{Captions: [2]string{text, text}, Names: names, XLabel: text, YLabel: text})
		wantTidy(t, "lines", f, err)
		f, err = figure.Grid(ramp(2, 3, 3), 2, figure.GridOptions{Labels: names})
		wantTidy(t, "grid", f, err)
		f, err = figure.Reconstructions(ramp(2, 3, 3), ramp(2, 3, 3), figure.ReconstructionOptions{Captions: names})
		wantTidy(t, "reconstructions", f, err)
	}
}

// wantError checks that an error names what was wrong.
func wantError(t *testing.T, what string, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("%s: error is %v, want one with %q", what, err, part)
	}
}

func ExampleSave() {
	images, _ := tensor.FromSlice([]float32{0, 0.5, 0.5, 1}, 1, 2, 2)
	f, err := figure.Reconstructions(images, images, figure.ReconstructionOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, _ := os.MkdirTemp("", "figure")
	defer os.RemoveAll(dir)
	fmt.Println(figure.Save(filepath.Join(dir, "reconstruction_plot.png"), f))
	fmt.Println(f.Image.Rect.Size())
	// Output:
	// <nil>
	// (450,900)
}
