package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/optim"
)

// keep copies the run's snapshot after a number of steps, through JSON as a
// checkpoint file does, and ends the run there.
type keep struct {
	after int
	taken *Snapshot
}

func (k *keep) Observe(e Event, r *Run) error {
	if k.after == 0 || k.taken != nil || e == Ended || r.State.Step < k.after {
		return nil
	}
	s, err := r.Snapshot()
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	k.taken = &Snapshot{Weights: slices.Clone(s.Weights)}
	for _, slot := range s.Slots {
		k.taken.Slots = append(k.taken.Slots, slices.Clone(slot))
	}
	for _, arrays := range s.Arrays {
		var copied [][]float32
		for _, a := range arrays {
			copied = append(copied, slices.Clone(a))
		}
		k.taken.Arrays = append(k.taken.Arrays, copied)
	}
	if err := json.Unmarshal(text, k.taken); err != nil {
		return err
	}
	return errors.New("killed")
}

// resumable returns a trainer with all that has a state: noise, dropout, an
// optimiser with slots and a schedule, early stopping.
func resumable(t *testing.T, k *keep) *Trainer {
	return &Trainer{Network: noisyNetwork(t), Loss: loss.BinaryCrossEntropy{}, Optimizer: optim.Nadam{LearningRate: 0.01},
		Metrics: []metric.Metric{metric.MeanAbsoluteError{}}, Epochs: 6, BatchSize: 8, Seed: 5, Threads: 2,
		Observers: []Observer{k, &EarlyStopping{Patience: 2, MinDelta: 1e-4}}}
}

func TestResumedRunEndsWithTheSameBits(t *testing.T) {
	training, validation := samples(30, 6, 6), samples(9, 6, 6)
	whole := resumable(t, &keep{})
	history, err := whole.Fit(context.Background(), training, validation)
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []int{1, 3, 4, 5, 8, 14, 23} {
		k := &keep{after: after}
		if _, err := resumable(t, k).Fit(context.Background(), training, validation); err == nil {
			t.Fatalf("the run was not ended after step %d", after)
		}
		rest := resumable(t, &keep{})
		rest.Resume, rest.Threads = k.taken, 3
		resumed, err := rest.Fit(context.Background(), training, validation)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(rest.Network.Weights(), whole.Network.Weights()) {
			t.Errorf("resumed after step %d: the weights differ from those of an uninterrupted run", after)
		}
		if got, want := numbers(t, resumed), numbers(t, history); !bytes.Equal(got, want) {
			t.Errorf("resumed after step %d: history\n%s\nwant\n%s", after, got, want)
		}
	}
}

