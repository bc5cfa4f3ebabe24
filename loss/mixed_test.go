package loss

import (
	"math"
	"strings"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

// refMixed is the loss of rows of 2 numbers, 3 classes and 2 booleans by its definition, from
// logits, over the entries that are there.
func refMixed(z, t, mask []float64) (sum float64) {
	for at := 0; at < len(z); at += 7 {
		z, t, m := z[at:at+7], t[at:at+7], mask[at:at+7]
		total := math.Exp(z[2]) + math.Exp(z[3]) + math.Exp(z[4])
		for i := range z {
			p := 1 / (1 + math.Exp(-z[i]))
			switch {
			case i < 2:
				sum += m[i] * (z[i] - t[i]) * (z[i] - t[i])
			case i < 5:
				sum -= m[i] * t[i] * math.Log(math.Exp(z[i])/total)
			default:
				sum -= m[i] * (t[i]*math.Log(p) + (1-t[i])*math.Log(1-p))
			}
		}
	}
	return sum
}

// activate makes probabilities of the logits, as nn.ColumnActivation does.
func activate(z []float64) (p []float32) {
	for at := 0; at < len(z); at += 7 {
		total := math.Exp(z[at+2]) + math.Exp(z[at+3]) + math.Exp(z[at+4])
		for i, v := range z[at : at+7] {
			switch {
			case i < 2:
			case i < 5:
				v = math.Exp(v) / total
			default:
				v = 1 / (1 + math.Exp(-v))
			}
			p = append(p, float32(v))
		}
	}
	return p
}

func TestMixed(t *testing.T) {
	const columns, rows, n = "numbers:2,classes:3,booleans:2", 4, 4 * 7
	logits, target := golden.Values(1, n, -2, 2), golden.Values(2, n, -1, 1)
	for at := 0; at < n; at += 7 {
		copy(target[at+2:], []float32{0, 0, 0, 1, 0})
		target[at+2+at%3] = 1
	}
	double := func(x []float32) (y []float64) {
		for _, v := range x {
			y = append(y, float64(v))
		}
		return y
	}
	for name, hidden := range map[string][]int{"whole": nil, "masked": {0, 3, 8, 13, 16, 17, 18, 27}} {
		mask := make([]float32, n)
		for i := range mask {
			mask[i] = 1
		}
		for _, i := range hidden {
			mask[i] = 0
		}
		z, tt, m := double(logits), double(target), double(mask)
		want, slopes := refMixed(z, tt, m), make([]float64, n)
		for i, v := range z {
			const h = 1e-6
			z[i] = v + h
			up := refMixed(z, tt, m)
			z[i] = v - h
			slopes[i] = (up - refMixed(z, tt, m)) / (2 * h) * 0.5
			z[i] = v
		}
		for _, isLogits := range []bool{true, false} {
			pred := logits
			if !isLogits {
				pred = activate(z)
			}
			bound, err := Mixed{columns, isLogits}.Bind(tensor.Shape{rows, 7})
			if err != nil {
				t.Fatal(err)
			}
			grad := make([]float32, n)
			got := bound.(Masked).EvalMasked(grad, pred, target, mask, 0.5)
			if math.Abs(got-want) > 1e-5*want {
				t.Errorf("%s, logits %v: the loss is %v, want %v", name, isLogits, got, want)
			}
			if hidden == nil {
				if got := bound.Eval(nil, pred, target, 1); math.Abs(got-want) > 1e-5*want {
					t.Errorf("without a mask the loss is %v, want %v", got, want)
				}
			}
			if isLogits {
				golden.Close(t, name, grad, slopes, 1e-5)
				continue
			}
			// Through the activation: dz = p·(dp - Σ dp·p) for classes, dp·p·(1-p) for booleans.
			through := make([]float32, n)
			for at := 0; at < n; at += 7 {
				var dot float64
				for i := at + 2; i < at+5; i++ {
					dot += float64(grad[i]) * float64(pred[i])
				}
				for i := at; i < at+7; i++ {
					through[i] = grad[i]
					if p := float64(pred[i]); i >= at+5 {
						through[i] = float32(float64(grad[i]) * p * (1 - p))
					} else if i >= at+2 {
						through[i] = float32(p * (float64(grad[i]) - dot))
					}
				}
			}
			golden.Close(t, name+" through the activation", through, slopes, 1e-4)
		}
	}
	bound, err := Mixed{columns, true}.Bind(tensor.Shape{7})
	if err != nil {
		t.Fatal(err)
	}
	target[3] = 1.5
	if got := bound.Eval(nil, logits[:7], target[:7], 1); !math.IsNaN(got) {
		t.Errorf("with a target of 1.5 for a class the loss is %v", got)
	}
	large := []float32{0, 0, 500, -500, 0, 300, -300}
	if got := bound.Eval(nil, large, []float32{0, 0, 1, 0, 0, 1, 0}, 1); got != 0 {
		t.Errorf("a prediction that is sure and right costs %v", got)
	}
}

// A weight multiplies the terms and the slopes of its group, and no others.
func TestMixedWeights(t *testing.T) {
	pred, target := []float32{0.5, -1, 0.2, 0.8, 0.3}, []float32{1, 0, 1, 0, 1}
	eval := func(columns string, grad []float32) float64 {
		bound, err := Mixed{Columns: columns}.Bind(tensor.Shape{len(pred)})
		if err != nil {
			t.Fatal(err)
		}
		return bound.Eval(grad, pred, target, 2)
	}
	plain, weighted := make([]float32, len(pred)), make([]float32, len(pred))
	eval("numbers:2,classes:2,booleans:1", plain)
	// (0.5-1)² + 1, half of -ln 0.2, and twice -ln 0.3.
	want := 1.25 + 0.5*math.Log(5) + 2*math.Log(1/0.3)
	if got := eval("numbers:2,classes:2*0.5,booleans:1*2", weighted); math.Abs(got-want) > 1e-6 {
		t.Errorf("the weighted loss is %v, want %v", got, want)
	}
	for i, factor := range []float32{1, 1, 0.5, 0.5, 2} {
		if weighted[i] != plain[i]*factor {
			t.Errorf("slope %d is %v, want %v·%v", i, weighted[i], factor, plain[i])
		}
	}
}

func TestMixedRefusals(t *testing.T) {
	_, wide := Mixed{Columns: "numbers:2"}.Bind(tensor.Shape{3})
	_, scalar := Mixed{Columns: "numbers:2"}.Bind(nil)
	_, unread := Mixed{Columns: "colours:2"}.Bind(tensor.Shape{2})
	_, named := ByName("mixed:numbers:0")
	for want, err := range map[string]error{
		"got samples of 3 values along the last axis, want 2": wide,
		"got scalars": scalar,
		`columns are "colours:2", want groups such as numbers:3,classes:4`: unread,
		`loss: mixed: columns are "numbers:0"`:                             named,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if l, err := ByName("mixed:numbers:2,booleans:1"); err != nil || l != (Mixed{Columns: "numbers:2,booleans:1"}) {
		t.Errorf("got %v (%v)", l, err)
	}
}

func TestMixedAllocatesNothing(t *testing.T) {
	for _, isLogits := range []bool{false, true} {
		bound, err := Mixed{"numbers:2,classes:3,booleans:2", isLogits}.Bind(tensor.Shape{7})
		if err != nil {
			t.Fatal(err)
		}
		pred, target, grad := golden.Values(1, 7, 0.1, 0.9), []float32{1, 2, 0, 1, 0, 1, 0}, make([]float32, 7)
		if allocs := testing.AllocsPerRun(5, func() { bound.Eval(grad, pred, target, 1) }); allocs != 0 {
			t.Errorf("an evaluation makes %v allocations", allocs)
		}
	}
}
