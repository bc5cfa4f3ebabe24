package nn

import "slices"

// wiring is what a pass has to know of the way values take through a network.
type wiring struct {
	passive  []bool // stages whose output is the memory of their input
	repeated []bool // stages that read one row for many
	readers  [][]reader
	learns   []bool // values that need a gradient: what made them depends on weights that are trained
	rests    []bool // stages that do in training what they do in inference
	copies   []int  // of a sample that there are of each value; 1 in inference

	sharers     [][][]sharerOf // [stage][parameter]: who else uses it
	contributes []bool         // stages that share a parameter which is trained
}

// reader is one input of a stage.
type reader struct{ stage, input int }

// wire finds the wiring of a network in a pass for training or for inference.
func (n *Network) wire(training bool) wiring {
	w := wiring{
		passive:  make([]bool, len(n.ops)),
		repeated: make([]bool, len(n.ops)),
		readers:  make([][]reader, len(n.shapes)),
		learns:   make([]bool, len(n.shapes)),
		rests:    make([]bool, len(n.ops)),
		copies:   slices.Repeat([]int{1}, len(n.shapes)),

		contributes: make([]bool, len(n.ops)),
	}
	w.findSharers(n)
	for i := range n.ops {
		o := &n.ops[i]
		for k, v := range o.inputs {
			w.readers[v] = append(w.readers[v], reader{i, k})
			w.learns[i+1] = w.learns[i+1] || w.learns[v]
		}
		w.learns[i+1] = w.learns[i+1] || o.trains() || w.contributes[i]
		w.rests[i] = o.frozen && o.follows()
		if training {
			w.copies[i+1] = o.copiesBehind(w.copies[o.inputs[0]])
		}
	}
	for i := range n.ops {
		w.passive[i] = n.ops[i].View
		if next, ok := w.repeatReader(n, i); ok {
			w.passive[i], w.repeated[next] = true, true
		}
	}
	return w
}

// repeatReader returns the only reader of a repetition, if it can do without.
func (w *wiring) repeatReader(n *Network, stage int) (reader int, ok bool) {
	v := Value(stage + 1)
	if !n.ops[stage].Repeat || len(w.readers[v]) != 1 || v == n.output {
		return 0, false
	}
	next := w.readers[v][0]
	r, ok := n.ops[next.stage].Stage.(RepeatReader)
	return next.stage, ok && next.input == 0 && r.ReadsRepeats()
}

// lastComputing returns the stage that computes the output's values, which views may
// have given another shape, or -1.
func (n *Network) lastComputing() int {
	v := n.output
	for v > 0 && n.ops[v-1].View {
		v = n.ops[v-1].inputs[0]
	}
	return int(v) - 1
}

// EndsInSigmoid reports whether the network's output is that of an element-wise
// sigmoid, so that a pass can be asked for logits.
func (n *Network) EndsInSigmoid() bool {
	last := n.lastComputing()
	if last < 0 || n.readElsewhere() {
		return false
	}
	s, ok := n.ops[last].Stage.(SigmoidEnding)
	return ok && s.EndsInSigmoid()
}

// readElsewhere reports whether the output's values are read by a stage too, which
// must find them behind the sigmoid.
func (n *Network) readElsewhere() bool {
	views := map[Value]bool{n.output: true}
	for v := n.output; v > 0 && n.ops[v-1].View; {
		v = n.ops[v-1].inputs[0]
		views[v] = true
	}
	for i := range n.ops {
		for _, v := range n.ops[i].inputs {
			if views[v] && !(n.ops[i].View && views[Value(i+1)]) {
				return true
			}
		}
	}
	return false
}

// run is a stretch of stages that samples go through step samples at a time.
type run struct {
	lo, hi, step int
	solo         bool // Solo stages: step is few
}

// soloSamples is how many samples of a training pass go through Solo stages together. With
// the lecture's images their values fit into a second-level cache.
const soloSamples = 2

// soloValues is how many values the samples that go through Solo stages together in
// inference have at a stage, unless one sample has more: half a second-level cache.
const soloValues = 64 << 10

// findRuns cuts the stages into stretches of Solo stages, which take few samples at a
// time, and single others: a coupled stage waits for the whole batch, so it can be in no
// stretch.
func (p *Pass) findRuns() {
	stages := p.net.ops
	alone := func(i int) bool { return stages[i].Solo && stages[i].coupled() == nil || p.passive[i] }
	for i := 0; i < len(stages); {
		r := run{lo: i, hi: i + 1, step: max(p.capacity, 1)}
		if alone(i) {
			for r.hi < len(stages) && alone(r.hi) {
				r.hi++
			}
			r.solo, r.step = true, p.soloStep(r)
		}
		p.runs = append(p.runs, r)
		i = r.hi
	}
}

// soloStep returns how many samples go through a stretch of Solo stages together. It counts
// the values of one among those of a sample.
func (p *Pass) soloStep(r run) int {
	if p.training {
		return soloSamples
	}
	most := 0
	for i := r.lo; i < r.hi; i++ {
		if !p.passive[i] {
			most = max(most, p.net.ops[i].sampleValues())
		}
	}
	p.sampleValues += most
	return max(1, min(soloValues/max(most, 1), p.capacity))
}

// sampleValues returns how many values a stage reads, writes and keeps of a sample.
func (o *op) sampleValues() int {
	values := o.in.Size() + o.Output.Size()
	for _, size := range o.Memory {
		values += size
	}
	return values
}
