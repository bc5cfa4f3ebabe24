package train

import (
	"fmt"
	"math"

	"hourglass/internal/portable"
)

// Phases keeps the rate for ever longer phases and multiplies it between them: phase i = 0, 1, …
// lasts Base^i epochs at By^i of the optimiser's rate, and the last of Count goes on for good. With a
// Base of 3, 8 phases and By = 10^(-1/7) it is that of Burda et al. 2016.
type Phases struct {
	Base  int     // at least 1
	Count int     // at least 1
	By    float64 // above 0
}

// Name returns "phases:3:8:0.72".
func (s Phases) Name() string { return fmt.Sprintf("phases:%d:%d:%v", s.Base, s.Count, s.By) }

// Validate reports a setting out of range.
func (s Phases) Validate() error {
	if s.Base < 1 || s.Count < 1 {
		return fmt.Errorf("train: schedule phases: base is %d and count %d, want at least 1 each", s.Base, s.Count)
	}
	return checkFactor("phases", s.By)
}

// Ends returns after how many epochs each phase ends.
func (s Phases) Ends() []int {
	var ends []int
	for i, end, length := 0, 0, 1; i < s.Count && end < math.MaxInt/2/s.Base; i, length = i+1, length*s.Base {
		end += length
		ends = append(ends, end)
	}
	return ends
}

// Factor returns By^i in phase i.
func (s Phases) Factor(epochs float64) float64 {
	phase, end, length := 0, 1.0, 1.0
	for phase < s.Count-1 && epochs >= end {
		phase++
		length = float64(length * float64(s.Base))
		end += length
	}
	return portable.Pow(s.By, float64(phase))
}
