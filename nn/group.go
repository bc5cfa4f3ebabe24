package nn

import "slices"

// GroupSpan is a stretch of a network's weights that belong to a group: they can have an
// optimiser of their own.
type GroupSpan struct {
	Name   string
	Lo, Hi int // in Network.Weights
}

// Group returns a builder of parts of the same composite whose weights are a group of that
// name, as those of an adversary are.
func (b *Builder) Group(name string) *Builder {
	grouped := *b
	grouped.group = name
	return &grouped
}

// Groups lists the groups that weights belong to, in the order of the arena; most belong to
// none.
func (n *Network) Groups() []GroupSpan {
	var spans []GroupSpan
	for i := range n.ops {
		o := &n.ops[i]
		if o.group == "" || len(o.params) == 0 {
			continue
		}
		lo, hi := o.params[0].lo-n.from, o.params[len(o.params)-1].hi-n.from
		if last := len(spans) - 1; last >= 0 && spans[last].Name == o.group && spans[last].Hi == lo {
			spans[last].Hi = hi
			continue
		}
		spans = append(spans, GroupSpan{o.group, lo, hi})
	}
	return spans
}

// Common is memory for each sample that stages of one composite share.
type Common int

// Memory returns memory of so many values a sample for stages of the composite to tell each
// other something that is no value of the network: what one finds in Backward, for instance, and
// another needs there. Remember gives it to a stage.
func (b *Builder) Memory(values int) Common {
	b.program.commons = append(b.program.commons, values)
	return Common(len(b.program.commons) - 1)
}

// Remember gives the stage that makes a value memory, which it finds in Frame.Common, one
// after another.
func (b *Builder) Remember(made Value, memory ...Common) {
	o := &b.program.ops[made-1]
	o.commons = append(o.commons, memory...)
}

// Resting returns a builder of parts of the same composite that only training passes run.
// Nothing that inference needs may read what they make, but for stages that do without then
// and hand their first input on.
func (b *Builder) Resting() *Builder {
	resting := *b
	resting.resting = true
	return &resting
}

// rest makes an inference pass leave out what only training passes run.
func (p *Pass) rest() {
	for i := range p.net.ops {
		p.passive[i] = p.passive[i] || p.net.ops[i].resting
	}
}

// allocateCommons makes room for what stages share.
func (p *Pass) allocateCommons() {
	p.commons = make([][]float32, len(p.net.commons))
	for i, size := range p.net.commons {
		p.commons[i] = make([]float32, p.capacity*size*slices.Max(p.copies))
	}
	for w := range p.frames {
		for i := range p.net.ops {
			p.frames[w][i].Common = make([][]float32, len(p.net.ops[i].commons))
		}
	}
}

// pointCommons points a frame's memory at samples lo to hi.
func (p *Pass) pointCommons(f *Frame, stage, lo, hi int) {
	for i, c := range p.net.ops[stage].commons {
		f.Common[i] = rows(p.commons[c], lo, hi, p.net.commons[c])
	}
}
