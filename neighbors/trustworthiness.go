package neighbors

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"hourglass/tensor"
)

// Trustworthiness says how far neighbours on a map are neighbours in truth (Venna
// and Kaski 2001), as scikit-learn's function of this name:
//
//	T = 1 - 2/(N·k·(2N-3k-1)) · Σ_i Σ_j max(0, r(i,j) - k)
//
// over the k nearest neighbours j of each point i on the map, of shape N×(point);
// r(i,j) is j's rank among i's neighbours in the codes, of shape N×(code): 1 for
// the nearest. 1 is perfect; k must be below N/2. The cost is that of a search.
func Trustworthiness(ctx context.Context, codes, points tensor.Tensor, k int) (float64, error) {
	x, err := NewIndex(codes)
	if err != nil {
		return 0, err
	}
	m, err := NewIndex(points)
	if err != nil {
		return 0, err
	}
	n := x.Len()
	if m.Len() != n {
		return 0, fmt.Errorf("neighbors: trustworthiness: %d points for %d codes", m.Len(), n)
	}
	if k < 1 || 2*k >= n {
		return 0, fmt.Errorf("neighbors: trustworthiness: k is %d, want 1 to less than half of %d points", k, n)
	}
	near, err := m.Others(ctx, k)
	if err != nil {
		return 0, err
	}
	var excess atomic.Int64 // an integer, so that the order of adding does not matter
	err = x.scan(ctx, codes, true, func() visitor { return &ranks{index: x, near: near, excess: &excess} })
	if err != nil {
		return 0, err
	}
	nf, kf := float64(n), float64(k)
	return 1 - float64(2/(nf*kf*(float64(2*nf)-float64(3*kf)-1))*float64(excess.Load())), nil
}

// ranks adds up by how much the true ranks of a point's neighbours on the map
// exceed k.
type ranks struct {
	index  *Index
	near   Neighbors // on the map
	excess *atomic.Int64

	neighbours [queryBlock][]candidate // of the map, with true distances, nearest first
	between    [queryBlock][]int       // how many references lie nearer than each, but not than the one before
}

func (r *ranks) begin(slot, i int) {
	indices, _ := r.near.Row(i)
	of := r.neighbours[slot][:0]
	for _, j := range indices {
		of = append(of, candidate{squaredDistance(r.index.refs.Row(i), r.index.refs.Row(int(j))), j})
	}
	slices.SortFunc(of, func(a, b candidate) int {
		if a.farther(b) {
			return 1
		}
		return -1
	})
	r.neighbours[slot] = of
	r.between[slot] = append(r.between[slot][:0], make([]int, len(of))...)
}

func (r *ranks) reach(slot int) float64 { return r.neighbours[slot][r.near.K-1].squared }

func (r *ranks) visit(slot, ref int, squared float64) {
	c := candidate{squared, int32(ref)}
	for k, neighbour := range r.neighbours[slot] {
		if neighbour.farther(c) {
			r.between[slot][k]++
			return
		}
	}
}

func (r *ranks) end(slot int) {
	rank, excess := 1, 0
	for _, nearer := range r.between[slot] {
		rank += nearer
		excess += max(0, rank-r.near.K)
	}
	r.excess.Add(int64(excess))
}
