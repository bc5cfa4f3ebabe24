package neighbors

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// DrawPerClass draws perClass samples of each class that occurs, without
// replacement, and returns their indices: those of the lowest class first, so that
// a picture of them has a row per class. The same labels and seed give the same
// draw.
func DrawPerClass(labels []int, perClass int, seed uint64) ([]int, error) {
	const doing = "draw samples of each class"
	if err := checkLabels(doing, labels); err != nil {
		return nil, err
	}
	if len(labels) == 0 || perClass < 1 {
		return nil, fmt.Errorf("neighbors: %s: %d a class of %d labels, want at least 1 of 1", doing, perClass, len(labels))
	}
	members := make([][]int, slices.Max(labels)+1)
	for i, l := range labels {
		members[l] = append(members[l], i)
	}
	random := random(seed)
	var drawn []int
	for class, of := range members {
		if len(of) == 0 {
			continue
		}
		if len(of) < perClass {
			return nil, fmt.Errorf("neighbors: %s: class %d has %d samples, want at least %d", doing, class, len(of), perClass)
		}
		shuffleFront(random, of, perClass)
		drawn = append(drawn, of[:perClass]...)
	}
	return drawn, nil
}

// DrawFromBatch draws a batch of distinct samples out of n, as a loader that
// shuffles does, and then count of its members with replacement. It returns their
// indices below n. The lecture labels DrawFromBatch(n, 128, 100, …) by another
// such draw; both come from the training set, and may share samples.
func DrawFromBatch(n, batch, count int, seed uint64) ([]int, error) {
	if batch < 1 || batch > n || count < 1 {
		return nil, fmt.Errorf("neighbors: draw from a batch: %d of a batch of %d of %d samples, want at least 1 of 1 to %d",
			count, batch, n, n)
	}
	random := random(seed)
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	shuffleFront(random, all, batch)
	drawn := make([]int, count)
	for i := range drawn {
		drawn[i] = all[random.IntN(batch)]
	}
	return drawn, nil
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6e65696768626f72)) }

// shuffleFront makes the first n elements a random sample of all.
func shuffleFront(random *rand.Rand, all []int, n int) {
	for i := range n {
		j := i + random.IntN(len(all)-i)
		all[i], all[j] = all[j], all[i]
	}
}
