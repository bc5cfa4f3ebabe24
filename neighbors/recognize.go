package neighbors

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/stat"

	"hourglass/tensor"
)

// Labeled is a set of codes, of shape N×(code), with the class of each.
type Labeled struct {
	Codes  tensor.Tensor
	Labels []int
}

// Pick returns the listed samples, in their order, as a set of its own. An index
// may occur more than once.
func (l Labeled) Pick(indices []int) (Labeled, error) {
	const doing = "pick samples"
	if err := l.check(doing); err != nil {
		return Labeled{}, err
	}
	if len(indices) == 0 {
		return Labeled{}, fmt.Errorf("neighbors: %s: none is listed, want at least one", doing)
	}
	shape := l.Codes.Shape.Clone()
	shape[0] = len(indices)
	if err := shape.Validate(); err != nil {
		return Labeled{}, fmt.Errorf("neighbors: %s: %w", doing, err)
	}
	picked := Labeled{Codes: tensor.New(shape...), Labels: make([]int, len(indices))}
	for to, from := range indices {
		if from < 0 || from >= l.Codes.Len() {
			return Labeled{}, fmt.Errorf("neighbors: %s: index %d, want 0 to %d", doing, from, l.Codes.Len()-1)
		}
		copy(picked.Codes.Row(to), l.Codes.Row(from))
		picked.Labels[to] = l.Labels[from]
	}
	return picked, nil
}

func (l Labeled) check(doing string) error {
	if err := checkCodes(doing, l.Codes); err != nil {
		return err
	}
	if len(l.Labels) != l.Codes.Len() {
		return fmt.Errorf("neighbors: %s: %d labels, want one for each of %d codes", doing, len(l.Labels), l.Codes.Len())
	}
	return checkLabels(doing, l.Labels)
}

// Recognition is what labelling queries by their nearest references came to.
type Recognition struct {
	Near      Neighbors // each query's k nearest references
	Predicted []int     // each query's label by their vote
	Confusion Confusion // the queries' labels against the predicted ones
}

// Recognize labels each query by the vote of its k nearest references, as with
// k = 1 the lecture does: the least mean squared difference of codes is the least
// distance.
func Recognize(ctx context.Context, references, queries Labeled, k int) (Recognition, error) {
	for _, set := range []Labeled{references, queries} {
		if err := set.check("recognise"); err != nil {
			return Recognition{}, err
		}
	}
	index, err := NewIndex(references.Codes)
	if err != nil {
		return Recognition{}, err
	}
	var r Recognition
	if r.Near, err = index.Search(ctx, queries.Codes, k); err != nil {
		return Recognition{}, err
	}
	if r.Predicted, err = Vote(r.Near, references.Labels); err != nil {
		return Recognition{}, err
	}
	if r.Confusion, err = NewConfusion(queries.Labels, r.Predicted, 0); err != nil {
		return Recognition{}, err
	}
	return r, nil
}

// Spread is a number measured several times.
type Spread struct {
	Mean   float64
	Std    float64 // standard deviation, of a sample: divided by len(Values)-1; 0 of one value
	Values []float64
}

// NewSpread describes at least one value.
func NewSpread(values []float64) Spread {
	s := Spread{Values: values}
	if len(values) == 1 {
		s.Mean = values[0]
	} else if len(values) > 1 {
		s.Mean, s.Std = stat.MeanStdDev(values, nil)
	}
	return s
}

// RecognizeDraws repeats Recognize with k = 1 and perClass references of each
// class, drawn anew from training each time by [DrawPerClass] with the seeds seed,
// seed+1, …, and returns the accuracies.
func RecognizeDraws(ctx context.Context, training, queries Labeled, perClass, draws int, seed uint64) (Spread, error) {
	if draws < 1 {
		return Spread{}, fmt.Errorf("neighbors: recognise repeatedly: %d draws, want at least 1", draws)
	}
	accuracies := make([]float64, draws)
	for i := range accuracies {
		drawn, err := DrawPerClass(training.Labels, perClass, seed+uint64(i))
		if err != nil {
			return Spread{}, err
		}
		references, err := training.Pick(drawn)
		if err != nil {
			return Spread{}, err
		}
		r, err := Recognize(ctx, references, queries, 1)
		if err != nil {
			return Spread{}, err
		}
		accuracies[i] = r.Confusion.Accuracy()
	}
	return NewSpread(accuracies), nil
}
