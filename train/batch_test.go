package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// array makes n samples of a size of a hash.
func array(seed uint64, n, size int) dataset.Array {
	return dataset.Array{Tensor: tensor.Tensor{Shape: tensor.Shape{n, size}, Data: golden.Values(seed, n*size, 0, 1)}}
}

// masks makes n masks, in which the first value is always there.
func masks(n, size int) dataset.Array {
	m := array(50, n, size)
	for i := range m.Data {
		if m.Data[i] = float32(math.Round(float64(m.Data[i]))); i%size == 0 {
			m.Data[i] = 1
		}
	}
	return m
}

func with(t *testing.T, s dataset.Source, f dataset.Face, face dataset.Source) dataset.Source {
	t.Helper()
	s, err := dataset.With(s, f, face)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wrapped is a user's source around another.
type wrapped struct{ dataset.Source }

func (w wrapped) Face(f dataset.Face) dataset.Source { return dataset.FaceOf(w.Source, f) }

// TestFaces takes a step of rate 1 on a network that gives zeros, where loss and gradient of
// the squared error have a closed form: with weights w and a mask m of the targets t, of
// which n are there, the loss is Σ w·m·t² / n and a bias becomes 2·Σ w·m·t / n.
func TestFaces(t *testing.T) {
	const n, size = 7, 3
	x, targets, weights, mask := array(1, n, size), array(2, n, size), array(3, n, 1), masks(n, size)
	for name, faces := range map[string][]dataset.Face{
		"none":    nil,
		"targets": {dataset.Targets},
		"weights": {dataset.Weights},
		"mask":    {dataset.Mask},
		"all":     {dataset.Targets, dataset.Weights, dataset.Mask},
	} {
		t.Run(name, func(t *testing.T) {
			source := dataset.Source(x)
			for _, f := range faces {
				source = with(t, source, f, []dataset.Source{targets, weights, mask}[f])
			}
			var sum, count float64
			bias := make([]float64, size)
			for i := range n {
				for j := range size {
					target, w, m := x.Row(i)[j], 1.0, 1.0
					if slices.Contains(faces, dataset.Targets) {
						target = targets.Row(i)[j]
					}
					if slices.Contains(faces, dataset.Weights) {
						w = float64(weights.Row(i)[0])
					}
					if slices.Contains(faces, dataset.Mask) {
						m = float64(mask.Row(i)[j])
					}
					sum += w * m * float64(target) * float64(target)
					bias[j] += 2 * w * m * float64(target)
					count += m
				}
			}
			for j := range bias {
				bias[j] /= count
			}
			all := make([]int, n)
			for i := range all {
				all[i] = i
			}
			view, err := dataset.Subset(wrapped{source}, all)
			if err != nil {
				t.Fatal(err)
			}
			var first []float32
			for _, threads := range []int{1, 2, 3, 8} {
				net, err := nn.NewNetwork(tensor.Shape{size}, nn.Dense{Units: size})
				if err != nil {
					t.Fatal(err)
				}
				trainer := &Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{LearningRate: 1}, Epochs: 1, BatchSize: n, Threads: threads,
					Metrics: []metric.Metric{metric.MeanSquaredError{}}}
				scores, err := trainer.Evaluate(context.Background(), source)
				if err != nil || math.Abs(scores.Loss-sum/count) > 1e-6 {
					t.Errorf("evaluation gives %v (%v), want %v", scores.Loss, err, sum/count)
				}
				history, err := trainer.Fit(context.Background(), view, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := history.Epochs[0].Train.Loss; math.Abs(got-sum/count) > 1e-6 {
					t.Errorf("loss %v, want %v", got, sum/count)
				}
				golden.Close(t, "bias", net.Arrays()[1].Values, bias, 1e-5)
				if first == nil {
					first = slices.Clone(net.Weights())
				}
				if !slices.Equal(net.Weights(), first) {
					t.Errorf("%d threads give other bits", threads)
				}
			}
		})
	}
}

// torn is a source of which a sample cannot be read.
type torn struct {
	dataset.Array
	bad int
}

var errTorn = errors.New("the disk is torn")

func (s torn) Read(dst []float32, indices []int) error {
	if slices.Contains(indices, s.bad) {
		return errTorn
	}
	return s.Array.Read(dst, indices)
}

// What goes wrong with a batch stops the run before a weight has changed.
func TestFaceRefusals(t *testing.T) {
	const n, size = 4, 3
	x, half, negative, infinite := array(1, n, size), masks(n, size), array(3, n, 1), array(2, n, size)
	half.Data[4], negative.Data[2], infinite.Data[7] = 0.5, -1, float32(math.Inf(1))
	for name, c := range map[string]struct {
		source dataset.Source
		want   string
	}{
		"mask":           {with(t, x, dataset.Mask, half), "value 1 of the mask of sample 1 is 0.5, want 0 or 1"},
		"weight":         {with(t, x, dataset.Weights, negative), "sample 2 has the weight -1, want at least 0"},
		"target":         {with(t, x, dataset.Targets, infinite), "target of training sample 2: value 1 is +Inf"},
		"size of target": {with(t, x, dataset.Targets, array(1, n, 2)), "targets of training samples have shape 2, want 3 values"},
		"size of mask":   {with(t, x, dataset.Mask, array(1, n, 2)), "mask of training samples have shape 2, want 3 values"},
		"torn":           {torn{x, 3}, "train: epoch 1, step 1: read training samples: the disk is torn"},
		"torn targets":   {with(t, x, dataset.Targets, torn{x, 3}), "read training samples: the disk is torn"},
	} {
		net, err := nn.NewNetwork(tensor.Shape{size}, nn.Dense{Units: size})
		if err != nil {
			t.Fatal(err)
		}
		trainer := &Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: n, Threads: 2}
		if _, err := trainer.Fit(context.Background(), c.source, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if slices.ContainsFunc(net.Weights(), func(w float32) bool { return w != 0 }) {
			t.Errorf("%s: weights have changed", name)
		}
	}
}

// A loss that sees the shape of samples cannot do with a part of them.
func TestMaskNeedsALossOfValues(t *testing.T) {
	const n, size = 4, 16
	net, err := nn.NewNetwork(tensor.Shape{4, 4, 1}, nn.Conv2D{Filters: 1, Kernel: nn.Square(1)})
	if err != nil {
		t.Fatal(err)
	}
	data := with(t, array(1, n, size), dataset.Mask, masks(n, size))
	trainer := &Trainer{Network: net, Loss: loss.SSIM{Window: 3}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: n}
	if _, err := trainer.Fit(context.Background(), data, nil); err == nil || !strings.Contains(err.Error(), "have a mask") {
		t.Errorf("error %v", err)
	}
}

// A loss that knows its columns has the missing entries in their places: what it makes of a
// mask is what it makes of each sample by itself, on any number of threads.
func TestMixedLossWithMask(t *testing.T) {
	const n, size = 9, 4
	rule := loss.Mixed{Columns: "numbers:1,classes:2,booleans:1"}
	data := array(1, n, size)
	mask := masks(n, size)
	source := with(t, with(t, data, dataset.Mask, mask), dataset.Weights, array(4, n, 1))
	var first []float32
	for _, threads := range []int{1, 2, 3} {
		net, err := nn.NewNetwork(tensor.Shape{size}, nn.Dense{Units: 3, Activation: nn.Tanh}, nn.Dense{Units: size}, nn.ColumnActivation{Columns: rule.Columns})
		if err != nil {
			t.Fatal(err)
		}
		net.Init(2)
		bound, err := rule.Bind(tensor.Shape{size})
		if err != nil {
			t.Fatal(err)
		}
		var sum, count float64
		y := net.NewPass(n).Forward(data.Data, n)
		for i := range n {
			w := float64(array(4, n, 1).Data[i])
			sum += w * bound.(loss.Masked).EvalMasked(nil, y[i*size:(i+1)*size], data.Row(i), mask.Row(i), 1)
			for _, m := range mask.Row(i) {
				count += float64(m)
			}
		}
		trainer := &Trainer{Network: net, Loss: rule, Optimizer: optim.SGD{LearningRate: 0.3}, Epochs: 4, BatchSize: n, Threads: threads}
		scores, err := trainer.Evaluate(context.Background(), source)
		if err != nil || math.Abs(scores.Loss-sum/count) > 1e-6 {
			t.Errorf("evaluation gives %v (%v), want %v", scores.Loss, err, sum/count)
		}
		history, err := trainer.Fit(context.Background(), source, nil)
		if err != nil {
			t.Fatal(err)
		}
		if losses := history.Series("loss"); math.Abs(losses[0]-sum/count) > 1e-6 || losses[3] >= losses[0] {
			t.Errorf("losses %v, want %v first and less then", losses, sum/count)
		}
		if first == nil {
			first = slices.Clone(net.Weights())
		}
		if !slices.Equal(net.Weights(), first) {
			t.Errorf("%d threads give other bits", threads)
		}
	}
}
