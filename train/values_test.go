package train

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// odd is a metric of which some values are no finite numbers.
type odd struct{ infinite bool }

func (m odd) Name() string {
	if m.infinite {
		return "infinite"
	}
	return "odd"
}
func (odd) HigherIsBetter() bool { return true }

func (m odd) Eval(pred, _ []float32) float64 {
	if m.infinite {
		return math.Inf(-1)
	}
	if pred[0] > 0 {
		return math.NaN()
	}
	return 1
}

var _ metric.Ordered = odd{}

// A metric that is NaN or infinite ends no run, not even one that is interrupted: snapshots
// hold it, and the history has null.
func TestMetricsThatAreNotFinite(t *testing.T) {
	trainer := func(observers ...Observer) *Trainer {
		net, err := nn.NewNetwork(tensor.Shape{6, 6}, nn.Flatten{}, nn.Dense{Units: 36}, nn.Reshape{6, 6})
		if err != nil {
			t.Fatal(err)
		}
		net.Init(3)
		return &Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{LearningRate: 0.1}, Epochs: 4, BatchSize: 8, Seed: 5,
			Metrics: []metric.Metric{odd{}, odd{true}}, Observers: append(observers, &EarlyStopping{Monitor: "val_odd", Patience: 9},
				&ReduceOnPlateau{Monitor: "val_infinite", Patience: 2})}
	}
	training := samples(30, 6, 6)
	whole := trainer(&keep{})
	history, err := whole.Fit(context.Background(), training, training)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(numbers(t, history)); !strings.Contains(text, `"odd":null`) || !strings.Contains(text, `"val_infinite":null`) {
		t.Errorf("history %s", text)
	}
	for _, after := range []int{2, 4, 9} {
		k := &keep{after: after}
		if _, err := trainer(k).Fit(context.Background(), training, training); err == nil || k.taken == nil {
			t.Fatalf("no snapshot after step %d: %v", after, err)
		}
		rest := trainer(&keep{})
		rest.Resume = k.taken
		resumed, err := rest.Fit(context.Background(), training, training)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(numbers(t, resumed), numbers(t, history)) || !math.IsInf(resumed.Last().Train.Metrics[1], -1) {
			t.Errorf("resumed after step %d: %s, want %s", after, numbers(t, resumed), numbers(t, history))
		}
	}
}

func TestValuesJSON(t *testing.T) {
	text, err := json.Marshal(Values{1.5, math.NaN(), math.Inf(1), math.Inf(-1)})
	if want := `[1.5,null,"+Inf","-Inf"]`; err != nil || string(text) != want {
		t.Fatalf("got %s (%v), want %s", text, err, want)
	}
	var back Values
	if err := json.Unmarshal(text, &back); err != nil || back[0] != 1.5 || !math.IsNaN(back[1]) || !math.IsInf(back[2], 1) || !math.IsInf(back[3], -1) {
		t.Errorf("read back as %v (%v)", back, err)
	}
	for _, bad := range []string{`["x"]`, `{}`, `[[]]`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s is read as %v", bad, back)
		}
	}
}

func TestParsePenaltyAndPlateau(t *testing.T) {
	for text, want := range map[string]string{
		"kl=ramp:10": "kl ramp:10", "kl=cycles:10:0.5": "kl cycles:10:0.5", "mmd=cosine": "mmd cosine:7", "kl=warmup:2:constant": "kl warmup:2:constant",
		"ramp:10": "", "kl=ramp": "", "kl=ramp:0": "", "kl=ramp:1:2": "", "kl=cycles:10": "", "kl=cycles:10:2": "", "kl=constant": "", "kl=": "", "": "", "=ramp:3": "",
	} {
		name, s, err := ParsePenalty(text, 7)
		if got := ""; err == nil {
			if got = name + " " + s.Name(); got != want {
				t.Errorf("%q is read as %q, want %q", text, got, want)
			}
		} else if want != "" || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, s, err := ParsePenalty("kl=cosine", 0); err != nil || Over(s, 5).Name() != "cosine:5" {
		t.Errorf("a schedule of a run of unknown length: %v (%v)", s, err)
	}
	for text, want := range map[string]string{"5": "by 0.1 after 5 epochs", "5:0.3": "by 0.3 after 5 epochs", "0": "", "x": "", "5:": "", "5:1": "", "5:0": "", "": ""} {
		p, err := ParsePlateau(text)
		if err == nil && p.String() != want || err != nil && want != "" {
			t.Errorf("%q is read as %v (%v), want %q", text, p, err, want)
		}
	}
}

// What reduces the learning rate is a setting of the run, which a resumed one must have too.
func TestPlateauIsASetting(t *testing.T) {
	training := samples(30, 6, 6)
	settings := func(observers ...Observer) Settings {
		t := &Trainer{Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Observers: observers}
		return t.Settings(training, nil)
	}
	with, without := settings(&ReduceOnPlateau{Patience: 3, Monitor: "loss", MinDelta: 0.01, Least: 0.2}), settings()
	if err := with.Differ(without); err == nil || !strings.Contains(err.Error(), "a learning rate reduced on plateaus by 0.1 after 3 epochs of loss without 0.01 down to 0.2, not never") {
		t.Errorf("error %v", err)
	}
	state := &ReduceOnPlateau{}
	if err := state.SetState([]byte(`{"best":0.5,"epoch":3,"factor":0.1}`)); err != nil || !slices.Equal(state.state.Best, Values{0.5}) || state.state.Epoch != 3 || state.state.Factor != 0.1 {
		t.Errorf("the state of an older checkpoint is read as %+v (%v)", state.state, err)
	}
}
