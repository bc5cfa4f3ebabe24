package loss

import (
	"math"
	"strings"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

// TestWholeSamplesAgainstPyTorch compares losses of whole samples, and correntropy, with
// PyTorch. A sample counts for all of its entries.
func TestWholeSamplesAgainstPyTorch(t *testing.T) {
	var want map[string]struct {
		Shape tensor.Shape
		Loss  float64
		Grad  []float64
	}
	golden.Load(t, "testdata/images_golden.json", &want)
	for name, l := range map[string]Loss{"ssim": SSIM{}, "ssim_7_rgb": SSIM{Window: 7, Sigma: 1, Range: 2},
		"cosine": Cosine{}, "correntropy": Correntropy{Sigma: 0.3}} {
		w := want[name]
		if b, ok := l.(Binder); ok {
			var err error
			if l, err = b.Bind(w.Shape); err != nil {
				t.Fatal(err)
			}
		}
		n := w.Shape.Size()
		p, target, grad := golden.Values(61, n, 0, 1), golden.Values(62, n, 0, 1), make([]float32, n)
		for range 2 {
			got := l.Eval(grad, p, target, 1/float32(n))
			golden.Close(t, name, []float32{float32(got / float64(n))}, []float64{w.Loss}, 1e-6)
			golden.Close(t, name+" gradient", grad, w.Grad, 1e-5)
		}
		if alone := l.Eval(nil, p, target, 1); math.Abs(alone/float64(n)-w.Loss) > 1e-6 {
			t.Errorf("%s without gradient: %v, want %v", name, alone/float64(n), w.Loss)
		}
		if same := l.Eval(grad, target, target, 1); math.Abs(same) > 1e-5 {
			t.Errorf("%s of equal samples is %v", name, same)
		}
		if allocs := testing.AllocsPerRun(5, func() { l.Eval(grad, p, target, 1) }); allocs != 0 {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
}

// A vector without length has no direction.
func TestCosineOfNothing(t *testing.T) {
	grad := []float32{7, 7}
	if l := (Cosine{}).Eval(grad, []float32{0, 0}, []float32{1, 2}, 1); l != 2 || grad[0] != 0 || grad[1] != 0 {
		t.Errorf("loss %v, gradient %v", l, grad)
	}
}

func TestSSIMRefusals(t *testing.T) {
	for _, c := range []struct {
		loss  SSIM
		shape tensor.Shape
		want  string
	}{
		{SSIM{}, tensor.Shape{784}, "got samples of shape 784, want images"},
		{SSIM{}, tensor.Shape{10, 28}, "got images of 10×28, want at least 11×11"},
		{SSIM{Window: -1}, tensor.Shape{28, 28}, "window is -1"},
		{SSIM{Sigma: math.NaN()}, tensor.Shape{28, 28}, "sigma is NaN"},
		{SSIM{Range: math.Inf(1)}, tensor.Shape{28, 28}, "range is +Inf"},
	} {
		if _, err := c.loss.Bind(c.shape); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v for %v: error %v, want %q", c.loss, c.shape, err, c.want)
		}
	}
	if err := (Correntropy{Sigma: -1}).Validate(); err == nil {
		t.Error("a negative sigma is taken")
	}
}
