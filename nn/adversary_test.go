package nn

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

// Both sides of the contest beside a float64 reference and its central differences: the encoder has the
// gradient of its own aim and of what stands behind, the discriminator that of its own.
func TestAdversary(t *testing.T) {
	const n, in, codes, weight, seed, step = 6, 3, 2, 0.7, 5, 9
	net := newTestNetwork(t, tensor.Shape{in}, Dense{Units: codes, Activation: Tanh},
		Adversary{Weight: weight, Layers: Layers{Dense{Units: 4, Activation: Tanh}, Condition{Classes: 3}, Dense{Units: 1}}})
	labels := []float32{2, 0, 1, 1, 2, 0}
	x, dy := golden.Values(1, n*in, -1, 1), golden.Values(2, n*codes, -1, 1)
	pass := net.NewTrainingPass(n, PassOptions{})
	copy(pass.LabelRows(0, n), labels)
	z := slices.Clone(pass.ForwardTraining(x, n, seed, step))
	drawn := make([]float32, codes)
	encoder, hidden, last := refDense(in, codes, Tanh, true), refDense(codes, 4, Tanh, true), refDense(4+3, 1, Linear, true)
	logit := func(w, code []float64, i int) float64 {
		h := append(hidden.eval(w[:hidden.weights], code), 0, 0, 0)
		h[4+int(labels[i])] = 1
		return last.eval(w[hidden.weights:], h)[0]
	}
	plus := func(x float64) float64 { return math.Log1p(math.Exp(x)) }
	// aims returns what the encoder and the discriminator make small, and what sample i has of them.
	aims := func(w []float64) (first, second float64, each [][2]float64) {
		for i := range n {
			code := encoder.eval(w[:encoder.weights], doubles(x[i*in:(i+1)*in]))
			Random{Seed: seed, Step: step, Stage: 1}.Normal(drawn, i)
			l, p := logit(w[encoder.weights:], code, i), logit(w[encoder.weights:], doubles(drawn), i)
			own := [2]float64{weight * plus(-l), (plus(l) + plus(-p)) / 2}
			each = append(each, own)
			first, second = first+own[0]/n, second+own[1]/n
			for c := range code {
				first += float64(dy[i*codes+c]) * code[c]
			}
		}
		return first, second, each
	}
	w := doubles(net.Weights())
	_, _, each := aims(w)
	for i, own := range each {
		if got := [2]float64{pass.Penalty(0, i), pass.Measure(0, i)}; math.Abs(got[0]-own[0]) > 1e-6 || math.Abs(got[1]-own[1]) > 1e-6 {
			t.Errorf("sample %d adds %v, want %v", i, got, own)
		}
	}
	want := make([]float64, len(w))
	for j, v := range w {
		const h = 1e-5
		w[j] = v + h
		up, upD, _ := aims(w)
		w[j] = v - h
		down, downD, _ := aims(w)
		w[j] = v
		if want[j] = (up - down) / (2 * h); j >= encoder.weights {
			want[j] = (upD - downD) / (2 * h)
		}
	}
	pass.Backward(dy)
	golden.Close(t, "gradients", pass.Gradients(), want, 1e-4)

	// In inference the codes are handed on and nothing else is done.
	plain := newTestNetwork(t, tensor.Shape{in}, Dense{Units: codes, Activation: Tanh})
	inference := net.NewPass(n)
	if got := inference.Forward(x, n); !slices.Equal(got, z) {
		t.Errorf("inference gives %v, want %v", got, z)
	}
	if got, want := inference.SampleValues(), plain.NewPass(n).SampleValues(); got != want {
		t.Errorf("inference holds %d values a sample, want %d", got, want)
	}
	if g := net.Groups(); len(g) != 1 || g[0] != (GroupSpan{AdversaryGroup, encoder.weights, len(w)}) {
		t.Errorf("groups %v", g)
	}
}

// However sure the discriminator is, the encoder's gradient is what it should be: that of
// -Weight·ln σ(l), which tends to -Weight·dl/dz.
func TestAdversaryThatIsSure(t *testing.T) {
	for _, bias := range []float32{-25, -40, -90, -1000, 50} {
		net := newTestNetwork(t, tensor.Shape{1}, Dense{Units: 1, NoBias: true}, Adversary{Weight: 1, Layers: Layers{Dense{Units: 1}}})
		copy(net.Weights(), []float32{1, 2, bias})
		pass := net.NewTrainingPass(1, PassOptions{})
		pass.ForwardTraining([]float32{0.5}, 1, 1, 1)
		pass.Backward([]float32{0})
		want := -2 * 0.5 / (1 + math.Exp(1+float64(bias)))
		if got := float64(pass.Gradients()[0]); math.Abs(got-want) > 1e-5*math.Abs(want)+1e-30 {
			t.Errorf("bias %v: the gradient is %v, want %v", bias, got, want)
		}
	}
}

func TestContestRefusals(t *testing.T) {
	dense := Layers{Dense{Units: 1}}
	for want, l := range map[string]Layer{
		"got no layers":                        Adversary{Weight: 1},
		"weight is -1":                         Adversary{Weight: -1, Layers: dense},
		"its layers make 3 of a code, want on": Adversary{Layers: Layers{Dense{Units: 3}}},
		"looks at the whole batch":             Adversary{Layers: Layers{BatchNormalization{}, Dense{Units: 1}}},
		"it adds to the loss":                  Adversary{Layers: Layers{Sampling{}}},
		"is made of several layers":            Adversary{Layers: Layers{Residual{Layers: dense}}},
		"codes is 0, want 1":                   VectorQuantizer{},
		"commitment is -1":                     VectorQuantizer{Codes: 2, Commitment: -1},
		"decay is 1, want above 0 and below 1": VectorQuantizer{Codes: 2, Decay: 1},
		"revive is -1":                         VectorQuantizer{Codes: 2, Revive: -1},
		"unknown initializer 77":               VectorQuantizer{Codes: 2, Init: 77},
	} {
		if _, err := NewNetwork(tensor.Shape{4}, l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := NewNetwork(tensor.Shape{4, 4}, Adversary{Layers: dense}); err == nil || !strings.Contains(err.Error(), "want codes along a single axis") {
		t.Errorf("error %v", err)
	}
}
