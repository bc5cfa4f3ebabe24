package nn_test

import (
	"fmt"
	"math"
	"testing"

	"hourglass/nn"
	"hourglass/tensor"
)

// everything is a network with one of every layer that has something to get wrong
// when a batch is shared out.
var everything = nn.Layers{
	nn.Reshape{12, 12, 1},
	nn.Conv2D{Filters: 5, Kernel: nn.Square(3), Padding: nn.Same}, nn.BatchNormalization{}, nn.Activation{Func: nn.ReLU},
	nn.MaxPooling2D{}, nn.Dropout{Rate: 0.2},
	nn.Conv2D{Filters: 7, Kernel: nn.Pair{2, 3}, Dilation: nn.Pair{1, 2}, Activation: nn.SELU},
	nn.Conv2DTranspose{Filters: 6, Kernel: nn.Pair{2, 3}, Strides: nn.Pair{1, 3}, Activation: nn.Tanh},
	nn.Conv2DTranspose{Filters: 2, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: nn.Same},
	nn.AveragePooling2D{}, nn.UpSampling2D{}, nn.ZeroPadding2D{Padding: nn.Margins{Top: 1}}, nn.Cropping2D{Cropping: nn.Margins{Bottom: 1, Left: 1}},
	nn.Reshape{12, -1}, nn.LayerNormalization{},
	nn.Bidirectional{Layer: nn.GRU{Units: 5, ReturnSequences: true}},
	nn.TimeDistributed{Layer: nn.BatchNormalization{}},
	nn.Permute{2, 1}, nn.Conv1D{Filters: 9, Kernel: 3, Padding: nn.Same}, nn.Conv1DTranspose{Filters: 4, Kernel: 2},
	nn.SimpleRNN{Units: 6, ReturnSequences: true}, nn.LSTM{Units: 9},
	nn.RepeatVector{Times: 12}, nn.LSTM{Units: 11, ReturnSequences: true},
	nn.TimeDistributed{Layer: nn.Dense{Units: 12, Activation: nn.Sigmoid}},
}

// blocks is a network over images, and attentive one over sequences, with one of every
// layer that came after everything.
var (
	blocks = nn.Layers{
		nn.Reshape{12, 12, 1},
		nn.Conv2D{Filters: 8, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.GELU},
		nn.GroupNormalization{Groups: 2}, nn.PReLU{SharedAxes: []int{1, 2}}, nn.PixelShuffle{Factor: 2},
		nn.Activation{Func: nn.LeakyReLU, Slope: 0.01},
		nn.MaxPooling2D{Pool: nn.Square(3)}, nn.UpSampling2D{Size: nn.Pair{2, 1}, Interpolation: nn.Bilinear},
		nn.Conv2DTranspose{Filters: 4, Kernel: nn.Square(2), Strides: nn.Square(2), Activation: nn.SiLU},
		nn.DepthwiseConv2D{Kernel: nn.Pair{3, 2}, Strides: nn.Square(2), Padding: nn.Same, Multiplier: 3, Activation: nn.SELU},
		nn.SeparableConv2D{Filters: 5, Kernel: nn.Square(3), Dilation: nn.Square(2), Padding: nn.Same, Activation: nn.Mish},
		nn.Flatten{}, nn.Dense{Units: 24, Activation: nn.Mish}, nn.Activation{Func: nn.GELUTanh}, nn.PReLU{},
		nn.Dense{Units: 24, Activation: nn.HardSiLU}, nn.Dense{Units: 24, Activation: nn.HardSigmoid}, nn.Activation{Func: nn.ReLU6},
		nn.Dense{Units: 144, Activation: nn.Sigmoid},
	}
	attentive = nn.Layers{
		nn.PositionEmbedding{}, nn.PositionEmbedding{Sinusoidal: true},
		nn.MultiHeadAttention{Heads: 3, KeyDim: 5}, nn.MultiHeadAttention{Heads: 2, KeyDim: 3, ValueDim: 4, Causal: true, NoBias: true},
		nn.Conv1D{Filters: 10, Kernel: 3, Padding: nn.Causal, Dilation: 2, Activation: nn.SiLU},
		nn.DepthwiseConv1D{Kernel: 3, Padding: nn.Same}, nn.SeparableConv1D{Filters: 9, Kernel: 2, Padding: nn.Causal, Multiplier: 2},
		nn.GRU{Units: 6, ResetBefore: true, ReturnSequences: true}, nn.PReLU{}, nn.GroupNormalization{Groups: -1},
		nn.TimeDistributed{Layer: nn.Dense{Units: 12, Activation: nn.Sigmoid}},
	}
)

// variational is a network of layers that draw at random and add penalties.
var variational = nn.Layers{
	nn.MaskingNoise{Rate: 0.2}, nn.SaltAndPepperNoise{Rate: 0.2}, nn.Dense{Units: 9, Activation: nn.SELU},
	nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 4}}, {nn.Dense{Units: 4}}}}, nn.Sampling{Weight: 0.1},
	nn.MMDRegularization{Weight: 2}, nn.Dense{Units: 16, Activation: nn.Sigmoid},
}

// conditional is a network of layers that read the labels of the samples.
var conditional = nn.Layers{
	nn.Condition{Classes: 5}, nn.Dense{Units: 9, Activation: nn.SELU}, nn.Reshape{3, 3}, nn.Condition{Classes: 5, Embedding: 4}, nn.Flatten{},
	nn.Dense{Units: 16, Activation: nn.Sigmoid},
}

