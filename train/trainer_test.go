package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// onEvent makes a function an observer.
type onEvent func(e Event, r *Run) error

func (f onEvent) Observe(e Event, r *Run) error { return f(e, r) }

// noisyNetwork is an autoencoder of 6×6 images with all that draws random numbers.
func noisyNetwork(t testing.TB) *nn.Network {
	t.Helper()
	net, err := nn.NewNetwork(nil, nn.Input{6, 6}, nn.Flatten{}, nn.GaussianNoise{Stddev: 0.1},
		nn.Dense{Units: 70, Activation: nn.SELU}, nn.Dropout{Rate: 0.25}, nn.Dense{Units: 5, Activation: nn.Tanh},
		nn.Dense{Units: 33, Activation: nn.SELU}, nn.Dense{Units: 36, Activation: nn.Sigmoid}, nn.Reshape{6, 6})
	if err != nil {
		t.Fatal(err)
	}
	net.Init(1)
	return net
}

// smallNetwork reproduces samples of two values.
func smallNetwork(t testing.TB) *nn.Network {
	t.Helper()
	net, err := nn.NewNetwork(tensor.Shape{2}, nn.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	net.Init(1)
	return net
}

func samples(n int, shape ...int) dataset.Array {
	a := tensor.New(append([]int{n}, shape...)...)
	copy(a.Data, golden.Values(77, len(a.Data), 0, 1))
	return dataset.Array{Tensor: a}
}

// Weights and history are the same bits for any number of threads, also if batches
// do not divide the samples nor threads the batches, and from run to run.
func TestRepeatable(t *testing.T) {
	for _, c := range []struct{ samples, batch int }{{50, 16}, {23, 32}, {9, 1}, {31, 5}} {
		var weights []float32
		var history string
		for _, threads := range []int{1, 1, 2, 3, 8, 0} {
			net := noisyNetwork(t)
			trainer := Trainer{Network: net, Loss: loss.BinaryCrossEntropy{}, Optimizer: optim.Adam{}, Epochs: 3, BatchSize: c.batch,
				Seed: 9, Threads: threads, Metrics: []metric.Metric{metric.RoundedAccuracy{}, metric.MeanSquaredError{}}}
			h, err := trainer.Fit(context.Background(), samples(c.samples, 6, 6), samples(7, 6, 6))
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, e := range h.Epochs {
				text += fmt.Sprintf("%x %x\n", e.Train, *e.Validation) // every bit
			}
			if weights == nil {
				weights, history = net.Weights(), text
				continue
			}
			if !slices.Equal(net.Weights(), weights) {
				t.Errorf("%d samples, batches of %d: %d threads give other weights", c.samples, c.batch, threads)
			}
			if text != history {
				t.Errorf("%d samples, batches of %d: %d threads give history\n%swant\n%s", c.samples, c.batch, threads, text, history)
			}
		}
	}
}

func TestSeedMatters(t *testing.T) {
	var seen [][]float32
	for seed := range uint64(3) {
		net := noisyNetwork(t)
		trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: 40, Seed: seed}
		if _, err := trainer.Fit(context.Background(), samples(40, 6, 6), nil); err != nil {
			t.Fatal(err)
		}
		for _, other := range seen {
			if slices.Equal(other, net.Weights()) {
				t.Errorf("seed %d gives the weights of another", seed)
			}
		}
		seen = append(seen, net.Weights())
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2, 3} {
		trainer := Trainer{Network: noisyNetwork(t), Loss: loss.BinaryCrossEntropy{}, Optimizer: optim.Nadam{}, BatchSize: 16, Threads: threads,
			Metrics: []metric.Metric{metric.RoundedAccuracy{}, metric.MeanAbsoluteError{}}}
		l := trainer.newLoop(samples(20, 6, 6), "training", trainer.BatchSize, nn.PassOptions{})
		defer l.team.Close()
		l.startTraining()
		batch := []int{3, 5, 1, 19, 7, 8, 9, 0, 2, 4, 6}
		totals, mean := Totals{Metrics: make([]float64, 2)}, newScores(2)
		if n := testing.AllocsPerRun(50, func() {
			if _, err := l.step(batch); err != nil {
				t.Fatal(err)
			}
			totals.add(l)
			totals.means(&mean)
		}); n != 0 {
			t.Errorf("%d threads: a training step allocates %v times", threads, n)
		}
	}
}

// recorder notes which samples were read, and reads them.
type recorder struct {
	dataset.Array
	reads chan int
}

