package train

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ReduceOnPlateau is an observer that multiplies the learning rate by Factor when a value
// has not improved for some epochs, again and again. As Keras' ReduceLROnPlateau without
// cool-down. It acts on top of a schedule. Use a new one for every run.
//
// Of a loss, lower values are better; a metric must say which of its are (metric.Ordered).
type ReduceOnPlateau struct {
	Monitor  string  // "val_loss" by default, "loss" for a run without validation
	Factor   float64 // between 0 and 1; 0.1 by default
	Patience int     // epochs without improvement after which to reduce; 10 by default
	MinDelta float64 // the least change that counts as improvement; 1e-4 by default
	Least    float64 // share of the rate to go no lower than; 0 by default

	state plateauState
}

// String returns what decides the run, with the defaults spelled out: "by 0.1 after 10 epochs".
func (s *ReduceOnPlateau) String() string {
	text := fmt.Sprintf("by %v after %d epochs", orDefault(s.Factor, 0.1), orDefault(s.Patience, 10))
	if s.Monitor != "" {
		text += " of " + s.Monitor
	}
	if delta := orDefault(s.MinDelta, 1e-4); delta != 1e-4 {
		text += fmt.Sprint(" without ", delta)
	}
	if s.Least > 0 {
		text += fmt.Sprint(" down to ", s.Least)
	}
	return text
}

// ParsePlateau reads a reduction of the learning rate from one word, EPOCHS or EPOCHS:FACTOR: "5:0.3".
func ParsePlateau(text string) (*ReduceOnPlateau, error) {
	patience, by, found := strings.Cut(text, ":")
	epochs, err := strconv.Atoi(patience)
	factor := 0.1
	if found && err == nil {
		factor, err = strconv.ParseFloat(by, 64)
	}
	if err != nil || epochs < 1 || !(factor > 0 && factor < 1) {
		return nil, fmt.Errorf("train: reduce on plateau: %q, want EPOCHS or EPOCHS:FACTOR, such as 5:0.1, with a factor above 0 and below 1", text)
	}
	return &ReduceOnPlateau{Patience: epochs, Factor: factor}, nil
}

// plateauState is the memory of a ReduceOnPlateau.
type plateauState struct {
	Best   Values  `json:"best"` // one value; none before the first epoch
	Epoch  int     `json:"epoch"`
	Factor float64 `json:"factor"`
}

var _ Stateful = (*ReduceOnPlateau)(nil)

// Observe follows the epochs.
func (s *ReduceOnPlateau) Observe(e Event, r *Run) error {
	switch e {
	case Started:
		if err := s.validate(); err != nil {
			return err
		}
		if s.state.Factor == 0 {
			s.state.Factor = 1
		}
		r.rateFactor = s.state.Factor
	case EpochEnded:
		return s.judge(r)
	}
	return nil
}

func (s *ReduceOnPlateau) validate() error {
	switch {
	case !(s.Factor >= 0 && s.Factor < 1):
		return fmt.Errorf("train: reduce on plateau: the factor is %v, want above 0 and below 1", s.Factor)
	case s.Patience < 0:
		return fmt.Errorf("train: reduce on plateau: patience is %d, want at least 1", s.Patience)
	case !(s.MinDelta >= 0) || math.IsInf(s.MinDelta, 1):
		return fmt.Errorf("train: reduce on plateau: the least change is %v, want a finite number of at least 0", s.MinDelta)
	case !(s.Least >= 0 && s.Least <= 1):
		return fmt.Errorf("train: reduce on plateau: the least share of the rate is %v, want 0 to 1", s.Least)
	}
	return nil
}

func (s *ReduceOnPlateau) judge(r *Run) error {
	monitor := s.Monitor
	if monitor == "" {
		if monitor = "val_loss"; r.History.Last().Validation == nil {
			monitor = "loss"
		}
	}
	series := r.History.Series(monitor)
	if series == nil {
		return fmt.Errorf("train: reduce on plateau monitors %q, which this run does not have", monitor)
	}
	higher, err := higherIsBetter(r, monitor)
	if err != nil {
		return fmt.Errorf("train: reduce on plateau monitors %q: %w", monitor, err)
	}
	value := series[len(series)-1]
	if higher {
		value = -value
	}
	switch {
	case !math.IsNaN(value) && (len(s.state.Best) == 0 || value < s.state.Best[0]-orDefault(s.MinDelta, 1e-4)):
		s.state.Best, s.state.Epoch = Values{value}, r.Epoch
	case r.Epoch-s.state.Epoch >= orDefault(s.Patience, 10):
		s.state.Epoch = r.Epoch
		s.state.Factor = max(s.state.Factor*orDefault(s.Factor, 0.1), s.Least)
		r.rateFactor = s.state.Factor
	}
	return nil
}

// State returns the best value, when it was or the rate was last reduced, and the rate's
// factor.
func (s *ReduceOnPlateau) State() any { return s.state }

// SetState puts back what State returned.
func (s *ReduceOnPlateau) SetState(text json.RawMessage) error {
	err := json.Unmarshal(text, &s.state)
	if err == nil {
		return nil
	}
	var old struct { // as older checkpoints have it
		Best   float64
		Epoch  int
		Factor float64
	}
	if json.Unmarshal(text, &old) != nil {
		return err
	}
	s.state = plateauState{Values{old.Best}, old.Epoch, old.Factor}
	return nil
}

// orDefault returns x, or fallback where x is zero.
func orDefault[T int | float64](x, fallback T) T {
	if x == 0 {
		return fallback
	}
	return x
}
