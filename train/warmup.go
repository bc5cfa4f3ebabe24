package train

import "fmt"

// Warmup lets the rate rise in a straight line from 0 to the optimiser's before another
// schedule begins, so that the first steps, when gradients are large and the optimiser
// knows little of them, are small. Goyal et al. 2017 (https://arxiv.org/abs/1706.02677);
// PyTorch's LinearLR in front of another scheduler.
type Warmup struct {
	Epochs int      // of the rise, at least 1
	Then   Schedule // as if the run began after it; nil for the optimiser's rate throughout
}

// Name returns "warmup:2:cosine:18", or "warmup:2:constant".
func (s Warmup) Name() string {
	then := "constant"
	if s.Then != nil {
		then = s.Then.Name()
	}
	return fmt.Sprintf("warmup:%d:%s", s.Epochs, then)
}

// Validate reports a setting out of range, also of what comes then.
func (s Warmup) Validate() error {
	if s.Epochs < 1 {
		return fmt.Errorf("train: schedule warmup: epochs is %d, want at least 1", s.Epochs)
	}
	if s.Then == nil {
		return nil
	}
	return s.Then.Validate()
}

// Factor returns t/Epochs and, after that, the other schedule's factor.
func (s Warmup) Factor(epochs float64) float64 {
	rise := float64(s.Epochs)
	switch {
	case epochs < rise:
		return epochs / rise
	case s.Then == nil:
		return 1
	}
	return s.Then.Factor(epochs - rise)
}
