package nn

import (
	"fmt"
	"slices"

	"hourglass/internal/parallel"
)

// Pass is the scratch memory for running a network on up to a fixed number of
// samples: activations and, for training, gradients, masks and derived weights.
// Everything is allocated when the pass is made and reused by every run.
//
// A pass belongs to one goroutine at a time, which calls Forward and Backward,
// or to one team of workers, which call ForwardShare, BackwardShare and
// GradientShare together.
type Pass struct {
	net      *Network
	capacity int
	training bool   // gradients are wanted
	logits   bool   // stop before the final sigmoid
	first    int    // the first stage that learns; nothing in front needs a gradient
	passive  []bool // stages that have nothing to compute
	repeated []bool // stages that read one row for many
	runs     []run  // the stages in the order of their forward pass

	values  [][]float32   // values[i] is the input of stage i, values[i+1] its output
	slopes  [][]float32   // the gradients of the loss with respect to values
	memory  [][][]float32 // [stage][array]: what stages keep from forward to backward
	shared  [][]float32   // what coupled stages gather from the batch
	grads   []float32     // gradients of the weights, in the order of the arena
	derived [][]float32
	frames  [][]Frame // [worker][stage]

	n      int // samples in the current run
	random Random
	noise  bool // the current run is a training step
	solo   *parallel.Worker
}

// PassOptions says what a training pass is for.
type PassOptions struct {
	Workers int // how many workers will share the pass; 1 by default
	// Logits asks for the output before the final sigmoid, which the network must
	// have (Network.EndsInSigmoid).
	Logits bool
}

// NewPass returns a pass for inference, with memory for capacity samples.
func (n *Network) NewPass(capacity int) *Pass {
	p := n.newPass(capacity, PassOptions{})
	p.findRuns(capacity)
	p.shareValues()
	return p
}

// NewTrainingPass returns a pass for training on batches of up to capacity
// samples.
func (n *Network) NewTrainingPass(capacity int, o PassOptions) *Pass {
	p := n.newPass(capacity, o)
	p.training = true
	p.findRuns(soloSamples)
	p.allocateValues()
	p.allocateGradients()
	p.Refresh()
	return p
}

func (n *Network) newPass(capacity int, o PassOptions) *Pass {
	p := &Pass{net: n, capacity: capacity, logits: o.Logits, first: n.firstTrainable(),
		solo: parallel.NewTeam(1).Worker(0)}
	p.findPassive()
	p.memory = make([][][]float32, len(n.stages))
	p.shared = make([][]float32, len(n.stages))
	p.derived = make([][]float32, len(n.stages))
	for i, s := range n.stages {
		for _, size := range s.Memory {
			p.memory[i] = append(p.memory[i], make([]float32, capacity*size))
		}
		p.shared[i] = make([]float32, s.Shared)
	}
	last := n.lastComputing()
	p.frames = make([][]Frame, max(o.Workers, 1))
	for w := range p.frames {
		p.frames[w] = make([]Frame, len(n.stages))
		for i, s := range n.stages {
			f := &p.frames[w][i]
			f.Workspace = make([]float32, s.Workspace)
			f.Memory = make([][]float32, len(s.Memory))
			f.Shared = p.shared[i]
			f.Repeated = p.repeated[i]
			f.Logits = o.Logits && i == last
			for _, at := range s.params {
				f.Params = append(f.Params, n.weights[at.lo:at.hi:at.hi])
			}
		}
	}
	return p
}

// findPassive finds the stages that need not run: views, and a repetition in front
// of a stage that can do without.
func (p *Pass) findPassive() {
	stages := p.net.stages
	p.passive, p.repeated = make([]bool, len(stages)), make([]bool, len(stages))
	for i, s := range stages {
		p.passive[i] = s.View
		if !s.Repeat || i+1 == len(stages) {
			continue
		}
		if r, ok := stages[i+1].Stage.(RepeatReader); ok && r.ReadsRepeats() {
			p.passive[i], p.repeated[i+1] = true, true
		}
	}
}

// run is a stretch of stages that samples go through step samples at a time.
type run struct{ lo, hi, step int }

