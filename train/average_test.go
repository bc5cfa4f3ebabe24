package train

import (
	"context"
	"math"
	"slices"
	"testing"

	"hourglass/loss"
	"hourglass/optim"
)

// The weights in the end are the mean that the definition makes, in float64, of the
// weights before the first step and after each, which take the way they take without it.
func TestWeightAverage(t *testing.T) {
	for _, decay := range []float64{0, 0.5, 0.9} {
		fit := func(observers ...Observer) *Trainer {
			trainer := &Trainer{Network: noisyNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{LearningRate: 0.01}, Epochs: 4, BatchSize: 5, Seed: 3,
				Observers: observers}
			if _, err := trainer.Fit(context.Background(), samples(22, 6, 6), nil); err != nil {
				t.Fatal(err)
			}
			return trainer
		}
		d := orDefault(decay, 0.99)
		var mean []float64
		var last []float32
		plain := fit(onEvent(func(e Event, r *Run) error {
			w := r.Network.Weights()
			switch e {
			case Started:
				for _, x := range w {
					mean = append(mean, float64(x))
				}
			case Stepped:
				for i, x := range w {
					mean[i] = d*mean[i] + (1-d)*float64(x)
				}
			}
			return nil
		}))
		averaged := fit(onEvent(func(e Event, r *Run) error {
			if e == Ended {
				last = slices.Clone(r.Network.Weights())
			}
			return nil
		}), &WeightAverage{Decay: decay})
		if !slices.Equal(last, plain.Network.Weights()) {
			t.Errorf("decay %v: the weights take another way", d)
		}
		for i, x := range averaged.Network.Weights() {
			// Each of twenty steps rounds the mean twice, to 6e-8 of at most 1.
			if math.Abs(float64(x)-mean[i]) > 2.4e-6 {
				t.Fatalf("decay %v: weight %d is %v, want %v", d, i, x, mean[i])
			}
		}
	}
}

// A run that goes on from its middle, of an epoch even, ends with the mean of one that was
// not interrupted.
func TestWeightAverageIsResumed(t *testing.T) {
	build := func(observers ...Observer) *Trainer {
		return &Trainer{Network: noisyNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{LearningRate: 0.01}, Epochs: 3, BatchSize: 5, Seed: 3,
			Observers: append([]Observer{&WeightAverage{Decay: 0.9}}, observers...)}
	}
	data := samples(22, 6, 6)
	var middle *Snapshot
	whole := build(onEvent(func(e Event, r *Run) error {
		if e != Stepped || r.State.Step != 7 {
			return nil
		}
		s, err := r.Snapshot()
		if err != nil {
			return err
		}
		middle = s.clone()
		middle.Arrays = [][][]float32{{slices.Clone(s.Arrays[0][0])}}
		return nil
	}))
	if _, err := whole.Fit(context.Background(), data, nil); err != nil {
		t.Fatal(err)
	}
	again := build()
	again.Resume = middle
	if _, err := again.Fit(context.Background(), data, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again.Network.Weights(), whole.Network.Weights()) {
		t.Error("the run that went on ends with another mean")
	}
}

func TestWeightAverageErrors(t *testing.T) {
	for _, a := range []*WeightAverage{{Decay: 1}, {Decay: -0.1}, {Decay: math.NaN()}, {mean: make([]float32, 3)}} {
		net := smallNetwork(t)
		before := slices.Clone(net.Weights())
		trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: 1, Observers: []Observer{a}}
		if _, err := trainer.Fit(context.Background(), samples(3, 2), nil); err == nil || !slices.Equal(net.Weights(), before) {
			t.Errorf("decay %v: error %v", a.Decay, err)
		}
	}
}
