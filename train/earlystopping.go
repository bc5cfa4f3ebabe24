package train

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"hourglass/metric"
)

// EarlyStopping ends a run when a value has not improved for some epochs, and
// puts back the weights of the best one. As Keras' EarlyStopping with
// restore_best_weights. Use a new one for every run.
//
// Of a loss, lower values are better; a metric must say which of its are
// (metric.Ordered). NaN is worse than any number.
type EarlyStopping struct {
	Monitor  string  // "val_loss" by default
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
		return s.start(r)
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

// earlyStoppingState is the memory of an EarlyStopping but for the weights.
type earlyStoppingState struct {
	Best  any `json:"best"` // a number as Values have it
	Epoch int `json:"epoch"`

	// Weights is where they are in checkpoints that are older than Arrays.
	Weights []float32 `json:"weights,omitempty"`
}

var _ StatefulArrays = (*EarlyStopping)(nil)

// State returns the best value so far and its epoch.
func (s *EarlyStopping) State() any {
	return earlyStoppingState{Best: jsonNumber(s.best), Epoch: s.epoch}
}

// SetState puts back what State returned.
func (s *EarlyStopping) SetState(text json.RawMessage) error {
	var state earlyStoppingState
	if err := json.Unmarshal(text, &state); err != nil {
		return err
	}
	var best struct{ Best json.RawMessage }
	if err := json.Unmarshal(text, &best); err != nil {
		return err
	}
	var value Values
	if err := json.Unmarshal(fmt.Appendf(nil, "[%s]", cmp.Or(string(best.Best), "null")), &value); err != nil {
		return err
	}
	s.best, s.epoch, s.weights = value[0], state.Epoch, state.Weights
	return nil
}

// Arrays returns the weights of the best epoch, once there is one.
func (s *EarlyStopping) Arrays() [][]float32 {
	if s.weights == nil {
		return nil
	}
	return [][]float32{s.weights}
}

// SetArrays puts back what Arrays returned.
func (s *EarlyStopping) SetArrays(arrays [][]float32) error {
	if len(arrays) > 1 {
		return fmt.Errorf("%d arrays, want at most 1", len(arrays))
	}
	for _, a := range arrays {
		s.weights = slices.Clone(a)
	}
	return nil
}

// start takes up a run that goes on.
func (s *EarlyStopping) start(r *Run) error {
	if s.weights == nil {
		return nil
	}
	if len(s.weights) != len(r.Network.Weights()) {
		return fmt.Errorf("train: early stopping has the best weights of another network, %d of them, want %d",
			len(s.weights), len(r.Network.Weights()))
	}
	// A run may have been cut off after the epoch that ended it.
	if !r.midEpoch() && s.exhausted(len(r.History.Epochs)) {
		return ErrStop
	}
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
	higher, err := higherIsBetter(r, monitor)
	if err != nil {
		return fmt.Errorf("train: early stopping monitors %q: %w", monitor, err)
	}
	value := series[len(series)-1]
	if higher {
		value = -value
	}
	if s.weights == nil || math.IsNaN(s.best) && !math.IsNaN(value) || value < s.best-math.Abs(s.MinDelta) {
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

// higherIsBetter reports which values of a run's series are better.
func higherIsBetter(r *Run, monitor string) (bool, error) {
	name := strings.TrimPrefix(monitor, "val_")
	i := slices.IndexFunc(r.Metrics, func(m metric.Metric) bool { return m.Name() == name })
	if i < 0 {
		return false, nil // a loss
	}
	if m, ok := r.Metrics[i].(metric.Ordered); ok {
		return m.HigherIsBetter(), nil
	}
	return false, errors.New("the metric does not say which of its values are better; give it a method HigherIsBetter() bool")
}
