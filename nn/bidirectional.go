package nn

import (
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Bidirectional runs a layer over a sequence and another one, equal but for its
// weights, over the reversed sequence, and concatenates their outputs along the last
// axis (Schuster & Paliwal 1997). An output that is a sequence of as many steps is
// turned round again first. It takes samples of steps×features. As Keras' Bidirectional
// with merge_mode "concat", its default.
type Bidirectional struct {
	Layer Layer // such as LSTM
}

// Bind accepts what the layer accepts of shapes steps×features.
func (l Bidirectional) Bind(in tensor.Shape) (Stage, error) {
	if err := checkWrapped(l.Layer); err != nil {
		return nil, err
	}
	if err := wantSequence(in); err != nil {
		return nil, err
	}
	inner, err := bindWrapped(l.Layer, in)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", Kind(l.Layer), err)
	case inner.View || inner.coupled() != nil:
		return nil, fmt.Errorf("got %s, want a layer that works sample by sample on values, such as LSTM", Kind(l.Layer))
	}
	out := inner.Output
	return &bidirectionalStage{inner: inner, in: in.Clone(),
		sequence: len(out) > 1 && out[0] == in[0], width: out[len(out)-1]}, nil
}

// MarshalJSON writes {"layer": …} with the wrapped layer as in Layers.
func (l Bidirectional) MarshalJSON() ([]byte, error) { return marshalWrapped(l.Layer) }

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Bidirectional) UnmarshalJSON(data []byte) (err error) {
	l.Layer, err = unmarshalWrapped(data)
	return err
}

// bidirectionalStage runs the inner stage twice. The first half of everything it
// plans belongs to the way forward, the second to the way back.
type bidirectionalStage struct {
	inner    boundStage
	in       tensor.Shape
	sequence bool // the output has the input's steps
	width    int  // last axis of an inner output
}

var _ Deriver = (*bidirectionalStage)(nil)

// The two ways.
const (
	onward = iota
	reverse
	ways
)

// Arrays of Frame.Memory behind those of the inner stages, one for each way.
const (
	bidiX  = 0 // the input; not used on the way forward
	bidiY  = 2
	bidiDX = 4
	bidiDY = 6
)

func (s *bidirectionalStage) Plan() Plan {
	p := s.inner.Plan
	p.Output = p.Output.Clone()
	p.Output[len(p.Output)-1] *= ways
	p.Repeat = false
	p.Params = nil
	for _, way := range []string{"forward.", "backward."} {
		for _, param := range s.inner.Params {
			param.Name = way + param.Name
			p.Params = append(p.Params, param)
		}
	}
	in, out := s.in.Size(), s.inner.Output.Size()
	p.Memory = append(append(append([]int{}, s.inner.Memory...), s.inner.Memory...), 0, in, out, out, in, in, out, out)
	p.Workspace *= ways
	p.Derived *= ways
	return p
}

// enter makes f the inner stage's frame for one way; the caller restores it.
func (s *bidirectionalStage) enter(f *Frame, way int) {
	params, arrays := len(s.inner.Params), len(s.inner.Memory)
	own := f.Memory[ways*arrays:]
	if way == reverse {
		f.X = own[bidiX+reverse]
	}
	f.Y, f.DY = own[bidiY+way], own[bidiDY+way]
	if f.DX != nil {
		f.DX = own[bidiDX+way]
	}
	f.Memory = f.Memory[way*arrays : (way+1)*arrays]
	f.Params = f.Params[way*params : (way+1)*params]
	if f.Grads != nil {
		f.Grads = f.Grads[way*params : (way+1)*params]
	}
	f.Workspace = rows(f.Workspace, way, way+1, s.inner.Workspace)
	if f.Derived != nil {
		f.Derived = rows(f.Derived, way, way+1, s.inner.Derived)
	}
	f.Random.Stage ^= uint16(way) << 15 // noise of its own
}

func (s *bidirectionalStage) Forward(f *Frame) {
	outer := *f
	own := f.Memory[ways*len(s.inner.Memory):]
	s.reverseSteps(own[bidiX+reverse], f.X, f.N, s.in[1])
	for way := range ways {
		s.enter(f, way)
		s.inner.Forward(f)
		*f = outer
	}
	s.merge(f, own[bidiY+onward], own[bidiY+reverse])
}

// reverseSteps turns n sequences of the input's length round.
func (s *bidirectionalStage) reverseSteps(dst, src []float32, n, width int) {
	steps := s.in[0]
	for i := range n {
		for t := range steps {
			copy(rows(dst, i*steps+t, i*steps+t+1, width), rows(src, (i+1)*steps-1-t, (i+1)*steps-t, width))
		}
	}
}

// place returns which row of the merged output belongs to row r of the way back.
func (s *bidirectionalStage) place(r int) int {
	if !s.sequence {
		return r
	}
	block := s.inner.Output.Size() / s.width // rows of a sample
	step := block / s.in[0]                  // rows of a step
	sample, t, rest := r/block, r%block/step, r%step
	return sample*block + (s.in[0]-1-t)*step + rest
}

// merge writes the outputs of both ways beside each other.
func (s *bidirectionalStage) merge(f *Frame, onwards, back []float32) {
	for r := range len(onwards) / s.width {
		copy(f.Y[r*ways*s.width:], rows(onwards, r, r+1, s.width))
		copy(f.Y[(s.place(r)*ways+1)*s.width:], rows(back, r, r+1, s.width))
	}
}

// split undoes merge for the gradients.
func (s *bidirectionalStage) split(f *Frame, onwards, back []float32) {
	for r := range len(onwards) / s.width {
		copy(rows(onwards, r, r+1, s.width), f.DY[r*ways*s.width:])
		copy(rows(back, r, r+1, s.width), f.DY[(s.place(r)*ways+1)*s.width:])
	}
}

func (s *bidirectionalStage) Backward(f *Frame) {
	outer := *f
	own := f.Memory[ways*len(s.inner.Memory):]
	s.split(f, own[bidiDY+onward], own[bidiDY+reverse])
	for way := range ways {
		s.enter(f, way)
		s.inner.Backward(f)
		*f = outer
	}
	if f.DX != nil {
		s.reverseSteps(f.DX, own[bidiDX+reverse], f.N, s.in[1])
		kernel.Add(f.DX, f.DX, own[bidiDX+onward])
	}
}

// run calls do with the frame of the way that a parameter belongs to.
func (s *bidirectionalStage) way(param int) (way, inner int) {
	return param / len(s.inner.Params), param % len(s.inner.Params)
}

func (s *bidirectionalStage) Gradient(f *Frame, param, lo, hi int) {
	outer := *f
	way, inner := s.way(param)
	s.enter(f, way)
	s.inner.Stage.(Trainable).Gradient(f, inner, lo, hi)
	*f = outer
}

func (s *bidirectionalStage) Derive(f *Frame, param, lo, hi int) {
	d, ok := s.inner.Stage.(Deriver)
	if !ok {
		return
	}
	outer := *f
	way, inner := s.way(param)
	s.enter(f, way)
	d.Derive(f, inner, lo, hi)
	*f = outer
}
