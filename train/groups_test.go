package train

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// contest returns a trainer of a network with an adversary, whose weights begin at the place
// returned.
func contest(t *testing.T, main optim.Optimizer, groups map[string]optim.Optimizer, observers ...Observer) (trainer *Trainer, adversary nn.GroupSpan) {
	t.Helper()
	net, err := nn.NewNetwork(tensor.Shape{6, 6}, nn.Flatten{}, nn.Dense{Units: 3},
		nn.Adversary{Weight: 0.2, Layers: nn.Layers{nn.Dense{Units: 5, Activation: nn.Tanh}, nn.Dense{Units: 1}}}, nn.Dense{Units: 36}, nn.Reshape{6, 6})
	if err != nil {
		t.Fatal(err)
	}
	net.Init(3)
	return &Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: main, Optimizers: groups, Epochs: 4, BatchSize: 8, Seed: 5, Threads: 2,
		Schedule: Exponential{By: 0.9}, Observers: observers}, net.Groups()[0]
}

// A group's weights go by its own optimiser, all others by the run's: after a step each is
// what a run with that optimiser alone makes of it.
func TestOptimizersOfGroups(t *testing.T) {
	first, second := optim.Nadam{LearningRate: 0.01}, optim.RMSprop{LearningRate: 0.002}
	weights := func(main optim.Optimizer, groups map[string]optim.Optimizer) ([]float32, nn.GroupSpan) {
		trainer, span := contest(t, main, groups)
		trainer.Epochs, trainer.BatchSize = 1, 30
		if _, err := trainer.Fit(context.Background(), samples(30, 6, 6), nil); err != nil {
			t.Fatal(err)
		}
		return trainer.Network.Weights(), span
	}
	both, span := weights(first, map[string]optim.Optimizer{nn.AdversaryGroup: second})
	one, _ := weights(first, nil)
	two, _ := weights(second, nil)
	if !slices.Equal(both[span.Lo:span.Hi], two[span.Lo:span.Hi]) {
		t.Error("the adversary's weights are not those of its optimiser")
	}
	if !slices.Equal(both[:span.Lo], one[:span.Lo]) || !slices.Equal(both[span.Hi:], one[span.Hi:]) {
		t.Error("the other weights are not those of the run's optimiser")
	}
}

// A run with two optimisers that is resumed ends with the bits of one that was not
// interrupted, and only with both of them.
func TestResumeWithGroups(t *testing.T) {
	training := samples(30, 6, 6)
	optimizers := func(rate float64) map[string]optim.Optimizer {
		return map[string]optim.Optimizer{nn.AdversaryGroup: optim.Nadam{LearningRate: rate}}
	}
	whole, _ := contest(t, optim.SGD{LearningRate: 0.1}, optimizers(0.003))
	history, err := whole.Fit(context.Background(), training, training)
	if err != nil {
		t.Fatal(err)
	}
	if names := history.Metrics; !slices.Equal(names, []string{Reconstruction, "adversary", "discriminator"}) {
		t.Errorf("the history has %q", names)
	}
	for _, after := range []int{3, 8} {
		k := &keep{after: after}
		broken, _ := contest(t, optim.SGD{LearningRate: 0.1}, optimizers(0.003), k)
		if _, err := broken.Fit(context.Background(), training, training); err == nil {
			t.Fatal("the run was not ended")
		}
		rest, _ := contest(t, optim.SGD{LearningRate: 0.1}, optimizers(0.003), &keep{})
		rest.Resume, rest.Threads = k.taken, 3
		resumed, err := rest.Fit(context.Background(), training, training)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(rest.Network.Weights(), whole.Network.Weights()) || !bytes.Equal(numbers(t, resumed), numbers(t, history)) {
			t.Errorf("resumed after step %d the run ends elsewhere", after)
		}
		for want, groups := range map[string]map[string]optim.Optimizer{
			`for the weights of "adversary" the optimizer nadam at 0.003, not nadam at 0.1`:  optimizers(0.1),
			`for the weights of "adversary" the optimizer nadam at 0.003, not of all at 0`:   nil,
			`for the weights of "adversary" the optimizer nadam at 0.003, not adam at 0.003`: {nn.AdversaryGroup: optim.Adam{LearningRate: 0.003}},
			`an optimizer is for the weights of "encoder", the network has the groups ["adv`: {"encoder": optim.Adam{}},
			`the optimizer of "adversary" is nil`:                                            {nn.AdversaryGroup: nil},
		} {
			other, _ := contest(t, optim.SGD{LearningRate: 0.1}, groups, &keep{})
			other.Resume = k.taken
			if _, err := other.Fit(context.Background(), training, training); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		}
	}
}

// A step that overflows in the middle of its changes leaves the weights that were before,
// those of groups and codebooks among them.
func TestGroupsGoBack(t *testing.T) {
	training := samples(30, 6, 6)
	build := func(epochs int, observers ...Observer) *Trainer {
		net, err := nn.NewNetwork(tensor.Shape{6, 6}, nn.Flatten{}, nn.Dense{Units: 4}, nn.VectorQuantizer{Codes: 5, Commitment: 0.25, Revive: 0.5},
			nn.Adversary{Weight: 0.2, Layers: nn.Layers{nn.Dense{Units: 1}}}, nn.Dense{Units: 36}, nn.Reshape{6, 6})
		if err != nil {
			t.Fatal(err)
		}
		net.Init(3)
		return &Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{LearningRate: 0.1}, Epochs: epochs, BatchSize: 8, Seed: 5, Threads: 2,
			Optimizers: map[string]optim.Optimizer{nn.AdversaryGroup: optim.Nadam{}}, Observers: observers}
	}
	want := build(2)
	if _, err := want.Fit(context.Background(), training, nil); err != nil {
		t.Fatal(err)
	}
	huge := &explode{after: 8}
	got := build(3, huge)
	got.Schedule = huge
	if _, err := got.Fit(context.Background(), training, nil); err == nil {
		t.Fatal("the step did not overflow")
	}
	if !slices.Equal(got.Network.Weights(), want.Network.Weights()) {
		t.Error("the weights are not those before the step that overflowed")
	}
}

// explode makes the learning rate infinite after some steps of the run, of 4 an epoch.
type explode struct{ after int }

func (*explode) Observe(Event, *Run) error { return nil }
func (*explode) Name() string              { return "explode" }
func (*explode) Validate() error           { return nil }
func (e *explode) Factor(epochs float64) float64 {
	if epochs*4 >= float64(e.after) {
		return 1e300
	}
	return 1
}
