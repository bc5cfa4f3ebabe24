package c99

import (
	"fmt"

	"hourglass/exchange"
	"hourglass/nn"
)

// merge writes how values become one, and gives the memory back of those that are done with.
// Widths are those of their last axes, which are concatenated.
func (p *program) merge(b exchange.Block, how nn.Merge, values []buffer, widths []int, done []bool) buffer {
	y := p.take(b.Out.Size())
	switch how {
	case nn.Concatenate:
		p.need("beside")
		total, at := b.Out[len(b.Out)-1], 0
		for i, v := range values {
			p.line("beside(%s + %d, %s, %d, %d, %d);", y.name, at, v.name, b.Out.Size()/total, total, widths[i])
			at += widths[i]
		}
	default:
		helper := map[nn.Merge]string{nn.Add: "add", nn.Multiply: "multiply"}[how]
		p.need(helper)
		sum := values[0]
		for _, v := range values[1:] {
			p.line("%s(%s, %s, %s, %d);", helper, y.name, sum.name, v.name, b.Out.Size())
			sum = y
		}
	}
	for i, v := range values {
		if done[i] {
			p.release(v)
		}
	}
	return y
}

func (p *program) parallel(b exchange.Block, l nn.Parallel, v buffer) (buffer, error) {
	var made []buffer
	var widths []int
	var done []bool
	for i, layers := range l.Branches {
		p.keep(v)
		name := fmt.Sprintf("branches.%d", i)
		y, err := p.list(b, name, layers, v)
		if err != nil {
			return v, err
		}
		out := b.In
		if blocks, err := b.List(name, layers, b.In); err != nil {
			return v, err
		} else if len(blocks) > 0 {
			out = blocks[len(blocks)-1].Out
		}
		made, widths, done = append(made, y), append(widths, out[len(out)-1]), append(done, true)
	}
	p.release(v)
	return p.merge(b, l.Merge, made, widths, done), nil
}

// tap keeps memory for good: who else reads it is not known yet. An argument is copied, as
// what is tapped in the encoder may be read in the decoder.
func (p *program) tap(b exchange.Block, l nn.Tap, v buffer) buffer {
	if v.own == 0 {
		v = p.own(b, v)
	}
	p.keep(v)
	p.taps[l.Name] = v
	return v
}

// timeDistributed writes a layer in a loop over the steps.
func (p *program) timeDistributed(b exchange.Block, v buffer, l nn.TimeDistributed) (buffer, error) {
	if _, ok := l.Layer.(nn.Dense); ok { // which treats steps alike anyway
		return p.inner(b, l.Layer, v)
	}
	inner, err := b.Inner(l.Layer, b.In[1:], "")
	if err != nil {
		return v, err
	}
	p.count++
	y, step := p.take(b.Out.Size()), fmt.Sprintf("step%d", p.count)
	p.line("for (int %s = 0; %s < %d; %s++) {", step, step, b.In[0], step)
	made, err := p.layer(inner, buffer{name: fmt.Sprintf("(%s + %s * %d)", v.name, step, inner.In.Size())})
	if err != nil {
		return v, err
	}
	p.line("memcpy(%s + %s * %d, %s, %d * sizeof(float));", y.name, step, inner.Out.Size(), made.name, inner.Out.Size())
	p.line("}")
	p.release(made)
	p.release(v)
	return y, nil
}
