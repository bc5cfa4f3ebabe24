package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
)

// clipped takes a step of SGD with a rate of 1 and returns how the weights of each array
// changed, which is the gradient.
func clipped(t *testing.T, c Clipping, threads int) [][]float64 {
	t.Helper()
	net := noisyNetwork(t)
	before := slices.Clone(net.Weights())
	trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{LearningRate: 1}, Epochs: 1, BatchSize: 20,
		Clipping: c, Threads: threads, Seed: 4}
	if _, err := trainer.Fit(context.Background(), samples(20, 6, 6), nil); err != nil {
		t.Fatal(err)
	}
	var changes [][]float64
	for _, a := range net.Arrays() {
		change := make([]float64, len(a.Values))
		for i, x := range a.Values {
			change[i] = float64(before[i]) - float64(x)
		}
		before = before[len(a.Values):]
		changes = append(changes, change)
	}
	return changes
}

func norm(arrays ...[]float64) float64 {
	var sum float64
	for _, a := range arrays {
		for _, x := range a {
			sum += x * x
		}
	}
	return math.Sqrt(sum)
}

// The steps are what the definitions make of the gradients, in float64, for limits that
// bind some values and arrays and not others; and they are the same bits for any number of
// threads.
func TestClipping(t *testing.T) {
	plain := clipped(t, Clipping{}, 1)
	var norms []float64
	for _, a := range plain {
		norms = append(norms, norm(a))
	}
	slices.Sort(norms)
	for _, c := range []Clipping{{Value: 1e-3}, {Norm: norms[len(norms)/2]}, {GlobalNorm: norm(plain...) / 3}, {GlobalNorm: norm(plain...) * 2}} {
		one := clipped(t, c, 1)
		bound, free := 0, 0
		for i, a := range plain {
			factor := 1.0
			if n := norm(a); c.Norm > 0 && n > c.Norm {
				factor = c.Norm / n
			}
			if n := norm(plain...); c.GlobalNorm > 0 && n > c.GlobalNorm {
				factor = c.GlobalNorm / n
			}
			for j, x := range a {
				want := x * factor
				if c.Value > 0 {
					want = min(max(x, -c.Value), c.Value)
				}
				if want != x {
					bound++
				} else {
					free++
				}
				// A weight, and so its change, is rounded to 6e-8 of at most 1.
				if math.Abs(one[i][j]-want) > 1e-5*math.Abs(want)+2e-7 {
					t.Fatalf("%v: array %d: step %d is %v, want %v", c, i, j, one[i][j], want)
				}
			}
		}
		if (bound == 0) != (c.GlobalNorm > norm(plain...)) || free == 0 && c.GlobalNorm == 0 {
			t.Errorf("%v binds %d values and not %d", c, bound, free)
		}
		for _, threads := range []int{2, 3, 8} {
			for i, a := range clipped(t, c, threads) {
				if !slices.Equal(a, one[i]) {
					t.Errorf("%v: %d threads give other bits", c, threads)
				}
			}
		}
	}
}

// The norm of an array of many pieces is that of all of them.
func TestClippingOfLargeArrays(t *testing.T) {
	k := newClipper(Clipping{Norm: 1}, []int{3, 3 * pieceSize / 2, 0, 5})
	if len(k.pieces) != 4 || k.pieces[2] != (piece{1, 3 + pieceSize, 3 + 3*pieceSize/2}) || k.pieces[3].array != 3 {
		t.Fatalf("pieces %v", k.pieces)
	}
	k.sums = []float64{0.25, 3, 6, 4}
	k.setLimits()
	if !slices.Equal(k.limits, []float32{1, 1.0 / 3, 0, 0.5}) { // nothing is multiplied by the 0 of the empty array
		t.Errorf("factors %v", k.limits)
	}
}

func TestClippingErrors(t *testing.T) {
	for _, c := range []Clipping{{Value: -1}, {Norm: math.NaN()}, {GlobalNorm: math.Inf(1)}, {Value: 1, Norm: 1}} {
		trainer := Trainer{Network: smallNetwork(t), Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: 2, Clipping: c}
		if _, err := trainer.Fit(context.Background(), samples(3, 2), nil); err == nil || !strings.HasPrefix(err.Error(), "train: clipping: ") {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}

// A norm that is no number stops the run with the weights as they were.
func TestClippingOfOverflow(t *testing.T) {
	data := samples(4, 2)
	for i := range data.Data {
		data.Data[i] = 1e25
	}
	net := smallNetwork(t)
	before := slices.Clone(net.Weights())
	trainer := Trainer{Network: net, Loss: steep{}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: 4, Clipping: Clipping{GlobalNorm: 1}}
	if _, err := trainer.Fit(context.Background(), data, nil); !errors.Is(err, ErrNotFinite) || !slices.Equal(net.Weights(), before) {
		t.Errorf("error %v", err)
	}
}

// Running statistics follow the data, and the way back the weights, also where the norms
// of all gradients are needed first.
func TestClippingThatBindsNothingChangesNothing(t *testing.T) {
	fit := func(c Clipping) []float32 {
		net, err := nn.NewNetwork(nil, nn.Input{6, 6, 1}, nn.Conv2D{Filters: 4, Kernel: nn.Square(3), Padding: nn.Same}, nn.BatchNormalization{},
			nn.Flatten{}, nn.Dense{Units: 9, Activation: nn.SELU}, nn.Dense{Units: 36})
		if err != nil {
			t.Fatal(err)
		}
		net.Init(1)
		trainer := Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{}, Epochs: 2, BatchSize: 4, Clipping: c, Threads: 2}
		if _, err := trainer.Fit(context.Background(), samples(10, 6, 6, 1), nil); err != nil {
			t.Fatal(err)
		}
		return net.Weights()
	}
	plain := fit(Clipping{})
	for _, c := range []Clipping{{Value: 1e9}, {Norm: 1e9}, {GlobalNorm: 1e9}} {
		if !slices.Equal(fit(c), plain) {
			t.Errorf("%v changes the bits", c)
		}
	}
}
