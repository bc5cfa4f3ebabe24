package train

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/golden"
	"hourglass/loss"
	"hourglass/optim"
)

// The wanted numbers are those of PyTorch's StepLR(step_size=2, gamma=0.5), of
// Keras' CosineDecay(decay_steps=4 epochs) and ExponentialDecay(decay_rate=0.81,
// decay_steps=1 epoch), divided by the rate they start from.
func TestScheduleFactors(t *testing.T) {
	for _, c := range []struct {
		schedule Schedule
		epochs   []float64
		want     []float64
	}{
		{Steps{Every: 2, By: 0.5}, []float64{0, 1, 1.99, 2, 3.5, 4, 7}, []float64{1, 1, 1, 0.5, 0.5, 0.25, 0.125}},
		{Cosine{Epochs: 4}, []float64{0, 0.5, 1, 2, 3, 4, 9}, []float64{1, 0.9619397662556434, 0.8535533905932737, 0.5, 0.14644660940672627, 0, 0}},
		{Exponential{By: 0.81}, []float64{0, 0.5, 1, 2}, []float64{1, 0.9, 0.81, 0.6561}},
	} {
		for i, at := range c.epochs {
			if got := c.schedule.Factor(at); math.Abs(got-c.want[i]) > 1e-15 {
				t.Errorf("%s after %v epochs: got %v, want %v", c.schedule.Name(), at, got, c.want[i])
			}
		}
	}
}

// The wanted numbers are those of PyTorch's schedulers, see testdata/schedules_golden.py.
func TestSchedulesAgainstPyTorch(t *testing.T) {
	var want map[string]json.RawMessage
	golden.Load(t, "testdata/schedules_golden.json", &want)
	var steps int
	if err := json.Unmarshal(want["steps"], &steps); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"onecycle:10", "cyclic:2:0.1", "warmup:3:constant", "warmup:3:cosine:7"} {
		var rates []float64
		if err := json.Unmarshal(want[name], &rates); err != nil {
			t.Fatal(err)
		}
		s, err := ParseSchedule(name, 0)
		if err != nil || s.Name() != name {
			t.Fatalf("%s: %v, %v", name, s, err)
		}
		for i, rate := range rates {
			if got := s.Factor(float64(i) / float64(steps)); math.Abs(got-rate) > 1e-11 {
				t.Errorf("%s before step %d: got %v, want %v", name, i, got, rate)
			}
		}
	}
}

