package nn

import (
	"fmt"

	"hourglass/internal/parallel"
	"hourglass/ranks"
)

// Pass is the scratch memory for running a network on up to a fixed number of
// samples: activations and, for training, gradients, masks and derived weights.
// Everything is allocated when the pass is made and reused by every run.
//
// A pass belongs to one goroutine at a time, which calls Forward and Backward,
// or to one team of workers, which call ForwardShare, BackwardShare and
// GradientShare together. Several passes, each of a process of its own, run a batch together
// if they have PassOptions.Ranks.
type Pass struct {
	net      *Network
	capacity int
	training bool // gradients are wanted
	logits   bool // stop before the final sigmoid
	wiring
	penalties
	measures
	runs []run // the stages in the order of their forward pass

	values  [][]float32   // what the stages write; values[0] is the network's input
	brief   []bool        // values of an inference pass that have memory for one step of a run only
	memory  [][][]float32 // [stage][array]: what stages keep from forward to backward
	shared  [][]float32   // what coupled stages gather from the batch
	derived [][]float32
	frames  [][]Frame // [worker][stage]
	commons [][]float32
	lent    []Value   // values that are the memory of the input
	labels  []float32 // of the samples; nil where no stage reads them
	results []Value   // values of an inference pass that are the memory of the output, unless lent
	result  []float32 // that memory, unless it is the caller's

	sampleValues int // see SampleValues

	logWeights []float64 // of a stage that Weighs, for every copy
	shares     []float32

	grads   []float32     // of the weights, in the order of the arena
	dvalues [][]float32   // of the values: the gradient of the loss with respect to each
	dinputs [][][]float32 // [stage][input]: what each reader of a value adds to its gradient
	forks   [][][]float32 // [value]: the gradients of the readers behind the first, to be added up
	doutput []float32     // what the loss writes

	n          int // samples in the current run
	random     Random
	noise      bool // the current run is a training step
	evaluating bool // or the evaluation of a loss
	solo       *parallel.Worker

	meeting // with the passes of other ranks
}

// Worker is one of a team that runs a pass together. All of them call the same
// methods of the pass in the same order.
type Worker interface {
	// Number tells the workers apart: 0 ≤ Number < Size.
	Number() int
	Size() int
	// Range returns the worker's share of n items: contiguous, in the order of the
	// workers, with inner boundaries at multiples of align.
	Range(n, align int) (lo, hi int)
	// Barrier returns once every worker has called it; what was written before is
	// seen behind it.
	Barrier()
}

var _ Worker = (*parallel.Worker)(nil)

// PassOptions says what a training pass is for.
type PassOptions struct {
	Workers int // how many workers will share the pass; 1 by default
	// Logits asks for the output before the final sigmoid, which the network must
	// have (Network.EndsInSigmoid).
	Logits bool
	// NoGradients leaves out the memory that Backward needs: the pass evaluates losses and
	// trains nothing.
	NoGradients bool
	// Ranks are those that run every batch together, each with a pass of its own that is made and
	// called like the others; nil for this process alone.
	Ranks ranks.Group
}

// NewPass returns a pass for inference, with memory for capacity samples. The
// network must be complete.
func (n *Network) NewPass(capacity int) *Pass {
	p := n.newPass(capacity, PassOptions{}, false)
	p.shareValues()
	return p
}

// NewTrainingPass returns a pass for training on batches of up to capacity
// samples. The network must be complete.
func (n *Network) NewTrainingPass(capacity int, o PassOptions) *Pass {
	p := n.newPass(capacity, o, true)
	p.allocateValues()
	p.allocateGradients()
	p.allocatePenalties()
	p.allocateMeasures()
	p.allocateCommons()
	p.join(o.Ranks)
	p.Refresh()
	return p
}

func (n *Network) newPass(capacity int, o PassOptions, training bool) *Pass {
	if err := n.Complete(); err != nil {
		panic(err)
	}
	p := &Pass{net: n, capacity: capacity, training: training, logits: o.Logits, wiring: n.wire(training),
		brief: make([]bool, len(n.shapes)), solo: parallel.NewTeam(1).Worker(0)}
	if n.Classes() > 0 {
		p.labels = make([]float32, capacity)
	}
	if training && n.Weighs() {
		p.logWeights, p.shares = make([]float64, capacity*p.Copies()), make([]float32, capacity*p.Copies())
	}
	if !training {
		p.rest()
	}
	if o.NoGradients {
		p.learns = make([]bool, len(n.shapes))
	}
	p.findRuns()
	p.allocateFrames(max(o.Workers, 1))
	return p
}

// Refresh recomputes what the pass derives from the weights. It is needed after
// the weights of a network were changed from outside the pass.
func (p *Pass) Refresh() {
	for i := range p.net.ops {
		for j, param := range p.net.ops[i].Params {
			rows, _ := param.rows()
			p.derive(0, i, j, 0, rows)
		}
	}
}

// Gradients returns the gradient of the loss with respect to the weights, in the
// order of the network's arena.
func (p *Pass) Gradients() []float32 { return p.grads }

