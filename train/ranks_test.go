package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/ranks"
	"hourglass/tensor"
)

// rankResult is what a rank ends with.
type rankResult struct {
	weights []float32
	history string // every bit of it
	err     error
}

// onRanks fits a trainer that make gives each rank, on so many.
func onRanks(size int, fit func(g ranks.Group) (*nn.Network, *History, error)) []rankResult {
	results := make([]rankResult, size)
	var wait sync.WaitGroup
	for _, g := range ranks.Local(size) {
		wait.Go(func() {
			net, h, err := fit(g)
			r := rankResult{weights: slices.Clone(net.Weights()), err: err}
			if h != nil {
				for _, e := range h.Epochs {
					r.history += fmt.Sprintf("%x ", e.Train)
					if e.Validation != nil {
						r.history += fmt.Sprintf("%x\n", *e.Validation)
					}
				}
			}
			results[g.Rank()] = r
		})
	}
	wait.Wait()
	return results
}

// sameOnRanks compares what ranks end with, all of them, with what one alone does.
func sameOnRanks(t *testing.T, name string, sizes []int, fit func(g ranks.Group) (*nn.Network, *History, error)) {
	t.Helper()
	want := onRanks(1, fit)[0]
	if want.err != nil {
		t.Fatalf("%s: %v", name, want.err)
	}
	for _, size := range sizes {
		for rank, got := range onRanks(size, fit) {
			if got.err != nil || !slices.Equal(got.weights, want.weights) || got.history != want.history {
				t.Errorf("%s: rank %d of %d ends with other bits than one alone (%v)", name, rank, size, got.err)
			}
		}
	}
}

// All layers, losses, optimisers and schedules give the same bits on any number of ranks.
func TestRanksGiveTheSameBits(t *testing.T) {
	for _, c := range bitsCases {
		data, held := c.source(t), labelledSamples(t, 7)
		sameOnRanks(t, c.name, []int{2, 3, 8}, func(g ranks.Group) (*nn.Network, *History, error) {
			net, err := nn.NewNetwork(nil, append(nn.Layers{nn.Input{6, 6}}, c.layers...)...)
			if err != nil {
				t.Error(err)
			}
			net.Init(7)
			trainer := Trainer{Network: net, Loss: c.loss, Optimizer: c.optimizer, Schedule: c.schedule, Epochs: 3, BatchSize: 9, Seed: 3, Ranks: g,
				Metrics: []metric.Metric{metric.MeanSquaredError{}, metric.RoundedAccuracy{}}, Threads: 1 + g.Size()%3%2}
			h, err := trainer.Fit(context.Background(), data, held)
			return net, h, err
		})
	}
}

// So do masks, weights of samples, clipping, early stopping and moving averages, and batches
// that are smaller than the number of ranks.
func TestRanksWithEverything(t *testing.T) {
	plain := samples(23, 6, 6)
	mask := tensor.New(23, 6, 6)
	weights := tensor.New(23, 1)
	for i := range mask.Data {
		mask.Data[i] = float32(i % 3 % 2)
	}
	for i := range weights.Data {
		weights.Data[i] = float32(i%4) / 2
	}
	masked := with(t, plain, dataset.Mask, dataset.Array{Tensor: mask})
	weighted := with(t, plain, dataset.Weights, dataset.Array{Tensor: weights})
	for i, data := range []dataset.Source{plain, masked, weighted} {
		for j, clip := range []Clipping{{}, {Value: 1e-3}, {Norm: 0.01}, {GlobalNorm: 0.01}} {
			sameOnRanks(t, fmt.Sprint("data ", i, ", clipping ", j), []int{2, 3, 5}, func(g ranks.Group) (*nn.Network, *History, error) {
				net := noisyNetwork(t)
				trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{}, Epochs: 4, BatchSize: 10, Seed: 3, Ranks: g, Clipping: clip,
					Observers: []Observer{&EarlyStopping{Patience: 1, MinDelta: 1e-3}, &WeightAverage{}}, Threads: 1, Metrics: []metric.Metric{metric.RoundedAccuracy{}}}
				h, err := trainer.Fit(context.Background(), data, samples(4, 6, 6))
				return net, h, err
			})
		}
	}
}

// Evaluate gives all ranks the scores of one alone.
func TestRanksEvaluate(t *testing.T) {
	evaluate := func(g ranks.Group) (*nn.Network, *History, error) {
		net := noisyNetwork(t)
		trainer := Trainer{Network: net, Loss: loss.BinaryCrossEntropy{}, BatchSize: 7, Ranks: g, Threads: 1, Metrics: []metric.Metric{metric.RoundedAccuracy{}}}
		scores, err := trainer.Evaluate(context.Background(), samples(16, 6, 6))
		return net, &History{Epochs: []Epoch{{Train: scores}}}, err
	}
	sameOnRanks(t, "evaluate", []int{2, 5}, evaluate)
}

