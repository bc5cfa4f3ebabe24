package neighbors

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"

	"hourglass/internal/parallel"
	"hourglass/tensor"
)

// Hashes are codes of bits, 64 to a word, the first in the lowest place.
type Hashes struct {
	Bits  int // in a code
	Words []uint64
}

// Binarize makes bits of codes, of shape N×(code): whether each number is above a
// threshold, as those of a semantic hashing autoencoder are nearly 0 or 1 (Salakhutdinov
// and Hinton 2009).
func Binarize(codes tensor.Tensor, threshold float32) Hashes {
	h := Hashes{Bits: codes.Sample().Size()}
	h.Words = make([]uint64, codes.Len()*h.width())
	for i := range codes.Len() {
		for j, v := range codes.Row(i) {
			if v > threshold {
				h.Words[i*h.width()+j/64] |= 1 << (j % 64)
			}
		}
	}
	return h
}

// width returns the words of a code.
func (h Hashes) width() int { return (h.Bits + 63) / 64 }

// Len returns the number of codes.
func (h Hashes) Len() int {
	if h.width() == 0 {
		return 0
	}
	return len(h.Words) / h.width()
}

// Distance returns in how many bits code i differs from code j of others.
func (h Hashes) Distance(i int, others Hashes, j int) int {
	distance := 0
	for w := range h.width() {
		distance += bits.OnesCount64(h.Words[i*h.width()+w] ^ others.Words[j*h.width()+w])
	}
	return distance
}

// Others returns the k codes with the least Hamming distance from each code, itself
// excepted, nearest first and of equals the lower index first. Squared holds the
// distances themselves.
func (h Hashes) Others(ctx context.Context, k int) (Neighbors, error) {
	if k < 1 || k >= h.Len() {
		return Neighbors{}, fmt.Errorf("neighbors: search among %d hashes: k is %d, want 1 to %d, the number of others", h.Len(), k, h.Len()-1)
	}
	near := Neighbors{K: k, Indices: make([]int32, h.Len()*k), Squared: make([]float32, h.Len()*k)}
	err := parallel.Each(ctx, 0, h.Len(), func(_, i int) error {
		indices, distances := near.Row(i)
		h.nearest(i, indices, distances)
		return nil
	})
	if err != nil {
		return Neighbors{}, fmt.Errorf("neighbors: search among hashes: %w", err)
	}
	return near, nil
}

// nearest fills the neighbours of code i, by counting the codes at each distance.
func (h Hashes) nearest(i int, indices []int32, distances []float32) {
	at := make([][]int32, h.Bits+1)
	for j := range h.Len() {
		if d := h.Distance(i, h, j); j != i && len(at[d]) < len(indices) {
			at[d] = append(at[d], int32(j))
		}
	}
	n := 0
	for d, list := range at {
		for _, j := range list {
			if n == len(indices) {
				return
			}
			indices[n], distances[n] = j, float32(d)
			n++
		}
	}
}

// Precision returns the share of neighbours that have the label of their query, over
// all queries: the precision of retrieval at K. labels[i] is that of query and
// reference i.
func (n Neighbors) Precision(labels []int) (float64, error) {
	if len(labels) != n.Len() || n.Len() == 0 {
		return 0, fmt.Errorf("neighbors: precision: %d labels for %d queries, want one each", len(labels), n.Len())
	}
	if worst := slices.MaxFunc(n.Indices, cmp.Compare[int32]); int(worst) >= len(labels) {
		return 0, fmt.Errorf("neighbors: precision: a neighbour is number %d, want labels of all", worst)
	}
	same := 0
	for i, label := range labels {
		indices, _ := n.Row(i)
		for _, j := range indices {
			if labels[j] == label {
				same++
			}
		}
	}
	return float64(same) / float64(len(n.Indices)), nil
}