// contested is a network with an adversary at its codes, and quantized one with a codebook.
var (
	contested = nn.Layers{
		nn.Dense{Units: 5, Activation: nn.SELU}, nn.Adversary{Weight: 3, Layers: nn.Layers{nn.Condition{Classes: 3}, nn.Dense{Units: 6, Activation: nn.LeakyReLU}, nn.Dropout{Rate: 0.2}, nn.Dense{Units: 1}}},
		nn.Dense{Units: 16, Activation: nn.Sigmoid},
	}
	quantized = nn.Layers{
		nn.Dense{Units: 24, Activation: nn.SELU}, nn.Reshape{3, 2, 4}, nn.VectorQuantizer{Codes: 40, Commitment: 0.25, Decay: 0.9, Revive: 0.95}, nn.Flatten{},
		nn.Dense{Units: 16, Activation: nn.Sigmoid},
	}
)

// network is one to train, its input and the number of samples.
type network struct {
	name   string
	layers nn.Layers
	input  tensor.Shape
	n      int
}

var networks = []network{
	{"convolutional", convolutional, tensor.Shape{28, 28}, 3},
	{"recurrent", recurrent, tensor.Shape{28, 28}, 3},
	{"everything", everything, tensor.Shape{12, 12}, 7},
	{"one sample", everything, tensor.Shape{12, 12}, 1},
	{"blocks", blocks, tensor.Shape{12, 12}, 5},
	{"attentive", attentive, tensor.Shape{12, 12}, 5},
	{"variational", variational, tensor.Shape{16}, 70},
	{"conditional", conditional, tensor.Shape{16}, 11},
	{"contested", contested, tensor.Shape{16}, 11},
	{"quantized", quantized, tensor.Shape{16}, 11},
}

// TestWorkersGiveSameBits trains with several numbers of workers and compares all
// weights, running statistics among them, bit by bit.
func TestWorkersGiveSameBits(t *testing.T) {
	const steps = 2
	for _, network := range networks {
		t.Run(network.name, func(t *testing.T) {
			var want []float32
			for _, workers := range []int{1, 2, 3, 8} {
				s := newStepper(t, workers, network.n, 0.1, network.input, network.layers...)
				start := append([]float32(nil), s.net.Weights()...)
				for range steps {
					s.step()
				}
				if want == nil {
					want = append(want, s.net.Weights()...)
					checkMoved(t, s.net, start)
				}
				for i, w := range s.net.Weights() {
					if w != want[i] {
						t.Fatalf("%d workers: weight %d is %v, want %v", workers, i, w, want[i])
					}
				}
			}
		})
	}
}

// checkMoved checks that every array of weights has changed and is finite.
func checkMoved(t *testing.T, net *nn.Network, start []float32) {
	t.Helper()
	at := 0
	for _, a := range net.Arrays() {
		moved := false
		for i, v := range a.Values {
			moved = moved || v != start[at+i]
			if v-v != 0 {
				t.Fatalf("layer %d: %s is %v", a.Layer, a.Name, v)
			}
		}
		if !moved {
			t.Errorf("layer %d: %s did not change", a.Layer, a.Name)
		}
		at += len(a.Values)
	}
}

// TestStepsAllocateNothing counts allocations of training steps.
func TestStepsAllocateNothing(t *testing.T) {
	for _, network := range networks {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s %d", network.name, workers), func(t *testing.T) {
				s := newStepper(t, workers, network.n, 0.1, network.input, network.layers...)
				s.step()
				if allocs := testing.AllocsPerRun(5, s.step); allocs >= 1 {
					t.Errorf("a step makes %v allocations", allocs)
				}
			})
		}
	}
}

// TestInferenceGivesSameBits compares passes for inference with those for training,
// for a whole network and its halves.
func TestInferenceGivesSameBits(t *testing.T) {
	for _, network := range networks {
		net, err := nn.NewNetwork(network.input, network.layers...)
		if err != nil {
			t.Fatal(err)
		}
		net.Init(5)
		x := make([]float32, network.n*network.input.Size())
		for i := range x {
			x[i] = float32(math.Sin(float64(i)))
		}
		want := net.NewTrainingPass(network.n, nn.PassOptions{}).Forward(x, network.n)
		got := net.NewPass(network.n).Forward(x, network.n)
		half := len(network.layers) / 2
		code := net.Slice(0, half).NewPass(network.n).Forward(x, network.n)
		halves := net.Slice(half, len(network.layers)).NewPass(network.n).Forward(code, network.n)
		for i, w := range want {
			if got[i] != w || halves[i] != w {
				t.Fatalf("%s: output %d is %v and %v, want %v", network.name, i, got[i], halves[i], w)
			}
		}
	}
}

// TestTrainingLowersLoss trains on one batch.
func TestTrainingLowersLoss(t *testing.T) {
	s := newStepper(t, 2, 7, 0.3, tensor.Shape{12, 12}, everything...)
	s.step()
	first := s.loss()
	for range 30 {
		s.step()
	}
	if last := s.loss(); !(last < 0.98*first) {
		t.Errorf("loss went from %v to %v", first, last)
	}
}