// soloSamples is how many samples go through Solo stages together. With the lecture's
// images their values fit into a second-level cache.
const soloSamples = 2

// findRuns cuts the stages into stretches of Solo stages, which take few samples at a
// time, and single others: a coupled stage waits for the whole batch, so it can be in no
// stretch. In a pass for inference few must be all: there the samples of one stage lie
// where those of another stage were.
func (p *Pass) findRuns(few int) {
	stages := p.net.stages
	alone := func(i int) bool { return stages[i].Solo && stages[i].coupled() == nil || p.passive[i] }
	for i := 0; i < len(stages); {
		r := run{i, i + 1, max(p.capacity, 1)}
		if alone(i) {
			r.step = max(few, 1)
			for r.hi < len(stages) && alone(r.hi) {
				r.hi++
			}
		}
		p.runs = append(p.runs, r)
		i = r.hi
	}
}

// firstTrainable returns the first stage with parameters.
func (n *Network) firstTrainable() int {
	for i, s := range n.stages {
		if len(s.Params) > 0 {
			return i
		}
	}
	return len(n.stages)
}

// lastComputing returns the last stage that is not a view, or -1.
func (n *Network) lastComputing() int {
	for i := len(n.stages) - 1; i >= 0; i-- {
		if !n.stages[i].View {
			return i
		}
	}
	return -1
}

// EndsInSigmoid reports whether the network's output is that of an element-wise
// sigmoid, so that a pass can be asked for logits.
func (n *Network) EndsInSigmoid() bool {
	last := n.lastComputing()
	if last < 0 {
		return false
	}
	s, ok := n.stages[last].Stage.(SigmoidEnding)
	return ok && s.EndsInSigmoid()
}

// shareValues gives an inference pass two buffers, which the stages write in
// turn; the input is the caller's own memory.
func (p *Pass) shareValues() {
	widest := 0
	for _, s := range p.net.stages {
		widest = max(widest, s.Output.Size())
	}
	buffers := [2][]float32{make([]float32, p.capacity*widest), make([]float32, p.capacity*widest)}
	p.values = make([][]float32, len(p.net.stages)+1)
	turn := 0
	for i := range p.net.stages {
		if p.passive[i] {
			p.values[i+1] = p.values[i]
			continue
		}
		p.values[i+1] = buffers[turn]
		turn = 1 - turn
	}
}

// allocateValues gives every stage of a training pass an output of its own.
func (p *Pass) allocateValues() {
	p.values = [][]float32{make([]float32, p.capacity*p.net.input.Size())}
	for i, s := range p.net.stages {
		if p.passive[i] {
			p.values = append(p.values, p.values[i])
		} else {
			p.values = append(p.values, make([]float32, p.capacity*s.Output.Size()))
		}
	}
}

// allocateGradients prepares everything Backward writes: nothing in front of the
// first stage that learns.
func (p *Pass) allocateGradients() {
	stages := p.net.stages
	p.grads = make([]float32, len(p.net.weights))
	p.slopes = make([][]float32, len(p.values))
	for i := p.first; i < len(stages); i++ {
		if p.passive[i] {
			p.slopes[i+1] = p.slopes[i]
		} else {
			p.slopes[i+1] = make([]float32, p.capacity*stages[i].Output.Size())
		}
		if i > p.first || stages[i].DerivedAlways {
			p.derived[i] = make([]float32, stages[i].Derived)
		}
	}
	for w := range p.frames {
		for i := range stages {
			f := &p.frames[w][i]
			if len(p.derived[i]) > 0 {
				f.Derived = p.derived[i]
			}
			for _, at := range stages[i].params {
				f.Grads = append(f.Grads, p.grads[at.lo:at.hi:at.hi])
			}
		}
	}
}

// Refresh recomputes what the pass derives from the weights. It is needed after
// the weights of a network were changed from outside the pass.
func (p *Pass) Refresh() {
	for i, s := range p.net.stages {
		for j, param := range s.Params {
			rows, _ := param.rows()
			p.derive(0, i, j, 0, rows)
		}
	}
}

