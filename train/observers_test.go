package train

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/optim"
)

// follow plays the epochs of a run with the given values of a series to an early
// stopping, each with weights of its own, and returns after how many it ended and
// the weights it put back.
func follow(t *testing.T, s *EarlyStopping, series []float64) (epochs int, weights float32) {
	t.Helper()
	net := smallNetwork(t)
	r := &Run{Trainer: &Trainer{Network: net}, History: &History{Metrics: []string{"rounded_accuracy"}}}
	for i, v := range series {
		r.Epoch = i + 1
		net.Weights()[0] = float32(r.Epoch)
		scores := Scores{Loss: v, Metrics: []float64{v}}
		r.History.Epochs = append(r.History.Epochs, Epoch{Epoch: r.Epoch, Train: scores, Validation: &scores})
		stop, err := (&Run{Trainer: &Trainer{Network: net, Metrics: []metric.Metric{metric.RoundedAccuracy{}}, Observers: []Observer{s}}, History: r.History, Epoch: r.Epoch}).notify(EpochEnded)
		if err != nil {
			t.Fatal(err)
		}
		if stop {
			break
		}
	}
	if err := s.Observe(Ended, r); err != nil {
		t.Fatal(err)
	}
	return r.Epoch, net.Weights()[0]
}

// The cases are worked out by Keras' rules: an improvement is more than MinDelta
// better than the best so far; Patience epochs after it without another one, stop.
func TestEarlyStopping(t *testing.T) {
	for _, c := range []struct {
		stopping EarlyStopping
		series   []float64
		epochs   int
		best     int
	}{
		{EarlyStopping{}, []float64{5, 4, 3}, 3, 3},
		{EarlyStopping{}, []float64{5, 6, 3}, 2, 1},
		{EarlyStopping{Patience: 1}, []float64{5, 6, 3}, 2, 1},
		{EarlyStopping{Patience: 2}, []float64{5, 6, 3, 4, 4, 2}, 5, 3},
		{EarlyStopping{Patience: 3}, []float64{5, 6, 3, 4, 4, 2}, 6, 6},
		{EarlyStopping{Patience: 2}, []float64{5, 5, 5, 5}, 3, 1},
		{EarlyStopping{Patience: 2, MinDelta: 0.5}, []float64{5, 4.6, 4.4, 4.2, 3}, 5, 5},
		{EarlyStopping{Patience: 2, MinDelta: 0.5}, []float64{5, 4.6, 4.5, 3}, 3, 1},
		{EarlyStopping{Patience: 2, MinDelta: -0.5}, []float64{5, 4.6, 4.5, 3}, 3, 1},
		{EarlyStopping{Monitor: "loss", Patience: 1}, []float64{2, 1, 3}, 3, 2},
		{EarlyStopping{Monitor: "val_rounded_accuracy", Patience: 1}, []float64{0.5, 0.7, 0.6, 0.9}, 3, 2},
		{EarlyStopping{Patience: 2}, []float64{math.NaN(), 3, 2, math.NaN(), math.NaN(), 1}, 5, 3},
		{EarlyStopping{Patience: 2}, []float64{math.NaN(), math.NaN(), math.NaN(), 1}, 3, 1},
		{EarlyStopping{Monitor: "rounded_accuracy", Patience: 2}, []float64{math.NaN(), 0.5, 0.25}, 3, 2},
		{EarlyStopping{Monitor: "rounded_accuracy", Patience: 2, MinDelta: 0.15}, []float64{0.5, 0.6, 0.7, 0.75}, 4, 3},
	} {
		s := c.stopping
		epochs, weights := follow(t, &s, c.series)
		if epochs != c.epochs || s.BestEpoch() != c.best || weights != float32(c.best) {
			t.Errorf("%+v over %v: ends after epoch %d with the weights of epoch %v (best %d), want %d and %d",
				c.stopping, c.series, epochs, weights, s.BestEpoch(), c.epochs, c.best)
		}
	}
}

func TestEarlyStoppingErrors(t *testing.T) {
	for _, monitor := range []string{"", "val_mse", "accuracy"} {
		trainer := Trainer{Network: smallNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 3, BatchSize: 2,
			Observers: []Observer{&EarlyStopping{Monitor: monitor}}}
		_, err := trainer.Fit(context.Background(), samples(3, 2), nil)
		want := monitor
		if monitor == "" {
			want = "val_loss"
		}
		if err == nil || err.Error() != `train: early stopping monitors "`+want+`", which this run does not have` {
			t.Errorf("error %v", err)
		}
	}
}

// A metric of the user's own says which way is better, or the run is refused: to
// make an accuracy small would be the worst that could happen.
func TestEarlyStoppingOnAnOwnMetric(t *testing.T) {
	stopping := &EarlyStopping{Monitor: "share", Patience: 2}
	trainer := Trainer{Network: smallNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{LearningRate: 1e-9}, Epochs: 6, BatchSize: 3,
		Metrics: []metric.Metric{&rising{}}, Observers: []Observer{stopping}}
	history, err := trainer.Fit(context.Background(), samples(3, 2), nil)
	if err != nil || len(history.Epochs) != 6 || stopping.BestEpoch() != 6 {
		t.Errorf("%d epochs, the best %d, %v; want all 6, the last the best", len(history.Epochs), stopping.BestEpoch(), err)
	}
	trainer.Metrics = []metric.Metric{struct{ metric.Metric }{&rising{}}} // which hides the method
	if _, err := trainer.Fit(context.Background(), samples(3, 2), nil); err == nil || !strings.Contains(err.Error(), "does not say which of its values are better") {
		t.Errorf("error %v", err)
	}
}

