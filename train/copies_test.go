package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// kindLayers are the layers of testdata/kinds_golden.py.
var kindLayers = map[string]nn.Layers{
	"importance":  {nn.Dense{Units: 8}, nn.ImportanceSampling{Samples: 3, Weight: 1. / 6}},
	"capacity":    {nn.Dense{Units: 8}, nn.Sampling{Weight: 2, Capacity: 3}},
	"tc":          {nn.Dense{Units: 8}, nn.TCSampling{Weight: 0.5, Correlation: 6, Samples: 100}},
	"contractive": {nn.Contractive{Layers: nn.Layers{nn.Dense{Units: 4, Activation: nn.Sigmoid}}, Weight: 0.3}},
}

// kind returns a trainer for a step with such layers, and its data.
func kind(t *testing.T, layers nn.Layers, threads int) (*Trainer, dataset.Source) {
	t.Helper()
	net, err := nn.NewNetwork(tensor.Shape{6}, append(slices.Clone(layers), nn.Dense{Units: 6, Activation: nn.Sigmoid})...)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range net.Arrays() {
		copy(a.Values, golden.Values(uint64(31+i), len(a.Values), -0.8, 0.8))
	}
	x := dataset.Array{Tensor: tensor.Tensor{Shape: tensor.Shape{5, 6}, Data: golden.Values(30, 30, 0, 1)}}
	return &Trainer{Network: net, Loss: loss.BinaryCrossEntropy{}, Optimizer: optim.SGD{LearningRate: 1}, Epochs: 1, BatchSize: 5, Seed: 3, Threads: threads},
		newInOrder(x, 3)
}

// TestKindsAgainstPyTorch takes a step with every way of drawing codes, and compares the terms
// of the loss and the weights.
func TestKindsAgainstPyTorch(t *testing.T) {
	var want map[string]struct {
		Terms   map[string]float64
		Weights []float64
	}
	golden.Load(t, "testdata/kinds_golden.json", &want)
	for name, layers := range kindLayers {
		var first []float32
		for _, threads := range []int{1, 2, 3, 8} {
			trainer, data := kind(t, layers, threads)
			history, err := trainer.Fit(context.Background(), data, data)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for term, value := range want[name].Terms {
				if got := history.Series(term); len(got) != 1 || math.Abs(got[0]-value) > 1e-5*max(1, math.Abs(value)) {
					t.Errorf("%s: %s is %v, want %v", name, term, got, value)
				}
			}
			golden.Close(t, name, trainer.Network.Weights(), want[name].Weights, 1e-5)
			if first == nil {
				first = slices.Clone(trainer.Network.Weights())
			}
			if !slices.Equal(trainer.Network.Weights(), first) {
				t.Errorf("%s: %d threads give other bits", name, threads)
			}
		}
	}
}

// A loss that is not finite says which of its terms are not.
func TestNotFiniteNamesTheTerm(t *testing.T) {
	trainer, data := kind(t, kindLayers["capacity"], 1)
	trainer.Network.Weights()[6*8+4] = 500 // the bias of a log-variance
	_, err := trainer.Fit(context.Background(), data, nil)
	if err == nil || !strings.Contains(err.Error(), "kl is ") {
		t.Errorf("error %v, want the term kl", err)
	}
}

// Binarized samples are zeros and ones, others at every step, as often ones as their values
// say; a run that is taken again has the same, for any number of threads.
func TestBinarize(t *testing.T) {
	run := func(threads int, binarize bool) *Trainer {
		trainer, data := kind(t, kindLayers["importance"], threads)
		trainer.Binarize, trainer.Epochs, trainer.BatchSize = binarize, 20, 2
		if _, err := trainer.Fit(context.Background(), data, data); err != nil {
			t.Fatal(err)
		}
		return trainer
	}
	one := run(1, true)
	if !slices.Equal(run(3, true).Network.Weights(), one.Network.Weights()) {
		t.Error("threads change the bits")
	}
	if slices.Equal(run(1, false).Network.Weights(), one.Network.Weights()) {
		t.Error("nothing is drawn")
	}
	// the identity, with values of 0.3: the squared error of 0 or 1 to itself is 0 only if the
	// target is what was drawn
	net, err := nn.NewNetwork(tensor.Shape{1000}, nn.Activation{Func: nn.ReLU})
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New(4, 1000)
	for i := range x.Data {
		x.Data[i] = 0.3
	}
	trainer := &Trainer{Network: net, Loss: loss.BinaryCrossEntropy{}, Binarize: true, Metrics: nil, BatchSize: 4}
	scores, err := trainer.Evaluate(context.Background(), dataset.Array{Tensor: x})
	if err != nil || scores.Loss > 1e-6 {
		t.Errorf("loss %v of the identity, %v", scores.Loss, err)
	}
	trainer.Loss = loss.MeanSquaredError{}
	if _, err := trainer.Evaluate(context.Background(), dataset.Array{Tensor: x}); err == nil || !strings.Contains(err.Error(), "binary_crossentropy") {
		t.Errorf("error %v", err)
	}
}

// Several outputs of a sample have no place for a mask.
func TestCopiesRefuseMask(t *testing.T) {
	trainer, data := kind(t, kindLayers["importance"], 1)
	masked, err := dataset.With(data, dataset.Mask, dataset.Array{Tensor: tensor.New(5, 6)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trainer.Fit(context.Background(), masked, nil); err == nil || !strings.Contains(err.Error(), "mask") {
		t.Errorf("error %v", err)
	}
}
