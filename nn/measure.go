package nn

import "slices"

// Measurer is a stage that measures something of its samples that is told in the history, as
// metrics are, but is no part of the loss. In a training pass it writes one number for each
// sample of the frame to Frame.Measures, in Forward.
type Measurer interface {
	Stage
	// Measures names what the stage measures: "perplexity". Of several stages that
	// measure something of one name the mean is told.
	Measures() []string
}

// measures is what a pass keeps of the measures of its network.
type measures struct {
	measured     []string
	measureTerms []penaltyTerm
}

// Measures lists the names of what stages measure, in the order of the stages.
func (n *Network) Measures() []string {
	var names []string
	for i := range n.ops {
		if s, ok := n.ops[i].Stage.(Measurer); ok {
			for _, name := range s.Measures() {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// allocateMeasures prepares a training pass for the measures of its network.
func (p *Pass) allocateMeasures() {
	p.measured = p.net.Measures()
	for i := range p.net.ops {
		s, ok := p.net.ops[i].Stage.(Measurer)
		if !ok {
			continue
		}
		names := s.Measures()
		for _, name := range names {
			p.measureTerms = append(p.measureTerms, penaltyTerm{slices.Index(p.measured, name), p.rowsOf(i), make([]float64, p.capacity*p.rowsOf(i))})
		}
		for w := range p.frames {
			f := &p.frames[w][i]
			f.Measures = make([][]float64, len(names))
			f.measured = p.measureTerms[len(p.measureTerms)-len(names):]
		}
	}
}

// Measure returns a measure, by its place in Network.Measures, of one sample of the last
// run. It is to be called once all workers have returned from ForwardShare.
func (p *Pass) Measure(measure, sample int) float64 {
	var sum float64
	stages := 0
	for i := range p.measureTerms {
		if p.measureTerms[i].name == measure {
			sum += p.measureTerms[i].of(sample)
			stages++
		}
	}
	return sum / float64(stages)
}
