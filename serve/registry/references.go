package registry

import (
	"context"
	"math"

	"hourglass/dataset"
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

// loadReferences reads references for a model: data that it was made for, which it
// encodes, or codes that encode has written.
func loadReferences(ctx context.Context, m *workflow.Model, path string) (*References, error) {
	codes, err := workflow.Load(ctx, path, dataset.LoadOptions{})
	if err != nil {
		return nil, err
	}
	defer codes.Close()
	in, encoder := codes, (*workflow.Model)(nil)
	if in.Shape().Size() != m.Encoder().Output().Size() {
		encoder = m
		if in, err = m.Load(ctx, path, dataset.LoadOptions{}); err != nil {
			return nil, err
		}
		defer in.Close()
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
