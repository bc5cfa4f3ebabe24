package train

import (
	"errors"
	"time"

	"hourglass/internal/parallel"
	"hourglass/optim"
)

// Event is a moment of a training run that observers are told of.
type Event int

// The events of a run: Started, then for every epoch Stepped after each of its
// steps and EpochEnded after its validation, and Ended once, however it ends.
const (
	Started Event = iota
	Stepped
	EpochEnded
	Ended
)

// Observer follows a training run. It is called between steps on the goroutine
// that trains, and should be quick. An error ends the run; ErrStop ends it in good
// order.
//
// It may look at everything in the run and change two things: the weights
// (Run.Network.Weights) and what the optimiser remembers of them (Run.State.Slots).
// After that it must call [Run.WeightsChanged].
type Observer interface {
	Observe(e Event, r *Run) error
}

// ErrStop is what an observer returns to end a run without failing it.
var ErrStop = errors.New("train: stopped by an observer")

// Run is the state of a training run as observers see it. They must not keep it
// beyond the call, nor change it but for what [Observer] says.
type Run struct {
	*Trainer
	State   *optim.State
	History *History // the epochs completed

	Samples int // in the training data
	Steps   int // in an epoch
	Epoch   int // the current one, from 1
	Step    int // of the current epoch, from 1

	BatchLoss float64 // of the step just taken, the mean over the batch's entries
	Mean      Scores  // means over the current epoch's steps so far

	loop         *loop
	rateFactor   float64 // of the learning rate, beside the schedule's
	chosenFactor float64 // of the learning rate, by which RateChanges has changed the optimiser's
	settings     Settings
	totals       Totals
	began        time.Time // when the current epoch would have begun without interruption
}

// Gradients returns the gradients of the step just taken, laid out as the weights are
// (Network.Weights). They hold until the next step.
func (r *Run) Gradients() []float32 { return r.loop.pass.Gradients() }

// Astray reports that a step has failed that could not be undone, because the data source gives
// other samples when it is read again or because other ranks are lost: the weights are those of an
// earlier step than the run's numbers say, and nothing can go on from them.
func (r *Run) Astray() bool { return r.loop.astray }

// reduced returns what observers multiply the learning rate of the next step by.
func (r *Run) reduced() float64 { return r.rateFactor * r.chosenFactor }

// WeightsChanged tells the trainer that an observer has changed weights, or what the
// optimiser remembers. The run goes on with the bits of one that started from them.
func (r *Run) WeightsChanged() {
	r.loop.pass.Refresh() // the transposed and reversed copies for the way back
	r.loop.journal.copy(r.Network.Weights(), r.loop)
}

// notify tells all observers of an event, even if one of them fails. It returns
// the first error, and whether an observer wants the run to stop in good order.
func (r *Run) notify(e Event) (stop bool, err error) {
	for _, o := range r.Observers {
		switch told := r.tell(o, e); {
		case errors.Is(told, ErrStop):
			stop = true
		case err == nil:
			err = told
		}
	}
	return stop, err
}

// tell tells one observer.
func (r *Run) tell(o Observer, e Event) (err error) {
	defer parallel.Catch(&err)
	return o.Observe(e, r)
}