// derive updates a stage's derived weights after some rows of a parameter changed.
func (p *Pass) derive(worker, stage, param, lo, hi int) {
	f := &p.frames[worker][stage]
	if d, ok := p.net.stages[stage].Stage.(Deriver); ok && f.Derived != nil {
		d.Derive(f, param, lo, hi)
	}
}

// Gradients returns the gradient of the loss with respect to the weights, in the
// order of the network's arena.
func (p *Pass) Gradients() []float32 { return p.grads }

// Forward runs the network on n samples of x and returns the n outputs, which
// stay valid until the next run. It is the inference of noise and dropout.
func (p *Pass) Forward(x []float32, n int) []float32 {
	if p.training {
		p.Start(n)
		copy(p.InputRows(0, n), x)
	} else {
		if n > p.capacity {
			panic(fmt.Sprintf("nn: a pass for %d samples was given %d", p.capacity, n))
		}
		p.n = n
		p.lend(x)
	}
	p.ForwardShare(p.solo, 0, n)
	return p.OutputRows(0, n)
}

// ForwardTraining is Forward as in training, with noise and dropout drawn for
// seed and step. It needs a training pass.
func (p *Pass) ForwardTraining(x []float32, n int, seed, step uint64) []float32 {
	p.StartTraining(n, seed, step)
	copy(p.InputRows(0, n), x)
	p.ForwardShare(p.solo, 0, n)
	return p.OutputRows(0, n)
}

// lend makes the caller's memory the input of an inference pass.
func (p *Pass) lend(x []float32) {
	p.values[0] = x
	for i := range p.net.stages {
		if !p.passive[i] {
			return
		}
		p.values[i+1] = x
	}
}

// Backward takes the gradient of a loss with respect to the output of the last
// Forward and computes Gradients.
func (p *Pass) Backward(dy []float32) {
	copy(p.OutputSlopes(0, p.n), dy)
	p.BackwardShare(p.solo, 0, p.n)
	p.GradientShare(p.solo, nil)
}

// Start begins a run on n samples without noise or dropout. Like StartTraining
// it is called by one goroutine, before the team's workers share the run.
func (p *Pass) Start(n int) {
	if n > p.capacity {
		panic(fmt.Sprintf("nn: a pass for %d samples was given %d", p.capacity, n))
	}
	p.n, p.noise = n, false
}

// StartTraining begins a training step on n samples, with random numbers that
// are a function of seed and step.
func (p *Pass) StartTraining(n int, seed, step uint64) {
	p.Start(n)
	p.noise = true
	p.random = Random{Seed: seed, Step: step}
}

// Samples returns the number of samples in the current run.
func (p *Pass) Samples() int { return p.n }

// InputRows returns the memory of input samples lo to hi, to be filled.
func (p *Pass) InputRows(lo, hi int) []float32 { return rows(p.values[0], lo, hi, p.net.input.Size()) }

// OutputRows returns output samples lo to hi.
func (p *Pass) OutputRows(lo, hi int) []float32 {
	return rows(p.values[len(p.values)-1], lo, hi, p.net.Output().Size())
}

// OutputSlopes returns the memory of the gradient of the loss with respect to
// output samples lo to hi, to be filled before BackwardShare. It is nil for a
// network without parameters.
func (p *Pass) OutputSlopes(lo, hi int) []float32 {
	return rows(p.slopes[len(p.slopes)-1], lo, hi, p.net.Output().Size())
}

// rows returns samples lo to hi of data, or nil of nil.
func rows(data []float32, lo, hi, size int) []float32 {
	if data == nil {
		return nil
	}
	return data[lo*size : hi*size : hi*size]
}

// ForwardShare runs samples lo to hi forward. Every worker of the team calls it
// with a share of its own.
func (p *Pass) ForwardShare(w *parallel.Worker, lo, hi int) {
	for _, r := range p.runs {
		if c := p.net.stages[r.lo].coupled(); c != nil && p.noise {
			p.gather(w, c, r.lo, false)
		}
		for at := lo; at < hi; at += r.step {
			for i := r.lo; i < r.hi; i++ {
				if !p.passive[i] {
					p.net.stages[i].Forward(p.frame(w.Index, i, at, min(at+r.step, hi)))
				}
			}
		}
	}
}

