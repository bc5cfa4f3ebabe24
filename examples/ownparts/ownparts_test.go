package ownparts

import (
	"context"
	"math"
	"slices"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// data makes samples of six values that two numbers decide.
func data(n int) dataset.Array {
	x := tensor.New(n, 6)
	for i := range x.Data {
		row, column := float64(i/6), float64(i%6)
		x.Data[i] = float32(0.5 + 0.4*math.Sin(row+column*row/7))
	}
	return dataset.Array{Tensor: x}
}

// Layer, loss and observer of one's own train, and give the same bits on any number of
// threads.
func TestOwnParts(t *testing.T) {
	var want []float32
	for _, threads := range []int{1, 2, 3} {
		ae, err := hourglass.New(
			nn.Layers{nn.Input{6}, nn.Residual{Layers: nn.Layers{Gated{Units: 8}, nn.Dense{Units: 6}}}, Gated{Units: 3}},
			nn.Layers{nn.Dense{Units: 6}})
		if err != nil {
			t.Fatal(err)
		}
		lowest := &Lowest{}
		history, err := ae.Fit(context.Background(), data(40), hourglass.Epochs(30), hourglass.BatchSize(8), hourglass.Threads(threads),
			hourglass.Loss(Weighted{[]float32{1, 1, 2, 2, 0.5, 1}}), hourglass.Optimizer(optim.Adam{LearningRate: 0.01}), hourglass.Observe(lowest))
		if err != nil {
			t.Fatal(err)
		}
		if first := history.Epochs[0].Train.Loss; !(lowest.Loss < first/2) {
			t.Errorf("the loss went from %v to %v", first, lowest.Loss)
		}
		if want == nil {
			want = slices.Clone(ae.Network().Weights())
		}
		if !slices.Equal(ae.Network().Weights(), want) {
			t.Errorf("%d threads give other bits than one", threads)
		}
	}
}

// TestGatedGradient compares the gradients of the layer with central differences.
func TestGatedGradient(t *testing.T) {
	net, err := nn.NewNetwork(tensor.Shape{6}, Gated{Units: 5}, Gated{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	net.Init(1)
	x, w := data(4).Data, net.Weights()
	pass := net.NewTrainingPass(4, nn.PassOptions{})
	loss := func() (sum float64) {
		for i, y := range pass.Forward(x, 4) {
			sum += float64(y) * float64(i%3+1)
		}
		return sum
	}
	loss()
	dy := make([]float32, 8)
	for i := range dy {
		dy[i] = float32(i%3 + 1)
	}
	pass.Backward(dy)
	gradient := slices.Clone(pass.Gradients())
	for i, v := range w {
		const h = 1e-2
		w[i] = v + h
		pass.Refresh()
		up := loss()
		w[i] = v - h
		pass.Refresh()
		down := loss()
		w[i] = v
		if want := (up - down) / (2 * h); math.Abs(float64(gradient[i])-want) > 2e-3*(1+math.Abs(want)) {
			t.Errorf("gradient %d is %v, want %v", i, gradient[i], want)
		}
	}
}
