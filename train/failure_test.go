package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// fuse panics, once, when it has been lit and burnt for so many calls.
type fuse struct {
	lit   atomic.Bool
	calls atomic.Int32
}

func (f *fuse) burn() {
	if f.lit.Load() && f.calls.Add(-1) == -1 {
		panic("boom")
	}
}

// What a user may write, each of which does its work until the fuse has burnt down.
type (
	fusedLoss struct {
		loss.MeanSquaredError
		*fuse
	}
	fusedMetric struct {
		metric.MeanSquaredError
		*fuse
	}
	fusedSource struct {
		dataset.Array
		*fuse
	}
	fusedOptimizer struct {
		optim.Adam
		*fuse
	}
	fusedSchedule struct {
		Cosine
		*fuse
	}
	fusedLayer struct {
		moment string
		*fuse
	}
	fusedStage struct {
		fusedLayer
		in tensor.Shape
	}
)

func (f fusedLoss) Eval(grad, pred, target []float32, scale float32) float64 {
	f.burn()
	return f.MeanSquaredError.Eval(grad, pred, target, scale)
}

func (f fusedMetric) Eval(pred, target []float32) float64 {
	f.burn()
	return f.MeanSquaredError.Eval(pred, target)
}

func (f fusedSource) Read(dst []float32, indices []int) error {
	f.burn()
	return f.Array.Read(dst, indices)
}

func (f fusedOptimizer) Update(s *optim.State, w, g []float32, lo int) {
	for i := range w { // so that half of the weights are changed when it panics
		w[i]++
	}
	f.burn()
	for i := range w {
		w[i]--
	}
	f.Adam.Update(s, w, g, lo)
}

func (f fusedSchedule) Factor(epochs float64) float64 {
	f.burn()
	return f.Cosine.Factor(epochs)
}

func (f fusedLayer) Bind(in tensor.Shape) (nn.Stage, error) { return fusedStage{f, in}, nil }

func (s fusedStage) at(moment string) {
	if s.moment == moment {
		s.burn()
	}
}

func (s fusedStage) Plan() nn.Plan {
	return nn.Plan{Output: s.in, Params: []nn.Param{{Name: "offset", Shape: s.in}}, Derived: s.in.Size()}
}

func (s fusedStage) Forward(f *nn.Frame) {
	s.at("forward")
	for i := range f.Y {
		f.Y[i] = f.X[i] + f.Params[0][i%s.in.Size()]
	}
}

func (s fusedStage) Backward(f *nn.Frame) {
	s.at("backward")
	copy(f.DX, f.DY)
}

func (s fusedStage) Gradient(f *nn.Frame, param, lo, hi int) {
	s.at("gradient")
	for c := lo; c < hi; c++ {
		f.Grads[0][c] = 0
		for i := range f.N {
			f.Grads[0][c] += f.DY[i*s.in.Size()+c]
		}
	}
}

func (s fusedStage) Derive(f *nn.Frame, _, _, _ int) { s.at("derive") }

