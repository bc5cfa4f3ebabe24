package workflow

import (
	"context"
	"fmt"

	"hourglass/dataset"
)

// LoadFor is [Load], or for a run that starts from a model [Model.Load].
func LoadFor(ctx context.Context, from, path string, o dataset.LoadOptions) (*Input, error) {
	if from == "" {
		return Load(ctx, path, o)
	}
	m, err := OpenModel(from)
	if err != nil {
		return nil, err
	}
	if m.Record.Schema == nil {
		o.CSV.Infer = false
		return Load(ctx, path, o)
	}
	return m.Load(ctx, path, o)
}

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
