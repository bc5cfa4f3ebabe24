package nn

import (
	"slices"

	"hourglass/internal/kernel"
)

// ForwardShare runs samples lo to hi forward. Every worker of the team calls it
// with a share of its own.
func (p *Pass) ForwardShare(w Worker, lo, hi int) {
	p.penalizeWeights(w)
	for _, r := range p.runs {
		if c := p.gathers(r.lo); c != nil && (p.noise || p.training && p.net.ops[r.lo].GatherAlways) {
			p.gather(w, c, r.lo, false)
		}
		for at := lo; at < hi; at += r.step {
			for i := r.lo; i < r.hi; i++ {
				if !p.passive[i] {
					p.net.ops[i].Forward(p.frame(w.Number(), i, at, min(at+r.step, hi)))
				}
			}
		}
	}
}

// BackwardShare computes the gradients of samples lo to hi with respect to the
// values between the stages, from OutputGradients. Every worker calls it, with the
// share it had in ForwardShare.
func (p *Pass) BackwardShare(w Worker, lo, hi int) {
	for _, r := range slices.Backward(p.runs) {
		if c := p.gathers(r.lo); c != nil && p.learns[r.lo+1] {
			p.addForks(r.lo+1, lo, hi)
			p.gather(w, c, r.lo, true)
			if lo < hi {
				p.net.ops[r.lo].Backward(p.frame(w.Number(), r.lo, lo, hi))
			}
			continue
		}
		for at := lo; at < hi; at += r.step {
			end := min(at+r.step, hi)
			for i := r.hi - 1; i >= r.lo; i-- {
				if !p.learns[i+1] {
					continue
				}
				p.addForks(i+1, at, end)
				if !p.passive[i] {
					p.net.ops[i].Backward(p.frame(w.Number(), i, at, end))
				}
			}
		}
	}
}

// addForks completes the gradient of a value that several stages read: theirs are
// added in the order of the stages.
func (p *Pass) addForks(v, lo, hi int) {
	if len(p.forks[v]) == 0 {
		return
	}
	size := p.net.shapes[v].Size() * p.copies[v]
	sum := rows(p.dvalues[v], lo, hi, size)
	for _, more := range p.forks[v] {
		kernel.Add(sum, sum, rows(more, lo, hi, size))
	}
}

// gathers returns a stage as one that needs the whole batch, or nil.
func (p *Pass) gathers(stage int) Coupled {
	if p.rests[stage] {
		return nil
	}
	return p.net.ops[stage].coupled()
}

// gather lets the worker gather its channels of a coupled stage from the whole
// batch. It returns when all workers have.
func (p *Pass) gather(w Worker, c Coupled, stage int, backward bool) {
	w.Barrier()
	p.meet(w, func() error { return p.gatherCoupled(stage, backward) })
	const align = 16 // a cache line
	if lo, hi := w.Range(c.Channels(), align); lo < hi {
		f := p.frame(w.Number(), stage, 0, p.n)
		if backward {
			c.GatherBackward(f, lo, hi)
		} else {
			c.GatherForward(f, lo, hi)
		}
	}
	w.Barrier()
}

// How many values of a gradient are computed before they are handed on: few enough to be
// still in the first-level cache, or, where what they are computed of has manyValues, half a
// megabyte, and had better not be read so often, in the second-level cache.
const (
	gradientBlock      = 6 << 10
	largeGradientBlock = 32 << 10
	manyValues         = 1 << 17
)

// GradientShare computes the worker's share of the weights' gradients, summed
// over the whole batch, after all workers have returned from BackwardShare. Once
// some of them are ready it calls update, unless nil, with their place among the
// network's weights; update may change the weights there.
//
// Of several ranks each computes some rows of them, and update is called once all are there.
func (p *Pass) GradientShare(w Worker, update func(lo, hi int)) {
	if p.group != nil {
		p.eachParam(w, true, nil)
		w.Barrier()
		p.meet(w, p.gatherGradients)
		if update != nil {
			p.UpdateShare(w, update)
		}
		return
	}
	p.eachParam(w, true, update)
}

// UpdateShare calls update as GradientShare does, for gradients that all workers have
// computed before by GradientShare without one: for what must know all of them first.
func (p *Pass) UpdateShare(w Worker, update func(lo, hi int)) { p.eachParam(w, false, update) }

// eachParam goes through the worker's rows of all parameters.
func (p *Pass) eachParam(w Worker, compute bool, update func(lo, hi int)) {
	for i := range p.net.ops {
		s := &p.net.ops[i]
		if !s.trains() {
			continue
		}
		f := p.frame(w.Number(), i, 0, p.n)
		for j := range s.Params {
			p.gradient(w, f, i, j, compute, update)
		}
	}
}

