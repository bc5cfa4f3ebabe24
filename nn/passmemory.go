package nn

import (
	"fmt"
	"math"
	"slices"
)

// CheckBatch reports a number of samples for which a pass for training needs more bytes
// than an int counts on this platform: 2³¹ on those of 32 bits. It does not ask whether the
// machine has as many.
func (n *Network) CheckBatch(samples int) error {
	const mostBytes, perValue = math.MaxInt, 2 * 4 // a value and its gradient, float32s
	values := int64(n.input.Size())
	copies := n.wire(true).copies
	for i := range n.ops {
		values += int64(n.ops[i].Output.Size()) * int64(copies[i+1])
		for _, size := range n.ops[i].Memory {
			values += int64(size) * int64(min(copies[i+1], copies[n.ops[i].inputs[0]]))
		}
	}
	if most := mostBytes / perValue / values; int64(samples) > most {
		return fmt.Errorf("%d samples of a network with %d values each need more memory than this platform can address, want at most %d samples",
			samples, values, most)
	}
	return nil
}

// allocateFrames prepares what stages need beside values, for so many workers.
func (p *Pass) allocateFrames(workers int) {
	stages := p.net.ops
	p.memory = make([][][]float32, len(stages))
	p.shared = make([][]float32, len(stages))
	p.derived = make([][]float32, len(stages))
	for i := range stages {
		for _, size := range stages[i].Memory {
			p.memory[i] = append(p.memory[i], make([]float32, p.capacity*size*p.rowsOf(i)))
			p.sampleValues += size
		}
		p.shared[i] = make([]float32, stages[i].Shared)
	}
	last := p.net.lastComputing()
	p.frames = make([][]Frame, workers)
	for w := range p.frames {
		p.frames[w] = make([]Frame, len(stages))
		for i := range stages {
			s, f := &stages[i], &p.frames[w][i]
			f.Workspace = make([]float32, s.Workspace)
			f.Memory = make([][]float32, len(s.Memory))
			f.Shared = p.shared[i]
			f.Repeated = p.repeated[i]
			f.Logits = p.logits && i == last
			if len(s.inputs) > 1 {
				f.Xs, f.DXs = make([][]float32, len(s.inputs)), make([][]float32, len(s.inputs))
			}
			for _, at := range s.params {
				f.Params = append(f.Params, p.net.arena[at.lo:at.hi:at.hi])
			}
			p.pointShared(f, i)
		}
	}
}

// allocateValues gives every stage of a training pass an output of its own.
func (p *Pass) allocateValues() {
	p.values = [][]float32{make([]float32, p.capacity*p.net.input.Size())}
	for i := range p.net.ops {
		s := &p.net.ops[i]
		if p.passive[i] {
			p.values = append(p.values, p.values[s.inputs[0]])
		} else {
			p.values = append(p.values, make([]float32, p.capacity*s.Output.Size()*p.copies[i+1]))
		}
	}
}

// shareValues gives the stages of an inference pass buffers that are free again when
// the last reader of what is in them is done: two for a chain, more where branches are
// live side by side. The input is the caller's own memory.
func (p *Pass) shareValues() {
	holder := p.holders()
	done := p.lastReaders(holder)
	place := make([]int, len(p.net.shapes)) // the buffer of each value that has one
	var sizes, free []int
	for i := range p.net.ops {
		if v := i + 1; holder[v] == v {
			place[v], sizes, free = takeBuffer(p.net.shapes[v].Size(), sizes, free)
		}
		for _, v := range done[i] {
			free = append(free, place[v])
		}
	}
	buffers := make([][]float32, len(sizes))
	for b, size := range sizes {
		p.sampleValues += size
		buffers[b] = make([]float32, p.capacity*size)
	}
	p.values = make([][]float32, len(holder))
	for v, h := range holder {
		if h == 0 {
			p.lent = append(p.lent, Value(v))
			continue
		}
		p.values[v] = buffers[place[h]]
	}
}