func (r recorder) Read(dst []float32, indices []int) error {
	for _, i := range indices {
		r.reads <- i
	}
	return r.Array.Read(dst, indices)
}

// Every epoch visits every sample once, in an order of its own; the last step
// takes what is left.
func TestShuffling(t *testing.T) {
	const n, epochs, batch = 10, 3, 4
	source := recorder{samples(n, 2), make(chan int, n*epochs)}
	var batches []int
	trainer := Trainer{Network: smallNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: epochs, BatchSize: batch,
		Threads: 1, Observers: []Observer{onEvent(func(e Event, r *Run) error {
			if e == Stepped {
				batches = append(batches, len(source.reads))
			}
			return nil
		})}}
	if _, err := trainer.Fit(context.Background(), source, nil); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(batches); got != "[4 8 10 14 18 20 24 28 30]" {
		t.Errorf("samples read after each step: %s", got)
	}
	var orders []string
	for range epochs {
		var order []int
		for range n {
			order = append(order, <-source.reads)
		}
		orders = append(orders, fmt.Sprint(order))
		slices.Sort(order)
		if !slices.Equal(order, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("an epoch visits %v", order)
		}
	}
	if orders[0] == orders[1] || orders[1] == orders[2] || orders[0] == "[0 1 2 3 4 5 6 7 8 9]" {
		t.Errorf("orders %v", orders)
	}
}

