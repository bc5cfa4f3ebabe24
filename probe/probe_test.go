package probe

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

type numbers struct {
	Codes         [][]float32
	Labels        []int
	Probabilities [][]float64
}

var classes = []string{"a", "b", "c"}

func load(t *testing.T) (tensor.Tensor, numbers) {
	var n numbers
	golden.Load(t, "testdata/probe.golden", &n)
	codes := tensor.New(len(n.Codes), len(n.Codes[0]))
	for i, row := range n.Codes {
		copy(codes.Row(i), row)
	}
	return codes, n
}

func TestProbabilitiesAreScikitLearns(t *testing.T) {
	codes, n := load(t)
	p, err := Fit(context.Background(), codes, n.Labels, classes, Options{L2: 2})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Probabilities(codes)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range n.Probabilities {
		for k, want := range row {
			if math.Abs(got[i][k]-want) > 1e-4 {
				t.Errorf("sample %d is %s with probability %v, want %v", i, classes[k], got[i][k], want)
			}
		}
	}
}

func TestProbeIsKept(t *testing.T) {
	codes, n := load(t)
	p, err := Fit(context.Background(), codes, n.Labels, classes, Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "probe.json")
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := p.Predict(codes)
	if got, err := again.Predict(codes); err != nil || !slices.Equal(got, want) {
		t.Errorf("predictions of the probe that was read: %v, %v, want %v", got, err, want)
	}
}

func TestBadProbesAreRefused(t *testing.T) {
	codes, n := load(t)
	ctx := context.Background()
	broken := tensor.Tensor{Shape: codes.Shape, Data: slices.Clone(codes.Data)}
	broken.Data[5] = float32(math.Inf(1))
	for name, fit := range map[string]func() (*Probe, error){
		"infinity":        func() (*Probe, error) { return Fit(ctx, broken, n.Labels, classes, Options{}) },
		"too few labels":  func() (*Probe, error) { return Fit(ctx, codes, n.Labels[1:], classes, Options{}) },
		"a foreign label": func() (*Probe, error) { return Fit(ctx, codes, n.Labels, classes[:2], Options{}) },
		"one class":       func() (*Probe, error) { return Fit(ctx, codes, n.Labels, classes[:1], Options{}) },
		"a penalty of -1": func() (*Probe, error) { return Fit(ctx, codes, n.Labels, classes, Options{L2: -1}) },
	} {
		if _, err := fit(); err == nil {
			t.Errorf("a probe was fitted to %s", name)
		}
	}
	path := filepath.Join(t.TempDir(), "probe.json")
	for _, text := range []string{"", "{}", "[1]", `{"classes":["a","b"],"mean":[0],"scale":[0],"weights":[[1],[1]],"bias":[0,0]}`,
		`{"classes":["a","b"],"mean":[0],"scale":[1],"weights":[[1],[1,2]],"bias":[0,0]}`} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil {
			t.Errorf("%q was read as a probe", text)
		}
	}
	p, err := Fit(ctx, codes, n.Labels, classes, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Predict(tensor.New(2, 3)); err == nil {
		t.Error("codes of another size were told apart")
	}
}
