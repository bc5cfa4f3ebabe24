package neighbors

import "fmt"

// Vote labels each query by the majority of its neighbours: labels[r] ≥ 0 is what
// reference r is. Among labels with equally many votes that of the nearest
// neighbour wins.
func Vote(near Neighbors, labels []int) ([]int, error) {
	if err := checkLabels("vote", labels); err != nil {
		return nil, err
	}
	predicted := make([]int, near.Len())
	for i := range predicted {
		indices, _ := near.Row(i)
		for _, r := range indices {
			if int(r) >= len(labels) {
				return nil, fmt.Errorf("neighbors: vote: reference %d is a neighbour, and there are labels for %d", r, len(labels))
			}
		}
		predicted[i] = majority(indices, labels)
	}
	return predicted, nil
}

// majority returns the most frequent label of the references, nearest first. Equal
// counts go to the label that occurs first.
func majority(indices []int32, labels []int) int {
	best, votes := -1, 0
	for i, r := range indices {
		label, n := labels[r], 0
		for _, other := range indices[i:] {
			if labels[other] == label {
				n++
			}
		}
		if n > votes { // a later occurrence of a label counts fewer than its first
			best, votes = label, n
		}
	}
	return best
}

// maxClasses bounds labels so that a wrong one cannot ask for all memory.
const maxClasses = 1000

func checkLabels(doing string, labels []int) error {
	for i, l := range labels {
		if l < 0 || l >= maxClasses {
			return fmt.Errorf("neighbors: %s: label %d is %d, want 0 to %d", doing, i, l, maxClasses-1)
		}
	}
	return nil
}
