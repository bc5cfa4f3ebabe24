package train

import (
	"encoding/json"
	"fmt"
	"math"
)

// EarlyStopping ends a run when a value has not improved for some epochs, and
// puts back the weights of the best one. As Keras' EarlyStopping with
// restore_best_weights. Use a new one for every run.
type EarlyStopping struct {
	Monitor  string  // "val_loss" by default; lower is better, except for accuracies
	Patience int     // epochs without improvement after which to stop
	MinDelta float64 // the least change that counts as improvement

	best    float64
	epoch   int // of the best value
	weights []float32
}

// Observe follows the epochs.
func (s *EarlyStopping) Observe(e Event, r *Run) error {
	switch e {
	case Started:
		// A run may have been cut off after the epoch that ended it.
		if done := len(r.History.Epochs); s.weights != nil && s.exhausted(done) && !r.midEpoch() {
			return ErrStop
		}
	case EpochEnded:
		return s.judge(r)
	case Ended:
		if s.weights != nil {
			copy(r.Network.Weights(), s.weights)
		}
	}
	return nil
}

// BestEpoch returns the epoch whose weights the network has after the run, or 0.
func (s *EarlyStopping) BestEpoch() int { return s.epoch }

// earlyStoppingState is the memory of an EarlyStopping.
type earlyStoppingState struct {
	Best    float64   `json:"best"`
	Epoch   int       `json:"epoch"`
	Weights []float32 `json:"weights"`
}

var _ Stateful = (*EarlyStopping)(nil)

// State returns the best value so far, its epoch and its weights.
func (s *EarlyStopping) State() any { return earlyStoppingState{s.best, s.epoch, s.weights} }

// SetState puts back what State returned.
func (s *EarlyStopping) SetState(text json.RawMessage) error {
	var state earlyStoppingState
	if err := json.Unmarshal(text, &state); err != nil {
		return err
	}
	s.best, s.epoch, s.weights = state.Best, state.Epoch, state.Weights
	return nil
}

func (s *EarlyStopping) judge(r *Run) error {
	monitor := s.Monitor
	if monitor == "" {
		monitor = "val_loss"
	}
	series := r.History.Series(monitor)
	if series == nil {
		return fmt.Errorf("train: early stopping monitors %q, which this run does not have", monitor)
	}
	value := series[len(series)-1]
	if higherIsBetter(monitor) {
		value = -value
	}
	if s.weights == nil || value < s.best-math.Abs(s.MinDelta) {
		s.best, s.epoch = value, r.Epoch
		s.weights = append(s.weights[:0], r.Network.Weights()...)
		return nil
	}
	if s.exhausted(r.Epoch) {
		return ErrStop
	}
	return nil
}

// exhausted reports whether an epoch is too far behind the best one.
func (s *EarlyStopping) exhausted(epoch int) bool { return epoch-s.epoch >= max(s.Patience, 1) }

func higherIsBetter(monitor string) bool {
	return monitor == "rounded_accuracy" || monitor == "val_rounded_accuracy"
}
