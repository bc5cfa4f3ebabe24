package nn

import (
	"math"
	"slices"
)

// Penalizer is a stage that adds to the loss. In a training pass it writes what it adds
// for each sample of the frame to Frame.Penalties, in Forward, and adds the gradient
// to DX, in Backward; both times the value it has by itself times Frame.Factors, and
// the gradient divided by Frame.Batch besides, since the loss adds the mean over the
// batch. What it adds for the batch as a whole it writes for every sample alike.
type Penalizer interface {
	Stage
	// Penalties names what the stage adds: "kl". Penalties of one name in a network are
	// reported as their sum.
	Penalties() []string
}

// WeightPenalty is the name of what [Regularized] adds to the loss.
const WeightPenalty = "weights"

// penalties is what a pass keeps of the penalties of its network.
type penalties struct {
	names       []string
	factors     []float64 // by name
	terms       []penaltyTerm
	weightTerms []weightTerm
}

// penaltyTerm is one penalty of one stage.
type penaltyTerm struct {
	name   int
	copies int       // of each sample that add to the loss, which is the mean over them
	values []float64 // of each copy
}

// weightTerm is the penalty of one array of weights: the sums of its rows.
type weightTerm struct {
	stage, param int
	rows         []float64
}

// Penalties lists the names of what stages add to the loss, in the order of the stages.
func (n *Network) Penalties() []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for i := range n.ops {
		if s, ok := n.ops[i].Stage.(Penalizer); ok {
			for _, name := range s.Penalties() {
				add(name)
			}
		}
		if n.ops[i].regularized() {
			add(WeightPenalty)
		}
	}
	return names
}

// regularized reports whether weights of the stage add to the loss.
func (o *op) regularized() bool { return o.rule != (weightRule{}) && o.trains() }

// weightRule is a penalty on weights: l1·Σ|w| + l2·Σw².
type weightRule struct{ l1, l2 float64 }

// covers reports whether the rule is for a parameter, which must be a matrix or more:
// biases and the like are left out.
func (r weightRule) covers(p Param) bool { return len(p.Shape) > 1 && !p.Frozen }

// allocatePenalties prepares a training pass for the penalties of its network.
func (p *Pass) allocatePenalties() {
	p.names = p.net.Penalties()
	p.factors = make([]float64, len(p.names))
	for i := range p.factors {
		p.factors[i] = 1
	}
	for i := range p.net.ops {
		o := &p.net.ops[i]
		if s, ok := o.Stage.(Penalizer); ok {
			for _, name := range s.Penalties() {
				p.terms = append(p.terms, penaltyTerm{slices.Index(p.names, name), p.rowsOf(i), make([]float64, p.capacity*p.rowsOf(i))})
			}
			for w := range p.frames {
				f := &p.frames[w][i]
				f.Penalties = make([][]float64, len(s.Penalties()))
				f.Factors = make([]float64, len(s.Penalties()))
				f.terms = p.terms[len(p.terms)-len(f.Penalties):]
			}
		}
		if !o.regularized() {
			continue
		}
		for j, param := range o.Params {
			if o.rule.covers(param) {
				rows, _ := param.rows()
				p.weightTerms = append(p.weightTerms, weightTerm{i, j, make([]float64, rows)})
			}
		}
	}
}

// SetPenaltyFactor sets what a penalty, by its place in Network.Penalties, is multiplied
// by from the next run on; 1 at first.
func (p *Pass) SetPenaltyFactor(penalty int, factor float64) { p.factors[penalty] = factor }

// Penalty returns what a penalty, by its place in Network.Penalties, adds to the loss
// for one sample of the last run. It is to be called once all workers have returned
// from ForwardShare.
func (p *Pass) Penalty(penalty, sample int) float64 {
	var sum float64
	for i := range p.terms {
		if p.terms[i].name == penalty {
			sum += p.terms[i].of(sample)
		}
	}
	if p.names[penalty] == WeightPenalty {
		for i := range p.weightTerms {
			for _, row := range p.weightTerms[i].rows {
				sum += float64(p.factors[penalty] * row)
			}
		}
	}
	return sum
}

// of returns the penalty of a sample.
func (t *penaltyTerm) of(sample int) (mean float64) {
	for _, v := range t.values[sample*t.copies : (sample+1)*t.copies] {
		mean += v
	}
	return mean / float64(t.copies)
}

// penalizeWeights computes the worker's rows of the penalties of weights.
func (p *Pass) penalizeWeights(w Worker) {
	for i := range p.weightTerms {
		t := &p.weightTerms[i]
		o := &p.net.ops[t.stage]
		_, length := o.Params[t.param].rows()
		weights := p.net.arena[o.params[t.param].lo:o.params[t.param].hi]
		lo, hi := w.Range(len(t.rows), 8)
		for r := lo; r < hi; r++ {
			t.rows[r] = o.rule.sum(rows(weights, r, r+1, length))
		}
	}
}

// sum returns l1·Σ|w| + l2·Σw² in the order of the weights.
func (r weightRule) sum(weights []float32) float64 {
	var sizes, squares float64
	for _, w := range weights {
		sizes += math.Abs(float64(w))
		squares += float64(float64(w) * float64(w))
	}
	return float64(r.l1*sizes) + float64(r.l2*squares)
}

// penalizeGradient adds the gradient of the penalty of some weights to theirs.
func (p *Pass) penalizeGradient(r weightRule, grads, weights []float32) {
	factor := p.factors[slices.Index(p.names, WeightPenalty)]
	l1, l2 := float32(factor*r.l1), float32(2*factor*r.l2)
	for i, w := range weights {
		grads[i] += float32(l2 * w)
		switch {
		case w > 0:
			grads[i] += l1
		case w < 0:
			grads[i] -= l1
		}
	}
}

// pointPenalties points a frame's penalties at samples lo to hi.
func (p *Pass) pointPenalties(f *Frame, lo, hi int) {
	for i := range f.Penalties {
		f.Penalties[i] = f.terms[i].values[lo:hi]
		f.Factors[i] = p.factors[f.terms[i].name]
	}
}