// A panic in anything that a user may supply, on whatever worker, comes back from Fit
// with its stack; the weights are those of the last good step, no goroutine is left,
// and the run can be taken up again with the result of one that nothing happened to.
func TestPanicsComeBack(t *testing.T) {
	data := samples(40, 8)
	for _, part := range []string{"loss", "metric", "source", "optimizer", "schedule", "observer", "forward", "backward", "gradient", "derive"} {
		for _, threads := range []int{1, 3} {
			for _, calls := range []int32{0, 7} {
				f := new(fuse)
				f.calls.Store(calls)
				build := func() (*Trainer, dataset.Source) {
					net, err := nn.NewNetwork(tensor.Shape{8}, nn.Dense{Units: 30, Activation: nn.SELU},
						fusedLayer{part, f}, nn.Dense{Units: 8})
					if err != nil {
						t.Fatal(err)
					}
					net.Init(3)
					return &Trainer{Network: net, Loss: fusedLoss{fuse: unless(part == "loss", f)}, Optimizer: fusedOptimizer{fuse: unless(part == "optimizer", f)},
						Metrics: []metric.Metric{fusedMetric{fuse: unless(part == "metric", f)}}, Schedule: fusedSchedule{Cosine{4}, unless(part == "schedule", f)},
						Epochs: 3, BatchSize: 7, Threads: threads}, fusedSource{data, unless(part == "source", f)}
				}
				name := fmt.Sprintf("%s, %d threads, call %d", part, threads, calls)
				before := runtime.NumGoroutine()
				trainer, source := build()
				var last []float32
				var snapshot *Snapshot
				trainer.Observers = []Observer{onEvent(func(e Event, r *Run) error {
					if e == Stepped {
						last = slices.Clone(r.Network.Weights())
						f.lit.Store(f.lit.Load() || r.State.Step == 8)
					}
					if e == Ended {
						s, err := r.Snapshot()
						if err != nil {
							return err
						}
						snapshot = s.clone()
						return nil
					}
					if part == "observer" {
						f.burn()
					}
					return nil
				})}
				_, err := trainer.Fit(context.Background(), source, nil)
				var p *PanicError
				if !errors.As(err, &p) || p.Value != "boom" || !strings.Contains(p.Where, "train.(*fuse).burn (failure_test.go:") ||
					!strings.Contains(string(p.Stack), "burn") || strings.Contains(err.Error(), "\n") {
					t.Fatalf("%s: error %v", name, err)
				}
				if !slices.Equal(trainer.Network.Weights(), last) {
					t.Errorf("%s: the weights are not those of the last good step", name)
				}
				waitForGoroutines(t, name, before)

				f.lit.Store(false)
				again, source := build()
				again.Resume = snapshot
				if _, err := again.Fit(context.Background(), source, nil); err != nil {
					t.Fatalf("%s: going on: %v", name, err)
				}
				whole, source := build()
				if _, err := whole.Fit(context.Background(), source, nil); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(again.Network.Weights(), whole.Network.Weights()) {
					t.Errorf("%s: the run that went on ends otherwise than one that was not interrupted", name)
				}
			}
		}
	}
}

// unless returns the fuse of a part that is to fail, and for others one never lit.
func unless(fails bool, f *fuse) *fuse {
	if fails {
		return f
	}
	return new(fuse)
}

// clone copies what belongs to the run.
func (s *Snapshot) clone() *Snapshot {
	c := *s
	c.Weights = slices.Clone(s.Weights)
	c.Slots = nil
	for _, slot := range s.Slots {
		c.Slots = append(c.Slots, slices.Clone(slot))
	}
	c.Epochs = slices.Clone(s.Epochs)
	return &c
}

// waitForGoroutines fails unless there are soon no more goroutines than before.
func waitForGoroutines(t *testing.T, name string, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%s: %d goroutines remain, want at most %d", name, runtime.NumGoroutine(), before)
}

func TestPanicInEvaluate(t *testing.T) {
	f := new(fuse)
	f.lit.Store(true)
	f.calls.Store(5)
	trainer := Trainer{Network: smallNetwork(t), Loss: loss.MeanSquaredError{}, BatchSize: 4, Threads: 3}
	_, err := trainer.Evaluate(context.Background(), fusedSource{samples(50, 2), f})
	var p *PanicError
	if !errors.As(err, &p) || p.Value != "boom" {
		t.Errorf("error %v", err)
	}
}