// A run that some ranks began is gone on with by others, with the bits of one that nobody
// interrupted.
func TestRanksResume(t *testing.T) {
	fit := func(g ranks.Group, resume *Snapshot, o ...Observer) (*nn.Network, *History, error) {
		net := noisyNetwork(t)
		trainer := Trainer{Network: net, Loss: loss.BinaryCrossEntropy{}, Optimizer: optim.Nadam{}, Epochs: 3, BatchSize: 10, Seed: 3, Ranks: g, Threads: 1, Observers: o, Resume: resume}
		h, err := trainer.Fit(context.Background(), samples(34, 6, 6), samples(4, 6, 6))
		return net, h, err
	}
	want := onRanks(1, func(g ranks.Group) (*nn.Network, *History, error) { return fit(g, nil) })[0]
	var taken *Snapshot
	for _, r := range onRanks(3, func(g ranks.Group) (*nn.Network, *History, error) {
		return fit(g, nil, onEvent(func(e Event, r *Run) error {
			if g.Rank() != 1 || e != Stepped || r.Epoch != 2 || r.Step != 2 {
				return nil
			}
			s, err := r.Snapshot()
			s.Weights = slices.Clone(s.Weights)
			for i := range s.Slots {
				s.Slots[i] = slices.Clone(s.Slots[i])
			}
			taken = s
			return errors.Join(ErrStop, err) // on this rank alone
		}))
	}) {
		if r.err != nil {
			t.Fatal(r.err)
		}
	}
	for _, size := range []int{1, 2, 5} {
		for rank, got := range onRanks(size, func(g ranks.Group) (*nn.Network, *History, error) { return fit(g, taken) }) {
			if got.err != nil || !slices.Equal(got.weights, want.weights) || got.history != want.history {
				t.Errorf("rank %d of %d ends with other bits than a run without interruption (%v)", rank, size, got.err)
			}
		}
	}
}

// What stops one rank stops all before or behind the same step, with the same error and weights.
func TestRanksFailTogether(t *testing.T) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	bad := samples(40, 6, 6)
	bad.Tensor.Data[36*17+3] = float32(math.NaN())
	type settings struct {
		trainer    *Trainer
		ctx        context.Context
		data, held dataset.Source
	}
	atStep := func(n int, do func() error) Observer {
		return onEvent(func(e Event, r *Run) error {
			if e == Stepped && r.Step == n {
				return do()
			}
			return nil
		})
	}
	for _, c := range []struct {
		name, want string
		is         error
		on         func(s *settings, last bool)
	}{
		{"a sample", "sample 17: value 3 is NaN", ErrNotFinite, func(s *settings, _ bool) { s.data = bad }},
		{"an overflow", "weights that are not finite", ErrNotFinite, func(s *settings, _ bool) { s.trainer.Optimizer = optim.SGD{LearningRate: 1e42} }},
		{"cancelled", "before step", context.Canceled, func(s *settings, last bool) {
			if last {
				s.ctx = gone
			}
		}},
		{"an observer", "rank 2: disk full", nil, func(s *settings, last bool) {
			if last {
				s.trainer.Observers = []Observer{atStep(2, func() error { return errors.New("disk full") })}
			}
		}},
		{"an observer's panic", "rank 2: panic in", nil, func(s *settings, last bool) {
			if last {
				s.trainer.Observers = []Observer{atStep(2, func() error { panic("boom") })}
			}
		}},
		{"a loss that panics", "rank 2: panic in", nil, func(s *settings, last bool) {
			if last {
				f := &fuse{}
				f.calls.Store(7)
				s.trainer.Loss, s.trainer.Observers = fusedLoss{fuse: f}, []Observer{atStep(1, func() error { f.lit.Store(true); return nil })}
			} else {
				s.trainer.Loss = fusedLoss{fuse: &fuse{}}
			}
		}},
		{"a source that panics", "rank 2: panic in", nil, func(s *settings, last bool) {
			f := &fuse{}
			f.lit.Store(last)
			f.calls.Store(2)
			s.data = fusedSource{samples(40, 6, 6), f}
		}},
		{"an optimizer that panics half way", "rank 2: panic in", nil, func(s *settings, last bool) {
			f := &fuse{}
			f.calls.Store(1)
			s.trainer.Optimizer = fusedOptimizer{fuse: f}
			if last {
				s.trainer.Observers = []Observer{atStep(2, func() error { f.lit.Store(true); return nil })}
			}
		}},
		{"a seed", "rank 2 is to do something else than rank 0: the run has seed 3, not 4", nil, func(s *settings, last bool) {
			if last {
				s.trainer.Seed = 4
			}
		}},
		{"epochs", "the run has 3 epochs, not 4", nil, func(s *settings, last bool) {
			if last {
				s.trainer.Epochs = 4
			}
		}},
		{"weights", "the weights are others", nil, func(s *settings, last bool) {
			if last {
				s.trainer.Network.Weights()[0]++
			}
		}},
		{"a setting", "rank 2: train: batch size is 0", nil, func(s *settings, last bool) {
			if last {
				s.trainer.BatchSize = 0
			}
		}},
		{"weights changed on the way", "rank 2 is at another place", nil, func(s *settings, last bool) {
			if last {
				s.trainer.Observers = []Observer{onEvent(func(e Event, r *Run) error {
					if e == Stepped {
						r.Network.Weights()[0]++
						r.WeightsChanged()
					}
					return nil
				})}
			}
		}},
	} {
		results := onRanks(3, func(g ranks.Group) (*nn.Network, *History, error) {
			net := noisyNetwork(t)
			s := settings{&Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{}, Epochs: 3, BatchSize: 10, Seed: 3, Threads: 1, Ranks: g}, context.Background(), samples(40, 6, 6), samples(9, 6, 6)}
			c.on(&s, g.Rank() == 2)
			h, err := s.trainer.Fit(s.ctx, s.data, s.held)
			return net, h, err
		})
		for rank, r := range results {
			if r.err == nil || !strings.Contains(r.err.Error(), c.want) || r.err.Error() != results[0].err.Error() || c.is != nil && !errors.Is(r.err, c.is) {
				t.Errorf("%s: rank %d ends with %v, rank 0 with %v, want %q", c.name, rank, r.err, results[0].err, c.want)
			}
			if !strings.Contains(c.name, "weights") && !slices.Equal(r.weights, results[0].weights) {
				t.Errorf("%s: rank %d ends with other weights than rank 0", c.name, rank)
			}
			if p := (*PanicError)(nil); strings.Contains(c.want, "panic") != errors.As(r.err, &p) {
				t.Errorf("%s: rank %d: got %v, want a panic to be one on all ranks", c.name, rank, r.err)
			}
			if s := (*SampleError)(nil); c.name == "a sample" && (!errors.As(r.err, &s) || s.Sample != 17) {
				t.Errorf("%s: rank %d: got %v, want a SampleError", c.name, rank, r.err)
			}
		}
	}
}