// numbers writes a history without its seconds.
func numbers(t *testing.T, h *History) []byte {
	t.Helper()
	for i := range h.Epochs {
		h.Epochs[i].Seconds = 0
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestResumeRefusesWhatIsNotOfTheRun(t *testing.T) {
	training := samples(30, 6, 6)
	k := &keep{after: 5}
	if _, err := resumable(t, k).Fit(context.Background(), training, training); err == nil {
		t.Fatal("the run was not ended")
	}
	for _, c := range []struct {
		want   string
		change func(tr *Trainer, s *Snapshot)
	}{
		{"batches of size 8, not 4", func(tr *Trainer, s *Snapshot) { tr.BatchSize = 4 }},
		{"the run has seed 5, not 6", func(tr *Trainer, s *Snapshot) { tr.Seed = 6 }},
		{"the run has optimizer nadam, not adam", func(tr *Trainer, s *Snapshot) { tr.Optimizer = optim.Adam{} }},
		{"the run has optimizer nadam with beta1 0.9, not 0.5", func(tr *Trainer, s *Snapshot) { tr.Optimizer = optim.Nadam{LearningRate: 0.01, Beta1: 0.5} }},
		{"the run has optimizer nadam with epsilon 1e-07, not 0.001", func(tr *Trainer, s *Snapshot) { tr.Optimizer = optim.Nadam{LearningRate: 0.01, Epsilon: 1e-3} }},
		{"the run has loss binary_crossentropy, not huber", func(tr *Trainer, s *Snapshot) { tr.Loss = loss.Huber{} }},
		{"the run has loss huber with delta 2, not 3", func(tr *Trainer, s *Snapshot) {
			s.Settings.Loss, s.Settings.LossParameters = "huber", Parameters(loss.Huber{Delta: 2})
			tr.Loss = loss.Huber{Delta: 3}
		}},
		{"the run has schedule constant, not cosine:6", func(tr *Trainer, s *Snapshot) { tr.Schedule = Cosine{6} }},
		{"the run has 31 validation samples, not 30", func(tr *Trainer, s *Snapshot) { s.Settings.Validation = 31 }},
		{"metrics [mae]", func(tr *Trainer, s *Snapshot) { tr.Metrics = nil }},
		{"weights", func(tr *Trainer, s *Snapshot) { s.Weights = s.Weights[1:] }},
		{"values a weight", func(tr *Trainer, s *Snapshot) { s.Slots = s.Slots[1:] }},
		{"optimizer values for", func(tr *Trainer, s *Snapshot) { s.Slots[1] = nil }},
		{"states of 1 observers, this run wants 0", func(tr *Trainer, s *Snapshot) { tr.Observers = nil }},
		{"contradicts itself", func(tr *Trainer, s *Snapshot) { s.Step = 1000 }},
		{"contradicts itself", func(tr *Trainer, s *Snapshot) { s.Epoch = 9 }},
		{"contradicts itself", func(tr *Trainer, s *Snapshot) { s.Totals.Metrics = nil }},
		{"lacks metrics", func(tr *Trainer, s *Snapshot) { s.Epochs[0].Train.Metrics = nil }},
		{"the run has learning rate 0.01, not 0.02", func(tr *Trainer, s *Snapshot) { tr.Optimizer = optim.Nadam{LearningRate: 0.02} }},
		{"best weights of another network", func(tr *Trainer, s *Snapshot) { s.Arrays = [][][]float32{{{1, 2}}} }},
		{"EarlyStopping", func(tr *Trainer, s *Snapshot) { s.Observers[0] = json.RawMessage(`[]`) }},
	} {
		tr, s := resumable(t, &keep{}), *k.taken
		s.Slots, s.Epochs = slices.Clone(s.Slots), slices.Clone(s.Epochs)
		s.Observers = slices.Clone(s.Observers)
		tr.Resume = &s
		c.change(tr, &s)
		before := slices.Clone(tr.Network.Weights())
		if _, err := tr.Fit(context.Background(), training, training); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want one with %q", err, c.want)
		}
		if c.want != "EarlyStopping" && c.want != "best weights of another network" && !slices.Equal(before, tr.Network.Weights()) {
			t.Errorf("%s: a refused snapshot changed the weights", c.want)
		}
	}
}

// Checkpoints that are older than arrays of observers and parameters in the
// settings have the best weights as text.
func TestOldSnapshotsResume(t *testing.T) {
	training := samples(30, 6, 6)
	whole := resumable(t, &keep{})
	if _, err := whole.Fit(context.Background(), training, training); err != nil {
		t.Fatal(err)
	}
	k := &keep{after: 14}
	if _, err := resumable(t, k).Fit(context.Background(), training, training); err == nil {
		t.Fatal("the run was not ended")
	}
	old := k.taken
	var state map[string]any
	if err := json.Unmarshal(old.Observers[0], &state); err != nil {
		t.Fatal(err)
	}
	state["weights"] = old.Arrays[0][0]
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	old.Observers[0], old.Arrays = text, nil
	old.Settings.LossParameters, old.Settings.OptimizerParameters, old.Settings.Validation = nil, nil, 0
	rest := resumable(t, &keep{})
	rest.Resume = old
	if _, err := rest.Fit(context.Background(), training, training); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rest.Network.Weights(), whole.Network.Weights()) {
		t.Error("the weights differ from those of an uninterrupted run")
	}
}
