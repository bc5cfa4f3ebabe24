package figure_test

import (
	"math"
	"testing"

	"hourglass/figure"
	"hourglass/tensor"
)

// waves are samples of one feature or more over 60 steps.
func waves(samples, features int) tensor.Tensor {
	t := tensor.New(samples, 60, features)
	for i := range t.Data {
		t.Data[i] = float32(math.Sin(float64(i/features)/5) + float64(i%features))
	}
	return t
}

func TestLinesDrawInputsAndOutputs(t *testing.T) {
	x := waves(2, 1)
	zero := tensor.New(2, 60, 1)
	one := must(t)(figure.Lines(x, zero, figure.LinesOptions{Names: []string{"first", "second"}}))
	if b := one.Image.Bounds(); b.Dx() != 1920 || b.Dy() < 2*450 || b.Dy() > 2*450+300 {
		t.Errorf("two panels are %v", b)
	}
	blue, orange := count(one, figure.ClassColor(0)), count(one, figure.ClassColor(1))
	if blue < 500 || orange < 500 {
		t.Errorf("%d pixels of the inputs' and %d of the outputs' colour, want lines of both", blue, orange)
	}
	// A vector is a series, too.
	flat := tensor.Tensor{Shape: tensor.Shape{2, 60}, Data: x.Data}
	two := must(t)(figure.Lines(flat, tensor.Tensor{Shape: flat.Shape, Data: zero.Data}, figure.LinesOptions{Names: []string{"first", "second"}}))
	if count(two, figure.ClassColor(0)) != blue || count(two, figure.ClassColor(1)) != orange {
		t.Error("N×T and N×T×1 are drawn differently")
	}
}

func TestLinesDrawFiveFeatures(t *testing.T) {
	x := waves(1, 7)
	f := must(t)(figure.Lines(x, x, figure.LinesOptions{}))
	for class := range 7 {
		if drawn := count(f, figure.ClassColor(class)) > 100; drawn != (class < 5) {
			t.Errorf("feature %d is drawn: %v", class, drawn)
		}
	}
}

func TestLinesRefuse(t *testing.T) {
	x := waves(2, 1)
	for _, c := range []struct {
		inputs, outputs tensor.Tensor
		names           []string
		want            string
	}{
		{tensor.New(3), tensor.New(3), nil, "shape is 3, want N×T or N×T×F"},
		{tensor.New(1, 2, 3, 4), tensor.New(1, 2, 3, 4), nil, "want N×T or N×T×F"},
		{x, tensor.New(2, 60), nil, "outputs have shape 2×60, want that of the inputs, 2×60×1"},
		{x, x, []string{"a"}, "got 1 names, want none or one for each of 2 samples"},
		{tensor.Tensor{}, x, nil, "lines: inputs: there are none"},
		{tensor.New(1000, 2), tensor.New(1000, 2), nil, "the picture would have"},
	} {
		_, err := figure.Lines(c.inputs, c.outputs, figure.LinesOptions{Names: c.names})
		wantError(t, c.want, err, c.want)
	}
}