// Forward runs the network on n samples of x and returns the n outputs, which
// stay valid until the next run. It is the inference of noise and dropout. A training pass
// returns Copies outputs of each sample.
func (p *Pass) Forward(x []float32, n int) []float32 {
	if !p.training {
		if p.result == nil {
			p.result = make([]float32, p.capacity*p.net.Output().Size())
		}
		return p.infer(p.result, x, n)
	}
	p.Start(n)
	return p.forward(x, n)
}

// ForwardInto is Forward with the outputs in the caller's memory, n of them, which must not
// overlap x. It needs a pass for inference.
func (p *Pass) ForwardInto(dst, x []float32, n int) {
	if p.training {
		panic("nn: ForwardInto needs a pass for inference")
	}
	if y := p.infer(dst, x, n); len(p.results) == 0 {
		copy(dst, y)
	}
}

// infer runs a pass for inference on the caller's memory, which it does not hold on to.
func (p *Pass) infer(dst, x []float32, n int) []float32 {
	p.Start(n)
	p.point(p.lent, x)
	p.point(p.results, dst)
	p.ForwardShare(p.solo, 0, n)
	y := p.OutputRows(0, n)
	p.point(p.lent, nil)
	p.point(p.results, nil)
	return y
}

// point gives values their memory.
func (p *Pass) point(values []Value, memory []float32) {
	for _, v := range values {
		p.values[v] = memory
	}
}

// ForwardTraining is Forward as in training, with noise and dropout drawn for
// seed and step. It needs a training pass.
func (p *Pass) ForwardTraining(x []float32, n int, seed, step uint64) []float32 {
	p.StartTraining(n, seed, step)
	return p.forward(x, n)
}

// forward runs a training pass on n samples of x.
func (p *Pass) forward(x []float32, n int) []float32 {
	copy(p.InputRows(0, n), x)
	lo, hi := p.Share(p.solo)
	p.ForwardShare(p.solo, lo, hi)
	p.must(p.gatherOutput())
	return p.OutputRows(0, n)
}

// Backward takes the gradient of a loss with respect to the output of the last
// Forward and computes Gradients.
func (p *Pass) Backward(dy []float32) {
	copy(p.OutputGradients(0, p.n), dy)
	lo, hi := p.Share(p.solo)
	p.BackwardShare(p.solo, lo, hi)
	p.must(p.GatherBatch(true))
	p.GradientShare(p.solo, nil)
}

// Start begins a run on n samples without noise or dropout. Like StartTraining
// it is called by one goroutine, before the team's workers share the run.
func (p *Pass) Start(n int) {
	if n > p.capacity {
		panic(fmt.Sprintf("nn: a pass for %d samples was given %d", p.capacity, n))
	}
	p.n, p.noise, p.evaluating = n, false, false
	clear(p.whole)
	p.labelled = false
}

// StartEvaluation begins the evaluation of a loss on n samples, of which the first is
// the source's sample number first: noise and dropout rest, codes are drawn (see
// Frame.Evaluating) with random numbers that are a function of seed and sample.
func (p *Pass) StartEvaluation(n, first int, seed uint64) {
	p.Start(n)
	p.evaluating = true
	p.random = Random{Seed: seed, Step: evaluationStep, First: first}
}

// evaluationStep stands where training steps have their number, of which none is as
// large.
const evaluationStep = 1<<48 - 1

// StartTraining begins a training step on n samples, with random numbers that
// are a function of seed and step.
func (p *Pass) StartTraining(n int, seed, step uint64) {
	p.Start(n)
	p.noise = true
	p.random = Random{Seed: seed, Step: step}
}

// Uniform sets dst to numbers in [0, 1) for a sample of the current run, which are drawn as those
// of stages are and are none of theirs.
func (p *Pass) Uniform(dst []float32, sample int) {
	random := p.random
	random.Stage = maxStages
	random.Uniform(dst, sample)
}

// Samples returns the number of samples in the current run.
func (p *Pass) Samples() int { return p.n }

// InputRows returns the memory of input samples lo to hi, to be filled.
func (p *Pass) InputRows(lo, hi int) []float32 { return rows(p.values[0], lo, hi, p.net.input.Size()) }

// LabelRows returns the memory of the labels of samples lo to hi, to be filled with whole
// numbers from 0 to below Network.Classes. It is nil where no layer asks for labels.
func (p *Pass) LabelRows(lo, hi int) []float32 { return rows(p.labels, lo, hi, 1) }

// OutputRows returns output samples lo to hi, Copies of each.
func (p *Pass) OutputRows(lo, hi int) []float32 {
	return rows(p.values[p.net.output], lo, hi, p.net.Output().Size()*p.Copies())
}

// OutputGradients returns the memory of the gradient of the loss with respect to
// output samples lo to hi, to be filled before BackwardShare. It is nil for a
// network without parameters.
func (p *Pass) OutputGradients(lo, hi int) []float32 {
	return rows(p.doutput, lo, hi, p.net.Output().Size()*p.Copies())
}

// rows returns samples lo to hi of data, or nil of nil.
func rows(data []float32, lo, hi, size int) []float32 {
	if data == nil {
		return nil
	}
	return data[lo*size : hi*size : hi*size]
}
