// Package train fits networks to data.
//
// A [Trainer] runs the loop: it shuffles the samples each epoch, shares every
// batch out over a team of workers, and changes the weights. It knows nothing of
// progress bars or early stopping; those are [Observer]s of its events.
package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"hourglass/dataset"
	"hourglass/internal/kernel"
	"hourglass/internal/parallel"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/ranks"
)

// Trainer fits a network to reproduce its own input, or to make of it the targets that the
// training data has (dataset.Targets). Its fields are settings;
// the zero value of an optional one means the default it names.
type Trainer struct {
	Network   *nn.Network
	Loss      loss.Loss
	Optimizer optim.Optimizer
	// Optimizers are those of groups of weights that are to have another, by the names of the
	// groups (nn.Network.Groups): nn.AdversaryGroup. The schedule holds for their rates too.
	Optimizers map[string]optim.Optimizer
	Metrics    []metric.Metric // optional
	Schedule   Schedule        // of the learning rate; nil for the optimiser's throughout
	// Penalties says by what factor each penalty of the network is multiplied in the
	// course of the run, by its name (Network.Penalties); by 1 if it is not here.
	Penalties map[string]Schedule

	Clipping Clipping // of the gradients; none by default

	// Binarize makes every value of a sample 0 or 1 whenever the sample is used, 1 with the
	// value as its probability. The loss must be one of probabilities, such as binary
	// cross-entropy. Targets of their own (dataset.Targets) are left as they are.
	Binarize bool

	Epochs    int    // passes over the training data, at least 1
	BatchSize int    // samples per step, at least 1; the last step of an epoch takes what is left
	Seed      uint64 // of the data's order and of noise and dropout
	// Threads is how many workers there are at most; 0 means one for every core. A run
	// measures now and then whether fewer are faster. The result does not depend on it.
	Threads int

	// Ranks are those that train the network together, each on a part of every batch; nil for
	// this process alone. All of them have the same settings, data and weights, make the same calls
	// and end with the same weights, to the bit those that one alone makes. What stops one
	// stops all, with the same error. Observers, of whom each rank has its own, must treat weights
	// and rates alike everywhere; what else they do is up to them.
	Ranks ranks.Group

	Observers []Observer // called in this order

	Resume *Snapshot // where to go on instead of at the start; nil for the start
}

// ErrNotFinite is wrapped by the error of a training that was stopped because its
// loss, or what its weights were about to become, was NaN or infinite.
var ErrNotFinite = errors.New("loss is not finite")

// overflowError is the error of a step with a finite loss whose gradient, or the
// weights after it, are not.
type overflowError struct{ loss float64 }

func (e overflowError) Error() string {
	return fmt.Sprintf("with a loss of %v the step makes weights that are not finite; a smaller learning rate or cleaner data may help", e.loss)
}

// Is makes it one of the errors that are ErrNotFinite.
func (overflowError) Is(target error) bool { return target == ErrNotFinite }

// Fit trains on every sample of training in every epoch and, unless validation
// is nil, evaluates it after each. It returns the history of the epochs that
// were completed, also with an error.
//
// When ctx is done it stops before the next step and returns an error that wraps
// ctx.Err(). A loss that is NaN or infinite stops it likewise, wrapping
// ErrNotFinite, and so does a finite one whose gradient overflows; the weights and
// the optimiser's memory are then those before that step. So does a loss on the
// validation data that is not finite, with the weights after the epoch's last step.
//
// A sample that is not finite, or that the loss is not defined for, is a
// [*SampleError], and a panic in whatever the trainer was given, on any goroutine, a
// [*PanicError]; both leave the weights as they were before the step. To get there
// steps may be taken again that were taken already, so a source must give the same
// samples when it is read again.
func (t *Trainer) Fit(ctx context.Context, training, validation dataset.Source) (history *History, err error) {
	defer parallel.Catch(&err)
	m := newMeeting(t.Ranks)
	var l *loop
	var run *Run
	err = m.agree(placeBegin, parallel.Try(func() (err error) {
		l, run, err = t.begin(training, validation)
		return err
	}))
	if l != nil {
		defer l.team.Close()
	}
	if err == nil && m.group != nil {
		err = m.compare(fitTerms{run.settings, t.Epochs, run.Epoch, run.Step, checksum(t.Network.Weights())})
	}
	if err != nil {
		return nil, err
	}
	l.meeting = m
	err = m.end(l.fit(ctx, run, validation))
	_, endErr := run.notify(Ended)
	if endErr = m.agree(placeEnd, endErr); err == nil {
		err = endErr
	}
	return run.History, err
}

