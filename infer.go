package hourglass

import (
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hourglass/dataset"
	"hourglass/internal/kernel"
	"hourglass/internal/parallel"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/tensor"
	"hourglass/train"
)

// inferenceBatch is how many samples run through a network together at most: enough
// for the matrix products, few enough for their values to stay in the caches. A power
// of two.
const inferenceBatch = 64

// passValues is how many values a pass may hold (64 MiB of them), unless a single
// sample needs more.
const passValues = 16 << 20

// worthwhile is how long a stretch of samples takes at least that is handed to another
// core: waking it takes a tenth of that.
const worthwhile = 40 * time.Microsecond

// lender lends a network's passes to the goroutines that run it.
type lender struct {
	network *nn.Network
	passes  [7]sync.Pool // of *nn.Pass with memory for 1, 2, 4, … inferenceBatch samples
	most    atomic.Int32 // samples that run together at most; 0 before the first pass
	cost    atomic.Int64 // nanoseconds that a sample took last; 0 before it is known
}

// borrow returns a pass for n samples, no larger than it has to be.
func (l *lender) borrow(n int) *nn.Pass {
	size := bits.Len(uint(n - 1))
	if pass, ok := l.passes[size].Get().(*nn.Pass); ok {
		return pass
	}
	return l.network.NewPass(1 << size)
}

func (l *lender) giveBack(pass *nn.Pass, n int) { l.passes[bits.Len(uint(n-1))].Put(pass) }

// batch returns how many samples run together at most. It is a power of two.
func (l *lender) batch() int {
	if most := l.most.Load(); most > 0 {
		return int(most)
	}
	pass := l.borrow(1)
	defer l.giveBack(pass, 1)
	most := max(1, min(inferenceBatch, passValues/max(pass.SampleValues(), 1)))
	most = 1 << (bits.Len(uint(most)) - 1)
	l.most.Store(int32(most))
	return most
}

// stretch returns into stretches of how many samples n samples are best cut for so many
// goroutines. Results do not depend on it: a sample's are its own.
func (l *lender) stretch(n, threads int) int {
	most := l.batch()
	if threads == 1 || n > most*threads {
		return most
	}
	least := 1
	if cost := l.cost.Load(); cost > 0 {
		least = int(min(int64(worthwhile)/cost, int64(most)-1)) + 1
	}
	return min(max((n+threads-1)/threads, least), most)
}

// SetThreads sets on how many cores a call may run at most (Encode, Decode,
// Reconstruct, Score, Run and their kin): 1 keeps each on the goroutine that made it,
// which is best for a service that answers many at once; 0, the default, means all
// cores. Fit has an option of its own, Threads. The results are the same.
func (a *Autoencoder) SetThreads(n int) { a.threads = max(n, 0) }

// Want says what Run computes.
type Want struct{ Codes, Reconstructions, Residuals, Scores bool }

// Results are what Run makes of n samples.
type Results struct {
	Codes           tensor.Tensor // n×(code)
	Reconstructions tensor.Tensor // n×(output)
	Residuals       tensor.Tensor // n×(output): what is reconstructed less the sample, in the units the network works in
	Scores          []float64     // n, see Score
}

// Run returns what is wanted of n samples, and runs each of them through encoder and
// decoder once for all of it: x has shape n×(input). It ends early with ctx's error.
func (a *Autoencoder) Run(ctx context.Context, x tensor.Tensor, want Want) (Results, error) {
	return a.Given().Run(ctx, x, want)
}

// Output is memory for what RunInto makes of samples, one after another: what is nil
// is not computed.
type Output struct {
	Codes           []float32 // for n·(values of a code)
	Reconstructions []float32 // for n·(values of a sample)
	Residuals       []float32 // likewise
	Scores          []float64 // for n
}

// RunInto is Run into the caller's memory, which must be as long as the results and
// not overlap x. On one core (SetThreads) it allocates nothing.
func (a *Autoencoder) RunInto(ctx context.Context, out Output, x tensor.Tensor) error {
	return a.Given().RunInto(ctx, out, x)
}

// DecodeInto is Decode into the caller's memory, which must be as long as the samples
// and not overlap the codes. It ends early with ctx's error. On one core (SetThreads) it
// allocates nothing.
func (a *Autoencoder) DecodeInto(ctx context.Context, dst []float32, codes tensor.Tensor) error {
	return a.Given().DecodeInto(ctx, dst, codes)
}

