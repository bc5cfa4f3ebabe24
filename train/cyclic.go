package train

import (
	"fmt"
	"math"
)

// Cyclic lets the rate rise in a straight line from Low times the optimiser's to all of
// it in so many epochs, fall again in as many, and so on. Smith 2017
// (https://arxiv.org/abs/1506.01186); PyTorch's CyclicLR, mode triangular, where the
// optimiser's rate is max_lr.
type Cyclic struct {
	Epochs int     // of a rise, half of a cycle, at least 1
	Low    float64 // from 0 to 1
}

// Name returns "cyclic:2:0.1".
func (s Cyclic) Name() string { return fmt.Sprintf("cyclic:%d:%v", s.Epochs, s.Low) }

// Validate reports a setting out of range.
func (s Cyclic) Validate() error {
	switch {
	case s.Epochs < 1:
		return fmt.Errorf("train: schedule cyclic: the epochs of a rise are %d, want at least 1", s.Epochs)
	case !(s.Low >= 0 && s.Low <= 1):
		return fmt.Errorf("train: schedule cyclic: the lowest factor is %v, want 0 to 1", s.Low)
	}
	return nil
}

// Factor returns Low + (1-Low)·h for a height h between 0 and 1.
func (s Cyclic) Factor(epochs float64) float64 {
	half := epochs / float64(s.Epochs)
	height := 1 - math.Abs(math.Mod(half, 2)-1)
	return s.Low + float64((1-s.Low)*height)
}
