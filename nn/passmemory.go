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
	values := n.TrainingValues()
	if most := mostBytes / perValue / values; int64(samples) > most {
		return fmt.Errorf("%d samples of a network with %d values each need more memory than this platform can address, want at most %d samples",
			samples, values, most)
	}
	return nil
}

// TrainingValues returns how many values a pass for training holds with each sample, as many
// gradients not counted.
func (n *Network) TrainingValues() int64 {
	values := int64(n.input.Size())
	copies := n.wire(true).copies
	for i := range n.ops {
		values += int64(n.ops[i].Output.Size()) * int64(copies[i+1])
		for _, size := range n.ops[i].Memory {
			values += int64(size) * int64(min(copies[i+1], copies[n.ops[i].inputs[0]]))
		}
	}
	return values
}

// allocateFrames prepares what stages need beside values, for so many workers.
func (p *Pass) allocateFrames(workers int) {
	stages := p.net.ops
	p.memory = make([][][]float32, len(stages))
	p.shared = make([][]float32, len(stages))
	p.derived = make([][]float32, len(stages))
	for _, r := range p.runs {
		for i := r.lo; i < r.hi; i++ {
			p.allocateMemory(i, r)
			p.shared[i] = make([]float32, stages[i].Shared)
		}
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

// allocateMemory gives a stage what it keeps of samples: in inference, where it keeps nothing
// for later, of those that it computes together.
func (p *Pass) allocateMemory(stage int, r run) {
	samples := p.capacity
	if !p.training {
		samples = min(r.step, samples)
	}
	for _, size := range p.net.ops[stage].Memory {
		p.memory[stage] = append(p.memory[stage], make([]float32, samples*size*p.rowsOf(stage)))
		if !r.solo {
			p.sampleValues += size
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
// live side by side. What only the stages of one run read has memory for the samples of one
// step of it. The input is the caller's own memory, and so is, perhaps, the output.
func (p *Pass) shareValues() {
	holder := p.holders()
	done := p.lastReaders(holder)
	p.findBrief(holder)
	place := make([]int, len(holder)) // the buffer of each value that has one
	buffers := map[bool]*bufferPool{false: {}, true: {}}
	for _, r := range p.runs {
		var behind []int // lasting values that nobody needs behind the run
		for i := r.lo; i < r.hi; i++ {
			if v := i + 1; p.lasts(v, holder) {
				place[v] = buffers[false].take(p.net.shapes[v].Size())
			}
		}
		for i := r.lo; i < r.hi; i++ {
			if v := i + 1; holder[v] == v && p.brief[v] {
				place[v] = buffers[true].take(p.net.shapes[v].Size() * r.step)
			}
			for _, v := range done[i] {
				if p.brief[v] {
					buffers[true].giveBack(place[v])
				} else {
					behind = append(behind, place[v])
				}
			}
		}
		buffers[false].giveBack(behind...)
	}
	for _, size := range buffers[false].sizes {
		p.sampleValues += size
	}
	p.sampleValues += p.net.Output().Size()
	memory := map[bool][][]float32{false: buffers[false].allocate(p.capacity), true: buffers[true].allocate(1)}
	p.values = make([][]float32, len(holder))
	for v, h := range holder {
		switch h {
		case 0:
			p.lent = append(p.lent, Value(v))
		case holder[p.net.output]:
			p.results = append(p.results, Value(v))
		default:
			p.values[v] = memory[p.brief[v]][place[h]]
		}
	}
}

// lasts tells whether a value has a buffer with room for all samples.
func (p *Pass) lasts(v int, holder []int) bool {
	return holder[v] == v && !p.brief[v] && v != holder[p.net.output]
}

// findBrief finds the values that nobody reads outside of the run that makes them.
func (p *Pass) findBrief(holder []int) {
	runOf := make([]int, len(p.net.ops))
	for k, r := range p.runs {
		for i := r.lo; i < r.hi; i++ {
			runOf[i] = k
		}
	}
	for v := 1; v < len(holder); v++ {
		p.brief[v] = holder[v] != 0 && holder[v] != holder[p.net.output]
	}
	for v := 1; v < len(holder); v++ {
		h := holder[v]
		if h == 0 {
			continue
		}
		p.brief[h] = p.brief[h] && runOf[v-1] == runOf[h-1]
		for _, r := range p.readers[v] {
			p.brief[h] = p.brief[h] && runOf[r.stage] == runOf[h-1]
		}
	}
	for v := 1; v < len(holder); v++ {
		p.brief[v] = holder[v] != 0 && p.brief[holder[v]]
	}
}

// SampleValues returns how many values an inference pass has memory for with each of
// its samples. Among them are those of the output, which the caller may have lent, and, for
// stages that take few samples at a time, those of one sample where they are most.
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

// bufferPool is a set of buffers, by number.
type bufferPool struct{ sizes, free []int }

// take returns a buffer for a value of a size: the smallest free one that is large enough,
// else the largest, which grows, else a new one.
func (b *bufferPool) take(size int) (buffer int) {
	if len(b.free) == 0 {
		b.sizes = append(b.sizes, size)
		return len(b.sizes) - 1
	}
	better := func(x, y int) bool {
		if fitsX, fitsY := b.sizes[x] >= size, b.sizes[y] >= size; fitsX && fitsY {
			return b.sizes[x] < b.sizes[y]
		}
		return b.sizes[x] > b.sizes[y]
	}
	best := 0
	for i := range b.free {
		if better(b.free[i], b.free[best]) {
			best = i
		}
	}
	buffer = b.free[best]
	b.sizes[buffer] = max(b.sizes[buffer], size)
	b.free = slices.Delete(b.free, best, best+1)
	return buffer
}

func (b *bufferPool) giveBack(buffers ...int) { b.free = append(b.free, buffers...) }

// allocate returns memory for so many values in each buffer.
func (b *bufferPool) allocate(samples int) [][]float32 {
	var memory [][]float32
	for _, size := range b.sizes {
		memory = append(memory, make([]float32, samples*size))
	}
	return memory
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
	if p.doutput == nil { // where nothing learns
		p.doutput = make([]float32, len(p.values[p.net.output]))
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
