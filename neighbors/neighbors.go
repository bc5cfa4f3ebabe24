// Package neighbors finds the nearest neighbours of codes, exactly, and
// recognises what codes stand for by the labels of their neighbours.
//
//	index, err := neighbors.NewIndex(references)    // N×D
//	near, err := index.Search(ctx, queries, 5)      // M×D
//	predicted, err := neighbors.Vote(near, labels)  // one label per query
//
// # Search
//
// The results are those of brute force: squared Euclidean distances summed in
// float64, ties to the lower index. Only few of them are computed one by one. A
// blocked matrix product gives every
//
//	|a-b|² = |a|² + |b|² - 2a·b
//
// in float32, at the speed of the processor's multipliers, and together with a
// bound on its rounding error it rules out nearly every pair; what could be among
// the nearest is measured exactly. The cost is M·N·D multiply-adds for any k.
//
// Results do not depend on the number of threads.
package neighbors

import (
	"context"
	"fmt"
	"math"

	"hourglass/tensor"
)

// Neighbors lists the K nearest references of each query, nearest first.
type Neighbors struct {
	K       int
	Indices []int32   // M×K: which reference
	Squared []float32 // M×K: its squared Euclidean distance
}

// Len returns the number of queries, M.
func (n Neighbors) Len() int {
	if n.K == 0 {
		return 0
	}
	return len(n.Indices) / n.K
}

// Row returns the neighbours of query i and their squared distances, sharing
// memory with n.
func (n Neighbors) Row(i int) (indices []int32, squared []float32) {
	lo, hi := i*n.K, (i+1)*n.K
	return n.Indices[lo:hi:hi], n.Squared[lo:hi:hi]
}

// Search returns the k references nearest to each query: queries has shape
// M×(code), with the samples of the references. It ends early with the context's
// error.
func (x *Index) Search(ctx context.Context, queries tensor.Tensor, k int) (Neighbors, error) {
	const doing = "search neighbours"
	if err := checkCodes(doing, queries); err != nil {
		return Neighbors{}, err
	}
	if d := queries.Sample().Size(); d != x.dim {
		return Neighbors{}, fmt.Errorf("neighbors: %s of codes of shape %v: %d numbers a code, want the references' %d",
			doing, queries.Shape, d, x.dim)
	}
	if k < 1 || k > x.Len() {
		return Neighbors{}, fmt.Errorf("neighbors: %s: k is %d, want 1 to %d, the number of references", doing, k, x.Len())
	}
	return x.nearest(ctx, queries, k, false)
}

// Others returns the k references nearest to each reference, itself excepted
// (but not those equal to it).
func (x *Index) Others(ctx context.Context, k int) (Neighbors, error) {
	if k < 1 || k >= x.Len() {
		return Neighbors{}, fmt.Errorf("neighbors: search neighbours among %d codes: k is %d, want 1 to %d, the number of others",
			x.Len(), k, x.Len()-1)
	}
	return x.nearest(ctx, x.refs, k, true)
}

func (x *Index) nearest(ctx context.Context, queries tensor.Tensor, k int, others bool) (Neighbors, error) {
	near := Neighbors{K: k, Indices: make([]int32, queries.Len()*k), Squared: make([]float32, queries.Len()*k)}
	err := x.scan(ctx, queries, others, func() visitor { return &topK{k: k, near: near} })
	if err != nil {
		return Neighbors{}, err
	}
	return near, nil
}

// checkCodes reports codes that no distance can be measured between.
func checkCodes(doing string, codes tensor.Tensor) error {
	if err := codes.Shape.Validate(); err != nil {
		return fmt.Errorf("neighbors: %s: %w", doing, err)
	}
	if len(codes.Shape) == 0 || len(codes.Data) != codes.Shape.Size() {
		return fmt.Errorf("neighbors: %s: %d numbers of shape %v, want a shape of at least one axis that they fill",
			doing, len(codes.Data), codes.Shape)
	}
	// The square of a sum of two codes' lengths must stay within float32.
	limit := math.Sqrt(math.MaxFloat32/16) / math.Sqrt(float64(codes.Sample().Size()))
	for i, v := range codes.Data {
		if !(math.Abs(float64(v)) <= limit) {
			return fmt.Errorf("neighbors: %s: code %d holds %v, want finite numbers of magnitude up to %.1e",
				doing, i/codes.Sample().Size(), v, limit)
		}
	}
	return nil
}
