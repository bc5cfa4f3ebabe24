package hourglass

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"hourglass/dataset"
	"hourglass/internal/kernel"
	"hourglass/internal/parallel"
	"hourglass/nn"
	"hourglass/tensor"
	"hourglass/train"
)

// inferenceBatch is how many samples run through a network together: enough for
// the matrix products, few enough for their values to stay in the caches.
const inferenceBatch = 64

// passPool lends a network's passes to the goroutines that need one.
type passPool struct {
	network       *nn.Network
	before, after *dataset.Scaler // applied to what goes in and undone in what comes out; may be nil
	pool          sync.Pool       // of *nn.Pass
}

func (p *passPool) get() *nn.Pass {
	if pass, ok := p.pool.Get().(*nn.Pass); ok {
		return pass
	}
	return p.network.NewPass(inferenceBatch)
}

// forward runs the network on n samples of x, the first of which is the caller's
// sample first, and writes its output to y.
func (p *passPool) forward(y, x []float32, first, n int) error {
	if p.before != nil {
		x = slices.Clone(x)
		p.before.Apply(x)
	}
	if err := checkFinite(x, first, n); err != nil {
		return err
	}
	pass := p.get()
	copy(y, pass.Forward(x, n))
	p.pool.Put(pass)
	if p.after != nil {
		p.after.Undo(y)
	}
	return nil
}

// checkFinite reports the first of n samples that has a value which is not finite. The
// number of the first sample of x is first.
func checkFinite(x []float32, first, n int) error {
	if kernel.Finite(x) {
		return nil
	}
	i := slices.IndexFunc(x, func(v float32) bool { return v-v != 0 })
	size := len(x) / n
	return &train.SampleError{Sample: first + i/size, Element: i % size, Value: x[i]}
}

// run runs the network on all samples of x, on all cores if there are many. The number
// of the first one, for messages, is first.
func (p *passPool) run(verb string, x tensor.Tensor, first int) (tensor.Tensor, error) {
	if err := p.complete(verb); err != nil {
		return tensor.Tensor{}, err
	}
	if err := checkBatch(verb, x, p.network.Input()); err != nil {
		return tensor.Tensor{}, err
	}
	y, err := p.output(verb, x.Len())
	if err != nil {
		return tensor.Tensor{}, err
	}
	err = inChunks(context.Background(), x.Len(), func(lo, hi int) error {
		return p.forward(y.Slice(lo, hi).Data, x.Slice(lo, hi).Data, first+lo, hi-lo)
	})
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("hourglass: %s: %w", verb, err)
	}
	return y, nil
}

// complete reports a network that cannot run alone, which is a decoder that joins what
// the encoder taps.
func (p *passPool) complete(verb string) error {
	if err := p.network.Complete(); err != nil {
		return fmt.Errorf("hourglass: %s: %w", verb, err)
	}
	return nil
}

// checkBatch reports an array that is not N samples of shape in.
func checkBatch(verb string, x tensor.Tensor, in tensor.Shape) error {
	if len(x.Shape) < 2 || x.Shape.Validate() != nil || x.Sample().Size() != in.Size() || len(x.Data) != x.Shape.Size() {
		return fmt.Errorf("hourglass: %s: got an array of shape %v with %d values, want N×%v with N at least 1",
			verb, x.Shape, len(x.Data), in)
	}
	return nil
}

// checkSource reports a source without samples of shape in.
func checkSource(verb string, data dataset.Source, in tensor.Shape) error {
	if data == nil || data.Len() < 1 || data.Sample().Size() != in.Size() {
		return fmt.Errorf("hourglass: %s: want at least 1 sample of shape %v, got %s", verb, in, describe(data))
	}
	return nil
}

func describe(data dataset.Source) string {
	if data == nil {
		return "no data"
	}
	return fmt.Sprintf("%d of shape %v", data.Len(), data.Sample())
}

// runSource is run for samples that are read as they are needed.
func (p *passPool) runSource(ctx context.Context, verb string, data dataset.Source) (tensor.Tensor, error) {
	if err := p.complete(verb); err != nil {
		return tensor.Tensor{}, err
	}
	if err := checkSource(verb, data, p.network.Input()); err != nil {
		return tensor.Tensor{}, err
	}
	y, err := p.output(verb, data.Len())
	if err != nil {
		return tensor.Tensor{}, err
	}
	err = inChunks(ctx, data.Len(), func(lo, hi int) error {
		return p.forward(y.Slice(lo, hi).Data, readRange(data, lo, hi), lo, hi-lo)
	})
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("hourglass: %s: %w", verb, err)
	}
	return y, nil
}

// readRange returns samples lo to hi of a source.
func readRange(data dataset.Source, lo, hi int) []float32 {
	x, indices := make([]float32, (hi-lo)*data.Sample().Size()), make([]int, hi-lo)
	for i := range indices {
		indices[i] = lo + i
	}
	data.Read(x, indices)
	return x
}

// output makes room for the network's output for n samples.
func (p *passPool) output(verb string, n int) (tensor.Tensor, error) {
	shape := append(tensor.Shape{n}, p.network.Output()...)
	if err := shape.Validate(); err != nil {
		return tensor.Tensor{}, fmt.Errorf("hourglass: %s: the result is too large: %w", verb, err)
	}
	return tensor.New(shape...), nil
}

// inChunks calls do for consecutive stretches [lo, hi) of n samples, on as many
// goroutines as there are cores and stretches.
func inChunks(ctx context.Context, n int, do func(lo, hi int) error) error {
	chunks := (n + inferenceBatch - 1) / inferenceBatch
	return parallel.Each(ctx, 0, chunks, func(_, c int) error {
		return do(c*inferenceBatch, min((c+1)*inferenceBatch, n))
	})
}
