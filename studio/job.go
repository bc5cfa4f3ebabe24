package studio

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hourglass/train"
	"hourglass/workflow"
)

// The states of a training.
const (
	preparing   = "preparing"
	running     = "running"
	paused      = "paused"
	stopping    = "stopping"
	interrupted = "interrupted"
	failed      = "failed"
	finished    = "finished"
)

// status is how far a training is.
type status struct {
	// Told grows from one status to the next, so that a page knows which is the latest: what
	// is sent in events and in answers to requests comes in any order.
	Told int64 `json:"told"`

	ID    string `json:"id"`    // of the training
	Model string `json:"model"` // of the run, once it is over
	Name  string `json:"name"`
	State string `json:"state"`
	Error string `json:"error,omitempty"`

	Optimizer string             `json:"optimizer"`
	BatchSize int                `json:"batchSize"`
	BaseRate  float64            `json:"baseRate"` // the learning rate, before schedules and the like
	Changes   []train.RateChange `json:"changes"`  // of that

	Epoch      int         `json:"epoch"`
	Epochs     int         `json:"epochs"`
	Step       int         `json:"step"`
	Steps      int         `json:"steps"`
	Done       int         `json:"done"` // steps of all epochs
	Loss       float64     `json:"loss"` // mean over the epoch so far
	Rate       float64     `json:"rate"`
	Seconds    float64     `json:"seconds"`
	PerSecond  float64     `json:"perSecond"` // samples
	Parameters int         `json:"parameters"`
	Codes      int         `json:"codes"`
	Last       epochLine   `json:"last"` // numbers of the last whole epoch
	Lines      []epochLine `json:"-"`    // of all epochs, too many to be told with every event
}

func (s status) isOver() bool {
	return s.State == interrupted || s.State == failed || s.State == finished
}

// job is a training. It is an observer of its run that copies what the page shows and lets
// others work on the copies; it changes nothing of the run but when the next step begins.
type job struct {
	id, dir string
	studio  *Studio
	in      *workflow.Input
	ctx     context.Context
	rates   *train.RateChanges

	mu      sync.Mutex
	cancel  context.CancelFunc
	changed chan struct{} // closed when one of the next two changes
	paused  bool
	steps   int // to take though it is paused
	status  status
	curve   curve
	preview *preview

	told   time.Time // when the page was last told; of the goroutine that trains
	begun  time.Time
	taken  int // samples
	idle   time.Duration
	copies chan copied // weights on their way to be looked at
	copied copied      // whose memory is used again for the next
	wanted atomic.Bool // somebody waits for them
	looker *looker
	last   *copied // the weights that the run ends with; of the goroutine that trains
}

// copied are the weights after a step, and the gradients that it took.
type copied struct {
	weights, gradients []float32 // before the first step there are no gradients
	epoch, done        int
}

// newJob returns a training on data, with settings that are to be followed, that is not begun.
func newJob(s *Studio, dir string, in *workflow.Input, t *workflow.TrainOptions) *job {
	id := identifier(dir)
	j := &job{id: id, dir: dir, studio: s, in: in, cancel: func() {}, ctx: context.Background(), rates: t.Rates, changed: make(chan struct{}), copies: make(chan copied, 1),
		status: status{ID: id, Model: id, Name: baseName(dir), State: preparing, Epochs: t.Epochs, Changes: []train.RateChange{}}}
	if j.rates == nil {
		j.rates = &train.RateChanges{}
	}
	t.Rates, t.Observers, t.Built = j.rates, append(t.Observers, j), j.built
	return j
}

// now returns how far the training is.
func (j *job) now() status {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status.Told = j.studio.jobs.tell()
	return j.status
}

// built prepares for looking at the weights of a model that is to be trained.
func (j *job) built(m *workflow.Model) {
	j.mu.Lock()
	j.status.Parameters, j.status.Codes = len(m.Network().Weights()), m.Encoder().Output().Size()
	j.mu.Unlock()
	if looker, err := newLooker(j.in, m); err == nil { // else the training will meet the same error
		j.looker = looker
	}
}

// Observe follows the run, and holds it where it is to pause.
func (j *job) Observe(e train.Event, r *train.Run) error {
	switch e {
	case train.Started:
		j.begun = time.Now()
		j.noteSettings(r)
		j.offer(r, nil)
	case train.Stepped:
		j.note(r)
		j.tell(r)
		j.hold(r)
	case train.EpochEnded:
		line := epochLineOf(r.History, *r.History.Last())
		j.mu.Lock()
		j.status.Last, j.status.Lines = line, append(j.status.Lines, line)
		j.mu.Unlock()
		j.tell(r)
	case train.Ended:
		j.last = &copied{slices.Clone(r.Network.Weights()), slices.Clone(r.Gradients()), r.Epoch, j.now().Done}
	}
	return nil
}

// noteSettings writes down what the run is, and the epochs before it if it goes on.
func (j *job) noteSettings(r *train.Run) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &j.status
	s.Optimizer, s.BatchSize, s.Epochs, s.BaseRate = r.Optimizer.Name(), r.BatchSize, r.Epochs, r.Optimizer.Rate()
	for _, e := range r.History.Epochs {
		s.Last = epochLineOf(r.History, e)
		s.Lines = append(s.Lines, s.Last)
	}
}

