package loss

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/golden"
)

// goldenLoss is one entry of the golden file: predictions (or logits), targets, the
// summed loss and its gradient.
type goldenLoss struct {
	Pred, Target []float32
	Loss         float64
	Grad         []float64
}

// TestGolden compares all losses with PyTorch in float64.
func TestGolden(t *testing.T) {
	var want map[string]goldenLoss
	golden.Load(t, "testdata/core_golden.json", &want)
	for name, eval := range map[string]func(grad, pred, target []float32, scale float32) float64{
		"binary_crossentropy":        BinaryCrossEntropy{}.Eval,
		"binary_crossentropy_logits": BinaryCrossEntropy{}.EvalLogits,
		"mse":                        MeanSquaredError{}.Eval,
		"mae":                        MeanAbsoluteError{}.Eval,
		"huber_0.5":                  Huber{Delta: 0.5}.Eval,
		"huber_1":                    Huber{}.Eval,
		"huber_2":                    Huber{Delta: 2}.Eval,
	} {
		g, ok := want[name]
		if !ok {
			t.Fatalf("%s: not in the golden file", name)
		}
		grad := make([]float32, len(g.Pred))
		value := eval(grad, slices.Clone(g.Pred), g.Target, 1)
		golden.Close(t, name, []float32{float32(value)}, []float64{g.Loss}, 1e-6)
		elementwise(t, name, grad, g.Grad)
		// Without a gradient the loss may be computed another way.
		alone := eval(nil, slices.Clone(g.Pred), g.Target, 1)
		golden.Close(t, name+" without gradient", []float32{float32(alone)}, []float64{g.Loss}, 1e-6)
	}
}

// elementwise compares the gradients of every single entry: they range over many
// orders of magnitude, down to p - t for p next to t, where p is rounded.
func elementwise(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); d > 1e-5*math.Abs(w) && d > 6e-8 {
			t.Errorf("%s: gradient %d is %.9g, want %.9g", what, i, got[i], w)
		}
	}
}

// formulas are the losses of one entry in float64.
var formulas = map[string]func(p, t float64) float64{
	"binary_crossentropy": func(p, t float64) float64 { return -t*math.Log(p) - (1-t)*math.Log(1-p) },
	"mse":                 func(p, t float64) float64 { return (p - t) * (p - t) },
	"mae":                 func(p, t float64) float64 { return math.Abs(p - t) },
	"huber": func(p, t float64) float64 {
		if d := math.Abs(p - t); d > 1 {
			return d - 0.5
		}
		return (p - t) * (p - t) / 2
	},
}

// TestCentralDifferences compares gradients with central differences of the
// formulas in float64, and checks the factor that the caller asks for.
func TestCentralDifferences(t *testing.T) {
	const n, h = 200, 1e-6
	for name, f := range formulas {
		l, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		lo, hi := -3.0, 3.0
		if name == "binary_crossentropy" {
			lo, hi = 0.02, 0.98
		}
		pred, target := golden.Values(1, n, lo, hi), golden.Values(2, n, lo, hi)
		grad, want, sum := make([]float32, n), make([]float64, n), 0.0
		value := l.Eval(grad, pred, target, 0.25)
		for i := range want {
			p, t := float64(pred[i]), float64(target[i])
			want[i] = 0.25 * (f(p+h, t) - f(p-h, t)) / (2 * h)
			sum += f(p, t)
		}
		golden.Close(t, name, []float32{float32(value)}, []float64{sum}, 1e-6)
		golden.Close(t, name+" gradient", grad, want, 1e-4)
	}
}

func TestEvalLogitsMatchesEval(t *testing.T) {
	logits, target := golden.Values(3, 100, -6, 6), golden.Values(4, 100, 0, 1)
	probabilities := slices.Clone(logits)
	fused := BinaryCrossEntropy{}.EvalLogits(nil, probabilities, target, 1)
	for i, z := range logits {
		if want := 1 / (1 + math.Exp(-float64(z))); math.Abs(float64(probabilities[i])-want) > 1e-6*want {
			t.Fatalf("sigmoid(%v) is %v, want %v", z, probabilities[i], want)
		}
	}
	separate := BinaryCrossEntropy{}.Eval(nil, probabilities, target, 1)
	if math.Abs(fused-separate) > 1e-5*separate {
		t.Errorf("loss from logits %v, from probabilities %v", fused, separate)
	}
	// The gradient takes the logits' place in training; the probabilities must not.
	again, grad := slices.Clone(logits), make([]float32, len(logits))
	BinaryCrossEntropy{}.EvalLogits(grad, again, target, 1)
	if !slices.Equal(again, probabilities) {
		t.Error("EvalLogits leaves other probabilities with a gradient than without")
	}
}

// A NaN among predictions or targets must be seen in the loss: that is what stops
// a training.
func TestNaNIsSeen(t *testing.T) {
	nan := float32(math.NaN())
	for _, l := range all {
		for _, at := range []int{0, 17, 39} {
			for _, inTarget := range []bool{false, true} {
				pred, target := golden.Values(5, 40, 0.1, 0.9), golden.Values(6, 40, 0.1, 0.9)
				if inTarget {
					target[at] = nan
				} else {
					pred[at] = nan
				}
				grad := make([]float32, 40)
				if x := l.Eval(grad, pred, target, 1); !math.IsNaN(x) {
					t.Errorf("%s: NaN at %d (target: %v) gives loss %v", l.Name(), at, inTarget, x)
				}
				if x := l.Eval(nil, pred, target, 1); !math.IsNaN(x) {
					t.Errorf("%s: NaN at %d (target: %v) gives loss %v without gradient", l.Name(), at, inTarget, x)
				}
				if f, ok := l.(FromLogits); ok {
					if x := f.EvalLogits(grad, slices.Clone(pred), target, 1); !math.IsNaN(x) {
						t.Errorf("%s from logits: NaN at %d (target: %v) gives loss %v", l.Name(), at, inTarget, x)
					}
				}
			}
		}
	}
}

func TestHuberValidate(t *testing.T) {
	for _, delta := range []float32{-1, float32(math.NaN()), float32(math.Inf(1))} {
		if err := (Huber{Delta: delta}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "loss: huber: delta is ") {
			t.Errorf("delta %v: error %v", delta, err)
		}
	}
	for _, delta := range []float32{0, 0.5} {
		if err := (Huber{Delta: delta}).Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestByName(t *testing.T) {
	for _, name := range Names() {
		if l, err := ByName(name); err != nil || l.Name() != name {
			t.Errorf("ByName(%q) = %v, %v", name, l, err)
		}
	}
	_, err := ByName("hinge")
	if err == nil || !strings.Contains(err.Error(), `unknown loss "hinge"`) || !strings.Contains(err.Error(), "binary_crossentropy") {
		t.Errorf("ByName(hinge): error %v", err)
	}
}
