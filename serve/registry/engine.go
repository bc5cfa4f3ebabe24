package registry

import (
	"context"
	"slices"

	"hourglass"
	"hourglass/internal/kernel"
	"hourglass/tensor"
	"hourglass/workflow"
)

// Want says which results a request is after.
type Want uint8

const (
	Codes Want = 1 << iota
	Reconstruction
	Scores
)

// Results are those that were wanted, of all samples one after another.
type Results struct {
	Codes, Reconstruction []float32
	Scores                []float64 // as hourglass score has them by default

	lent *memory // where the values lie
}

// Recycle lets others use the memory of the results, which the caller is done with.
func (r Results) Recycle() { r.lent.giveBack() }

// job is a request's share of a batch. The results' memory is there already.
type job struct {
	x     []float32 // n samples, or codes
	there []float32 // 1 for values that are not missing, for scores; nil if none is
	n     int
	want  Want
	out   Results
	err   error
}

// engine runs batches of jobs through an autoencoder: the one place that knows how.
// Every batch stays on the goroutine it is run on, since others run beside it.
type engine struct {
	ae                *hourglass.Autoencoder
	scorer            *workflow.Scorer
	sample, code, out int // values of each
}

func newEngine(ae *hourglass.Autoencoder, scorer *workflow.Scorer) *engine {
	ae.SetThreads(1)
	return &engine{ae: ae, scorer: scorer, sample: ae.Encoder().Input().Size(), code: ae.Encoder().Output().Size(), out: ae.Network().Output().Size()}
}

// room makes room for what is wanted of n samples.
func (e *engine) room(want Want, n int) Results {
	r := Results{lent: borrow()}
	if want&Codes != 0 {
		r.Codes = enough(&r.lent.codes, n*e.code)
	}
	if want&Reconstruction != 0 {
		r.Reconstruction = enough(&r.lent.samples, n*e.out)
	}
	if want&Scores != 0 {
		r.Scores = enough(&r.lent.scores, n)
	}
	return r
}

// run computes what jobs want of samples.
func (e *engine) run(jobs []*job) {
	whole := make([]*job, 0, len(jobs))
	for _, j := range jobs {
		if j.there == nil {
			whole = append(whole, j)
		} else {
			j.err = e.detect(j.out.Scores, tensor.Tensor{Shape: tensor.Shape{j.n, e.sample}, Data: j.x}, j.there)
		}
	}
	if len(whole) == 0 {
		return
	}
	together(whole, e.room, func(j *job) error {
		x := tensor.Tensor{Shape: tensor.Shape{j.n, e.sample}, Data: j.x}
		out := hourglass.Output{Codes: j.out.Codes, Reconstructions: j.out.Reconstruction, Scores: j.out.Scores}
		if j.want&Scores != 0 && e.scorer.Detects() {
			if err := e.detect(j.out.Scores, x, nil); err != nil || j.want == Scores {
				return err
			}
			out.Scores = nil
		}
		return e.ae.RunInto(context.Background(), out, x)
	})
}

// detect writes the scores of samples, of whose values those are not missing where there is 1.
func (e *engine) detect(dst []float64, x tensor.Tensor, there []float32) error {
	scores, err := e.scorer.Score(context.Background(), x, tensor.Tensor{Shape: x.Shape, Data: there})
	copy(dst, scores)
	return err
}

// decode computes the samples that the jobs' codes stand for.
func (e *engine) decode(jobs []*job) {
	together(jobs, e.room, func(j *job) error {
		return e.ae.DecodeInto(context.Background(), j.out.Reconstruction, tensor.Tensor{Shape: tensor.Shape{j.n, e.code}, Data: j.x})
	})
}

// together computes jobs as one that wants what any of them does, and hands out the
// results. Where that fails, which one sample beyond float32 is enough for, each is
// computed alone, so that it is the error of no other.
func together(jobs []*job, room func(Want, int) Results, compute func(*job) error) {
	if len(jobs) == 1 {
		jobs[0].err = compute(jobs[0])
		return
	}
	all, size := &job{}, 0
	inputs := borrow()
	defer inputs.giveBack()
	for _, j := range jobs {
		all.n += j.n
		all.want |= j.want
		size += len(j.x)
	}
	all.x = enough(&inputs.samples, size)[:0]
	for _, j := range jobs {
		all.x = append(all.x, j.x...)
	}
	all.out = room(all.want, all.n)
	defer all.out.Recycle()
	failed := compute(all) != nil
	at := 0
	for _, j := range jobs {
		if failed {
			j.err = compute(j)
			continue
		}
		share := all.out.slice(at, at+j.n, all.n)
		copy(j.out.Codes, share.Codes)
		copy(j.out.Reconstruction, share.Reconstruction)
		copy(j.out.Scores, share.Scores)
		at += j.n
	}
}

// slice returns the results of samples lo to hi of n.
func (r Results) slice(lo, hi, n int) Results {
	return Results{Codes: cut(r.Codes, lo, hi, n), Reconstruction: cut(r.Reconstruction, lo, hi, n), Scores: cut(r.Scores, lo, hi, n)}
}

// cut returns the values of samples lo to hi of n, nil of nil.
func cut[T any](values []T, lo, hi, n int) []T {
	if values == nil {
		return nil
	}
	size := len(values) / n
	return values[lo*size : hi*size]
}

// finite reports whether none of the results is NaN or infinite.
func (r Results) finite() bool {
	return kernel.Finite(r.Codes) && kernel.Finite(r.Reconstruction) &&
		!slices.ContainsFunc(r.Scores, func(v float64) bool { return v-v != 0 })
}
