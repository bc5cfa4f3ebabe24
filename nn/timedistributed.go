package nn

import (
	"fmt"

	"hourglass/tensor"
)

// TimeDistributed applies a layer to every step of a sequence, with the same weights:
// samples of shape steps×(…) become steps×(what the layer makes of …). As Keras'
// TimeDistributed.
type TimeDistributed struct {
	Layer Layer
}

// Bind accepts sequences of what the layer accepts.
func (l TimeDistributed) Bind(in tensor.Shape) (Stage, error) {
	if err := checkWrapped(l.Layer); err != nil {
		return nil, err
	}
	if len(in) < 2 {
		return nil, fmt.Errorf("got samples of shape %v, want steps and at least one more axis", in)
	}
	stage, err := bindWrapped(l.Layer, in[1:])
	if err != nil {
		return nil, fmt.Errorf("%s on steps of shape %v: %w", Kind(l.Layer), tensor.Shape(in[1:]), err)
	}
	return &timeDistributedStage{stage, in[0]}, nil
}

// MarshalJSON writes {"layer": …} with the wrapped layer as in Layers.
func (l TimeDistributed) MarshalJSON() ([]byte, error) { return marshalWrapped(l.Layer) }

// UnmarshalJSON reads what MarshalJSON writes.
func (l *TimeDistributed) UnmarshalJSON(data []byte) (err error) {
	l.Layer, err = unmarshalWrapped(data)
	return err
}

// timeDistributedStage runs the inner stage on the steps of all samples as if they
// were samples. It is whatever the inner stage is.
type timeDistributedStage struct {
	inner boundStage
	steps int
}

var (
	_ Deriver       = (*timeDistributedStage)(nil)
	_ Coupled       = (*timeDistributedStage)(nil)
	_ Follower      = (*timeDistributedStage)(nil)
	_ SigmoidEnding = (*timeDistributedStage)(nil)
)

func (s *timeDistributedStage) Plan() Plan {
	p := s.inner.Plan
	p.Output = append(tensor.Shape{s.steps}, p.Output...)
	p.Repeat = false
	p.Memory = nil
	for _, size := range s.inner.Memory {
		p.Memory = append(p.Memory, size*s.steps)
	}
	return p
}

// unfold makes every step of the frame's samples a sample. fold undoes it.
func (s *timeDistributedStage) unfold(f *Frame) {
	f.N *= s.steps
	f.Batch *= s.steps
	f.Random.First *= s.steps
}

func (s *timeDistributedStage) fold(f *Frame) {
	f.N /= s.steps
	f.Batch /= s.steps
	f.Random.First /= s.steps
}

func (s *timeDistributedStage) Forward(f *Frame) {
	s.unfold(f)
	s.inner.Forward(f)
	s.fold(f)
}

func (s *timeDistributedStage) Backward(f *Frame) {
	s.unfold(f)
	s.inner.Backward(f)
	s.fold(f)
}

func (s *timeDistributedStage) Gradient(f *Frame, param, lo, hi int) {
	s.unfold(f)
	s.inner.Stage.(Trainable).Gradient(f, param, lo, hi)
	s.fold(f)
}

func (s *timeDistributedStage) Derive(f *Frame, param, lo, hi int) {
	if d, ok := s.inner.Stage.(Deriver); ok {
		d.Derive(f, param, lo, hi)
	}
}

func (s *timeDistributedStage) Follow(f *Frame, param, lo, hi int) {
	s.inner.Stage.(Follower).Follow(f, param, lo, hi)
}

func (s *timeDistributedStage) Channels() int {
	if c := s.inner.coupled(); c != nil {
		return c.Channels()
	}
	return 0
}

func (s *timeDistributedStage) GatherForward(f *Frame, lo, hi int) {
	s.unfold(f)
	s.inner.coupled().GatherForward(f, lo, hi)
	s.fold(f)
}

func (s *timeDistributedStage) GatherBackward(f *Frame, lo, hi int) {
	s.unfold(f)
	s.inner.coupled().GatherBackward(f, lo, hi)
	s.fold(f)
}

func (s *timeDistributedStage) EndsInSigmoid() bool {
	e, ok := s.inner.Stage.(SigmoidEnding)
	return ok && e.EndsInSigmoid()
}
