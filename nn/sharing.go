package nn

import (
	"fmt"

	"hourglass/tensor"
)

// Sharer is a stage that uses parameters of a stage in front of it. Row by row their
// gradient is the owner's and then, in the order of the stages, what each sharer adds: the
// worker that owns the rows asks for it before it updates them.
type Sharer interface {
	Stage
	// AddGradient adds rows lo to hi of what the stage contributes to the gradient of a
	// shared parameter, summed over all samples of the frame, to SharedGrads[shared]. The
	// rules of Trainable.Gradient hold.
	AddGradient(f *Frame, shared, lo, hi int)
}

// SharedArray is a parameter of a stage that others may share. It means something only
// to the Builder it is from.
type SharedArray struct {
	Shape tensor.Shape
	at    span       // of the arena
	of    boundStage // whose it is
}

// sharerOf is a stage that shares a parameter, as its shared-th.
type sharerOf struct{ stage, shared int }

// Array returns a parameter of a named layer in front, by its name within that: "kernel".
func (b *Builder) Array(layer, param string) (SharedArray, error) {
	found := false
	for i := range b.program.ops {
		o := &b.program.ops[i]
		if o.name != layer {
			continue
		}
		found = true
		for j, p := range o.Params {
			if o.arrayName(p.Name) == param {
				return SharedArray{p.Shape, o.params[j], o.boundStage}, nil
			}
		}
	}
	if found {
		return SharedArray{}, fmt.Errorf("the layer %q has no %s", layer, param)
	}
	return SharedArray{}, fmt.Errorf("no layer with weights in front of it is called %q", layer)
}

// AddSharing is AddStage for a stage that shares arrays, which it finds in
// Frame.SharedParams.
func (b *Builder) AddSharing(s Sharer, arrays []SharedArray, in ...Value) (Value, error) {
	out, err := b.AddStage(s, in...)
	if err != nil {
		return 0, err
	}
	o := &b.program.ops[out-1]
	for _, a := range arrays {
		o.shares = append(o.shares, a.at)
	}
	return out, nil
}

// owner returns which stage and parameter a stretch of the arena is of, if they are in
// this part of the network.
func (n *Network) owner(at span) (stage, param int, ok bool) {
	for i := range n.ops {
		for j, p := range n.ops[i].params {
			if p == at {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// findSharers notes who contributes to the gradients of whose parameters.
func (w *wiring) findSharers(n *Network) {
	w.sharers = make([][][]sharerOf, len(n.ops))
	for i := range n.ops {
		w.sharers[i] = make([][]sharerOf, len(n.ops[i].params))
	}
	for i := range n.ops {
		if n.ops[i].frozen {
			continue
		}
		for k, at := range n.ops[i].shares {
			if stage, param, ok := n.owner(at); ok && n.ops[stage].trains() {
				w.sharers[stage][param] = append(w.sharers[stage][param], sharerOf{i, k})
				w.contributes[i] = true
			}
		}
	}
}

// pointShared points the frames of a stage at the parameters it shares.
func (p *Pass) pointShared(f *Frame, stage int) {
	for _, at := range p.net.ops[stage].shares {
		f.SharedParams = append(f.SharedParams, p.net.arena[at.lo:at.hi:at.hi])
	}
}

// pointSharedGrads does so for their gradients, nil for those of stages that are not in
// this part of the network.
func (p *Pass) pointSharedGrads(f *Frame, stage int) {
	for _, at := range p.net.ops[stage].shares {
		var grads []float32
		if _, _, ok := p.net.owner(at); ok {
			grads = p.grads[at.lo-p.net.from : at.hi-p.net.from]
		}
		f.SharedGrads = append(f.SharedGrads, grads)
	}
}

// addShared adds what sharers contribute to rows lo to hi of a parameter's gradient.
func (p *Pass) addShared(w Worker, stage, param, lo, hi int) {
	for _, s := range p.sharers[stage][param] {
		p.net.ops[s.stage].Stage.(Sharer).AddGradient(p.frame(w.Number(), s.stage, 0, p.n), s.shared, lo, hi)
	}
}
