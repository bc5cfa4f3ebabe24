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
		{"batches of 8", func(tr *Trainer, s *Snapshot) { tr.BatchSize = 4 }},
		{"seed 5", func(tr *Trainer, s *Snapshot) { tr.Seed = 6 }},
		{"optimizer nadam", func(tr *Trainer, s *Snapshot) { tr.Optimizer = optim.Adam{} }},
		{"metrics [mae]", func(tr *Trainer, s *Snapshot) { tr.Metrics = nil }},
		{"weights", func(tr *Trainer, s *Snapshot) { s.Weights = s.Weights[1:] }},
		{"values a weight", func(tr *Trainer, s *Snapshot) { s.Slots = s.Slots[1:] }},
		{"optimizer values for", func(tr *Trainer, s *Snapshot) { s.Slots[1] = nil }},
		{"observers", func(tr *Trainer, s *Snapshot) { tr.Observers = nil }},
		{"contradicts itself", func(tr *Trainer, s *Snapshot) { s.Step = 1000 }},
		{"contradicts itself", func(tr *Trainer, s *Snapshot) { s.Epoch = 9 }},
		{"contradicts itself", func(tr *Trainer, s *Snapshot) { s.Totals.Metrics = nil }},
		{"lacks metrics", func(tr *Trainer, s *Snapshot) { s.Epochs[0].Train.Metrics = nil }},
		{"at 0.01", func(tr *Trainer, s *Snapshot) { tr.Optimizer = optim.Nadam{LearningRate: 0.02} }},
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
		if c.want != "EarlyStopping" && !slices.Equal(before, tr.Network.Weights()) {
			t.Errorf("%s: a refused snapshot changed the weights", c.want)
		}
	}
}
