package nn

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

// labelled runs a training pass of a network forward and backward, with labels.
func labelled(net *Network, x, dy []float32, labels []float32) (y, grads []float32) {
	n := len(labels)
	pass := net.NewTrainingPass(n, PassOptions{})
	copy(pass.LabelRows(0, n), labels)
	y = slices.Clone(pass.Forward(x, n))
	pass.Backward(dy)
	return y, pass.Gradients()
}

// One-hot labels are what they are if they stand in the data: the same bits come out, in
// training and in inference.
func TestConditionIsConcatenation(t *testing.T) {
	const n, classes = 5, 4
	labels := []float32{3, 0, 2, 2, 1}
	dense := []Layer{Dense{Units: 3, Activation: Tanh}, Dense{Units: 2}}
	given := newTestNetwork(t, tensor.Shape{2, 3}, append([]Layer{Condition{Classes: classes}}, dense...)...)
	whole := newTestNetwork(t, tensor.Shape{2, 3 + classes}, dense...)
	x, dy := golden.Values(1, n*6, -1, 1), golden.Values(2, n*4, -1, 1)
	var long []float32
	for i, label := range labels {
		for r := range 2 {
			long = append(long, x[i*6+r*3:i*6+r*3+3]...)
			for c := range classes {
				one := float32(0)
				if float32(c) == label {
					one = 1
				}
				long = append(long, one)
			}
		}
	}
	y, grads := labelled(given, x, dy, labels)
	pass := whole.NewTrainingPass(n, PassOptions{})
	want := slices.Clone(pass.Forward(long, n))
	pass.Backward(dy)
	if !slices.Equal(y, want) || !slices.Equal(grads, pass.Gradients()) {
		t.Errorf("outputs %v and gradients %v, want %v and %v", y, grads, want, pass.Gradients())
	}
	inference := given.NewPass(n)
	copy(inference.LabelRows(0, n), labels)
	if got := inference.Forward(x, n); !slices.Equal(got, want) {
		t.Errorf("inference gives %v, want %v", got, want)
	}
}

// Embeddings beside a float64 reference and its central differences, in which the labels are
// a part of the sample; the layer in front proves the gradient with respect to the input.
func TestConditionEmbedding(t *testing.T) {
	const n, classes, width, positions = 6, 3, 2, 2
	labels := []float32{2, 0, 2, 1, 2, 0}
	net := newTestNetwork(t, tensor.Shape{positions, 3}, Dense{Units: 4, Activation: Tanh}, Condition{Classes: classes, Embedding: width}, Dense{Units: 3})
	embed := refLayer{classes * width, func(w, x []float64) []float64 {
		label := int(x[0])
		var y []float64
		for r := range positions {
			y = append(append(y, x[1+4*r:5+4*r]...), w[label*width:(label+1)*width]...)
		}
		return y
	}}
	front := refDense(3, 4, Tanh, true)
	ref := []refLayer{
		{front.weights, func(w, x []float64) []float64 { return append([]float64{x[0]}, front.eval(w, x[1:])...) }},
		embed, refDense(4+width, 3, Linear, true),
	}
	x, dy := golden.Values(3, n*positions*3, -1, 1), golden.Values(4, n*positions*3, -1, 1)
	var samples []float64
	for i, label := range labels {
		samples = append(append(samples, float64(label)), doubles(x[i*6:(i+1)*6])...)
	}
	y, grads := labelled(net, x, dy, labels)
	weights := doubles(net.Weights())
	golden.Close(t, "outputs", y, refRun(ref, weights, samples, n), 1e-5)
	golden.Close(t, "gradients", grads, refGradient(ref, weights, samples, doubles(dy), n), 1e-4)
}

func TestConditionRefusals(t *testing.T) {
	for want, layers := range map[string][]Layer{
		"classes is 0, want 1":                   {Condition{}},
		"embedding is -1, want 1":                {Condition{Classes: 2, Embedding: -1}},
		"one-hot labels are not learned":         {Condition{Classes: 2, Init: HeNormal}},
		"unknown initializer 77":                 {Condition{Classes: 2, Embedding: 2, Init: 77}},
		"labels of 3 classes, but a layer in fr": {Condition{Classes: 2}, Condition{Classes: 3}},
		"it reads labels, and that it can only":  {Reshape{2, 4}, TimeDistributed{Layer: Condition{Classes: 2}}},
	} {
		if _, err := NewNetwork(tensor.Shape{8}, layers...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for label, ok := range map[float32]bool{0: true, 2: true, 3: false, -1: false, 0.5: false, float32(math.NaN()): false, float32(math.Inf(1)): false} {
		if err := CheckLabel(label, 3); (err == nil) != ok {
			t.Errorf("label %v of 3 classes: error %v", label, err)
		}
	}
}

// Behind layers that copy a sample, as importance sampling does, its label holds for all
// copies.
func TestConditionBehindCopies(t *testing.T) {
	const n, classes = 4, 3
	net := newTestNetwork(t, tensor.Shape{4}, ImportanceSampling{Samples: 3, Weight: 1}, Condition{Classes: classes})
	pass := net.NewTrainingPass(n, PassOptions{})
	labels := []float32{2, 0, 1, 2}
	copy(pass.LabelRows(0, n), labels)
	y := pass.ForwardTraining(golden.Values(1, n*4, -1, 1), n, 1, 1)
	if len(y) != n*3*(2+classes) {
		t.Fatalf("%d values", len(y))
	}
	for r := range n * 3 {
		for c, v := range y[r*5+2 : r*5+5] {
			if want := float32(c) == labels[r/3]; (v == 1) != want {
				t.Errorf("copy %d of sample %d: class %d is %v", r%3, r/3, c, v)
			}
		}
	}
}
