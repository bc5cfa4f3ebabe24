package workflow

import (
	"fmt"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/tensor"
)

// IsImage reports whether samples of a shape can be shown as pictures: height×width,
// or height×width×channels with one channel or three.
func IsImage(shape tensor.Shape) bool {
	return len(shape) == 2 || len(shape) == 3 && (shape[2] == 1 || shape[2] == 3)
}

// IsSeries reports whether samples are better shown as lines than as pictures: arrays
// of few features over at least four times as many steps, or of one feature over 32
// steps at least; and windows of a series. Pictures and data sets by name are none, nor are tables whose columns
// have names.
func IsSeries(data *dataset.Data) bool {
	const mostFeatures, fewestSteps, longVector = 16, 8, 32
	if data.Series != nil {
		return true
	}
	if data.Features != nil || data.Format == dataset.FormatImages || data.Format == dataset.FormatNamed {
		return false
	}
	switch shape := data.Shape(); len(shape) {
	case 1:
		return shape[0] >= longVector
	case 2:
		return shape[1] <= mostFeatures && shape[0] >= max(4*shape[1], fewestSteps)
	}
	return false
}

// hasSteps reports whether samples are surely series, steps×features: vectors may be tables,
// too, whose values have nothing to do with each other, and what bytes hold is as a rule a picture.
func hasSteps(data *dataset.Data) bool {
	return IsSeries(data) && len(data.Shape()) == 2 && data.Largest == 0
}

// CanDraw reports whether samples can be drawn beside what becomes of them.
func CanDraw(in *Input) bool { return IsSeries(in.Data) || IsImage(in.Shape()) }

// Draw draws some samples beside what the model makes of them, images as such and
// series as lines: the first ones, but of a folder, which is in the order of its labels,
// some from all over it. Before and after are what the two are called.
func (m *Model) Draw(in *Input, count int, before, after string) (*figure.Figure, error) {
	chosen := make([]int, min(count, in.Len()))
	for i := range chosen {
		chosen[i] = i
		if in.Format == dataset.FormatImages {
			chosen[i] = i * in.Len() / len(chosen)
		}
	}
	inputs, outputs, err := m.pairs(in, chosen)
	if err != nil {
		return nil, err
	}
	switch {
	case IsSeries(in.Data):
		names := make([]string, len(chosen))
		for i, index := range chosen {
			if names[i] = in.SampleName(index); !in.IsTable() {
				names[i] = fmt.Sprint("sample ", names[i])
			}
			if label := in.Label(index); label != "" {
				names[i] += ", " + label
			}
		}
		return figure.Lines(inputs, outputs, figure.LinesOptions{Captions: [2]string{before, after}, Names: names})
	case IsImage(in.Shape()):
		o := figure.ReconstructionOptions{Range: m.Range()}
		if before != "" {
			o.Captions = []string{before, after}
		}
		return figure.Reconstructions(inputs, outputs, o)
	}
	return nil, fmt.Errorf("workflow: draw: samples of shape %v are neither images nor series", in.Shape())
}

// pairs returns the chosen samples and what the model makes of them, in the units that
// Range is of.
func (m *Model) pairs(in *Input, chosen []int) (inputs, outputs tensor.Tensor, err error) {
	source, err := m.samples(in)
	if err != nil {
		return inputs, outputs, err
	}
	if source, err = dataset.Subset(source, chosen); err != nil {
		return inputs, outputs, err
	}
	if inputs, err = readAll(source); err != nil {
		return inputs, outputs, err
	}
	labels, err := m.labels(in.Data)
	if err != nil {
		return inputs, outputs, err
	}
	var given []int
	if labels != nil {
		for _, i := range chosen {
			given = append(given, labels[i])
		}
	}
	outputs, err = m.Given(given...).Reconstruct(inputs)
	outputs.Shape = inputs.Shape
	return inputs, outputs, err
}
