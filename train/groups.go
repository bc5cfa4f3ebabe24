package train

import (
	"fmt"
	"maps"
	"slices"

	"hourglass/optim"
)

// groupState is what the optimiser of a group of weights remembers. It shares the slots of
// the run's optimiser: a weight has only one of the two.
type groupState struct {
	name  string
	spans []span
	state *optim.State
}

// span is a stretch of the network's weights.
type span struct{ lo, hi int }

// validateGroups reports an optimiser for a group that the network does not have.
func (t *Trainer) validateGroups() error {
	var have []string
	for _, g := range t.Network.Groups() {
		have = append(have, g.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Optimizers)) {
		if !slices.Contains(have, name) {
			return fmt.Errorf("train: an optimizer is for the weights of %q, the network has the groups %q", name, slices.Compact(have))
		}
		if t.Optimizers[name] == nil {
			return fmt.Errorf("train: the optimizer of %q is nil", name)
		}
		if err := t.Optimizers[name].Validate(); err != nil {
			return fmt.Errorf("%w (of %q)", err, name)
		}
	}
	return nil
}

// newStates returns what the optimisers remember before the first step: that of most
// weights, and those of groups, in the order of their names.
func (t *Trainer) newStates() (state *optim.State, groups []groupState) {
	n := len(t.Network.Weights())
	state = optim.NewState(t.Optimizer, n)
	for _, name := range slices.Sorted(maps.Keys(t.Optimizers)) {
		o := t.Optimizers[name]
		for len(state.Slots) < o.Slots() {
			state.Slots = append(state.Slots, make([]float32, n))
		}
		groups = append(groups, groupState{name: name, state: optim.NewState(o, 0)})
	}
	for i := range groups {
		g := &groups[i]
		g.state.Slots = state.Slots[:t.Optimizers[g.name].Slots()]
		for _, s := range t.Network.Groups() {
			if s.Name == g.name {
				g.spans = append(g.spans, span{s.Lo, s.Hi})
			}
		}
	}
	return state, groups
}

// stateOf returns the state that weight at is updated by.
func (l *loop) stateOf(at int) *optim.State {
	for i := range l.groups {
		for _, s := range l.groups[i].spans {
			if s.lo <= at && at < s.hi {
				return l.groups[i].state
			}
		}
	}
	return l.state
}

// advance begins the next step.
func (l *loop) advance() {
	l.state.Advance()
	for i := range l.groups {
		l.groups[i].state.Advance()
	}
}

// setRates sets the learning rates of the next step: the schedule's, and what an observer
// has reduced them to, hold for all.
func (l *loop) setRates(reduced, epochs float64) {
	l.reduced, l.epochs = reduced, epochs
	l.state.Rate = l.trainer.rate(l.trainer.Optimizer, reduced, epochs)
	for i := range l.groups {
		l.groups[i].state.Rate = l.trainer.rate(l.groups[i].state.Optimizer, reduced, epochs)
	}
}

// moments are what optimisers remember beside their slots.
type moments struct {
	step    int
	momenta []float64 // of the run's optimiser, then of the groups'
}

// moments puts what the optimisers remember into m.
func (l *loop) moments(m *moments) {
	m.step, m.momenta = l.state.Step, append(m.momenta[:0], l.state.Momentum)
	for i := range l.groups {
		m.momenta = append(m.momenta, l.groups[i].state.Momentum)
	}
}

// momenta returns what the groups' optimisers remember beside their slots.
func (l *loop) momenta() []float64 {
	var m moments
	l.moments(&m)
	return m.momenta[1:]
}

// setMoments puts it back.
func (l *loop) setMoments(m moments) {
	l.state.Step, l.state.Momentum = m.step, m.momenta[0]
	for i := range l.groups {
		l.groups[i].state.Step, l.groups[i].state.Momentum = m.step, m.momenta[1+i]
	}
}
