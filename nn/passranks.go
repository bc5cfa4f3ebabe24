package nn

import (
	"hourglass/ranks"
)

// meeting is what a pass needs to run a batch together with those of other ranks: each runs
// some of the samples all the way, and before a stage reads all of the batch they exchange what it
// reads, so that every pass has it as the only one would.
type meeting struct {
	group    ranks.Group
	exchange *ranks.Exchange
	arrays   []ranks.Array // that are going to be exchanged
	holder   []int         // of each value the one whose memory it is
	whole    []bool        // values, by their holders, that all ranks have all of in the current run
	labelled bool          // and the labels
}

// join makes the pass one of a group's.
func (p *Pass) join(g ranks.Group) {
	if g == nil || g.Size() == 1 {
		return
	}
	p.group, p.exchange = g, ranks.NewExchange(g)
	p.holder, p.whole = p.holders(), make([]bool, len(p.values))
}

// Share returns which samples of the current run are a worker's: its share of this rank's.
func (p *Pass) Share(w Worker) (lo, hi int) {
	if p.group == nil {
		return w.Range(p.n, 1)
	}
	from, to := ranks.Share(p.group.Rank(), p.group.Size(), p.n, 1)
	lo, hi = w.Range(to-from, 1)
	return from + lo, from + hi
}

// rowShare returns which rows of a gradient a worker computes: its share of this rank's.
func (p *Pass) rowShare(w Worker, rows int) (lo, hi int) {
	from, to := ranks.Share(p.group.Rank(), p.group.Size(), rows, p.rowsTogether(rows))
	lo, hi = w.Range(to-from, rowAlign(to-from, w.Size()))
	return from + lo, from + hi
}

// rowsTogether returns where the rows of a gradient may be cut between ranks.
func (p *Pass) rowsTogether(rows int) int { return rowAlign(rows, p.group.Size()) }

// meet has one worker exchange something with other ranks, if there are any, while the others
// wait. All have passed a barrier just before. An exchange that fails, and one in which
// another rank says that it cannot go on, ends the work of all workers: they panic with the error.
func (p *Pass) meet(w Worker, exchange func() error) {
	if p.group == nil {
		return
	}
	if w.Number() == 0 {
		p.must(exchange())
	}
	w.Barrier()
}

func (p *Pass) must(err error) {
	if err != nil {
		panic(err)
	}
}

// What a stage reads of the whole batch, beside labels and memory that it shares.
type reads struct{ x, y, dy, memory bool }

// everything is what a stage reads that does not say.
var everything = reads{true, true, true, true}

// gradientReader is a stage that says what Gradient and AddGradient read.
type gradientReader interface{ gradientReads() reads }

// gatherReader is a stage that says what GatherBackward reads.
type gatherReader interface{ gatherReads() reads }

// gatherCoupled exchanges what a coupled stage gathers from. GatherForward finds its inputs and
// writes the rest, on every rank for all samples.
func (p *Pass) gatherCoupled(stage int, backward bool) error {
	place := uint64(2 * stage)
	wanted := reads{x: true}
	if backward {
		place++
		wanted = everything
		if s, ok := p.net.ops[stage].Stage.(gatherReader); ok {
			wanted = s.gatherReads()
		}
	}
	if err := p.exchange.Agree(p.place(place), nil); err != nil {
		return err
	}
	p.arrays = p.arrays[:0]
	p.add(stage, wanted)
	return p.exchange.Arrays(p.arrays...)
}

// place is where in the run the pass is, for ranks to compare.
func (p *Pass) place(within uint64) uint64 { return p.random.Step<<16 ^ uint64(p.n)<<40 ^ within }

// GatherBatch exchanges with other ranks, if there are any, what has become of all samples:
// what they add to the loss and have been measured to be, and what GradientShare reads, if
// gradients are to be computed, besides more arrays of the caller's. One worker calls it once all have
// returned from ForwardShare, or from BackwardShare, and before any goes on. The ranks must have
// agreed to.
func (p *Pass) GatherBatch(gradients bool, more ...ranks.Array) error {
	if p.group == nil {
		return nil
	}
	p.arrays = append(p.arrays[:0], more...)
	for _, terms := range [][]penaltyTerm{p.terms, p.measureTerms} {
		for i := range terms {
			p.arrays = append(p.arrays, ranks.Of(terms[i].values[:p.n*terms[i].copies], p.n))
		}
	}
	if gradients {
		p.addGradientReads()
	}
	return p.exchange.Arrays(p.arrays...)
}

// addGradientReads adds what gradients of weights are computed from.
func (p *Pass) addGradientReads() {
	if p.logWeights != nil {
		p.addRows(p.shares)
	}
	for i := range p.net.ops {
		o := &p.net.ops[i]
		if !o.trains() && !p.contributes[i] {
			continue
		}
		wanted := everything
		if s, ok := o.Stage.(gradientReader); ok {
			wanted = s.gradientReads()
		}
		p.add(i, wanted)
	}
}

// add adds what a stage reads to what is to be exchanged, unless all ranks have it already.
func (p *Pass) add(stage int, r reads) {
	o := &p.net.ops[stage]
	if r.x {
		for _, v := range o.inputs {
			p.addValue(v)
		}
	}
	if r.y {
		p.addValue(Value(stage + 1))
	}
	if r.dy && p.learns[stage+1] {
		p.addRows(p.dvalues[stage+1])
	}
	if r.memory {
		for _, memory := range p.memory[stage] {
			p.addRows(memory)
		}
	}
	for _, c := range o.commons {
		each := p.net.commons[c] * p.rowsOf(stage)
		p.arrays = append(p.arrays, ranks.Of(p.commons[c][:p.n*each], p.n))
	}
	if p.labels != nil && !p.labelled {
		p.labelled = true
		p.addRows(p.labels)
	}
}

// addValue adds a value.
func (p *Pass) addValue(v Value) {
	if h := p.holder[v]; !p.whole[h] {
		p.whole[h] = true
		p.addRows(p.values[h])
	}
}

// addRows adds memory for as many samples as the pass has room for.
func (p *Pass) addRows(memory []float32) {
	p.arrays = append(p.arrays, ranks.Of(memory[:len(memory)/p.capacity*p.n], p.n))
}

// gatherOutput exchanges the output.
func (p *Pass) gatherOutput() error {
	if p.group == nil {
		return nil
	}
	p.arrays = p.arrays[:0]
	p.addValue(p.net.output)
	return p.exchange.Arrays(p.arrays...)
}

// gatherGradients exchanges the rows of gradients that ranks have computed.
func (p *Pass) gatherGradients() error {
	if err := p.exchange.Agree(p.place(1<<15), nil); err != nil {
		return err
	}
	p.arrays = p.arrays[:0]
	for i := range p.net.ops {
		o := &p.net.ops[i]
		if !o.trains() {
			continue
		}
		for j, param := range o.Params {
			if !param.Frozen {
				rows, _ := param.rows()
				lo, hi := o.params[j].lo-p.net.from, o.params[j].hi-p.net.from
				p.arrays = append(p.arrays, ranks.Array{Bytes: ranks.Bytes(p.grads[lo:hi]), Items: rows, Align: p.rowsTogether(rows)})
			}
		}
	}
	return p.exchange.Arrays(p.arrays...)
}
