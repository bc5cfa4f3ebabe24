package train

import (
	"fmt"
	"slices"
)

// journal lets a run go back to where it was before its last step.
//
// Weights are changed block by block while their gradients are in the cache, and the
// change cannot be undone: when some are found to become NaN, or an optimiser of the
// user's panics, others are changed already. To copy them all before every step would
// cost a tenth of it. But a step can be repeated, to the bit. So they are copied once in
// a while only, and where a step fails in the middle of its changes the run goes back to
// the copy and takes the steps since then again, but for the last.
type journal struct {
	weights []float32 // as they were when the copy was made
	slots   [][]float32
	moments moments

	steps   []repeatable // taken since then
	batches []int        // their samples, one step after another
}

// repeatable is all that decides a step, and the loss that it came to.
type repeatable struct {
	samples int
	reduced float64 // the learning rates
	epochs  float64
	loss    float64
}

// journalSteps is after how many steps the weights are copied again: the copy is some
// half of a step's work for small networks.
const journalSteps = 128

// newJournal returns a journal for steps of up to batch samples.
func (l *loop) newJournal(weights []float32, batch int) *journal {
	j := &journal{
		weights: make([]float32, len(weights)),
		steps:   make([]repeatable, 0, journalSteps),
		batches: make([]int, 0, max(batch, min(journalSteps*batch, 1<<16))),
	}
	for _, slot := range l.state.Slots {
		j.slots = append(j.slots, make([]float32, len(slot)))
	}
	j.copy(weights, l)
	return j
}

// copy makes this the state to go back to.
func (j *journal) copy(weights []float32, l *loop) {
	copy(j.weights, weights)
	for i, slot := range l.state.Slots {
		copy(j.slots[i], slot)
	}
	l.moments(&j.moments)
	j.steps, j.batches = j.steps[:0], j.batches[:0]
}

// restore puts the copy back.
func (j *journal) restore(weights []float32, l *loop) {
	copy(weights, j.weights)
	for i, slot := range j.slots {
		copy(l.state.Slots[i], slot)
	}
	l.setMoments(j.moments)
}

// full reports whether there is no room for another step.
func (j *journal) full(samples int) bool {
	return len(j.steps) == cap(j.steps) || len(j.batches)+samples > cap(j.batches)
}

// note records a step that was taken.
func (j *journal) note(batch []int, reduced, epochs, loss float64) {
	j.steps = append(j.steps, repeatable{len(batch), reduced, epochs, loss})
	j.batches = append(j.batches, batch...)
}

// goBack puts weights and optimiser where they were before the step that failed.
func (l *loop) goBack() error {
	weights := l.trainer.Network.Weights()
	j := l.journal
	j.restore(weights, l)
	l.pass.Refresh()
	rest := slices.Clone(j.batches)
	for i, s := range slices.Clone(j.steps) {
		l.setRates(s.reduced, s.epochs)
		loss, err := l.attempt(rest[:s.samples])
		if rest = rest[s.samples:]; err == nil && loss != s.loss {
			err = fmt.Errorf("the loss was %v and is %v now; does the data source give other samples when it is read again?", s.loss, loss)
		}
		if err != nil {
			j.restore(weights, l)
			return fmt.Errorf("the weights are those of %d steps before: repeating step %d of them: %w", len(j.steps), i+1, err)
		}
	}
	return nil
}
