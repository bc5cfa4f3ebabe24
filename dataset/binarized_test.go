package dataset

import (
	"math"
	"slices"
	"testing"

	"hourglass/tensor"
)

// A sample's values are 0 or 1, as often 1 as they say, the same at every reading, and others in
// other samples.
func TestBinarized(t *testing.T) {
	x := tensor.New(3, 5000)
	for i := range x.Data {
		x.Data[i] = 0.3
	}
	s := Binarized(Array{x}, 7)
	all, second := read(t, s, 0, 1, 2), read(t, s, 1)
	if !slices.Equal(second, all[5000:10000]) || slices.Equal(second, all[:5000]) {
		t.Error("a sample is not the same wherever it is read, or that of others")
	}
	var ones float64
	for _, v := range all {
		if v != 0 && v != 1 {
			t.Fatalf("a value is %v", v)
		}
		ones += float64(v)
	}
	if share := ones / float64(len(all)); math.Abs(share-0.3) > 0.02 {
		t.Errorf("a share of %v is 1, want 0.3", share)
	}
}