// begin prepares a run.
func (t *Trainer) begin(training, validation dataset.Source) (*loop, *Run, error) {
	if err := t.validate(training, validation); err != nil {
		return nil, nil, err
	}
	l := t.newLoop(training, "training", t.BatchSize, nn.PassOptions{})
	l.startTraining()
	run := l.newRun(training.Len())
	run.settings = t.Settings(training, validation)
	if t.Resume != nil {
		if err := run.resume(t.Resume); err != nil {
			return l, nil, err
		}
		run.WeightsChanged()
	}
	return l, run, nil
}

func (t *Trainer) validate(training, validation dataset.Source) error {
	switch {
	case t.Optimizer == nil:
		return errors.New("train: no optimizer is set")
	case t.Epochs < 1:
		return fmt.Errorf("train: epochs is %d, want at least 1", t.Epochs)
	case t.BatchSize < 1:
		return fmt.Errorf("train: batch size is %d, want at least 1", t.BatchSize)
	}
	if err := t.validateNetwork(); err != nil {
		return err
	}
	if len(t.Network.Weights()) == 0 {
		return errors.New("train: the network has no weights to train")
	}
	if err := t.Optimizer.Validate(); err != nil {
		return err
	}
	if err := t.validateGroups(); err != nil {
		return err
	}
	if err := t.Clipping.Validate(); err != nil {
		return err
	}
	if t.Schedule != nil {
		if err := t.Schedule.Validate(); err != nil {
			return err
		}
	}
	if err := t.validatePenalties(); err != nil {
		return err
	}
	if err := t.fits("training", training, t.BatchSize); err != nil {
		return err
	}
	if validation == nil {
		return nil
	}
	return t.fits("validation", validation, t.BatchSize)
}

// validateNetwork checks what training and evaluation both need.
func (t *Trainer) validateNetwork() error {
	switch {
	case t.Network == nil:
		return errors.New("train: no network is set")
	case t.Loss == nil:
		return errors.New("train: no loss is set")
	case t.Threads < 0:
		return fmt.Errorf("train: threads is %d, want at least 1, or 0 for all cores", t.Threads)
	case t.Network.Complete() != nil:
		return fmt.Errorf("train: %w", t.Network.Complete())
	}
	if want := domain(t.Loss); t.Binarize && want != (interval{0, 1}) {
		return fmt.Errorf("train: samples are to be binarized, but the loss %s is not one of probabilities; want binary_crossentropy", t.Loss.Name())
	}
	if l, ok := t.Loss.(loss.Validator); ok {
		if err := l.Validate(); err != nil {
			return err
		}
	}
	_, err := t.bindLoss()
	return err
}

// fits reports data that network and loss cannot take.
func (t *Trainer) fits(what string, s dataset.Source, batch int) error {
	n := t.Network
	switch {
	case s == nil || s.Len() == 0:
		return fmt.Errorf("train: no %s samples", what)
	case s.Sample().Size() != n.Input().Size():
		return fmt.Errorf("train: %s samples have shape %v, want %v", what, s.Sample(), n.Input())
	}
	if err := n.CheckBatch(min(batch, s.Len())); err != nil {
		return fmt.Errorf("train: batches of %s samples: %w", what, err)
	}
	if _, ok := t.Loss.(loss.Binder); ok && dataset.FaceOf(s, dataset.Mask) != nil && !t.masked() {
		return fmt.Errorf("train: %s samples have a mask, but the loss %s looks at samples as a whole; want one that is a mean over values", what, t.Loss.Name())
	}
	if (n.Weighs() || n.Copies() > 1) && dataset.FaceOf(s, dataset.Mask) != nil {
		return fmt.Errorf("train: %s samples have a mask, but the network makes several outputs of each, which is for whole samples", what)
	}
	return checkSides(n, what, s)
}

// loop is the machinery of a run: everything a step needs, allocated once.
type loop struct {
	trainer *Trainer
	team    *crew
	pass    *nn.Pass
	bound   []loss.Loss       // of each worker
	logits  []loss.FromLogits // set if the loss works on logits
	state   *optim.State
	groups  []groupState

	source dataset.Source
	what   string // the source is in messages
	order  []int  // the order of the training samples in this epoch
	batch  []int  // the samples of the current step

	want  interval    // that the samples' values must lie in
	drawn [][]float32 // of each worker, see Trainer.Binarize

	bad []int // place in the batch of each worker's first sample that does not, or -1

	clip *clipper
	sides
	copies
	failures []error // of each worker: why it could not read its samples

	*meeting // with the loops of other ranks

	journal  *journal
	training bool        // and not evaluating
	changing bool        // the current step has begun to change weights
	astray   bool        // a step that failed could not be undone, see Run.Astray
	overflow atomic.Bool // and has made some that are not finite

	penalties []string // of the network
	measured  []string // by its stages
	epochs    float64  // that precede the current step
	reduced   float64  // what the learning rates have been reduced to
	before    moments  // of the current step

	losses  []float64   // of each sample of the batch, summed over its entries
	metrics [][]float64 // [metric][sample of the batch]

	trainJob, evaluateJob func(*parallel.Worker) // bound once, so that steps allocate nothing
	update                func(lo, hi int)
}