// A schedule over the whole run is read before it is known how long that is.
func TestOver(t *testing.T) {
	for text, want := range map[string]Schedule{"cosine": Cosine{30}, "cosine:5": Cosine{5}, "onecycle": OneCycle{30}, "step:1:0.5": Steps{1, 0.5},
		"warmup:4:onecycle": Warmup{4, OneCycle{26}}, "warmup:40:cosine": Warmup{40, Cosine{1}}, "warmup:4:constant": Warmup{4, nil}} {
		s, err := ParseSchedule(text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := Over(s, 30); got != want {
			t.Errorf("%s over 30 epochs is %v, want %v", text, got, want)
		}
	}
	if s, err := ParseSchedule("warmup:0:cosine", 0); err == nil {
		t.Errorf("a warm-up of nothing is %v", s)
	}
}

// The wanted rates are those of PyTorch's ReduceLROnPlateau after each epoch, also of a
// run that is interrupted after every one.
func TestReduceOnPlateauAgainstPyTorch(t *testing.T) {
	var want struct {
		Losses         []float64 `json:"losses"`
		Plateau        []float64 `json:"plateau"`
		PlateauDefault []float64 `json:"plateau default"`
	}
	golden.Load(t, "testdata/schedules_golden.json", &want)
	for _, c := range []struct {
		observer ReduceOnPlateau
		want     []float64
	}{{ReduceOnPlateau{Factor: 0.5, Patience: 2, MinDelta: 0.1, Least: 0.02}, want.Plateau}, {ReduceOnPlateau{}, want.PlateauDefault}} {
		for _, resumed := range []bool{false, true} {
			o := c.observer
			r := &Run{Trainer: &Trainer{Optimizer: optim.SGD{LearningRate: 1}}, History: &History{}, rateFactor: 1, chosenFactor: 1, Steps: 1}
			if err := o.Observe(Started, r); err != nil {
				t.Fatal(err)
			}
			for i, loss := range want.Losses {
				if resumed {
					text, err := json.Marshal(o.State())
					if err != nil {
						t.Fatal(err)
					}
					o = c.observer
					r.rateFactor = 1
					if err := errors.Join(o.SetState(text), o.Observe(Started, r)); err != nil {
						t.Fatal(err)
					}
				}
				r.Epoch++
				r.History.Epochs = append(r.History.Epochs, Epoch{Epoch: r.Epoch, Train: Scores{Loss: loss}})
				if err := o.Observe(EpochEnded, r); err != nil {
					t.Fatal(err)
				}
				if got := r.rate(); math.Abs(got-c.want[i]) > 1e-12 {
					t.Fatalf("%+v: rate after epoch %d is %v, want %v", c.observer, i+1, got, c.want[i])
				}
			}
		}
	}
	for _, bad := range []ReduceOnPlateau{{Factor: 1}, {Factor: -1}, {Factor: math.NaN()}, {Patience: -1}, {MinDelta: math.Inf(1)}, {Least: 2}, {Monitor: "val_mse"}} {
		trainer := Trainer{Network: smallNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: 2, Observers: []Observer{&bad}}
		if _, err := trainer.Fit(context.Background(), samples(3, 2), nil); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestParseSchedule(t *testing.T) {
	for text, want := range map[string]Schedule{
		"constant":                     nil,
		"cosine":                       Cosine{20},
		"cosine:7":                     Cosine{7},
		"step:10:0.5":                  Steps{10, 0.5},
		"exponential:0.95":             Exponential{0.95},
		"onecycle":                     OneCycle{20},
		"onecycle:3":                   OneCycle{3},
		"cyclic:2:0.1":                 Cyclic{2, 0.1},
		"warmup:2:constant":            Warmup{2, nil},
		"warmup:2:cosine":              Warmup{2, Cosine{18}},
		"warmup:2:warmup:3:step:1:0.5": Warmup{2, Warmup{3, Steps{1, 0.5}}},
	} {
		got, err := ParseSchedule(text, 20)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
		if got == nil {
			continue
		}
		if again, err := ParseSchedule(got.Name(), 1); err != nil || again != got {
			t.Errorf("%s: its name is read as %v, %v", got.Name(), again, err)
		}
	}
	for _, text := range []string{"", "linear", "constant:1", "cosine:", "cosine:0", "cosine:x", "step", "step:1", "step:1:",
		"step:0:0.5", "step:1:0", "step:1:-1", "step:1:NaN", "step:1:0.5:2", "exponential", "exponential:Inf", "exponential:0",
		"onecycle:", "onecycle:0", "onecycle:x", "cyclic", "cyclic:2", "cyclic:0:0.1", "cyclic:2:1.1", "cyclic:2:NaN", "cyclic:2:0.1:3",
		"warmup", "warmup:2", "warmup:0:cosine", "warmup:2:", "warmup:x:cosine", "warmup:2:cosine:0"} {
		if got, err := ParseSchedule(text, 20); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, %v, want an error of one line", text, got, err)
		}
	}
}

func TestScheduleIsFollowedAndResumed(t *testing.T) {
	training := samples(22, 6, 6)
	var rates []float64
	fit := func(k *keep, resume *Snapshot) (*Trainer, error) {
		trainer := resumable(t, k)
		trainer.Schedule, trainer.Epochs, trainer.Resume = Cosine{Epochs: 2}, 2, resume
		trainer.Observers = append(trainer.Observers, observe(func(e Event, r *Run) {
			if e == Stepped {
				rates = append(rates, r.State.Rate)
			}
		}))
		_, err := trainer.Fit(context.Background(), training, training)
		return trainer, err
	}
	whole, err := fit(&keep{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Three steps an epoch: 0.01·(1+cos(π·i/6))/2.
	want := []float64{0.01, 0.009330127018922194, 0.0075, 0.005, 0.0025, 0.0006698729810778059}
	if !slices.EqualFunc(rates, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-15 }) {
		t.Errorf("rates %v, want %v", rates, want)
	}
	k := &keep{after: 4}
	if _, err := fit(k, nil); err == nil {
		t.Fatal("the run was not ended")
	}
	rest, err := fit(&keep{}, k.taken)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rest.Network.Weights(), whole.Network.Weights()) {
		t.Error("the resumed run's weights differ")
	}
	constant := resumable(t, &keep{})
	constant.Resume = k.taken
	if _, err := constant.Fit(context.Background(), training, training); err == nil || !strings.Contains(err.Error(), "schedule cosine:2") {
		t.Errorf("resumed without the schedule: %v", err)
	}
}

type observe func(e Event, r *Run)

func (o observe) Observe(e Event, r *Run) error { o(e, r); return nil }

func TestTrainerRefusesASchedule(t *testing.T) {
	trainer := &Trainer{Network: smallNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: 1, Schedule: Cosine{}}
	if _, err := trainer.Fit(context.Background(), samples(3, 2), nil); err == nil || !strings.Contains(err.Error(), "schedule cosine: epochs is 0") {
		t.Errorf("got %v", err)
	}
}
