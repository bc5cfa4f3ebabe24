package train

import (
	"encoding/json"
	"fmt"
	"slices"

	"hourglass/internal/kernel"
)

// WeightAverage is an observer that keeps a running mean of the weights,
//
//	a ← Decay·a + (1-Decay)·w
//
// after every step, starting from the weights before the first, and puts it in their
// place at the end of the run: it swings less than they do (Polyak and Juditsky 1992). As
// Keras' use_ema. While the run lasts, validation is that of the weights themselves.
//
// Its mean is kept in checkpoints. EarlyStopping puts other weights back at the end:
// whichever of the two comes later among the observers has the last word. Use a new one
// for every run.
type WeightAverage struct {
	Decay float64 // in [0, 1); 0.99 by default

	mean []float32
}

var _ StatefulArrays = (*WeightAverage)(nil)

// Observe follows the steps.
func (a *WeightAverage) Observe(e Event, r *Run) error {
	w := r.Network.Weights()
	switch e {
	case Started:
		if !(a.Decay >= 0 && a.Decay < 1) {
			return fmt.Errorf("train: weight average: the decay is %v, want at least 0 and below 1", a.Decay)
		}
		if a.mean == nil {
			a.mean = slices.Clone(w)
		}
		if len(a.mean) != len(w) {
			return fmt.Errorf("train: weight average: it is of %d weights, want %d", len(a.mean), len(w))
		}
	case Stepped:
		decay := orDefault(a.Decay, 0.99)
		kernel.Scale(a.mean, a.mean, float32(decay))
		kernel.Axpy(a.mean, float32(1-decay), w)
	case Ended:
		if len(a.mean) == len(w) {
			copy(w, a.mean)
			r.WeightsChanged()
		}
	}
	return nil
}

// State returns nothing: all there is is the mean.
func (a *WeightAverage) State() any { return struct{}{} }

// SetState has nothing to put back.
func (a *WeightAverage) SetState(json.RawMessage) error { return nil }

// Arrays returns the mean.
func (a *WeightAverage) Arrays() [][]float32 {
	if a.mean == nil {
		return nil
	}
	return [][]float32{a.mean}
}

// SetArrays puts back what Arrays returned.
func (a *WeightAverage) SetArrays(arrays [][]float32) error {
	if len(arrays) > 1 {
		return fmt.Errorf("%d arrays, want at most 1", len(arrays))
	}
	for _, mean := range arrays {
		a.mean = slices.Clone(mean)
	}
	return nil
}
