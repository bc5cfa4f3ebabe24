package registry

import (
	"math/bits"
	"slices"
	"sync"

	"hourglass/dataset"
	"hourglass/metric"
	"hourglass/nn"
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
	Scores                []float64 // mean squared errors in the units the network works in
}

// job is a request's share of a batch. The results' memory is there already.
type job struct {
	x    []float32 // n samples, which are overwritten when they are scaled
	n    int
	want Want
	out  Results
}

// engine runs batches of jobs through the parts of an autoencoder: the one place
// that knows how.
type engine struct {
	encoder, decoder part
	scaler           *dataset.Scaler // nil if there is none
}

// part is one of the networks with the passes that it lends out, by the number of
// samples they have memory for: a power of two.
type part struct {
	network *nn.Network
	passes  [32]sync.Pool
}

// run calls use with the network's output for n samples of x, which lives until
// use returns.
func (p *part) run(x []float32, n int, use func(y []float32)) {
	class := bits.Len(uint(n - 1))
	pass, ok := p.passes[class].Get().(*nn.Pass)
	if !ok {
		pass = p.network.NewPass(1 << class)
	}
	use(pass.Forward(x, n))
	p.passes[class].Put(pass)
}

// gather returns the samples of all jobs in one piece.
func gather(jobs []*job) (x []float32, n int) {
	if len(jobs) == 1 {
		return jobs[0].x, jobs[0].n
	}
	size := 0
	for _, j := range jobs {
		size += len(j.x)
	}
	x = make([]float32, 0, size)
	for _, j := range jobs {
		x = append(x, j.x...)
		n += j.n
	}
	return x, n
}

// scatter calls give with each job and its share of values, of size a sample.
func scatter(jobs []*job, values []float32, size int, give func(j *job, share []float32)) {
	for _, j := range jobs {
		give(j, values[:j.n*size])
		values = values[j.n*size:]
	}
}

// encode computes what jobs want of samples.
func (e *engine) encode(jobs []*job) {
	x, n := gather(jobs)
	if e.scaler != nil {
		e.scaler.Apply(x)
	}
	wanted := Want(0)
	for _, j := range jobs {
		wanted |= j.want
	}
	e.encoder.run(x, n, func(codes []float32) {
		scatter(jobs, codes, e.encoder.network.Output().Size(), func(j *job, share []float32) { copy(j.out.Codes, share) })
		if wanted&(Reconstruction|Scores) != 0 {
			e.decoder.run(codes, n, func(y []float32) { e.compare(jobs, x, y) })
		}
	})
}

// compare scores reconstructions y of samples x and hands them out.
func (e *engine) compare(jobs []*job, x, y []float32) {
	size := e.encoder.network.Input().Size()
	scatter(jobs, y, size, func(j *job, share []float32) {
		for i := range j.out.Scores {
			j.out.Scores[i] = metric.MeanSquaredError{}.Eval(share[i*size:(i+1)*size], x[i*size:(i+1)*size])
		}
		x = x[j.n*size:]
		if copy(j.out.Reconstruction, share) > 0 && e.scaler != nil {
			e.scaler.Undo(j.out.Reconstruction)
		}
	})
}

// decode computes the samples that the jobs' codes stand for.
func (e *engine) decode(jobs []*job) {
	codes, n := gather(jobs)
	e.decoder.run(codes, n, func(y []float32) {
		scatter(jobs, y, e.decoder.network.Output().Size(), func(j *job, share []float32) {
			copy(j.out.Reconstruction, share)
			if e.scaler != nil {
				e.scaler.Undo(j.out.Reconstruction)
			}
		})
	})
}

// results makes room for what is wanted of n samples.
func (e *engine) results(want Want, n int) (r Results) {
	if want&Codes != 0 {
		r.Codes = make([]float32, n*e.encoder.network.Output().Size())
	}
	if want&Reconstruction != 0 {
		r.Reconstruction = make([]float32, n*e.decoder.network.Output().Size())
	}
	if want&Scores != 0 {
		r.Scores = make([]float64, n)
	}
	return r
}

// slice returns the results of samples lo to hi of n.
func (r Results) slice(lo, hi, n int) Results {
	cut := func(v []float32) []float32 { return v[lo*len(v)/n : hi*len(v)/n] }
	return Results{Codes: cut(r.Codes), Reconstruction: cut(r.Reconstruction), Scores: r.Scores[min(lo, len(r.Scores)):min(hi, len(r.Scores))]}
}

// finite reports whether none of the results is NaN or infinite.
func (r Results) finite() bool {
	bad := func(v float32) bool { return v-v != 0 }
	return !slices.ContainsFunc(r.Codes, bad) && !slices.ContainsFunc(r.Reconstruction, bad) &&
		!slices.ContainsFunc(r.Scores, func(v float64) bool { return v-v != 0 })
}
