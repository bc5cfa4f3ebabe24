package workflow

import (
	"fmt"

	"hourglass/dataset"
)

// openFrom reads the model that a run starts from. Its scaling goes with it; one without
// takes numbers as they are, but integers divided as those of images are.
func (s *session) openFrom() error {
	if s.From == "" {
		return nil
	}
	if s.Architecture != "" || s.Codes != 0 {
		return fmt.Errorf("workflow: start from %s: the model has an architecture of its own, want no other", s.From)
	}
	ae, err := OpenModel(s.From)
	if err != nil {
		return err
	}
	if want := ae.Encoder().Input(); s.data.Shape().Size() != want.Size() {
		return fmt.Errorf("workflow: start from %s: the model takes samples of shape %v, but those of %s have %v", s.From, want, s.data.Path, s.data.Shape())
	}
	switch scaler := ae.Scaler(); {
	case scaler != nil && s.Scale != "":
		return fmt.Errorf("workflow: start from %s: the model scales its data %q, want no other scaling", s.From, scaler.Kind)
	case scaler != nil:
		s.Scale = scaler.Kind
	case s.Scale == "" && s.data.Largest == 0:
		s.Scale = dataset.NoScaling
	}
	s.from = ae
	return nil
}
