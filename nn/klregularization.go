package nn

import (
	"fmt"

	"hourglass/internal/portable"
	"hourglass/tensor"
)

// KLRegularization hands its input on and adds to the loss, under the name "kl", how far
// the mean activity of each channel (position on the last axis), which lies between 0
// and 1, is from a target rate (Ng 2011, Sparse autoencoder):
//
//	Weight · Σ over channels of  t·ln(t/m) + (1-t)·ln((1-t)/(1-m))
//
// where t is the Target and m the mean over the batch and all axes but the last, clipped to
// [1e-7, 1-1e-7] as Keras does. It stands behind a sigmoid. Keras' activity_regularizer, where
// such a function is often put, divides what it returns by the batch size up to version 2;
// here nothing is divided.
type KLRegularization struct {
	Target float64 `json:"target"` // t, above 0 and below 1, such as 0.1
	Weight float64 `json:"weight"` // at least 0, such as 0.05
}

// Bind accepts every shape of at least one axis.
func (l KLRegularization) Bind(in tensor.Shape) (Stage, error) {
	if !(l.Target > 0 && l.Target < 1) {
		return nil, fmt.Errorf("target is %v, want above 0 and below 1", l.Target)
	}
	if err := checkWeight("weight", l.Weight); err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("got a scalar, want samples of at least one axis")
	}
	channels := in[len(in)-1]
	return &klStage{KLRegularization: l, shape: in.Clone(), channels: channels, rows: in.Size() / channels}, nil
}

type klStage struct {
	KLRegularization
	shape          tensor.Shape
	rows, channels int // a sample's
}

var (
	_ Coupled   = (*klStage)(nil)
	_ Penalizer = (*klStage)(nil)
)

func (s *klStage) Plan() Plan {
	return Plan{Output: s.shape, Shared: s.channels, GatherAlways: true}
}
func (s *klStage) Penalties() []string { return []string{"kl"} }
func (s *klStage) Channels() int       { return s.channels }

// GatherForward computes the channels' means, in the order of the rows.
func (s *klStage) GatherForward(f *Frame, lo, hi int) {
	for c := lo; c < hi; c++ {
		var sum float64
		for x := c; x < len(f.X); x += s.channels {
			sum += float64(f.X[x])
		}
		f.Shared[c] = float32(sum / float64(f.N*s.rows))
	}
}

// GatherBackward has nothing to gather.
func (s *klStage) GatherBackward(*Frame, int, int) {}

func (s *klStage) gatherReads() reads { return reads{} }

// mean returns the clipped mean of a channel, and whether it is within the bounds.
func (s *klStage) mean(f *Frame, channel int) (mean float64, within bool) {
	const epsilon = 1e-7
	mean = float64(f.Shared[channel])
	clipped := min(max(mean, epsilon), 1-epsilon)
	return clipped, clipped == mean
}

// Forward adds up the channels in their order, for every sample the same.
func (s *klStage) Forward(f *Frame) {
	copy(f.Y, f.X)
	if f.Penalties == nil {
		return
	}
	var sum float64
	for c := range s.channels {
		m, _ := s.mean(f, c)
		sum += float64(s.Target*portable.Log(s.Target/m)) + float64((1-s.Target)*portable.Log((1-s.Target)/(1-m)))
	}
	for i := range f.Penalties[0] {
		f.Penalties[0][i] = f.Factors[0] * s.Weight * sum
	}
}

// Backward: dx = dy + Weight·((1-t)/(1-m) - t/m) / (batch·rows), without the second term
// where the mean is clipped.
func (s *klStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	scale := f.Factors[0] * s.Weight / float64(f.Batch*s.rows)
	for c := range s.channels {
		slope := float32(0)
		if m, within := s.mean(f, c); within {
			slope = float32(scale * ((1-s.Target)/(1-m) - s.Target/m))
		}
		for x := c; x < len(f.DX); x += s.channels {
			f.DX[x] = f.DY[x] + slope
		}
	}
}
