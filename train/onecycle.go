package train

import (
	"fmt"
	"math"

	"hourglass/internal/portable"
)

// OneCycle lets the rate rise from 1/25 of the optimiser's to all of it over the first
// three tenths of the run, and fall to 1/250,000 over the rest, both along half a wave.
// Smith and Topin 2018 (https://arxiv.org/abs/1708.07120); PyTorch's OneCycleLR with its
// defaults, where the optimiser's rate is max_lr. The momentum stays.
type OneCycle struct {
	Epochs int // of the whole cycle, at least 1
}

// What PyTorch calls pct_start, 1/div_factor and 1/(div_factor·final_div_factor).
const (
	oneCycleRise  = 0.3
	oneCycleStart = 1 / 25.0
	oneCycleEnd   = oneCycleStart / 1e4
)

// Name returns "onecycle:20".
func (s OneCycle) Name() string { return fmt.Sprintf("onecycle:%d", s.Epochs) }

// Validate reports a number of epochs below 1.
func (s OneCycle) Validate() error {
	if s.Epochs < 1 {
		return fmt.Errorf("train: schedule onecycle: epochs is %d, want at least 1", s.Epochs)
	}
	return nil
}

// Factor returns where the two half waves are.
func (s OneCycle) Factor(epochs float64) float64 {
	part := min(epochs/float64(s.Epochs), 1)
	if part < oneCycleRise {
		return halfWave(oneCycleStart, 1, part/oneCycleRise)
	}
	return halfWave(1, oneCycleEnd, (part-oneCycleRise)/(1-oneCycleRise))
}

// halfWave goes from one value to another as a cosine does between its extremes.
func halfWave(from, to, part float64) float64 {
	return to + float64((from-to)*(1+portable.Cos(math.Pi*part))/2)
}
