package train

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"testing"

	"hourglass/loss"
	"hourglass/optim"
)

// ratesOf trains for twelve steps and returns the learning rate of each, and the weights.
// What hook does is done after a step.
func ratesOf(t *testing.T, c *RateChanges, schedule Schedule, hook func(done int)) (rates []float64, weights []float32) {
	t.Helper()
	trainer := Trainer{Network: noisyNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{LearningRate: 0.01}, Epochs: 3, BatchSize: 5, Schedule: schedule, Seed: 1,
		Observers: []Observer{onEvent(func(e Event, r *Run) error {
			if e == Stepped {
				rates = append(rates, r.State.Rate)
				hook(len(rates))
			}
			return nil
		}), c}}
	if _, err := trainer.Fit(context.Background(), samples(20, 6, 6), nil); err != nil {
		t.Fatal(err)
	}
	return rates, slices.Clone(trainer.Network.Weights())
}

// What is asked for on the way is noted, and the same when it is known before.
func TestRateChanges(t *testing.T) {
	asked, err := NewRateChanges(RateChange{9, 0.004})
	if err != nil {
		t.Fatal(err)
	}
	var told int
	asked.Changed = func(list []RateChange) error { told = len(list); return nil }
	schedule := Steps{Every: 2, By: 0.5} // halves it after eight steps
	rates, weights := ratesOf(t, asked, schedule, func(done int) {
		switch done {
		case 3:
			if err := asked.Set(0.02); err != nil {
				t.Error(err)
			}
		case 6:
			asked.Set(0.5)
			asked.Set(0.001) // counts
		}
	})
	for i, want := range []float64{0.01, 0.01, 0.01, 0.02, 0.02, 0.02, 0.001, 0.001, 0.0005, 0.002, 0.002, 0.002} {
		if math.Abs(rates[i]-want) > 1e-12 {
			t.Errorf("step %d has the rate %v, want %v", i+1, rates[i], want)
		}
	}
	if want := []RateChange{{3, 0.02}, {6, 0.001}, {9, 0.004}}; !slices.Equal(asked.List(), want) || told != 3 {
		t.Fatalf("noted %v (told of %d), want %v", asked.List(), told, want)
	}
	known, err := NewRateChanges(asked.List()...)
	if err != nil {
		t.Fatal(err)
	}
	if _, again := ratesOf(t, known, schedule, func(int) {}); !slices.Equal(again, weights) {
		t.Error("the same changes, known before, give other weights")
	}
	if _, others := ratesOf(t, &RateChanges{}, schedule, func(int) {}); slices.Equal(others, weights) {
		t.Error("no changes give the same weights")
	}
}

func TestRateChangesState(t *testing.T) {
	saved, err := json.Marshal([]RateChange{{3, 0.02}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		given []RateChange
		want  int // changes; -1 if they are refused
	}{
		{nil, 1},
		{[]RateChange{{3, 0.02}}, 1},
		{[]RateChange{{3, 0.02}, {5, 1}}, 2},
		{[]RateChange{{3, 0.03}}, -1},
		{[]RateChange{{5, 0.02}}, -1},
	} {
		changes, err := NewRateChanges(c.given...)
		if err != nil {
			t.Fatal(err)
		}
		if err := changes.SetState(saved); (err != nil) != (c.want < 0) || err == nil && len(changes.List()) != c.want {
			t.Errorf("given %v: %v, %v", c.given, changes.List(), err)
		}
	}
}

func TestParseRateChange(t *testing.T) {
	if c, err := ParseRateChange("1200:0.0005"); err != nil || c != (RateChange{1200, 0.0005}) || c.String() != "1200:0.0005" {
		t.Errorf("read as %v (%v)", c, err)
	}
	for _, bad := range []string{"", "5", "5:", ":0.1", "-1:0.1", "5:0", "5:-1", "5:NaN", "5:Inf", "x:1"} {
		if c, err := ParseRateChange(bad); err == nil {
			t.Errorf("%q is read as %v", bad, c)
		}
	}
}
