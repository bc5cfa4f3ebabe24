package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math"
	"os"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/internal/race"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

// recordBits writes testdata/bits.json anew. A change that gives other bits must say which
// rounding it changed, and why.
var recordBits = flag.Bool("record-bits", false, "write the digests of TestBits to testdata/bits.json")

const bitsFile = "testdata/bits.json"

// bitsCase is a training whose bits are compared.
type bitsCase struct {
	name      string
	layers    nn.Layers
	loss      loss.Loss
	optimizer optim.Optimizer
	schedule  Schedule
}

// bitsCases are networks for images of 6×6 pixels or sequences of as many steps. Each kind
// of layer, loss, optimiser and schedule belongs into one of them at least.
var bitsCases = []bitsCase{
	{"dense, noise, Nadam", nn.Layers{nn.Flatten{}, nn.GaussianNoise{Stddev: 0.1},
		nn.Dense{Units: 21, Activation: nn.SELU, KernelInit: nn.LeCunNormal}, nn.Dropout{Rate: 0.2},
		nn.Dense{Units: 5, Activation: nn.ELU, KernelInit: nn.HeUniform}, nn.Dense{Units: 19, Activation: nn.SELU, KernelInit: nn.GlorotNormal},
		nn.Dense{Units: 36, Activation: nn.Sigmoid}, nn.Reshape{6, 6}},
		loss.BinaryCrossEntropy{}, optim.Nadam{}, nil},
	{"batch normalisation, Adam", nn.Layers{nn.Flatten{}, nn.Dense{Units: 18, NoBias: true, KernelInit: nn.HeNormal}, nn.BatchNormalization{},
		nn.Activation{Func: nn.ReLU}, nn.Dense{Units: 6, Activation: nn.Tanh}, nn.BatchNormalization{Momentum: 0.9}, nn.Dense{Units: 36}, nn.Reshape{6, 6}},
		loss.MeanSquaredError{}, optim.Adam{}, Cosine{Epochs: 300}},
	{"convolutions, RMSprop", nn.Layers{nn.Reshape{6, 6, 1}, nn.Conv2D{Filters: 5, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.LeakyReLU},
		nn.MaxPooling2D{}, nn.BatchNormalization{}, nn.Conv2D{Filters: 4, Kernel: nn.Square(2), Activation: nn.Softplus},
		nn.Conv2DTranspose{Filters: 4, Kernel: nn.Square(3), Strides: nn.Square(1), Activation: nn.ReLU}, nn.UpSampling2D{}, nn.ZeroPadding2D{Padding: nn.Margins{Top: 1, Bottom: 1, Left: 1, Right: 1}},
		nn.AveragePooling2D{Pool: nn.Square(3), Strides: nn.Square(1)}, nn.Flatten{}, nn.Dense{Units: 36}, nn.Reshape{6, 6}},
		loss.Huber{Delta: 0.1}, optim.RMSprop{}, Exponential{By: 0.999}},
	{"layer normalisation, AdamW", nn.Layers{nn.Dense{Units: 7}, nn.LayerNormalization{}, nn.Permute{2, 1}, nn.Conv1D{Filters: 6, Kernel: 3, Padding: nn.Same, Activation: nn.Tanh},
		nn.LayerNormalization{}, nn.Flatten{}, nn.Dense{Units: 36, Activation: nn.Sigmoid, KernelInit: nn.TorchLinear, BiasInit: nn.TorchLinear}, nn.Reshape{6, 6}},
		loss.MeanAbsoluteError{}, optim.AdamW{}, Steps{Every: 100, By: 0.7}},
	{"LSTM, momentum", nn.Layers{nn.LSTM{Units: 9, ReturnSequences: true}, nn.LSTM{Units: 4}, nn.RepeatVector{Times: 6},
		nn.LSTM{Units: 7, ReturnSequences: true}, nn.TimeDistributed{Layer: nn.Dense{Units: 6, Activation: nn.Sigmoid}}},
		loss.BinaryCrossEntropy{}, optim.SGD{LearningRate: 0.05, Momentum: 0.9, Nesterov: true}, nil},
	{"GRU, Nadam of PyTorch", nn.Layers{nn.GRU{Units: 7, ReturnSequences: true}, nn.Bidirectional{Layer: nn.SimpleRNN{Units: 3, ReturnSequences: true}},
		nn.GRU{Units: 4}, nn.RepeatVector{Times: 6}, nn.GRU{Units: 5, ReturnSequences: true}, nn.TimeDistributed{Layer: nn.Dense{Units: 6}}},
		loss.MeanSquaredError{}, optim.Nadam{Torch: true}, nil},
	{"other activations, Adam of PyTorch", nn.Layers{nn.PositionEmbedding{}, nn.Dense{Units: 8, Activation: nn.GELU}, nn.GroupNormalization{Groups: 2},
		nn.Dense{Units: 8, Activation: nn.GELUTanh}, nn.PReLU{}, nn.Dense{Units: 8, Activation: nn.SiLU},
		nn.Dense{Units: 8, Activation: nn.Mish}, nn.Dense{Units: 8, Activation: nn.HardSiLU}, nn.Dense{Units: 6, Activation: nn.HardSigmoid}},
		loss.MeanSquaredError{}, optim.Adam{Torch: true}, nil},
	{"residual, SGD", nn.Layers{nn.Residual{Layers: nn.Layers{nn.Dense{Units: 6, Activation: nn.ReLU6}}},
		nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 4}}, {nn.Dense{Units: 5, Activation: nn.ReLU}}}}, nn.Dense{Units: 6}},
		loss.MeanSquaredError{}, optim.SGD{LearningRate: 0.1}, nil},
	{"depthwise and separable, RMSprop", nn.Layers{nn.Reshape{6, 6, 1}, nn.DepthwiseConv2D{Kernel: nn.Square(3), Padding: nn.Same, Multiplier: 3, Activation: nn.SELU},
		nn.SeparableConv2D{Filters: 4, Kernel: nn.Pair{2, 3}, Strides: nn.Square(2), Padding: nn.Same, Activation: nn.Tanh}, nn.Reshape{9, 4},
		nn.DepthwiseConv1D{Kernel: 3, Padding: nn.Same}, nn.SeparableConv1D{Filters: 5, Kernel: 2, Padding: nn.Causal, Activation: nn.SiLU},
		nn.Flatten{}, nn.Dense{Units: 36}, nn.Reshape{6, 6}},
		loss.MeanSquaredError{}, optim.RMSprop{}, nil},
	{"regularisers, Adam", nn.Layers{nn.Flatten{}, nn.Regularized{Layer: nn.Dense{Units: 12, Activation: nn.Sigmoid}, L1: 1e-4, L2: 1e-3},
		nn.KLRegularization{Target: 0.1, Weight: 0.05}, nn.ActivityRegularization{L1: 1e-3, L2: 1e-3}, nn.MMDRegularization{Weight: 0.1},
		nn.Dense{Units: 36}, nn.Reshape{6, 6}},
		loss.MeanSquaredError{}, optim.Adam{}, nil},
	{"variational, Adam", nn.Layers{nn.Flatten{}, nn.MaskingNoise{Rate: 0.1}, nn.SaltAndPepperNoise{Rate: 0.1}, nn.Dense{Units: 12, Activation: nn.SELU},
		nn.Parallel{Branches: []nn.Layers{{nn.Dense{Units: 3}}, {nn.Dense{Units: 3}}}}, nn.Sampling{Weight: 0.02},
		nn.Dense{Units: 36, Activation: nn.Sigmoid}, nn.Reshape{6, 6}},
		loss.BinaryCrossEntropy{}, optim.Adam{}, nil},
	{"adversarial, Adam", nn.Layers{nn.Flatten{}, nn.Dense{Units: 9, Activation: nn.SELU}, nn.Dense{Units: 3},
		nn.Adversary{Weight: 0.1, Layers: nn.Layers{nn.Dense{Units: 7, Activation: nn.LeakyReLU}, nn.Dropout{Rate: 0.1}, nn.Dense{Units: 1}}},
		nn.Dense{Units: 36, Activation: nn.Sigmoid}, nn.Reshape{6, 6}},
		loss.BinaryCrossEntropy{}, optim.Adam{}, nil},
	{"quantized, Adam", nn.Layers{nn.Flatten{}, nn.Dense{Units: 12}, nn.Reshape{3, 4}, nn.VectorQuantizer{Codes: 9, Commitment: 0.25, Revive: 0.5},
		nn.Flatten{}, nn.Dense{Units: 36}, nn.Reshape{6, 6}},
		loss.MeanSquaredError{}, optim.Adam{}, nil},
	{"columns of several kinds, Nadam", nn.Layers{nn.Dense{Units: 9, Activation: nn.SELU}, nn.Dense{Units: 6}, nn.ColumnActivation{Columns: "numbers:2,classes:3,booleans:1"}},
		loss.Mixed{Columns: "numbers:2,classes:3,booleans:1"}, optim.Nadam{}, nil},
	{"columns of several kinds from logits, SGD", nn.Layers{nn.Dense{Units: 6}},
		loss.Mixed{Columns: "booleans:1,classes:3,numbers:2", Logits: true}, optim.SGD{LearningRate: 0.1}, nil},
	{"conditional, SGD", nn.Layers{nn.Flatten{}, nn.Condition{Classes: 3}, nn.Dense{Units: 4, Activation: nn.Tanh},
		nn.Condition{Classes: 3, Embedding: 2}, nn.Dense{Units: 36}, nn.Reshape{6, 6}},
		loss.MeanSquaredError{}, optim.SGD{LearningRate: 0.3}, nil},
	{"tied convolutions, Adam", nn.Layers{nn.Reshape{6, 6, 1}, nn.Named{Name: "first", Layer: nn.Conv2D{Filters: 4, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.SELU}},
		nn.Named{Name: "second", Layer: nn.Conv2D{Filters: 3, Kernel: nn.Square(2)}}, nn.Tied{To: "second", Activation: nn.SELU}, nn.Tied{To: "first"}, nn.Reshape{6, 6}},
		loss.MeanSquaredError{}, optim.Adam{}, nil},
	augmentedCase,
}