// A finite loss whose gradient overflows, or makes weights that do, stops the run before
// a weight is harmed: however late in the run, whatever has been updated already.
func TestOverflowLeavesWeights(t *testing.T) {
	const huge = 1e25 // its square is no float32, but the loss is summed in float64
	for _, at := range []int{0, 5, 3*journalSteps + 7} {
		for _, threads := range []int{1, 3} {
			data := samples(at+1, 6, 6)
			net, err := nn.NewNetwork(tensor.Shape{6, 6}, nn.Flatten{}, nn.Dense{Units: 20}, nn.Dense{Units: 36}, nn.Reshape{6, 6})
			if err != nil {
				t.Fatal(err)
			}
			net.Init(1)
			last := slices.Clone(net.Weights())
			steps := 0
			trainer := Trainer{Network: net, Loss: steep{}, Optimizer: optim.Adam{}, Epochs: 2, BatchSize: 1, Threads: threads, Seed: 5,
				Observers: []Observer{onEvent(func(e Event, r *Run) error {
					if e == Stepped {
						steps++
						last = slices.Clone(net.Weights())
						if steps == at {
							// The sample that is left of this epoch.
							i := r.loop.order[at]
							for j := range data.Row(i) {
								data.Row(i)[j] = huge * float32(1+j)
							}
						}
					}
					return nil
				})}}
			if at == 0 {
				for j := range data.Data {
					data.Data[j] = huge
				}
			}
			_, err = trainer.Fit(context.Background(), data, nil)
			if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "makes weights that are not finite") {
				t.Fatalf("at %d, %d threads: error %v", at, threads, err)
			}
			if steps != at || !slices.Equal(net.Weights(), last) {
				t.Errorf("at %d, %d threads: after %d steps the weights are not those before the one that overflows", at, threads, steps)
			}
		}
	}
}

// steep is the absolute error with a gradient that overflows in the product with a large input.
type steep struct{}

func (steep) Name() string { return "steep" }
func (steep) Eval(grad, pred, target []float32, scale float32) float64 {
	sum := 0.0
	for i, p := range pred {
		sum += math.Abs(float64(p) - float64(target[i]))
		if grad != nil {
			grad[i] = (p - target[i]) * scale
		}
	}
	return sum
}

// Of a source that does not give the same samples when it is read again a step cannot be
// repeated. The weights are then those of some steps before, as the error says.
func TestGoingBackWithoutRepeatableData(t *testing.T) {
	f := new(fuse)
	net := smallNetwork(t)
	start := slices.Clone(net.Weights())
	reads, astray := 0, false
	trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: fusedOptimizer{fuse: f}, Epochs: 3, BatchSize: 2, Threads: 1,
		Observers: []Observer{onEvent(func(e Event, r *Run) error {
			f.lit.Store(e == Stepped && r.State.Step == 5)
			if astray = r.Astray(); astray && e != Ended {
				t.Errorf("event %v: astray before anything failed", e)
			}
			return nil
		})}}
	_, err := trainer.Fit(context.Background(), drifting{samples(8, 2), &reads}, nil)
	var p *PanicError
	if !errors.As(err, &p) || !strings.Contains(err.Error(), "the weights are those of 5 steps before: repeating step 1 of them: the loss was ") {
		t.Errorf("error %v", err)
	}
	if !slices.Equal(net.Weights(), start) {
		t.Error("the weights are others than the error says")
	}
	if !astray {
		t.Error("the run does not say that nothing can go on from these weights")
	}
}

// drifting is a source that never gives the same sample again.
type drifting struct {
	dataset.Array
	reads *int
}

func (d drifting) Read(dst []float32, indices []int) error {
	err := d.Array.Read(dst, indices)
	*d.reads++
	dst[0] += float32(*d.reads)
	return err
}

