package train

import (
	"math"
	"slices"
	"testing"
)

// The rates and epochs of Burda et al. 2016.
func TestPhases(t *testing.T) {
	s := Phases{Base: 3, Count: 8, By: math.Pow(10, -1./7)}
	ends := s.Ends()
	if want := []int{1, 4, 13, 40, 121, 364, 1093, 3280}; !slices.Equal(ends, want) {
		t.Errorf("phases end after %v epochs, want %v", ends, want)
	}
	for i, want := range []float64{10, 7.2, 5.2, 3.7, 2.7, 1.9, 1.4, 1} {
		for _, before := range []float64{1e-9, 1} {
			if got := 10 * s.Factor(float64(ends[i])-before); math.Abs(got-want) > 0.05 {
				t.Errorf("the rate in phase %d is %v, want %v", i, got, want)
			}
		}
	}
	if s.Factor(1e6) != s.Factor(3000) {
		t.Error("the last phase ends")
	}
	for _, s := range []Phases{{}, {Base: 3, By: 1}, {Base: 1, Count: 1}, {Base: 1, Count: 1, By: math.Inf(1)}} {
		if s.Validate() == nil {
			t.Errorf("%s: no error", s.Name())
		}
	}
}