// newLoop prepares steps on batches of up to capacity samples of source, which
// messages call what.
func (t *Trainer) newLoop(source dataset.Source, what string, capacity int, o nn.PassOptions) *loop {
	threads := t.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	capacity = min(capacity, source.Len())
	l := &loop{
		trainer:   t,
		team:      newCrew(threads),
		want:      anyNumber,
		failures:  make([]error, threads),
		bad:       make([]int, threads),
		losses:    make([]float64, capacity),
		meeting:   newMeeting(nil),
		penalties: t.Network.Penalties(),
		measured:  t.Network.Measures(),
	}
	l.metrics = make([][]float64, len(t.measures()))
	for i := range l.metrics {
		l.metrics[i] = make([]float64, capacity)
	}
	if t.Binarize {
		for range threads {
			l.drawn = append(l.drawn, make([]float32, t.Network.Input().Size()))
		}
	}
	for range threads {
		bound, _ := t.bindLoss() // has been checked
		l.bound = append(l.bound, bound)
		if fused, ok := bound.(loss.FromLogits); ok && t.Network.EndsInSigmoid() {
			l.logits = append(l.logits, fused)
		}
	}
	l.allocateCopies(capacity, threads)
	l.use(source, what)
	o.Workers, o.Logits, o.Ranks = threads, l.logits != nil, t.Ranks
	l.pass = t.Network.NewTrainingPass(capacity, o)
	l.trainJob, l.evaluateJob = l.trainShare, l.evaluateShare
	return l
}

// startTraining prepares what only training needs, the optimiser's state.
func (l *loop) startTraining() {
	weights := l.trainer.Network.Weights()
	l.state, l.groups = l.trainer.newStates()
	l.moments(&l.before)
	l.want = domain(l.trainer.Loss)
	l.journal = l.newJournal(weights, len(l.losses))
	var sizes []int
	for _, a := range l.trainer.Network.Arrays() {
		sizes = append(sizes, len(a.Values))
	}
	l.clip = newClipper(l.trainer.Clipping, sizes)
	l.update = func(lo, hi int) {
		if l.clip.Value > 0 {
			l.clip.clipValues(l.pass.Gradients()[lo:hi])
		}
		l.stateOf(lo).Update(weights, l.pass.Gradients(), lo, hi)
		if !kernel.Finite(weights[lo:hi]) {
			l.overflow.Store(true)
		}
	}
}

// newRun returns the run before its first step.
func (l *loop) newRun(samples int) *Run {
	t := l.trainer
	run := &Run{Trainer: t, State: l.state, History: &History{}, Samples: samples, loop: l, rateFactor: 1, chosenFactor: 1,
		Steps: (samples-1)/t.BatchSize + 1, Mean: newScores(len(l.metrics))}
	run.History.Metrics = t.measures()
	return run
}

// fit runs the epochs, or what is left of them.
func (l *loop) fit(ctx context.Context, run *Run, validation dataset.Source) (err error) {
	defer parallel.Catch(&err)
	l.order = make([]int, run.Samples)
	stop, err := l.together(run.notify(Started))
	for !stop && err == nil && (run.midEpoch() || run.Epoch < run.Epochs) {
		if !run.midEpoch() {
			run.beginEpoch()
		}
		stop, err = l.epoch(ctx, run, validation)
	}
	return err
}

// midEpoch reports whether an epoch has begun and is not recorded yet.
func (r *Run) midEpoch() bool { return r.Epoch > len(r.History.Epochs) }

func (r *Run) beginEpoch() {
	r.Epoch++
	r.Step = 0
	r.totals = Totals{Metrics: make([]float64, len(r.History.Metrics))}
	r.began = time.Now()
}