// Data that a loss is not defined for is refused, and the sample named.
func TestSamplesOutOfRange(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		loss           loss.Loss
		bad            float32
		in             string
		want           string
		finite, accept bool
	}{
		{loss.BinaryCrossEntropy{}, 1.5, "training", "training sample 7: value 11 is 1.5, want 0 to 1 for the loss binary_crossentropy", true, false},
		{loss.BinaryCrossEntropy{}, -1e-3, "training", "training sample 7: value 11 is -0.001, want 0 to 1", true, false},
		{loss.BinaryCrossEntropy{}, nan, "training", "training sample 7: value 11 is NaN, want a finite number", false, false},
		{loss.MeanSquaredError{}, nan, "training", "training sample 7: value 11 is NaN, want a finite number", false, false},
		{loss.MeanSquaredError{}, 1.5, "training", "", true, true},
		{loss.BinaryCrossEntropy{}, 1.5, "validation", "", true, true},
		{loss.BinaryCrossEntropy{}, nan, "validation", "train: validation after epoch 1: validation sample 7: value 11 is NaN", false, false},
		{loss.MeanSquaredError{}, float32(math.Inf(-1)), "evaluation", "train: evaluation: evaluation sample 7: value 11 is -Inf", false, false},
	} {
		for _, threads := range []int{1, 2, 3} {
			good, bad := samples(12, 6, 6), samples(12, 6, 6)
			bad.Data[7*36+11], bad.Data[7*36+20], bad.Data[9*36] = c.bad, c.bad, c.bad
			net := noisyNetwork(t)
			before := slices.Clone(net.Weights())
			trainer := Trainer{Network: net, Loss: c.loss, Optimizer: optim.Adam{}, Epochs: 1, BatchSize: 12, Threads: threads}
			var err error
			switch c.in {
			case "training":
				_, err = trainer.Fit(context.Background(), bad, nil)
			case "validation":
				_, err = trainer.Fit(context.Background(), good, bad)
			case "evaluation":
				_, err = trainer.Evaluate(context.Background(), bad)
			}
			var s *SampleError
			switch {
			case c.accept && err != nil:
				t.Errorf("%+v: error %v", c, err)
			case c.accept:
			case !errors.As(err, &s) || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrNotFinite) == c.finite:
				t.Errorf("%+v: error %v", c, err)
			case c.in == "training" && !slices.Equal(net.Weights(), before):
				t.Errorf("%+v: the weights were changed", c)
			}
		}
	}
}

// A run whose observer changes the weights goes on with the bits of the network that
// starts from those weights.
func TestWeightsChangedByObserver(t *testing.T) {
	build := func() *nn.Network {
		net, err := nn.NewNetwork(nil, nn.Input{6, 6, 1}, nn.Conv2D{Filters: 4, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU},
			nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU}, nn.Reshape{6, 12}, nn.LSTM{Units: 5, ReturnSequences: true},
			nn.Flatten{}, nn.Dense{Units: 36})
		if err != nil {
			t.Fatal(err)
		}
		net.Init(1)
		return net
	}
	other := build()
	other.Init(2)
	trainer := func(net *nn.Network, epochs int) *Trainer {
		return &Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{LearningRate: 0.1}, Epochs: epochs, BatchSize: 4, Seed: 3, Threads: 2}
	}
	fresh := build()
	copy(fresh.Weights(), other.Weights())
	if _, err := trainer(fresh, 1).Fit(context.Background(), samples(10, 6, 6, 1), nil); err != nil {
		t.Fatal(err)
	}
	changed := build()
	run := trainer(changed, 1)
	run.Observers = []Observer{onEvent(func(e Event, r *Run) error {
		if e == Started {
			copy(changed.Weights(), other.Weights())
			r.WeightsChanged()
		}
		return nil
	})}
	if _, err := run.Fit(context.Background(), samples(10, 6, 6, 1), nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(changed.Weights(), fresh.Weights()) {
		t.Error("weights changed at the start end elsewhere than the network that has them from the first")
	}
	// In the middle: a step after the change is a step from those weights.
	var got []float32
	late := build()
	run = trainer(late, 2)
	var reference *loop
	run.Observers = []Observer{onEvent(func(e Event, r *Run) error {
		if e == Stepped && r.State.Step == 4 {
			copy(late.Weights(), other.Weights())
			r.WeightsChanged()
			fresh := build()
			copy(fresh.Weights(), other.Weights())
			reference = trainer(fresh, 1).newLoop(samples(10, 6, 6, 1), "training", 4, nn.PassOptions{})
			reference.startTraining()
			reference.state.Step = r.State.Step
			if _, err := reference.step(slices.Clone(r.loop.order[4:8])); err != nil {
				return err
			}
			reference.team.Close()
		}
		if e == Stepped && r.State.Step == 5 {
			got = slices.Clone(late.Weights())
		}
		return nil
	})}
	if _, err := run.Fit(context.Background(), samples(10, 6, 6, 1), nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, reference.trainer.Network.Weights()) {
		t.Error("the step after a change is not that of a network with the changed weights")
	}
}
