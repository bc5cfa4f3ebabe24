package train

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Snapshot is everything that the rest of a training run depends on, taken
// between two steps. A run that goes on from it (Trainer.Resume), in another
// process perhaps, ends with the same bits as one that was never interrupted.
//
// The slices of numbers are the run's own memory and hold their values only until
// its next step.
type Snapshot struct {
	Weights []float32     `json:"-"`
	Slots   [][]float32   `json:"-"` // the optimiser's, see optim.State
	Arrays  [][][]float32 `json:"-"` // of each of Observers, see StatefulArrays

	Settings      Settings          `json:"settings"`
	Epoch         int               `json:"epoch"` // the current one, from 1
	Step          int               `json:"step"`  // steps of the epoch that are done
	OptimizerStep int               `json:"optimizer_step"`
	Momentum      float64           `json:"optimizer_momentum"`
	Momenta       []float64         `json:"optimizer_momenta,omitempty"` // of the groups' optimisers, see Trainer.Optimizers
	Totals        Totals            `json:"totals"`
	Metrics       []string          `json:"metrics"`
	Epochs        []Epoch           `json:"epochs"`    // completed
	Observers     []json.RawMessage `json:"observers"` // the states of those that are Stateful, in their order
}

// Totals are the sums over the steps of an epoch so far.
type Totals struct {
	Samples int           `json:"samples"`
	Entries int           `json:"entries"`
	Loss    float64       `json:"loss"`
	Metrics Values        `json:"metrics"`
	Elapsed time.Duration `json:"elapsed_ns"`
}

// Stateful is an observer with a memory that a resumed run needs.
type Stateful interface {
	Observer
	// State returns the memory, something that json can write and read.
	State() any
	// SetState puts back what State returned.
	SetState(state json.RawMessage) error
}

// StatefulArrays is a Stateful observer whose memory is in part as large as the
// weights. A checkpoint keeps that part as it keeps weights, not as text.
type StatefulArrays interface {
	Stateful
	// Arrays returns that part, which is not changed before the run's next step.
	Arrays() [][]float32
	// SetArrays puts back what Arrays returned, after SetState. It copies what it
	// keeps.
	SetArrays(arrays [][]float32) error
}

// Snapshot returns the state of the run. Observers may call it in any event.
func (r *Run) Snapshot() (*Snapshot, error) {
	s := &Snapshot{
		Weights:       r.Network.Weights(),
		Slots:         r.State.Slots,
		Settings:      r.settings,
		Epoch:         r.Epoch,
		Step:          r.Step,
		OptimizerStep: r.State.Step,
		Momentum:      r.State.Momentum,
		Momenta:       r.loop.momenta(),
		Totals:        r.totals.clone(),
		Metrics:       r.History.Metrics,
		Epochs:        r.History.Epochs,
	}
	s.Totals.Elapsed = time.Since(r.began)
	for _, o := range r.stateful() {
		text, err := json.Marshal(o.State())
		if err != nil {
			return nil, fmt.Errorf("train: snapshot of %T: %w", o, err)
		}
		s.Observers = append(s.Observers, text)
		var arrays [][]float32
		if a, ok := o.(StatefulArrays); ok {
			arrays = a.Arrays()
		}
		s.Arrays = append(s.Arrays, arrays)
	}
	return s, nil
}

// stateful returns the observers with a memory, in their order.
func (r *Run) stateful() []Stateful {
	var list []Stateful
	for _, o := range r.Observers {
		if s, ok := o.(Stateful); ok {
			list = append(list, s)
		}
	}
	return list
}