// augmentedCase is trained on data that varies.
var augmentedCase = bitsCase{"augmented data, Adam", nn.Layers{nn.Flatten{}, nn.Dense{Units: 7, Activation: nn.Tanh}, nn.Dense{Units: 36}, nn.Reshape{6, 6}},
	loss.MeanSquaredError{}, optim.Adam{}, nil}

// source returns what the case is trained on.
func (c bitsCase) source(t *testing.T) dataset.Source {
	plain := labelledSamples(t, 40)
	if c.name != augmentedCase.name {
		return plain
	}
	augmented, err := dataset.Augment(plain, dataset.Augmentation{Shift: 1, Rotate: 15, Flip: true, Noise: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	return augmented
}

// labelledSamples are samples of three classes.
func labelledSamples(t *testing.T, n int) dataset.Source {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i % 3
	}
	labels, err := dataset.ClassLabels(numbers)
	if err != nil {
		t.Fatal(err)
	}
	return with(t, samples(n, 6, 6), dataset.Labels, labels)
}

// TestBits trains for 750 steps each and compares the weights, the last epoch's loss and
// the error on other samples, to the last bit, with what was recorded. It is run on all
// kinds of processors, and must give the same on them.
func TestBits(t *testing.T) {
	if race.Enabled {
		t.Skip("trains for thousands of steps")
	}
	got, want := map[string]string{}, map[string]string{}
	for _, c := range bitsCases {
		net, err := nn.NewNetwork(nil, append(nn.Layers{nn.Input{6, 6}}, c.layers...)...)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		net.Init(7)
		trainer := Trainer{Network: net, Loss: c.loss, Optimizer: c.optimizer, Schedule: c.schedule, Epochs: 150, BatchSize: 8, Seed: 3,
			Metrics: []metric.Metric{metric.MeanSquaredError{}, metric.RoundedAccuracy{}}, Threads: 1}
		history, err := trainer.Fit(context.Background(), c.source(t), labelledSamples(t, 7))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		last := history.Epochs[len(history.Epochs)-1]
		digest := sha256.New()
		for _, v := range []any{net.Weights(), math.Float64bits(last.Train.Loss), math.Float64bits(last.Validation.Metrics[0])} {
			if err := binary.Write(digest, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
		got[c.name] = hex.EncodeToString(digest.Sum(nil))
	}
	if *recordBits {
		text, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(bitsFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden.Load(t, bitsFile, &want)
	for _, c := range bitsCases {
		if got[c.name] != want[c.name] {
			t.Errorf("%s: the digest is %s, recorded is %s", c.name, got[c.name], want[c.name])
		}
	}
}