// tell tells the page how far the run is, ten times a second at the most.
func (j *job) tell(r *train.Run) {
	const pause = 100 * time.Millisecond
	if now := time.Now(); now.Sub(j.told) >= pause {
		j.told = now
		j.offer(r, r.Gradients())
		j.studio.events.publish("job", j.id, j.now())
	}
}

// note writes down the numbers of a step.
func (j *job) note(r *train.Run) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &j.status
	if s.State == preparing {
		s.State = running
	}
	s.Epoch, s.Step, s.Steps, s.Loss, s.Rate = r.Epoch, r.Step, r.Steps, r.Mean.Loss, r.State.Rate
	s.Done = (r.Epoch-1)*r.Steps + r.Step
	if changes := j.rates.List(); len(changes) > 0 {
		s.Changes = changes
		for _, c := range changes {
			if c.Step < s.Done {
				s.BaseRate = c.Rate
			}
		}
	}
	s.Seconds = (time.Since(j.begun) - j.idle).Seconds()
	j.taken += min(r.BatchSize, r.Samples-(r.Step-1)*r.BatchSize)
	s.PerSecond = float64(j.taken) / max(s.Seconds, 1e-9)
	j.curve.add(s.Done, r.BatchLoss)
}

// offer copies the weights, and the gradients if there are any, for who waits for them.
func (j *job) offer(r *train.Run, gradients []float32) {
	if j.looker == nil || !j.wanted.CompareAndSwap(true, false) {
		return
	}
	c := &j.copied // which nobody looks at: who wants the next is done with it
	c.weights, c.gradients = append(c.weights[:0], r.Network.Weights()...), append(c.gradients[:0], gradients...)
	c.epoch, c.done = r.Epoch, j.now().Done
	j.copies <- *c
}

// hold waits while the training is paused.
func (j *job) hold(r *train.Run) {
	for {
		j.mu.Lock()
		switch {
		case !j.paused:
			if j.status.State == paused {
				j.status.State = running
			}
			j.mu.Unlock()
			return
		case j.steps > 0:
			j.steps--
			j.mu.Unlock()
			return
		}
		if j.status.State == running {
			j.status.State = paused
		}
		changed := j.changed
		j.mu.Unlock()
		j.studio.events.publish("job", j.id, j.now())
		begun := time.Now()
		if over := j.rest(r, changed); over {
			return
		}
		j.idle += time.Since(begun)
	}
}

// rest waits for a change, and offers the weights to who comes meanwhile. It reports whether
// the training has been stopped.
func (j *job) rest(r *train.Run, changed chan struct{}) (over bool) {
	const pause = 100 * time.Millisecond
	for {
		j.offer(r, r.Gradients())
		select {
		case <-changed:
			return false
		case <-j.ctx.Done():
			return true
		case <-time.After(pause):
		}
	}
}

// watch looks at the weights now and then while a page follows: so seldom that what it
// takes of the processor's time hardly counts.
func (j *job) watch(ctx context.Context) {
	const share, least, most = 100, 200 * time.Millisecond, 10 * time.Second
	pause := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if pause = least; !j.studio.events.watched() {
			continue
		}
		j.wanted.Store(true)
		select {
		case <-ctx.Done():
			return
		case c := <-j.copies:
			begun := time.Now()
			j.look(c)
			pause = min(max(least, share*time.Since(begun)), most)
		}
	}
}

// look makes a preview of weights and tells the page.
func (j *job) look(c copied) {
	p, err := j.looker.look(c)
	if err != nil {
		return // of weights that are on their way to nowhere, which the training will say itself
	}
	j.mu.Lock()
	j.preview = p
	j.mu.Unlock()
	j.studio.events.publish("preview", j.id, struct {
		ID string `json:"id"`
		*preview
	}{j.id, p})
}

// thinned returns at most so many lines and the last, evenly from all of them.
func thinned(lines []epochLine, most int) []epochLine {
	step := (len(lines)-1)/most + 1
	some := []epochLine{}
	for i := 0; i < len(lines); i += step {
		some = append(some, lines[i])
	}
	if n := len(lines); n > 0 && (n-1)%step != 0 {
		some = append(some, lines[n-1])
	}
	return some
}

// point is a place on a curve.
type point [2]float64

// curve is the loss over the steps, thinned out as it grows: each point is the mean over as
// many steps as any other but the last.
type curve struct {
	every  int // steps for a point
	done   []point
	sum    float64
	count  int
	latest int
}

// add appends the loss of a step.
func (c *curve) add(step int, loss float64) {
	const most = 1000
	c.every = max(c.every, 1)
	c.sum += loss
	c.count++
	c.latest = step
	if c.count < c.every {
		return
	}
	c.done = append(c.done, point{float64(step), c.sum / float64(c.count)})
	c.sum, c.count = 0, 0
	if len(c.done) < most {
		return
	}
	for i := range most / 2 {
		a, b := c.done[2*i], c.done[2*i+1]
		c.done[i] = point{b[0], (a[1] + b[1]) / 2}
	}
	c.done, c.every = c.done[:most/2], 2*c.every
}

// points returns the curve up to the last step.
func (c *curve) points() []point {
	all := append([]point{}, c.done...)
	if c.count > 0 {
		all = append(all, point{float64(c.latest), c.sum / float64(c.count)})
	}
	return all
}