// SampleValues returns how many values an inference pass has memory for with each of
// its samples.
func (p *Pass) SampleValues() int { return p.sampleValues }

// holders returns for each value the one whose memory it is, which is another where
// the stage that makes it is passive.
func (p *Pass) holders() []int {
	holder := make([]int, len(p.net.shapes))
	for i := range p.net.ops {
		holder[i+1] = i + 1
		if p.passive[i] {
			holder[i+1] = holder[p.net.ops[i].inputs[0]]
		}
	}
	return holder
}

// lastReaders returns for each stage the values whose memory nobody needs behind it.
func (p *Pass) lastReaders(holder []int) [][]int {
	last := make([]int, len(holder))
	for v := range last {
		last[v] = v - 1 // what nobody reads is done with once it is written
	}
	for v, readers := range p.readers {
		for _, r := range readers {
			last[holder[v]] = max(last[holder[v]], r.stage)
		}
	}
	done := make([][]int, len(p.net.ops))
	for v := 1; v < len(last); v++ {
		if holder[v] == v && v != holder[p.net.output] {
			done[last[v]] = append(done[last[v]], v)
		}
	}
	return done
}

// takeBuffer returns a buffer for a value of a size: the smallest free one that is
// large enough, else the largest, which grows, else a new one.
func takeBuffer(size int, sizes, free []int) (buffer int, _, _ []int) {
	if len(free) == 0 {
		return len(sizes), append(sizes, size), free
	}
	better := func(a, b int) bool {
		if fitsA, fitsB := sizes[a] >= size, sizes[b] >= size; fitsA && fitsB {
			return sizes[a] < sizes[b]
		}
		return sizes[a] > sizes[b]
	}
	best := 0
	for i := range free {
		if better(free[i], free[best]) {
			best = i
		}
	}
	buffer = free[best]
	sizes[buffer] = max(sizes[buffer], size)
	return buffer, sizes, slices.Delete(free, best, best+1)
}

// allocateGradients prepares everything Backward writes: nothing in front of the
// first stage that learns.
func (p *Pass) allocateGradients() {
	stages := p.net.ops
	p.grads = make([]float32, len(p.net.weights))
	p.dvalues = make([][]float32, len(p.values))
	p.dinputs = make([][][]float32, len(stages))
	p.forks = make([][][]float32, len(p.values))
	for i := range stages {
		p.dinputs[i] = make([][]float32, len(stages[i].inputs))
	}
	p.allocateForks(0)
	for i := range stages {
		s := &stages[i]
		if !p.learns[i+1] {
			continue
		}
		if p.passive[i] {
			p.dvalues[i+1] = p.dinputs[i][0]
		} else {
			p.dvalues[i+1] = make([]float32, p.capacity*s.Output.Size()*p.copies[i+1])
		}
		p.allocateForks(i + 1)
		if s.DerivedAlways || slices.ContainsFunc(s.inputs, func(v Value) bool { return p.learns[v] }) {
			p.derived[i] = make([]float32, s.Derived)
		}
	}
	for w := range p.frames {
		for i := range stages {
			f := &p.frames[w][i]
			if len(p.derived[i]) > 0 {
				f.Derived = p.derived[i]
			}
			for _, at := range stages[i].params {
				f.Grads = append(f.Grads, p.grads[at.lo-p.net.from:at.hi-p.net.from:at.hi-p.net.from])
			}
			p.pointSharedGrads(f, i)
		}
	}
}

// allocateForks gives each reader of a value a gradient to write. The first writes
// that of the value itself, and those of the others, the loss among them, are added.
func (p *Pass) allocateForks(v int) {
	if !p.learns[v] {
		return
	}
	taken := false
	take := func() []float32 {
		if !taken {
			taken = true
			return p.dvalues[v]
		}
		more := make([]float32, len(p.dvalues[v]))
		p.forks[v] = append(p.forks[v], more)
		return more
	}
	for _, r := range p.readers[v] {
		p.dinputs[r.stage][r.input] = take()
	}
	if Value(v) == p.net.output {
		p.doutput = take()
	}
}
