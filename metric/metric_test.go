package metric

import (
	"math"
	"strings"
	"testing"
)

// The wanted numbers are worked out by hand: predictions above 0.5 count as 1, and
// targets are rounded half to even, as NumPy and TensorFlow do, so that 0.5 is 0
// and 1.5 is 2, which no prediction equals.
func TestEval(t *testing.T) {
	pred := []float32{0.2, 0.5, 0.51, 0.9, 0.1, 0.7, 1, 0}
	target := []float32{0.4, 0.5, 0.5, 0.6, 1, 1.5, 1, 0}
	for name, want := range map[string]float64{
		"rounded_accuracy": 5.0 / 8,
		"mse":              (0.04 + 0 + 0.0001 + 0.09 + 0.81 + 0.64) / 8,
		"mae":              (0.2 + 0 + 0.01 + 0.3 + 0.9 + 0.8) / 8,
	} {
		m, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if m.Name() != name {
			t.Errorf("ByName(%q) is called %q", name, m.Name())
		}
		if got := m.Eval(pred, target); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestByName(t *testing.T) {
	if got := strings.Join(Names(), " "); got != "rounded_accuracy mse mae" {
		t.Errorf("Names() = %s", got)
	}
	_, err := ByName("auc")
	if err == nil || !strings.Contains(err.Error(), `unknown metric "auc", want one of [rounded_accuracy mse mae]`) {
		t.Errorf("ByName(auc): error %v", err)
	}
}