// With weights that stay, the means of an epoch are those over its samples, like
// Keras' and unlike the mean of its batches' means. The network makes 0 of
// everything, so that losses are those of the samples themselves.
func TestEpochMeans(t *testing.T) {
	net, err := nn.NewNetwork(tensor.Shape{2}, nn.Dense{Units: 2, KernelInit: nn.Zeros})
	if err != nil {
		t.Fatal(err)
	}
	data, err := tensor.FromSlice([]float32{1, 1, 2, 2, 3, 3, 4, 4, 5, 7}, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	validation, err := tensor.FromSlice([]float32{1, 2, 3, 4}, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{LearningRate: 1e-30}, Epochs: 1, BatchSize: 2,
		Metrics: []metric.Metric{metric.MeanAbsoluteError{}}}
	history, err := trainer.Fit(context.Background(), dataset.Array{Tensor: data}, dataset.Array{Tensor: validation})
	if err != nil {
		t.Fatal(err)
	}
	e := history.Last()
	if want := (2*1 + 2*4 + 2*9 + 2*16 + 25 + 49) / 10.0; math.Abs(e.Train.Loss-want) > 1e-6 {
		t.Errorf("loss %v, want %v", e.Train.Loss, want)
	}
	if want := (2*1 + 2*2 + 2*3 + 2*4 + 5 + 7) / 10.0; math.Abs(e.Train.Metrics[0]-want) > 1e-6 {
		t.Errorf("mae %v, want %v", e.Train.Metrics[0], want)
	}
	if want := (1 + 4 + 9 + 16) / 4.0; math.Abs(e.Validation.Loss-want) > 1e-6 {
		t.Errorf("validation loss %v, want %v", e.Validation.Loss, want)
	}
	if want := 2.5; math.Abs(e.Validation.Metrics[0]-want) > 1e-6 {
		t.Errorf("validation mae %v, want %v", e.Validation.Metrics[0], want)
	}
	scores, err := (&Trainer{Network: net, Loss: loss.MeanSquaredError{}}).Evaluate(context.Background(), dataset.Array{Tensor: validation})
	if err != nil || scores.Loss != e.Validation.Loss {
		t.Errorf("Evaluate = %v, %v, want loss %v", scores, err, e.Validation.Loss)
	}
}

// Noise and dropout rest in the validation after an epoch, whose score is that of
// the trained weights.
func TestValidationIsInference(t *testing.T) {
	trainer := Trainer{Network: noisyNetwork(t), Loss: loss.BinaryCrossEntropy{}, Optimizer: optim.Adam{}, Epochs: 2, BatchSize: 8}
	validation := samples(11, 6, 6)
	history, err := trainer.Fit(context.Background(), samples(30, 6, 6), validation)
	if err != nil {
		t.Fatal(err)
	}
	output := trainer.Network.NewPass(11).Forward(validation.Data, 11)
	want := loss.BinaryCrossEntropy{}.Eval(nil, output, validation.Data, 1) / float64(len(output))
	if got := history.Last().Validation.Loss; math.Abs(got/want-1) > 1e-5 {
		t.Errorf("validation loss %v, want %v", got, want)
	}
}

// The order of events, and what observers see with each.
func TestEvents(t *testing.T) {
	var log []string
	note := func(who string) Observer {
		return onEvent(func(e Event, r *Run) error {
			log = append(log, fmt.Sprintf("%s%d:%d/%d,%d", who, e, r.Epoch, r.Step, len(r.History.Epochs)))
			if r.Samples != 5 || r.Steps != 3 {
				t.Errorf("%d samples in %d steps, want 5 in 3", r.Samples, r.Steps)
			}
			if e == Stepped && (r.BatchLoss <= 0 || r.Mean.Loss <= 0 || r.State.Step != (r.Epoch-1)*3+r.Step) {
				t.Errorf("step %d/%d: batch loss %v, mean %v, state's step %d", r.Epoch, r.Step, r.BatchLoss, r.Mean.Loss, r.State.Step)
			}
			return nil
		})
	}
	trainer := Trainer{Network: smallNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 2, BatchSize: 2,
		Observers: []Observer{note("a"), note("b")}}
	if _, err := trainer.Fit(context.Background(), samples(5, 2), nil); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, w := range []string{"0:0/0,0", "1:1/1,0", "1:1/2,0", "1:1/3,0", "2:1/3,1", "1:2/1,1", "1:2/2,1", "1:2/3,1", "2:2/3,2", "3:2/3,2"} {
		want = append(want, "a"+w, "b"+w)
	}
	if !slices.Equal(log, want) {
		t.Errorf("events %v, want %v", log, want)
	}
}

// An observer's error ends the run; ErrStop does in good order. All observers are
// told of every event and of the end, and a failure counts more than a wish to stop.
func TestObserversEndRuns(t *testing.T) {
	failure := errors.New("the disk is full")
	for _, c := range []struct {
		name   string
		at     Event
		errs   [2]error
		want   error
		epochs int
	}{
		{"stop at the start", Started, [2]error{ErrStop, nil}, nil, 0},
		{"stop in a step", Stepped, [2]error{nil, fmt.Errorf("enough: %w", ErrStop)}, nil, 0},
		{"stop after an epoch", EpochEnded, [2]error{ErrStop, ErrStop}, nil, 1},
		{"stop at the end", Ended, [2]error{ErrStop, nil}, nil, 3},
		{"fail at the start", Started, [2]error{failure, nil}, failure, 0},
		{"fail in a step", Stepped, [2]error{nil, failure}, failure, 0},
		{"fail after an epoch", EpochEnded, [2]error{ErrStop, failure}, failure, 1},
		{"fail and stop", EpochEnded, [2]error{failure, ErrStop}, failure, 1},
		{"first failure", EpochEnded, [2]error{failure, errors.New("another")}, failure, 1},
		{"fail at the end", Ended, [2]error{nil, failure}, failure, 3},
	} {
		var told [2]int
		var last [2]Event
		observer := func(i int) Observer {
			return onEvent(func(e Event, _ *Run) error {
				told[i]++
				last[i] = e
				if e == c.at {
					return c.errs[i]
				}
				return nil
			})
		}
		trainer := Trainer{Network: smallNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 3, BatchSize: 5,
			Observers: []Observer{observer(0), observer(1)}}
		history, err := trainer.Fit(context.Background(), samples(5, 2), nil)
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
		if len(history.Epochs) != c.epochs {
			t.Errorf("%s: %d epochs in the history, want %d", c.name, len(history.Epochs), c.epochs)
		}
		if told[0] != told[1] || last != [2]Event{Ended, Ended} {
			t.Errorf("%s: observers were told of %v events, the last %v", c.name, told, last)
		}
	}
}

// Cancellation stops before the next step; the weights are those of a run that
// was never meant to go further, and the history has the epochs completed.
func TestCancellation(t *testing.T) {
	fit := func(stopAt int, cancelled bool) ([]float32, *History, error) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		steps, ended := 0, false
		net := noisyNetwork(t)
		trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{}, Epochs: 5, BatchSize: 4, Seed: 2,
			Observers: []Observer{onEvent(func(e Event, _ *Run) error {
				ended = ended || e == Ended
				if e != Stepped {
					return nil
				}
				if steps++; steps < stopAt {
					return nil
				}
				if cancelled {
					cancel()
					return nil
				}
				return ErrStop
			})}}
		history, err := trainer.Fit(ctx, samples(10, 6, 6), nil)
		if steps != stopAt || !ended {
			t.Errorf("%d steps were taken, want %d; end told: %v", steps, stopAt, ended)
		}
		return net.Weights(), history, err
	}
	weights, history, err := fit(5, true) // the second of three steps of epoch 2
	if !errors.Is(err, context.Canceled) || err.Error() != "train: stopped in epoch 2 before step 3: context canceled" {
		t.Errorf("error %v", err)
	}
	if len(history.Epochs) != 1 {
		t.Errorf("%d epochs in the history, want 1", len(history.Epochs))
	}
	want, _, err := fit(5, false)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weights, want) {
		t.Error("the weights are not those after the last step")
	}
}