// epoch takes the steps that are left of the epoch, evaluates and records. It
// reports whether an observer asked to stop.
func (l *loop) epoch(ctx context.Context, run *Run, validation dataset.Source) (stop bool, err error) {
	dataset.Order(l.source, run.Seed, uint64(run.Epoch), l.order)
	rest := l.order[min(run.Step*run.BatchSize, run.Samples):]
	for run.Step < run.Steps {
		if err := ctx.Err(); err != nil {
			return false, fmt.Errorf("train: stopped in epoch %d before step %d: %w", run.Epoch, run.Step+1, err)
		}
		batch := rest[:min(run.BatchSize, len(rest))]
		rest = rest[len(batch):]
		l.setRates(run.reduced(), run.epochs())
		batchLoss, err := l.step(batch)
		if err != nil {
			return false, fmt.Errorf("train: epoch %d, step %d: %w", run.Epoch, run.Step+1, err)
		}
		run.Step++
		run.totals.add(l)
		run.BatchLoss = batchLoss
		run.totals.means(&run.Mean)
		if stop, err := run.notify(Stepped); stop || err != nil {
			return l.together(stop, err)
		}
	}
	record := Epoch{Epoch: run.Epoch, Train: newScores(len(l.metrics))}
	run.totals.means(&record.Train)
	if validation != nil {
		scores, err := l.evaluate(ctx, validation, "validation")
		if err != nil {
			return false, fmt.Errorf("train: validation after epoch %d: %w", run.Epoch, err)
		}
		record.Validation = &scores
	}
	record.Seconds = time.Since(run.began).Seconds()
	if l.group != nil {
		if err := l.agree(place(placeEpoch, uint64(run.Epoch), checksum(run.Network.Weights())), nil); err != nil {
			return false, fmt.Errorf("train: after epoch %d: %w", run.Epoch, err)
		}
	}
	run.History.Epochs = append(run.History.Epochs, record)
	return l.together(run.notify(EpochEnded))
}

// step trains on one batch and returns its loss, the mean over all entries. A step
// that fails leaves weights and optimiser as they were.
func (l *loop) step(batch []int) (float64, error) {
	if l.journal.full(len(batch)) {
		l.journal.copy(l.trainer.Network.Weights(), l)
	}
	l.moments(&l.before)
	loss, err := l.attempt(batch)
	if err == nil {
		l.journal.note(batch, l.reduced, l.epochs, loss)
		return loss, nil
	}
	if !l.changing {
		l.setMoments(l.before)
		return loss, err
	}
	if lost := l.goBack(); lost != nil {
		l.astray = true
		err = fmt.Errorf("%w; %w", err, lost)
	}
	return loss, err
}

// attempt is step for a step that may leave weights half changed if it fails. If it fails on
// one rank it does on all.
func (l *loop) attempt(batch []int) (loss float64, err error) {
	loss, err = l.attemptAlone(batch)
	return loss, l.agree(place(placeStepped, uint64(l.state.Step), math.Float64bits(loss)), err)
}

// attemptAlone is attempt without the others' opinion.
func (l *loop) attemptAlone(batch []int) (loss float64, err error) {
	defer parallel.Catch(&err)
	l.batch = batch
	l.training, l.changing = true, false
	l.overflow.Store(false)
	l.setPenaltyFactors()
	l.pass.StartTraining(len(batch), l.trainer.Seed, uint64(l.state.Step))
	l.advance()
	if len(batch) == len(l.losses) {
		l.team.RunStep(l.trainJob)
	} else {
		l.team.Run(l.trainJob) // a short one tells nothing about the others
	}
	if err := l.checkSamples(); err != nil {
		return 0, err
	}
	l.addPenalties()
	total := l.totalLoss()
	loss = total / float64(l.entries())
	if l.overflow.Load() {
		return loss, overflowError{loss}
	}
	return loss, l.checkFinite(total)
}

// totalLoss sums the loss of the batch, always in the order of its samples.
func (l *loop) totalLoss() float64 {
	var sum float64
	for _, x := range l.losses[:len(l.batch)] {
		sum += x
	}
	return sum
}

// trainShare is one worker's share of a training step. The two phases split the
// work along different axes: samples first, then weights.
func (l *loop) trainShare(w *parallel.Worker) {
	lo, hi := l.pass.Share(w)
	l.forward(w, lo, hi)
	if l.has(dataset.Mask) {
		w.Barrier() // what is missing is known of all samples
		l.meet(w, l.gatherPresent)
	}
	scale := 1 / float32(l.entries())
	for i := lo; i < hi; i++ {
		l.judge(w, i, l.pass.OutputGradients(i, i+1), scale)
	}
	l.pass.BackwardShare(w, lo, hi)
	w.Barrier()
	l.meet(w, l.gatherBatch)
	if !finite(l.totalLoss()) || l.firstBad() >= 0 {
		return
	}
	if l.group != nil || !l.clip.byNorm() {
		l.beginChanges(w) // of ranks, once one has come here, all must be able to go back
	}
	if !l.clip.byNorm() {
		l.pass.GradientShare(w, l.update)
		return
	}
	l.pass.GradientShare(w, nil)
	w.Barrier()
	if !l.clip.clipNorms(w, l.pass.Gradients()) {
		l.overflow.Store(true)
		return
	}
	l.beginChanges(w)
	l.pass.UpdateShare(w, l.update)
}