// leaving is a group that one rank leaves after so many exchanges.
type leaving struct {
	ranks.Group
	left *int
}

func (g leaving) Gather(whole []byte, ends []int) error {
	if *g.left--; *g.left < 0 {
		g.Abort(errors.New("killed"))
	}
	return g.Group.Gather(whole, ends)
}

// A rank that is lost, wherever the others are, ends the run for all of them. What they are left
// with are the weights of the step where they say they are, or they say that they are not.
func TestRanksLost(t *testing.T) {
	train := func(g ranks.Group, watch func(Event, *Run)) (*nn.Network, *History, error) {
		net := noisyNetwork(t)
		trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{}, Epochs: 3, BatchSize: 10, Seed: 3, Threads: 1, Ranks: g,
			Observers: []Observer{onEvent(func(e Event, r *Run) error { watch(e, r); return nil })}}
		h, err := trainer.Fit(context.Background(), samples(40, 6, 6), samples(9, 6, 6))
		return net, h, err
	}
	var after [][]float32 // the weights after each step
	if _, _, err := train(nil, func(e Event, r *Run) {
		if e == Started || e == Stepped {
			after = append(after, slices.Clone(r.Network.Weights()))
		}
	}); err != nil {
		t.Fatal(err)
	}
	var astray atomic.Int32
	for exchanges := range 40 {
		for rank, r := range onRanks(3, func(g ranks.Group) (*nn.Network, *History, error) {
			if left := exchanges; g.Rank() == 1 {
				g = leaving{g, &left}
			}
			return train(g, func(e Event, r *Run) {
				switch {
				case e != Ended:
				case r.Astray():
					astray.Add(1)
				case !slices.Equal(r.Network.Weights(), after[r.State.Step]):
					t.Errorf("after %d exchanges: the weights of rank %d are not those after step %d", exchanges, g.Rank(), r.State.Step)
				}
			})
		}) {
			if lost := (*ranks.Lost)(nil); !errors.As(r.err, &lost) || lost.Rank != 1 || strings.Contains(r.err.Error(), "panic") {
				t.Errorf("after %d exchanges: rank %d ends with %v, want rank 1 lost", exchanges, rank, r.err)
			}
		}
	}
	t.Logf("%d of %d ranks were left with other weights, and said so", astray.Load(), 40*3)
}
