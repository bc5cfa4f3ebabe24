package registry

import (
	"context"
	"fmt"
	"math"

	"hourglass/neighbors"
	"hourglass/tensor"
	"hourglass/workflow"
)

// References are labelled samples whose codes a model compares others with.
type References struct {
	index  *neighbors.Index
	names  []string
	labels []string // "" for those without
}

// Neighbor is a reference near a code.
type Neighbor struct {
	Sample   string  `json:"sample"`
	Label    string  `json:"label,omitempty"`
	Distance float64 `json:"distance"` // Euclidean, between codes
}

// loadReferences reads references for a model: codes that encode has written, or
// data that the model was made for, which it encodes.
func loadReferences(ctx context.Context, m *workflow.Model, path string) (*References, error) {
	in, err := workflow.Load(ctx, path, defaultLoad)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var encoder *workflow.Model
	if size := in.Shape().Size(); size != m.Encoder().Output().Size() {
		encoder = m
	}
	if encoder != nil && in.Shape().Size() != m.Encoder().Input().Size() {
		return nil, fmt.Errorf("%s has samples of shape %v, want codes of %v or samples of %v", path, in.Shape(), m.Encoder().Output(), m.Encoder().Input())
	}
	vectors, err := workflow.Vectors(ctx, encoder, in, func(done, total int) {})
	if err != nil {
		return nil, err
	}
	vectors.Shape = tensor.Shape{vectors.Len(), vectors.Sample().Size()}
	r := &References{}
	if r.index, err = neighbors.NewIndex(vectors); err != nil {
		return nil, err
	}
	for i := range in.Len() {
		r.names = append(r.names, in.SampleName(i))
		r.labels = append(r.labels, in.Label(i))
	}
	return r, nil
}

// Len returns how many references there are.
func (r *References) Len() int { return r.index.Len() }

// Nearest returns the k references nearest to each of n codes, nearest first.
func (r *References) Nearest(ctx context.Context, codes []float32, n, k int) ([][]Neighbor, error) {
	queries := tensor.Tensor{Shape: tensor.Shape{n, len(codes) / n}, Data: codes}
	found, err := r.index.Search(ctx, queries, k)
	if err != nil {
		return nil, err
	}
	all := make([][]Neighbor, n)
	for i := range all {
		indices, squared := found.Row(i)
		for j, at := range indices {
			all[i] = append(all[i], Neighbor{r.names[at], r.labels[at], math.Sqrt(float64(squared[j]))})
		}
	}
	return all, nil
}