func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	net := smallNetwork(t)
	before := slices.Clone(net.Weights())
	trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: 1}
	history, err := trainer.Fit(ctx, samples(3, 2), nil)
	if !errors.Is(err, context.Canceled) || len(history.Epochs) != 0 || !slices.Equal(net.Weights(), before) {
		t.Errorf("error %v, %d epochs", err, len(history.Epochs))
	}
	if _, err := trainer.Evaluate(ctx, samples(3, 2)); !errors.Is(err, context.Canceled) || err.Error() != "train: evaluation: stopped: context canceled" {
		t.Errorf("Evaluate: error %v", err)
	}
}

// One bad number among the data stops the run; the step is named and leaves no
// trace in the weights.
func TestNotFinite(t *testing.T) {
	for name, bad := range map[string]float64{"NaN": math.NaN(), "Inf": math.Inf(1), "-Inf": math.Inf(-1)} {
		for _, threads := range []int{1, 2, 3} {
			data := samples(12, 6, 6)
			data.Data[7*36+11] = float32(bad)
			net := noisyNetwork(t)
			var last []float32 // weights after the last good step
			good := 0
			trainer := Trainer{Network: net, Loss: loss.BinaryCrossEntropy{}, Optimizer: optim.Adam{}, Epochs: 2, BatchSize: 3, Threads: threads,
				Observers: []Observer{onEvent(func(e Event, r *Run) error {
					switch e {
					case Started:
						last = slices.Clone(net.Weights())
					case Stepped:
						good = r.Step
						last = slices.Clone(net.Weights())
					}
					return nil
				})}}
			history, err := trainer.Fit(context.Background(), data, nil)
			want := fmt.Sprintf("train: epoch 1, step %d: training sample 7: value 11 is %v, want a finite number", good+1, float32(bad))
			if !errors.Is(err, ErrNotFinite) || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s: error %v, want %s", name, err, want)
			}
			if !slices.Equal(net.Weights(), last) {
				t.Errorf("%s, %d threads: the bad step changed the weights", name, threads)
			}
			if len(history.Epochs) != 0 {
				t.Errorf("%s: an epoch with a bad step is in the history", name)
			}
		}
	}
}

// A learning rate far too large ends with an error, not with a history of NaN.
func TestDivergence(t *testing.T) {
	for _, validation := range []dataset.Source{nil, samples(3, 6, 6)} {
		net := noisyNetwork(t)
		trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{LearningRate: 1e30}, Epochs: 20, BatchSize: 30}
		// A linear layer behind all, so that nothing saturates.
		var err error
		trainer.Network, err = nn.NewNetwork(tensor.Shape{6, 6}, nn.Flatten{}, nn.Dense{Units: 36})
		if err != nil {
			t.Fatal(err)
		}
		trainer.Network.Init(1)
		history, err := trainer.Fit(context.Background(), samples(30, 6, 6), validation)
		if !errors.Is(err, ErrNotFinite) {
			t.Fatalf("error %v", err)
		}
		if validation != nil && !strings.HasPrefix(err.Error(), "train: validation after epoch 1: loss is not finite (") {
			t.Errorf("error %v", err)
		}
		for _, e := range history.Epochs {
			if !finite(e.Train.Loss) {
				t.Errorf("epoch %d has loss %v", e.Epoch, e.Train.Loss)
			}
		}
	}
}

