package workflow

import (
	"context"
	"fmt"
	"slices"

	"hourglass/neighbors"
	"hourglass/tensor"
)

// Recognized is what [Recognize] comes to.
type Recognized struct {
	Classes   []string // all there are: those of the labelled samples and then others of the data
	Predicted []int    // of each sample
	// Copies counts the samples that equal one of the labelled, to which they are
	// therefore nearest.
	Copies int
	// Truth has the samples' own labels, and Confusion counts them against Predicted,
	// if they have labels.
	Truth     []int
	Confusion neighbors.Confusion
}

// Recognize labels samples by the vote of the k labelled samples whose vectors
// (codes, see [Vectors]) are nearest to theirs.
func Recognize(ctx context.Context, references tensor.Tensor, labelled *Input, vectors tensor.Tensor, in *Input, k int) (*Recognized, error) {
	if labelled.Labels == nil {
		return nil, fmt.Errorf("workflow: recognize: %s has no labels", labelled.Path)
	}
	if k < 1 || k > labelled.Len() {
		return nil, fmt.Errorf("workflow: recognize: %d neighbours, want 1 to %d, the samples of %s", k, labelled.Len(), labelled.Path)
	}
	index, err := neighbors.NewIndex(references)
	if err != nil {
		return nil, err
	}
	near, err := index.Search(ctx, vectors, k)
	if err != nil {
		return nil, err
	}
	r := &Recognized{Classes: slices.Clone(labelled.Classes)}
	for i := range in.Len() {
		// Nothing is nearer than what is the same.
		nearest, _ := near.Row(i)
		if slices.Equal(vectors.Row(i), references.Row(int(nearest[0]))) {
			r.Copies++
		}
	}
	if r.Predicted, err = neighbors.Vote(near, labelled.Labels); err != nil || in.Labels == nil {
		return r, err
	}
	r.Truth = make([]int, in.Len())
	for i := range r.Truth {
		r.Truth[i] = r.class(in.Label(i))
	}
	r.Confusion, err = neighbors.NewConfusion(r.Truth, r.Predicted, len(r.Classes))
	return r, err
}

// class returns the number of a class, a new one if there is none of that name.
func (r *Recognized) class(name string) int {
	i := slices.Index(r.Classes, name)
	if i < 0 {
		i = len(r.Classes)
		r.Classes = append(r.Classes, name)
	}
	return i
}