// resume puts the run where the snapshot was taken. A snapshot of another run is
// refused.
func (r *Run) resume(s *Snapshot) error {
	if err := r.fits(s); err != nil {
		return fmt.Errorf("train: resume: %w", err)
	}
	copy(r.Network.Weights(), s.Weights)
	for i, slot := range s.Slots {
		copy(r.State.Slots[i], slot)
	}
	r.loop.setMoments(moments{s.OptimizerStep, append([]float64{s.Momentum}, s.Momenta...)})
	r.Epoch, r.Step = s.Epoch, s.Step
	r.totals = s.Totals.clone()
	r.History.Epochs = slices.Clone(s.Epochs)
	r.began = time.Now().Add(-s.Totals.Elapsed)
	for i, o := range r.stateful() {
		if i == len(s.Observers) {
			break
		}
		if err := setState(o, s.Observers[i], s.arraysOf(i)); err != nil {
			return fmt.Errorf("train: resume: state of %T: %w", o, err)
		}
	}
	return nil
}

// arraysOf returns the arrays of an observer, of which a checkpoint that is older
// than they are has none.
func (s *Snapshot) arraysOf(observer int) [][]float32 {
	if observer < len(s.Arrays) {
		return s.Arrays[observer]
	}
	return nil
}

func setState(o Stateful, state json.RawMessage, arrays [][]float32) error {
	if err := o.SetState(state); err != nil {
		return err
	}
	if a, ok := o.(StatefulArrays); ok {
		return a.SetArrays(arrays)
	}
	return nil
}

// fits reports a snapshot that is not of this run.
func (r *Run) fits(s *Snapshot) error {
	if err := s.Settings.Differ(r.settings); err != nil {
		return err
	}
	switch {
	case !slices.Equal(s.Metrics, r.History.Metrics):
		return fmt.Errorf("the run has metrics %v, not %v", s.Metrics, r.History.Metrics)
	case len(s.Weights) != len(r.Network.Weights()):
		return fmt.Errorf("the checkpoint has %d weights, want %d", len(s.Weights), len(r.Network.Weights()))
	case len(s.Momenta) != len(r.loop.groups):
		return fmt.Errorf("the checkpoint has the momenta of %d groups of weights, want %d", len(s.Momenta), len(r.loop.groups))
	case len(s.Slots) != len(r.State.Slots):
		return fmt.Errorf("the checkpoint has %d values a weight for the optimizer, want %d", len(s.Slots), len(r.State.Slots))
	case len(s.Observers) > len(r.stateful()) || len(s.Observers) < len(r.stateful()) && !s.Settings.old():
		return fmt.Errorf("the checkpoint has the states of %d observers, this run wants %d", len(s.Observers), len(r.stateful()))
	case len(s.Totals.Metrics) != len(s.Metrics) || s.Step < 0 || s.Step > r.Steps || s.OptimizerStep < 0 ||
		s.Epoch < len(s.Epochs) || s.Epoch > len(s.Epochs)+1:
		return fmt.Errorf("the checkpoint contradicts itself: epoch %d, step %d, %d epochs recorded", s.Epoch, s.Step, len(s.Epochs))
	}
	for _, slot := range s.Slots {
		if len(slot) != len(s.Weights) {
			return fmt.Errorf("the checkpoint has %d optimizer values for %d weights", len(slot), len(s.Weights))
		}
	}
	for _, e := range s.Epochs {
		if len(e.Train.Metrics) != len(s.Metrics) || e.Validation != nil && len(e.Validation.Metrics) != len(s.Metrics) {
			return fmt.Errorf("the checkpoint's record of epoch %d lacks metrics", e.Epoch)
		}
	}
	return nil
}

func (t Totals) clone() Totals {
	t.Metrics = slices.Clone(t.Metrics)
	return t
}

// add takes in the loop's current batch.
func (t *Totals) add(l *loop) {
	n := len(l.batch)
	t.Samples += n
	t.Entries += l.entries()
	t.Loss += l.totalLoss()
	for j, values := range l.metrics {
		for _, x := range values[:n] {
			t.Metrics[j] += x
		}
	}
}

// means sets s to the means so far.
func (t *Totals) means(s *Scores) {
	s.Loss = t.Loss / float64(t.Entries)
	for j, sum := range t.Metrics {
		s.Metrics[j] = sum / float64(t.Samples)
	}
}
