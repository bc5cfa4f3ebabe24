package train

import (
	"context"
	"fmt"
	"math"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// Of the golden file: see nn/testdata/core_golden.py.
const goldenBatch, goldenSteps, goldenSize = 8, 50, 144

// goldenImages are pictures of 12×12 that two patterns make up.
func goldenImages(n int) dataset.Array {
	c, b := golden.Values(30, 2*n, 0, 1), golden.Values(31, 2*goldenSize, 0, 1)
	images := tensor.New(n, 12, 12)
	for i := range n {
		for j := range goldenSize {
			images.Row(i)[j] = float32((float64(c[2*i])*float64(b[j]) + float64(c[2*i+1])*float64(b[goldenSize+j])) / 2)
		}
	}
	return dataset.Array{Tensor: images}
}

// goldenNetwork is 144-20-7-20-144 with the golden file's weights.
func goldenNetwork(t *testing.T, hidden nn.Func) *nn.Network {
	t.Helper()
	net, err := nn.NewNetwork(nil, nn.Input{12, 12}, nn.Flatten{}, nn.Dense{Units: 20, Activation: hidden},
		nn.Dense{Units: 7, Activation: hidden}, nn.Dense{Units: 20, Activation: hidden},
		nn.Dense{Units: goldenSize, Activation: nn.Sigmoid}, nn.Reshape{12, 12})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range net.Arrays() {
		if len(a.Shape) == 1 {
			copy(a.Values, golden.Values(uint64(50+i/2), len(a.Values), -0.1, 0.1))
			continue
		}
		limit := math.Sqrt(6 / float64(a.Shape[0]+a.Shape[1]))
		copy(a.Values, golden.Values(uint64(40+i/2), len(a.Values), -limit, limit))
	}
	return net
}

// inOrder serves samples so that the first epoch visits them one after another.
type inOrder struct {
	dataset.Array
	position []int // of each index in the epoch's order
}

func newInOrder(a dataset.Array, seed uint64) inOrder {
	order := make([]int, a.Len())
	dataset.Permutation(seed, 1, order)
	s := inOrder{a, make([]int, a.Len())}
	for at, index := range order {
		s.position[index] = at
	}
	return s
}

func (s inOrder) Read(dst []float32, indices []int) error {
	for i, index := range indices {
		copy(dst[i*s.Sample().Size():], s.Row(s.position[index]))
	}
	return nil
}

// TestGolden compares fifty losses of training with those of PyTorch, and for
// Keras' Adam with NumPy's, from equal weights on equal batches: fifty different
// batches in one epoch, and the same batch in fifty epochs.
func TestGolden(t *testing.T) {
	type run struct{ Losses, Bias []float64 }
	var want map[string]struct{ Stream, Repeated run }
	golden.Load(t, "testdata/core_golden.json", &want)
	if len(want) != 6 {
		t.Fatalf("the golden file has %d runs, want 6", len(want))
	}
	rules := map[string]optim.Optimizer{"adam torch": optim.Adam{LearningRate: 0.01, Torch: true}, "adam keras": optim.Adam{LearningRate: 0.01}}
	for _, c := range []struct {
		name   string
		hidden nn.Func
		loss   loss.Loss
		rate   float64
	}{
		{"selu bce ", nn.SELU, loss.BinaryCrossEntropy{}, 1},
		{"sigmoid mse ", nn.Sigmoid, loss.MeanSquaredError{}, 1.5},
	} {
		rules["sgd"] = optim.SGD{LearningRate: c.rate}
		for rule, optimizer := range rules {
			for _, stream := range []bool{true, false} {
				name := fmt.Sprintf("%s%s, different batches: %v", c.name, rule, stream)
				expected, source := want[c.name+rule].Repeated, dataset.Source(goldenImages(goldenBatch*goldenSteps).Slice(0, goldenBatch))
				trainer := Trainer{Network: goldenNetwork(t, c.hidden), Loss: c.loss, Optimizer: optimizer, Epochs: goldenSteps,
					BatchSize: goldenBatch, Seed: 3, Threads: 2}
				if stream {
					expected, trainer.Epochs = want[c.name+rule].Stream, 1
					source = newInOrder(goldenImages(goldenBatch*goldenSteps), trainer.Seed)
				}
				var losses []float32
				trainer.Observers = []Observer{onEvent(func(e Event, r *Run) error {
					if e == Stepped {
						losses = append(losses, float32(r.BatchLoss))
					}
					return nil
				})}
				if _, err := trainer.Fit(context.Background(), source, nil); err != nil {
					t.Fatal(err)
				}
				golden.Close(t, name, losses, expected.Losses, 1e-5)
				arrays := trainer.Network.Arrays()
				golden.Close(t, name+": bias", arrays[len(arrays)-1].Values[:8], expected.Bias, 1e-4)
			}
		}
	}
}
