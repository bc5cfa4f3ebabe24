package nn_test

import (
	"math"
	"testing"

	"hourglass/internal/parallel"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// stepper trains a network on one batch of synthetic images, as train.Trainer does.
type stepper struct {
	net   *nn.Network
	pass  *nn.Pass
	team  *parallel.Team
	state *optim.State
	batch []float32
	n     int
	loss  func() float64 // of the last step
	job   func(*parallel.Worker)
}

// newStepper returns a stepper for n samples of a network that ends in a sigmoid.
func newStepper(tb testing.TB, workers, n int, rate float64, input tensor.Shape, layers ...nn.Layer) *stepper {
	tb.Helper()
	net, err := nn.NewNetwork(input, layers...)
	if err != nil {
		tb.Fatal(err)
	}
	if !net.EndsInSigmoid() {
		tb.Fatalf("%v does not end in a sigmoid", layers)
	}
	net.Init(42)
	s := &stepper{net: net, n: n, team: parallel.NewTeam(workers)}
	tb.Cleanup(s.team.Close)
	s.pass = net.NewTrainingPass(n, nn.PassOptions{Workers: workers, Logits: true})
	for i := range s.pass.LabelRows(0, n) {
		s.pass.LabelRows(i, i+1)[0] = float32(i * i % net.Classes())
	}
	s.state = optim.NewState(optim.SGD{LearningRate: rate}, len(net.Weights()))
	s.batch = make([]float32, n*input.Size())
	for i := range s.batch {
		v := math.Sin(float64(i*i%1009)) + math.Cos(float64(i/input[len(input)-1])/3)
		s.batch[i] = float32(max(v, 0) / 2)
	}
	size, output, bce := input.Size(), net.Output().Size(), loss.BinaryCrossEntropy{}
	losses := make([]float64, n)
	s.loss = func() (sum float64) {
		for _, l := range losses {
			sum += l
		}
		return sum
	}
	update := func(lo, hi int) { s.state.Update(net.Weights(), s.pass.Gradients(), lo, hi) }
	s.job = func(w *parallel.Worker) {
		lo, hi := w.Range(n, 1)
		if lo < hi {
			copy(s.pass.InputRows(lo, hi), s.batch[lo*size:hi*size])
		}
		s.pass.ForwardShare(w, lo, hi)
		for i := lo; i < hi; i++ {
			losses[i] = bce.EvalLogits(s.pass.OutputGradients(i, i+1), s.pass.OutputRows(i, i+1), s.batch[i*size:][:output], 1/float32(n*output))
		}
		s.pass.BackwardShare(w, lo, hi)
		w.Barrier()
		s.pass.GradientShare(w, update)
	}
	return s
}

func (s *stepper) step() {
	s.pass.StartTraining(s.n, 1, uint64(s.state.Step))
	s.state.Advance()
	s.team.Run(s.job)
}

// convolutional is the lecture's convolutional autoencoder.
var convolutional = nn.Layers{
	nn.Reshape{28, 28, 1},
	nn.Conv2D{Filters: 16, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU}, nn.MaxPool2D{},
	nn.Conv2D{Filters: 32, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU}, nn.MaxPool2D{},
	nn.Conv2D{Filters: 64, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.SELU}, nn.MaxPool2D{},
	nn.Conv2DTranspose{Filters: 32, Kernel: nn.Square(3), Strides: nn.Square(2), Activation: nn.SELU},
	nn.Conv2DTranspose{Filters: 16, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.SELU},
	nn.Conv2DTranspose{Filters: 1, Kernel: nn.Square(3), Strides: nn.Square(2), Padding: nn.Same, Activation: nn.Sigmoid},
	nn.Reshape{28, 28},
}

// recurrent is the lecture's recurrent autoencoder.
var recurrent = nn.Layers{
	nn.LSTM{Units: 100, ReturnSequences: true}, nn.LSTM{Units: 30},
	nn.RepeatVector{Times: 28}, nn.LSTM{Units: 100, ReturnSequences: true},
	nn.TimeDistributed{Layer: nn.Dense{Units: 28, Activation: nn.Sigmoid}},
}

func benchmarkStep(b *testing.B, rate float64, layers nn.Layers) {
	s := newStepper(b, 2, 32, rate, tensor.Shape{28, 28}, layers...)
	s.step()
	for b.Loop() {
		s.step()
	}
}

// The steps to compare with PyTorch's, at batch 32 with two workers.
func BenchmarkStepConvolutional(b *testing.B) { benchmarkStep(b, 1, convolutional) }
func BenchmarkStepRecurrent(b *testing.B)     { benchmarkStep(b, 0.1, recurrent) }