// checkRoom reports memory, unless nothing is to go there, that is not as long as what is.
func checkRoom(verb, what string, unwanted bool, got, want int) error {
	if unwanted || got == want {
		return nil
	}
	return fmt.Errorf("hourglass: %s: there is room for %d values of %s, want %d", verb, got, what, want)
}

// checkBatch reports an array that is not N samples of shape in.
func checkBatch(verb string, x tensor.Tensor, in tensor.Shape) error {
	if len(x.Shape) < 2 || x.Shape.Validate() != nil || x.Shape[1:].Size() != in.Size() || len(x.Data) != x.Shape.Size() {
		return fmt.Errorf("hourglass: %s: got an array of shape %v with %d values, want N×%v with N at least 1",
			verb, x.Shape, len(x.Data), in)
	}
	return nil
}

// checkCodes reports an array that is not N codes, and a decoder that cannot run alone
// because it joins what the encoder taps.
func (a *Autoencoder) checkCodes(verb string, codes tensor.Tensor) error {
	if err := a.decoder.Complete(); err != nil {
		return fmt.Errorf("hourglass: %s: %w", verb, err)
	}
	return checkBatch(verb, codes, a.decoder.Input())
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

// room returns an array for a network's output for n samples.
func room(verb string, n int, network *nn.Network) (tensor.Tensor, error) {
	shape := append(tensor.Shape{n}, network.Output()...)
	if err := shape.Validate(); err != nil {
		return tensor.Tensor{}, fmt.Errorf("hourglass: %s: the result is too large: %w", verb, err)
	}
	return tensor.New(shape...), nil
}

// call is what one call computes of samples that have been checked: whatever Output
// has memory for.
type call struct {
	verb   string
	x      []float32      // the samples, or codes to decode,
	source dataset.Source // unless they are read from here
	labels []int          // of the samples, or one for all of them; see Given
	decode bool           // x are codes
	first  int            // number of the first sample, in messages
	Output
}

// entry returns the passes that the samples go to first, which the cost of a call is
// estimated by.
func (a *Autoencoder) entry(c *call) *lender {
	switch {
	case c.decode:
		return &a.decoding
	case c.Reconstructions == nil && c.Residuals == nil && c.Scores == nil:
		return &a.encoding
	}
	return &a.reconstructing
}

// infer computes what the call wants of its n samples, on several cores where that is
// worth it.
func (a *Autoencoder) infer(ctx context.Context, c call, n int) error {
	threads := a.threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	if err := a.checkLabels(&c, n); err != nil {
		return fmt.Errorf("hourglass: %s: %w", c.verb, err)
	}
	stretch := a.entry(&c).stretch(n, threads)
	var err error
	if n <= stretch || threads == 1 {
		err = a.alone(ctx, c, n, stretch)
	} else {
		err = a.shared(ctx, c, n, stretch, threads)
	}
	if err != nil {
		return fmt.Errorf("hourglass: %s: %w", c.verb, err)
	}
	return nil
}

// alone computes one stretch after another on this goroutine.
func (a *Autoencoder) alone(ctx context.Context, c call, n, stretch int) error {
	s, ok := a.scratches.Get().(*scratch)
	if !ok {
		s = new(scratch)
	}
	for lo := 0; lo < n; lo += stretch {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.compute(&c, s, lo, min(lo+stretch, n)); err != nil {
			return err
		}
	}
	a.scratches.Put(s)
	return nil
}

// shared hands out the stretches.
func (a *Autoencoder) shared(ctx context.Context, c call, n, stretch, threads int) error {
	scratches := make([]scratch, threads)
	return parallel.Each(ctx, threads, (n-1)/stretch+1, func(worker, i int) error {
		return a.compute(&c, &scratches[worker], i*stretch, min((i+1)*stretch, n))
	})
}

// scratch is what a goroutine needs to compute stretches, but for passes.
type scratch struct {
	samples []float32
	indices []int
	labels  []float32 // empty where nobody asks for them
	there   []float32 // 0 for values that are missing; empty where none is
}

// compute computes samples lo to hi of a call. A panic, of a source perhaps, is an error.
func (a *Autoencoder) compute(c *call, s *scratch, lo, hi int) (err error) {
	defer parallel.Catch(&err)
	began, n := time.Now(), hi-lo
	x, err := a.input(c, s, lo, hi)
	if err != nil {
		return err
	}
	if err := checkFinite(x, c.first+lo, n); err != nil {
		return err
	}
	if err := a.readLabels(c, s, lo, hi); err != nil {
		return err
	}
	if err := a.readMask(c, s, hi-lo); err != nil {
		return err
	}
	last, from := &a.reconstructing, x
	if c.decode {
		last = &a.decoding
	}
	if c.Codes != nil {
		codes := rows(c.Codes, lo, hi, a.encoder.Output().Size())
		pass := a.encoding.borrow(n)
		copy(pass.LabelRows(0, n), s.labels)
		pass.ForwardInto(codes, x, n)
		a.encoding.giveBack(pass, n)
		if a.decoder.Complete() == nil {
			last, from = &a.decoding, codes
		}
	}
	switch size := a.whole.Output().Size(); {
	case c.Reconstructions != nil:
		pass, y := last.borrow(n), rows(c.Reconstructions, lo, hi, size)
		copy(pass.LabelRows(0, n), s.labels)
		pass.ForwardInto(y, from, n)
		last.giveBack(pass, n)
		a.scoreOutputs(c, y, x, s.there, lo, hi)
		if a.scaler != nil {
			a.scaler.Undo(y)
		}
	case c.Residuals != nil || c.Scores != nil:
		pass := last.borrow(n)
		copy(pass.LabelRows(0, n), s.labels)
		a.scoreOutputs(c, pass.Forward(from, n), x, s.there, lo, hi)
		last.giveBack(pass, n)
	}
	a.entry(c).cost.Store(max(int64(time.Since(began))/int64(n), 1))
	return nil
}

// input returns samples lo to hi as the network wants them.
func (a *Autoencoder) input(c *call, s *scratch, lo, hi int) ([]float32, error) {
	size := a.whole.Input().Size()
	if c.decode {
		size = a.decoder.Input().Size()
	}
	if c.source == nil && (a.scaler == nil || c.decode) {
		return rows(c.x, lo, hi, size), nil
	}
	s.samples = slices.Grow(s.samples[:0], (hi-lo)*size)[:(hi-lo)*size]
	if c.source != nil {
		s.indices = s.indices[:0]
		for i := lo; i < hi; i++ {
			s.indices = append(s.indices, i)
		}
		if err := c.source.Read(s.samples, s.indices); err != nil {
			return nil, err
		}
	} else {
		copy(s.samples, rows(c.x, lo, hi, size))
	}
	if a.scaler != nil {
		a.scaler.Apply(s.samples)
	}
	return s.samples, nil
}

// readMask reads which values of the n samples are there that the scratch has the numbers of, if
// they come from a source that tells.
func (a *Autoencoder) readMask(c *call, s *scratch, n int) error {
	s.there = s.there[:0]
	if c.source == nil || c.Scores == nil {
		return nil
	}
	face := dataset.FaceOf(c.source, dataset.Mask)
	if face == nil {
		return nil
	}
	size := n * a.whole.Output().Size()
	if face.Sample().Size()*n != size {
		return fmt.Errorf("the mask has samples of shape %v, want %v", face.Sample(), a.whole.Output())
	}
	s.there = slices.Grow(s.there, size)[:size]
	return face.Read(s.there, s.indices)
}

// scoreOutputs writes residuals and scores of outputs y for inputs x, if the call wants them.
// Scores are of the values that are there.
func (a *Autoencoder) scoreOutputs(c *call, y, x, there []float32, lo, hi int) {
	size := a.whole.Output().Size()
	if c.Residuals != nil {
		for i, v := range y {
			c.Residuals[lo*size+i] = v - x[i]
		}
	}
	if c.Scores == nil {
		return
	}
	for i := range hi - lo {
		if len(there) > 0 {
			c.Scores[lo+i] = squaredError(rows(y, i, i+1, size), rows(x, i, i+1, size), rows(there, i, i+1, size))
			continue
		}
		c.Scores[lo+i] = metric.MeanSquaredError{}.Eval(rows(y, i, i+1, size), rows(x, i, i+1, size))
	}
}

// squaredError is the mean over the values that are there, 0 if none is.
func squaredError(y, x, there []float32) float64 {
	var sum, count float64
	for i, v := range y {
		if there[i] != 0 {
			d := float64(v) - float64(x[i])
			sum += float64(d * d)
			count++
		}
	}
	return sum / max(count, 1)
}

// rows returns samples lo to hi of data.
func rows(data []float32, lo, hi, size int) []float32 { return data[lo*size : hi*size : hi*size] }

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