// beginChanges notes that weights are going to change in this step.
func (l *loop) beginChanges(w *parallel.Worker) {
	if w.Index == 0 {
		l.changing = true
	}
}

// evaluateShare is one worker's share of an evaluation.
func (l *loop) evaluateShare(w *parallel.Worker) {
	lo, hi := l.pass.Share(w)
	l.forward(w, lo, hi)
	for i := lo; i < hi; i++ {
		l.judge(w, i, nil, 0)
	}
	if l.group != nil {
		w.Barrier()
		l.meet(w, l.gatherBatch)
	}
}

// forward reads samples lo to hi of the batch and runs the network on them.
func (l *loop) forward(w *parallel.Worker, lo, hi int) {
	l.bad[w.Index], l.failures[w.Index] = -1, nil
	if lo < hi {
		if l.failures[w.Index] = l.read(lo, hi); l.failures[w.Index] != nil {
			l.bad[w.Index] = lo
		} else {
			l.bad[w.Index] = l.findBad(lo, hi)
			l.binarize(w, lo, hi)
		}
	}
	l.pass.ForwardShare(w, lo, hi)
}

// evaluate returns loss and metrics over all samples of source, which messages call
// what.
func (l *loop) evaluate(ctx context.Context, source dataset.Source, what string) (Scores, error) {
	defer func(source dataset.Source, what string, want interval) {
		l.use(source, what)
		l.want = want
	}(l.source, l.what, l.want)
	// Held-out data may well exceed the range of the training data that it was scaled by.
	l.use(source, what)
	l.want = anyNumber
	indices := make([]int, len(l.losses))
	totals, scores := Totals{Metrics: make([]float64, len(l.metrics))}, newScores(len(l.metrics))
	for at := 0; at < source.Len(); at += len(indices) {
		n := min(len(indices), source.Len()-at)
		for i := range n {
			indices[i] = at + i
		}
		if err := l.evaluateBatch(ctx, indices[:n], at); err != nil {
			return Scores{}, l.settle(placeEvaluate, err)
		}
		totals.add(l)
	}
	totals.means(&scores)
	return scores, notFinite(scores.Loss, l.terms(), scores.Metrics)
}

// evaluateBatch computes losses and metrics of some samples, from number first on.
func (l *loop) evaluateBatch(ctx context.Context, batch []int, first int) (err error) {
	defer parallel.Catch(&err)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stopped: %w", err)
	}
	l.batch, l.training = batch, false
	l.pass.StartEvaluation(len(batch), first, l.trainer.Seed)
	l.team.Run(l.evaluateJob)
	if err := l.checkSamples(); err != nil {
		return err
	}
	l.addPenalties()
	return nil
}

// Evaluate returns the loss and the metrics of the trainer's network on all
// samples of source, without noise or dropout. A loss that is NaN or infinite is
// an error that wraps ErrNotFinite. It needs network and loss only; the batch
// size (1 if it is not set) and threads change nothing but its speed.
func (t *Trainer) Evaluate(ctx context.Context, source dataset.Source) (scores Scores, err error) {
	defer parallel.Catch(&err)
	m := newMeeting(t.Ranks)
	var l *loop
	err = m.agree(placeBegin, parallel.Try(func() error {
		if err := t.validateNetwork(); err != nil {
			return err
		}
		if err := t.fits("evaluation", source, max(t.BatchSize, 1)); err != nil {
			return err
		}
		l = t.newLoop(source, "evaluation", max(t.BatchSize, 1), nn.PassOptions{NoGradients: true})
		return nil
	}))
	if l != nil {
		defer l.team.Close()
	}
	if err == nil && m.group != nil {
		err = m.compare(evaluateTerms{source.Len(), t.BatchSize, t.Loss.Name(), t.Seed, checksum(t.Network.Weights())})
	}
	if err != nil {
		return Scores{}, err
	}
	l.meeting = m
	scores, err = l.evaluate(ctx, source, "evaluation")
	if err != nil {
		return Scores{}, fmt.Errorf("train: evaluation: %w", err)
	}
	return scores, nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