// rising is an accuracy that is higher at every call.
type rising struct{ calls atomic.Int64 }

func (*rising) Name() string                  { return "share" }
func (r *rising) Eval(_, _ []float32) float64 { return float64(r.calls.Add(1)) }
func (*rising) HigherIsBetter() bool          { return true }

// A whole run: it overfits, stops, and the network is the best epoch's.
func TestEarlyStoppingOfARun(t *testing.T) {
	stopping := &EarlyStopping{Patience: 2}
	net := noisyNetwork(t)
	trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{LearningRate: 0.02}, Epochs: 200, BatchSize: 4,
		Observers: []Observer{stopping}}
	history, err := trainer.Fit(context.Background(), samples(20, 6, 6).Slice(0, 10), samples(20, 6, 6).Slice(10, 20))
	if err != nil {
		t.Fatal(err)
	}
	series := history.Series("val_loss")
	best := slices.Index(series, slices.Min(series)) + 1
	if len(series) == 200 || len(series) != best+2 || stopping.BestEpoch() != best {
		t.Fatalf("%d epochs, the best is %d, BestEpoch %d", len(series), best, stopping.BestEpoch())
	}
	scores, err := trainer.Evaluate(context.Background(), samples(20, 6, 6).Slice(10, 20))
	if err != nil || scores.Loss != series[best-1] {
		t.Errorf("the network scores %v, %v; want %v, that of the best epoch", scores.Loss, err, series[best-1])
	}
}

// A checkpoint may be the last thing a process did after the epoch that ended its
// run early; the resumed run is over, too.
func TestEarlyStoppingOfAFinishedRunStops(t *testing.T) {
	training, k := samples(16, 6, 6), &keep{}
	tr := resumable(t, k)
	tr.Epochs = 50
	stopping := &EarlyStopping{Monitor: "loss", Patience: 1, MinDelta: 10}
	tr.Observers = []Observer{stopping, observe(func(e Event, r *Run) {
		if e == EpochEnded && r.Epoch == 2 {
			k.after = 1
			k.Observe(e, r)
		}
	})}
	whole, err := tr.Fit(context.Background(), training, nil)
	if err != nil || len(whole.Epochs) != 2 || k.taken == nil {
		t.Fatalf("%d epochs, %v; want 2 and a snapshot after the last", len(whole.Epochs), err)
	}
	tr.Resume, tr.Observers = k.taken, []Observer{&EarlyStopping{Monitor: "loss", Patience: 1, MinDelta: 10}}
	if rest, err := tr.Fit(context.Background(), training, nil); err != nil || len(rest.Epochs) != 2 {
		t.Errorf("resumed after epoch 2: %d epochs, %v; want the run to be over", len(rest.Epochs), err)
	}
}

// The shape of the epochs in metrics.json.
func TestHistoryJSON(t *testing.T) {
	h := &History{Metrics: []string{"rounded_accuracy", "mse"}, Epochs: []Epoch{
		{Epoch: 1, Seconds: 0.61234, Train: Scores{0.25, []float64{0.5, 0.125}}, Validation: &Scores{0.2, []float64{0.75, 0.0625}}},
		{Epoch: 2, Seconds: 1, Train: Scores{0.125, []float64{1, 1e-9}}},
	}}
	const want = `[{"epoch":1,"seconds":0.6123,"loss":0.25,"val_loss":0.2,"rounded_accuracy":0.5,"val_rounded_accuracy":0.75,"mse":0.125,"val_mse":0.0625},` +
		`{"epoch":2,"seconds":1.0000,"loss":0.125,"rounded_accuracy":1,"mse":1e-9}]`
	got, err := json.Marshal(h)
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	if got, err := json.Marshal(&History{}); err != nil || string(got) != "[]" {
		t.Errorf("an empty history is written as %s, %v", got, err)
	}
	h.Epochs[1].Train.Loss = math.NaN()
	if got, err := json.Marshal(h); err != nil || !strings.Contains(string(got), `"loss":null`) {
		t.Errorf("NaN is written as %s, %v", got, err)
	}
}

func TestHistorySeries(t *testing.T) {
	h := &History{Metrics: []string{"mse"}}
	if h.Last() != nil || h.Series("loss") != nil {
		t.Error("an empty history has epochs")
	}
	h.Epochs = []Epoch{
		{Epoch: 1, Train: Scores{3, []float64{30}}, Validation: &Scores{4, []float64{40}}},
		{Epoch: 2, Train: Scores{1, []float64{10}}, Validation: &Scores{2, []float64{20}}},
	}
	for name, want := range map[string][]float64{"loss": {3, 1}, "val_loss": {4, 2}, "mse": {30, 10}, "val_mse": {40, 20}, "mae": nil, "val_": nil} {
		if got := h.Series(name); !slices.Equal(got, want) {
			t.Errorf("Series(%q) = %v, want %v", name, got, want)
		}
	}
	h.Epochs[1].Validation = nil
	if got := h.Series("val_loss"); got != nil {
		t.Errorf("a series with a hole is %v, want nil", got)
	}
	if h.Last().Epoch != 2 {
		t.Errorf("the last epoch is %d", h.Last().Epoch)
	}
}