func TestFitErrors(t *testing.T) {
	net := smallNetwork(t)
	good := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: 2}
	weightless, err := nn.NewNetwork(tensor.Shape{2}, nn.Flatten{})
	if err != nil {
		t.Fatal(err)
	}
	lopsided, err := nn.NewNetwork(tensor.Shape{2}, nn.Dense{Units: 3})
	if err != nil {
		t.Fatal(err)
	}
	empty := dataset.Array{Tensor: tensor.Tensor{Shape: tensor.Shape{0, 2}}}
	for _, c := range []struct {
		change     func(*Trainer)
		training   dataset.Source
		validation dataset.Source
		want       string
	}{
		{func(t *Trainer) { t.Network = nil }, samples(3, 2), nil, "train: no network is set"},
		{func(t *Trainer) { t.Loss = nil }, samples(3, 2), nil, "train: no loss is set"},
		{func(t *Trainer) { t.Optimizer = nil }, samples(3, 2), nil, "train: no optimizer is set"},
		{func(t *Trainer) { t.Epochs = 0 }, samples(3, 2), nil, "train: epochs is 0, want at least 1"},
		{func(t *Trainer) { t.BatchSize = -1 }, samples(3, 2), nil, "train: batch size is -1, want at least 1"},
		{func(t *Trainer) { t.Threads = -1 }, samples(3, 2), nil, "train: threads is -1, want at least 1, or 0 for all cores"},
		{func(t *Trainer) { t.Network = weightless }, samples(3, 2), nil, "train: the network has no weights to train"},
		{func(t *Trainer) { t.Network = lopsided }, samples(3, 2), nil, "train: the network gives samples of shape 3 for inputs of shape 2, want as many elements"},
		{func(t *Trainer) { t.Optimizer = optim.SGD{LearningRate: -1} }, samples(3, 2), nil, "optim: sgd: learning rate is -1, want a finite number of at least 0"},
		{func(t *Trainer) { t.Loss = loss.Huber{Delta: -1} }, samples(3, 2), nil, "loss: huber: delta is -1, want a finite number above 0, or 0 for 1"},
		{func(t *Trainer) {}, nil, nil, "train: no training samples"},
		{func(t *Trainer) {}, empty, nil, "train: no training samples"},
		{func(t *Trainer) {}, samples(3, 2), empty, "train: no validation samples"},
		{func(t *Trainer) {}, samples(3, 4), samples(3, 5), "train: training samples have shape 4, want 2"},
		{func(t *Trainer) {}, samples(3, 2), samples(3, 2, 2), "train: validation samples have shape 2×2, want 2"},
	} {
		trainer := good
		c.change(&trainer)
		history, err := trainer.Fit(context.Background(), c.training, c.validation)
		if err == nil || err.Error() != c.want || history != nil {
			t.Errorf("history %v, error %v, want %q", history, err, c.want)
		}
	}
	for want, c := range map[string]struct {
		trainer Trainer
		source  dataset.Source
	}{
		"train: no network is set":                            {Trainer{Loss: loss.MeanSquaredError{}}, samples(3, 2)},
		"train: no loss is set":                               {Trainer{Network: net}, samples(3, 2)},
		"train: no evaluation samples":                        {good, empty},
		"train: evaluation samples have shape 3, want 2":      {good, samples(3, 3)},
		"train: threads is -2, want at least 1, or 0 for all": {Trainer{Network: net, Loss: loss.MeanSquaredError{}, Threads: -2}, samples(3, 2)},
	} {
		if _, err := c.trainer.Evaluate(context.Background(), c.source); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Evaluate: error %v, want %q", err, want)
		}
	}
}

// Any batch size up to the largest int is a full batch.
func TestHugeBatch(t *testing.T) {
	steps := 0
	trainer := Trainer{Network: smallNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 2, BatchSize: math.MaxInt,
		Observers: []Observer{onEvent(func(e Event, r *Run) error {
			if e == Stepped {
				steps++
			}
			return nil
		})}}
	history, err := trainer.Fit(context.Background(), samples(7, 2), nil)
	if err != nil || steps != 2 || len(history.Epochs) != 2 {
		t.Errorf("%d steps, %v", steps, err)
	}
}

// A loss that works on logits and one that does not learn the same behind a
// sigmoid.
func TestFusedLoss(t *testing.T) {
	type unfused struct{ loss.Loss }
	var losses []float64
	for _, l := range []loss.Loss{loss.BinaryCrossEntropy{}, unfused{loss.BinaryCrossEntropy{}}} {
		trainer := Trainer{Network: noisyNetwork(t), Loss: l, Optimizer: optim.SGD{LearningRate: 0.5}, Epochs: 4, BatchSize: 8,
			Metrics: []metric.Metric{metric.MeanSquaredError{}}}
		history, err := trainer.Fit(context.Background(), samples(32, 6, 6), samples(8, 6, 6))
		if err != nil {
			t.Fatal(err)
		}
		e := history.Last()
		losses = append(losses, e.Train.Loss, e.Validation.Loss, e.Train.Metrics[0], e.Validation.Metrics[0])
	}
	for i, fused := range losses[:4] {
		if plain := losses[4+i]; math.Abs(fused/plain-1) > 1e-4 {
			t.Errorf("number %d is %v from logits and %v from probabilities", i, fused, plain)
		}
	}
}
