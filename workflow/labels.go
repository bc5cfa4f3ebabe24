package workflow

import (
	"fmt"
	"slices"
	"strconv"

	"hourglass/dataset"
)

// labelled returns source with the labels of the samples of in, numbered as the model's
// classes are, if it asks for labels (nn.Condition), and else as it is.
func (m *Model) labelled(source dataset.Source, in *dataset.Data) (dataset.Source, error) {
	labels, err := m.labels(in)
	if err != nil || labels == nil {
		return source, err
	}
	face, err := dataset.ClassLabels(labels)
	if err != nil {
		return nil, err
	}
	return dataset.With(source, dataset.Labels, face)
}

// Labels returns the labels of all samples, numbered as the model's classes are; nil if no
// layer of it asks for labels (nn.Condition).
func (m *Model) Labels(in *Input) ([]int, error) { return m.labels(in.Data) }

// Class returns the number of a class that layers of the model ask for, by its name or number.
func (m *Model) Class(name string) (int, error) {
	if i := slices.Index(m.Record.Classes, name); i >= 0 {
		return i, nil
	}
	switch i, err := strconv.Atoi(name); {
	case m.Classes() == 0:
		return 0, fmt.Errorf("workflow: no layer of the model asks for labels (condition), so %q says nothing to it", name)
	case err == nil && i >= 0 && i < m.Classes():
		return i, nil
	case m.Record.Classes != nil:
		return 0, fmt.Errorf("workflow: the model has no class %q, want one of %.200q", name, m.Record.Classes)
	}
	return 0, fmt.Errorf("workflow: the model has no class %q, want a number from 0 to %d", name, m.Classes()-1)
}

// labels returns the labels of samples, numbered as the model's classes are; nil if it
// does not ask for labels. What class a number is of the model has recorded; one that has
// not is taken to count as the data does.
func (m *Model) labels(in *dataset.Data) ([]int, error) {
	want := m.Classes()
	switch {
	case want == 0:
		return nil, nil
	case in.Labels == nil:
		return nil, fmt.Errorf("workflow: the model asks for labels of %d classes, but %s has none; a column or file of labels must be named", want, in.Path)
	case len(in.Classes) > want && m.Record.Classes == nil:
		return nil, fmt.Errorf("workflow: the model asks for labels of %d classes, but %s has %d", want, in.Path, len(in.Classes))
	case m.Record.Classes == nil:
		return in.Labels, nil
	}
	number := make([]int, len(in.Classes))
	for i, class := range in.Classes {
		number[i] = slices.Index(m.Record.Classes, class)
	}
	labels := make([]int, len(in.Labels))
	for i, label := range in.Labels {
		if labels[i] = number[label]; labels[i] < 0 {
			return nil, fmt.Errorf("workflow: %s: the label of %s is %q, want one of those that the model knows: %q", in.Path, in.SampleName(i), in.Classes[label], m.Record.Classes)
		}
	}
	return labels, nil
}

// label gives the parts of the data their labels, if the model asks for them.
func (s *session) label() error {
	if s.model.Classes() == 0 {
		return nil
	}
	if s.model.Record.Classes == nil {
		if s.data.Labels == nil || len(s.data.Classes) > s.model.Classes() {
			_, err := s.model.labels(s.data)
			return err
		}
		s.model.Record.Classes = s.data.Classes
	}
	for _, part := range []*dataset.Data{s.parts.Train, s.parts.Validation, s.parts.Test} {
		if part == nil {
			continue
		}
		var err error
		if part.Samples, err = s.model.labelled(part.Samples, part); err != nil {
			return err
		}
	}
	return nil
}