// gradient computes the worker's rows of one parameter's gradient, unless that has been
// done, and hands them on.
func (p *Pass) gradient(w Worker, f *Frame, stage, param int, compute bool, update func(lo, hi int)) {
	s := &p.net.ops[stage]
	rows, length := s.Params[param].rows()
	align := rowAlign(rows, w.Size())
	lo, hi := w.Range(rows, align)
	if compute && p.group != nil {
		lo, hi = p.rowShare(w, rows)
	}
	if s.Params[param].Frozen {
		if p.noise && update != nil {
			s.Stage.(Follower).Follow(f, param, lo, hi)
		}
		return
	}
	block := gradientBlock
	if p.n*s.sampleValues() >= manyValues {
		block = largeGradientBlock
	}
	block = max(block/length/align*align, align)
	for ; lo < hi; lo += block {
		end := min(lo+block, hi)
		if compute {
			s.Stage.(Trainable).Gradient(f, param, lo, end)
			p.addShared(w, stage, param, lo, end)
		}
		if compute && s.regularized() && s.rule.covers(s.Params[param]) {
			p.penalizeGradient(s.rule, f.Grads[param][lo*length:end*length], f.Params[param][lo*length:end*length])
		}
		if update == nil {
			continue
		}
		start := s.params[param].lo - p.net.from
		update(start+lo*length, start+end*length)
		p.derive(w.Number(), stage, param, lo, end)
	}
}

// rowAlign returns where the rows of a gradient may be cut: rows go to the matrix
// product eight at a time, but a few rows had better be shared out evenly.
func rowAlign(rows, workers int) int {
	const tile = 8
	if rows < 2*tile*workers {
		return 1
	}
	return tile
}

// derive updates a stage's derived weights after some rows of a parameter changed.
func (p *Pass) derive(worker, stage, param, lo, hi int) {
	f := &p.frames[worker][stage]
	if d, ok := p.net.ops[stage].Stage.(Deriver); ok && f.Derived != nil {
		d.Derive(f, param, lo, hi)
	}
}

// rowsOf returns how many samples a stage sees for each of the pass: as many as there are
// copies in front of it and behind it.
func (p *Pass) rowsOf(stage int) int {
	return min(p.copies[p.net.ops[stage].inputs[0]], p.copies[stage+1])
}

// frame points the worker's frame of a stage at samples lo to hi.
func (p *Pass) frame(worker, stage, lo, hi int) *Frame {
	s := &p.net.ops[stage]
	in, out := s.in.Size(), s.Output.Size()
	if p.repeated[stage] {
		in /= s.in[0]
	}
	before, behind, each := p.copies[s.inputs[0]], p.copies[stage+1], p.rowsOf(stage)
	in, out = in*before, out*behind
	f := &p.frames[worker][stage]
	f.N, f.Batch, f.Copies = (hi-lo)*each, p.n*each, max(before, behind)/each
	f.X, f.Y = p.valueRows(s.inputs[0], lo, hi, in), p.valueRows(Value(stage+1), lo, hi, out)
	for i, size := range s.Memory {
		if p.training {
			f.Memory[i] = rows(p.memory[stage][i], lo, hi, size*each)
		} else {
			f.Memory[i] = rows(p.memory[stage][i], 0, hi-lo, size)
		}
	}
	f.Labels = rows(p.labels, lo, hi, 1)
	f.Training = p.noise && !p.rests[stage]
	f.Random = p.random
	f.Evaluating = p.evaluating
	f.Random.Stage = uint16(stage)
	f.Random.First += lo
	f.Random.First *= each
	if p.training {
		f.DX, f.DY = rows(p.dinputs[stage][0], lo, hi, in), rows(p.dvalues[stage+1], lo, hi, out)
	}
	if p.logWeights != nil && stage == p.net.weighs {
		f.LogWeights, f.Shares = p.logWeights[lo*behind:hi*behind], p.shares[lo*behind:hi*behind]
	}
	if len(f.Xs) > 0 {
		p.pointInputs(f, stage, lo, hi)
	}
	if len(f.Penalties) > 0 {
		p.pointPenalties(f, lo*each, hi*each)
	}
	for i := range f.Measures {
		f.Measures[i] = f.measured[i].values[lo*each : hi*each]
	}
	if len(f.Common) > 0 {
		p.pointCommons(f, stage, lo*each, hi*each)
	}
	return f
}

// valueRows returns samples lo to hi of a value, each of so many numbers.
func (p *Pass) valueRows(v Value, lo, hi, size int) []float32 {
	if p.brief[v] {
		lo, hi = 0, hi-lo
	}
	return rows(p.values[v], lo, hi, size)
}

// pointInputs points the frame of a stage with several inputs at samples lo to hi of
// each.
func (p *Pass) pointInputs(f *Frame, stage, lo, hi int) {
	for i, v := range p.net.ops[stage].inputs {
		size := p.net.shapes[v].Size() * p.copies[v]
		f.Xs[i] = p.valueRows(v, lo, hi, size)
		if p.training {
			f.DXs[i] = rows(p.dinputs[stage][i], lo, hi, size)
		}
	}
}