// BackwardShare computes the gradients of samples lo to hi with respect to the
// values between the stages, from OutputSlopes. Every worker calls it, with the share
// it had in ForwardShare.
func (p *Pass) BackwardShare(w *parallel.Worker, lo, hi int) {
	for _, r := range slices.Backward(p.runs) {
		if r.hi <= p.first {
			return
		}
		if c := p.net.stages[r.lo].coupled(); c != nil {
			p.gather(w, c, r.lo, true)
		}
		for at := lo; at < hi; at += r.step {
			for i := r.hi - 1; i >= max(r.lo, p.first); i-- {
				if !p.passive[i] {
					p.net.stages[i].Backward(p.frame(w.Index, i, at, min(at+r.step, hi)))
				}
			}
		}
	}
}

// gather lets the worker gather its channels of a coupled stage from the whole
// batch. It returns when all workers have.
func (p *Pass) gather(w *parallel.Worker, c Coupled, stage int, backward bool) {
	w.Barrier()
	const align = 16 // a cache line
	if lo, hi := w.Range(c.Channels(), align); lo < hi {
		f := p.frame(w.Index, stage, 0, p.n)
		if backward {
			c.GatherBackward(f, lo, hi)
		} else {
			c.GatherForward(f, lo, hi)
		}
	}
	w.Barrier()
}

// gradientBlock is how many values of a gradient are computed before they are
// handed on: few enough to be still in the first-level cache.
const gradientBlock = 6 << 10

// GradientShare computes the worker's share of the weights' gradients, summed
// over the whole batch, after all workers have returned from BackwardShare. Once
// some of them are ready it calls update, unless nil, with their place in the
// arena; update may change the weights there.
func (p *Pass) GradientShare(w *parallel.Worker, update func(lo, hi int)) {
	for i := p.first; i < len(p.net.stages); i++ {
		s := p.net.stages[i]
		if len(s.Params) == 0 {
			continue
		}
		f := p.frame(w.Index, i, 0, p.n)
		for j := range s.Params {
			p.gradient(w, f, i, j, update)
		}
	}
}

// gradient computes the worker's rows of one parameter's gradient.
func (p *Pass) gradient(w *parallel.Worker, f *Frame, stage, param int, update func(lo, hi int)) {
	s := &p.net.stages[stage]
	rows, length := s.Params[param].rows()
	align := rowAlign(rows, w.Size())
	lo, hi := w.Range(rows, align)
	if s.Params[param].Frozen {
		if p.noise && update != nil {
			s.Stage.(Follower).Follow(f, param, lo, hi)
		}
		return
	}
	block := max(gradientBlock/length/align*align, align)
	for ; lo < hi; lo += block {
		end := min(lo+block, hi)
		s.Stage.(Trainable).Gradient(f, param, lo, end)
		if update == nil {
			continue
		}
		start := s.params[param].lo
		update(start+lo*length, start+end*length)
		p.derive(w.Index, stage, param, lo, end)
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

// frame points the worker's frame of a stage at samples lo to hi.
func (p *Pass) frame(worker, stage, lo, hi int) *Frame {
	s := &p.net.stages[stage]
	in, out := s.in.Size(), s.Output.Size()
	if p.repeated[stage] {
		in /= s.in[0]
	}
	f := &p.frames[worker][stage]
	f.N, f.Batch = hi-lo, p.n
	f.X, f.Y = rows(p.values[stage], lo, hi, in), rows(p.values[stage+1], lo, hi, out)
	for i, size := range s.Memory {
		f.Memory[i] = rows(p.memory[stage][i], lo, hi, size)
	}
	f.Training = p.noise
	f.Random = p.random
	f.Random.Stage, f.Random.First = uint16(stage), lo
	if p.training {
		f.DX, f.DY = rows(p.slopes[stage], lo, hi, in), rows(p.slopes[stage+1], lo, hi, out)
	}
	return f
}
