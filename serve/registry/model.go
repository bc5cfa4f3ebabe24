package registry

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"hourglass/serve/batch"
	"hourglass/workflow"
)

// Options say how the models of a registry run.
type Options struct {
	MaxBatch int           // samples in a batch, at least 1
	MaxDelay time.Duration // see batch.Options
	MaxQueue int           // requests in line, for each model and kind of result
	// Ran is told of every batch, Waited how long each request stood in line, Scored
	// of every score. They may be nil.
	Ran    func(m *Model, samples int)
	Waited func(m *Model, d time.Duration)
	Scored func(m *Model, scores []float64)
}

// Model is a version of a model that is loaded and can be used by any number of
// goroutines.
type Model struct {
	*workflow.Model
	Name, Version string
	Loaded        time.Time
	References    *References // for Nearest; nil without

	scorer    *workflow.Scorer
	engine    *engine
	options   *Options
	encoding  *batch.Queue[*job] // for codes alone
	comparing *batch.Queue[*job] // for what the decoder is needed for, too
	decoding  *batch.Queue[*job]
}

// newModel prepares a model for requests.
func newModel(name, version string, m *workflow.Model, o *Options) (*Model, error) {
	scorer, err := m.Scorer()
	if err != nil {
		return nil, err
	}
	model := &Model{Model: m, Name: name, Version: version, Loaded: time.Now(), options: o, scorer: scorer}
	model.engine = newEngine(m.Autoencoder, scorer)
	queue := func(run func([]*job)) *batch.Queue[*job] {
		options := batch.Options{MaxBatch: o.MaxBatch, MaxDelay: o.MaxDelay, MaxQueue: o.MaxQueue, Parallel: runtime.GOMAXPROCS(0)}
		if o.Ran != nil {
			options.Ran = func(samples int) { o.Ran(model, samples) }
		}
		if o.Waited != nil {
			options.Waited = func(d time.Duration) { o.Waited(model, d) }
		}
		return batch.New(run, options)
	}
	model.encoding = queue(model.engine.run)
	model.comparing = queue(model.engine.run)
	model.decoding = queue(model.engine.decode)
	return model, nil
}

// Threshold returns the score that a share of normal samples does not exceed, an error if
// the model has not learned it.
func (m *Model) Threshold(quantile float64) (float64, error) { return m.scorer.Threshold(quantile) }

// ThresholdSamples returns how many normal samples thresholds were learned from, 0 if that
// is not known.
func (m *Model) ThresholdSamples() int { return m.scorer.ThresholdSamples() }

// PValues returns how likely normal samples are to score as high; nil for a model without a
// detector.
func (m *Model) PValues(scores []float64) ([]float64, error) { return m.scorer.PValues(scores) }

// Waiting returns how many requests are in line.
func (m *Model) Waiting() int {
	return m.encoding.Waiting() + m.comparing.Waiting() + m.decoding.Waiting()
}

// ErrNotFinite is the error of results that are no numbers.
var ErrNotFinite = errors.New("the model's answer has values that are not finite; its input lies far outside of what it was trained on")

// Announce tells that a request for Run with batch.Announced is being read;
// Withdraw takes that back. See [batch.Queue.Announce].
func (m *Model) Announce() {
	m.encoding.Announce()
	m.comparing.Announce()
}

// Withdraw takes back what Announce said.
func (m *Model) Withdraw() {
	m.encoding.Withdraw()
	m.comparing.Withdraw()
}

// Run computes what is wanted of n samples x, one after another. The values do not
// depend on what else is computed at the same time.
// Samples beyond a batch run as several.
func (m *Model) Run(ctx context.Context, x []float32, n int, want Want, how batch.Admission) (Results, error) {
	queue, other := m.comparing, m.encoding
	if want == Codes {
		queue, other = other, queue
	}
	if how == batch.Announced {
		other.Withdraw()
	}
	r, err := m.run(ctx, queue, x, nil, n, want, how)
	if err == nil && want&Scores != 0 {
		m.tell(r.Scores)
	}
	return r, err
}

// Score computes the scores of n samples of whose values some are missing: there is 1 for
// the others, nil if none is.
func (m *Model) Score(ctx context.Context, x, there []float32, n int) (Results, error) {
	r, err := m.run(ctx, m.comparing, x, there, n, Scores, batch.Unannounced)
	if err == nil {
		m.tell(r.Scores)
	}
	return r, err
}

func (m *Model) tell(scores []float64) {
	if m.options.Scored != nil {
		m.options.Scored(m, scores)
	}
}

// Decode computes the samples that n codes stand for.
func (m *Model) Decode(ctx context.Context, codes []float32, n int) (Results, error) {
	return m.run(ctx, m.decoding, codes, nil, n, Reconstruction, batch.Unannounced)
}

func (m *Model) run(ctx context.Context, queue *batch.Queue[*job], x, there []float32, n int, want Want, how batch.Admission) (Results, error) {
	out, size := m.engine.room(want, n), len(x)/n
	piece := func(lo, hi int, how batch.Admission) error {
		j := &job{x: x[lo*size : hi*size], n: hi - lo, want: want, out: out.slice(lo, hi, n)}
		if there != nil {
			j.there = there[lo*size : hi*size]
		}
		if err := queue.Do(ctx, j, j.n, how); err != nil {
			return err
		}
		return j.err
	}
	err := piece(0, min(n, m.options.MaxBatch), how)
	if err == nil && n > m.options.MaxBatch {
		err = inPieces(m.options.MaxBatch, n, m.options.MaxBatch, func(lo, hi int) error { return piece(lo, hi, batch.Further) })
	}
	if err == nil && !out.finite() {
		err = ErrNotFinite
	}
	if err != nil {
		out.Recycle()
		return Results{}, err
	}
	return out, nil
}

// inPieces calls do for consecutive pieces of lo to hi, a few at a time, and returns
// the first error.
func inPieces(lo, hi, size int, do func(lo, hi int) error) error {
	var (
		mu      sync.Mutex
		first   error
		workers sync.WaitGroup
	)
	next := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		at := lo
		lo += size
		return at, at < hi && first == nil
	}
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for at, ok := next(); ok; at, ok = next() {
				if err := do(at, min(at+size, hi)); err != nil {
					mu.Lock()
					first = err
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	return first
}
