package train

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// penalized returns the trainer of testdata/penalties_golden.py and its data.
func penalized(t *testing.T) (*Trainer, dataset.Array) {
	t.Helper()
	net, err := nn.NewNetwork(tensor.Shape{6},
		nn.Dense{Units: 4, Activation: nn.Sigmoid}, nn.KLRegularization{Target: 0.1, Weight: 0.3},
		nn.ActivityRegularization{L1: 0.02, L2: 0.03}, nn.Regularized{Layer: nn.Dense{Units: 6}, L1: 0.01, L2: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range net.Arrays() {
		copy(a.Values, golden.Values(uint64(31+i), len(a.Values), -0.8, 0.8))
	}
	x := tensor.Tensor{Shape: tensor.Shape{5, 6}, Data: golden.Values(30, 30, 0, 1)}
	return &Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{LearningRate: 1}, Epochs: 1, BatchSize: 5, Threads: 2},
		dataset.Array{Tensor: x}
}

// TestPenaltiesAgainstPyTorch takes a step and compares all that the loss consists of,
// before and after, and the weights.
func TestPenaltiesAgainstPyTorch(t *testing.T) {
	var want struct {
		Before, After map[string]float64
		Parameters    []float64
	}
	golden.Load(t, "testdata/penalties_golden.json", &want)
	var first []float32
	for _, threads := range []int{1, 2, 3, 8} {
		trainer, data := penalized(t)
		trainer.Threads = threads
		history, err := trainer.Fit(context.Background(), data, data)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range want.Before {
			if got := history.Series(name); len(got) != 1 || math.Abs(got[0]-value) > 1e-6 {
				t.Errorf("%s is %v, want %v", name, got, value)
			}
			if got := history.Series("val_" + name); len(got) != 1 || math.Abs(got[0]-want.After[name]) > 1e-6 {
				t.Errorf("val_%s is %v, want %v", name, got, want.After[name])
			}
		}
		golden.Close(t, "weights", trainer.Network.Weights(), want.Parameters, 1e-6)
		if first == nil {
			first = slices.Clone(trainer.Network.Weights())
		}
		if !slices.Equal(trainer.Network.Weights(), first) {
			t.Errorf("%d threads give other bits", threads)
		}
		text, err := json.Marshal(history)
		if err != nil || !strings.Contains(string(text), `,"reconstruction":`) || !strings.Contains(string(text), `,"val_kl":`) {
			t.Errorf("history %s, %v", text, err)
		}
	}
}

// Schedules decide what a penalty counts, in loss and gradient, and a resumed run goes
// on with the same bits.
func TestPenaltySchedules(t *testing.T) {
	plain, data := penalized(t)
	plain.Epochs, plain.BatchSize = 3, 2
	if _, err := plain.Fit(context.Background(), data, nil); err != nil {
		t.Fatal(err)
	}
	run := func(epochs int, resume *Snapshot) (*Trainer, *History, *Snapshot) {
		trainer, data := penalized(t)
		trainer.Epochs, trainer.BatchSize, trainer.Resume = epochs, 2, resume
		trainer.Penalties = map[string]Schedule{"kl": Ramp{Epochs: 2}, "activity": Cycles{Epochs: 2, Rise: 0.5}}
		var last *Snapshot
		trainer.Observers = []Observer{onEvent(func(e Event, r *Run) error {
			if e != EpochEnded {
				return nil
			}
			s, err := r.Snapshot()
			if err == nil {
				last = s
				last.Weights = slices.Clone(s.Weights)
			}
			return err
		})}
		history, err := trainer.Fit(context.Background(), data, nil)
		if err != nil {
			t.Fatal(err)
		}
		return trainer, history, last
	}
	whole, history, _ := run(3, nil)
	if slices.Equal(whole.Network.Weights(), plain.Network.Weights()) {
		t.Error("schedules change nothing")
	}
	if kl := history.Series("kl"); !(kl[0] < kl[1] && kl[0] > 0) {
		t.Errorf("kl went %v with a factor that rises from 0", kl)
	}
	_, _, half := run(1, nil)
	resumed, _, _ := run(3, half)
	if !slices.Equal(resumed.Network.Weights(), whole.Network.Weights()) {
		t.Error("a resumed run gives other bits")
	}
	wrong, data := penalized(t)
	wrong.Penalties = map[string]Schedule{"sparsity": Ramp{Epochs: 2}}
	if _, err := wrong.Fit(context.Background(), data, nil); err == nil || !strings.Contains(err.Error(), `penalty "sparsity", the network has ["kl" "activity" "weights"]`) {
		t.Errorf("error %v", err)
	}
}

func TestRampAndCycles(t *testing.T) {
	for _, c := range []struct {
		s    Schedule
		at   []float64
		want []float64
	}{
		{Ramp{Epochs: 4}, []float64{0, 1, 2, 4, 9}, []float64{0, 0.25, 0.5, 1, 1}},
		{Cycles{Epochs: 4, Rise: 0.5}, []float64{0, 1, 2, 3.5, 4, 5, 7}, []float64{0, 0.5, 1, 1, 0, 0.5, 1}},
	} {
		for i, at := range c.at {
			if got := c.s.Factor(at); got != c.want[i] {
				t.Errorf("%s after %v epochs: %v, want %v", c.s.Name(), at, got, c.want[i])
			}
		}
	}
	for _, s := range []Schedule{Ramp{}, Cycles{Epochs: 1}, Cycles{Rise: 1}, Cycles{Epochs: 1, Rise: 2}} {
		if s.Validate() == nil {
			t.Errorf("%s: no error", s.Name())
		}
	}
}
