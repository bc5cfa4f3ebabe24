package neighbors

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"hourglass/tensor"
)

// randomCodes returns codes of uniform numbers.
func randomCodes(n, size int) tensor.Tensor {
	rng, codes := rand.New(rand.NewPCG(1, 2)), tensor.New(n, size)
	for i := range codes.Data {
		codes.Data[i] = rng.Float32()
	}
	return codes
}

// The nearest hashes are those of sorting all others by the bits that differ.
func TestHammingNeighboursAreBruteForce(t *testing.T) {
	const n, k = 90, 7
	for _, size := range []int{1, 16, 64, 65, 130} {
		codes := randomCodes(n, size)
		near, err := Binarize(codes, 0.5).Others(context.Background(), k)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			distance := func(j int) (d int) {
				for c := range size {
					if (codes.Row(i)[c] > 0.5) != (codes.Row(j)[c] > 0.5) {
						d++
					}
				}
				return d
			}
			var others []int
			for j := range n {
				if j != i {
					others = append(others, j)
				}
			}
			slices.SortStableFunc(others, func(a, b int) int { return distance(a) - distance(b) })
			indices, distances := near.Row(i)
			for r, j := range others[:k] {
				if int(indices[r]) != j || int(distances[r]) != distance(j) {
					t.Fatalf("%d bits: neighbour %d of %d is %d at %v, want %d at %d", size, r, i, indices[r], distances[r], j, distance(j))
				}
			}
		}
	}
}

func TestPrecision(t *testing.T) {
	near := Neighbors{K: 2, Indices: []int32{1, 2, 0, 2, 3, 0, 2, 1}, Squared: make([]float32, 8)}
	if got, err := near.Precision([]int{5, 5, 6, 6}); err != nil || got != 0.5 {
		t.Errorf("precision %v, %v, want 0.5", got, err)
	}
	if _, err := near.Precision([]int{1, 2}); err == nil {
		t.Error("labels are missing and nobody says so")
	}
	if _, err := Binarize(randomCodes(3, 2), 0.5).Others(context.Background(), 3); err == nil {
		t.Error("three of two others were found")
	}
}
