package train

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// A run on data that varies has the same bits for any number of threads and when it is
// resumed, other ones than without, and validates on samples as they are.
func TestRunsOnAugmentedData(t *testing.T) {
	plain := samples(30, 6, 6)
	augmented, err := dataset.Augment(plain, dataset.Augmentation{Shift: 1, Rotate: 15, Flip: true, Noise: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	trainer := func(threads int, observers ...Observer) *Trainer {
		net, err := nn.NewNetwork(tensor.Shape{6, 6}, nn.Flatten{}, nn.Dense{Units: 5, Activation: nn.SELU}, nn.Dense{Units: 36, Activation: nn.Sigmoid}, nn.Reshape{6, 6})
		if err != nil {
			t.Fatal(err)
		}
		net.Init(3)
		return &Trainer{Network: net, Loss: loss.BinaryCrossEntropy{}, Optimizer: optim.Adam{}, Epochs: 4, BatchSize: 8, Seed: 5, Threads: threads, Observers: observers}
	}
	whole := trainer(1, &keep{})
	history, err := whole.Fit(context.Background(), augmented, augmented)
	if err != nil {
		t.Fatal(err)
	}
	k := &keep{after: 6}
	if _, err := trainer(3, k).Fit(context.Background(), augmented, augmented); err == nil {
		t.Fatal("the run was not ended")
	}
	rest := trainer(2, &keep{})
	rest.Resume = k.taken
	resumed, err := rest.Fit(context.Background(), augmented, augmented)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rest.Network.Weights(), whole.Network.Weights()) || !bytes.Equal(numbers(t, resumed), numbers(t, history)) {
		t.Error("resumed, and on other threads, the run ends elsewhere")
	}
	scores, err := whole.Evaluate(context.Background(), plain)
	if err != nil || scores.Loss != history.Last().Validation.Loss {
		t.Errorf("validation came to %v, on the samples as they are it is %v (%v)", history.Last().Validation.Loss, scores.Loss, err)
	}
	other := trainer(1, &keep{})
	other.Resume = k.taken
	if _, err := other.Fit(context.Background(), plain, plain); err == nil || !strings.Contains(err.Error(), "data augmented by shift=1,rotate=15,flip,noise=0.1, not nothing") {
		t.Errorf("error %v", err)
	}
	still := trainer(1)
	if _, err := still.Fit(context.Background(), plain, nil); err != nil || slices.Equal(still.Network.Weights(), whole.Network.Weights()) {
		t.Errorf("the data does not vary (%v)", err)
	}
}
