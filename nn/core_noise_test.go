package nn

import (
	"math"
	"slices"
	"testing"

	"hourglass/internal/golden"
	"hourglass/internal/parallel"
	"hourglass/tensor"
)

// trainForward runs the forward half of a training step on a team of workers.
func trainForward(t *testing.T, net *Network, x []float32, n, workers int, seed, step uint64) []float32 {
	t.Helper()
	pass := net.NewTrainingPass(n, PassOptions{Workers: workers})
	team := parallel.NewTeam(workers)
	defer team.Close()
	pass.StartTraining(n, seed, step)
	copy(pass.InputRows(0, n), x)
	team.Run(func(w *parallel.Worker) {
		lo, hi := w.Range(n, 1)
		pass.ForwardShare(w, lo, hi)
	})
	return slices.Clone(pass.OutputRows(0, n))
}

// noiseLayers are the layers that act in training only, on samples of 1000 ones.
var noiseLayers = map[string]Layer{"gaussian noise": GaussianNoise{Stddev: 0.2}, "dropout": Dropout{Rate: 0.4}}

func ones(n int) []float32 { return slices.Repeat([]float32{1}, n) }

func TestNoiseRestsInInference(t *testing.T) {
	x := golden.Values(1, 50, -1, 1)
	for name, layer := range noiseLayers {
		net := newTestNetwork(t, tensor.Shape{5, 5}, layer)
		if !slices.Equal(net.NewPass(2).Forward(x, 2), x) {
			t.Errorf("%s: acts in inference", name)
		}
		training := net.NewTrainingPass(2, PassOptions{})
		if !slices.Equal(training.Forward(x, 2), x) {
			t.Errorf("%s: acts in an evaluation during training", name)
		}
		if slices.Equal(training.ForwardTraining(x, 2, 1, 1), x) {
			t.Errorf("%s: does not act in training", name)
		}
		if !slices.Equal(training.Forward(x, 2), x) {
			t.Errorf("%s: acts in an evaluation after a training step", name)
		}
	}
}

// What is added to ones has mean 0, deviation Stddev and a normal's tails.
func TestGaussianNoise(t *testing.T) {
	const size, n = 1000, 100
	net := newTestNetwork(t, tensor.Shape{size}, GaussianNoise{Stddev: 0.2})
	noise := trainForward(t, net, ones(size*n), n, 1, 1, 1)
	within := 0
	for i := range noise {
		noise[i]--
		if math.Abs(float64(noise[i])) < 0.2 {
			within++
		}
	}
	mean, variance, _ := moments(noise)
	if math.Abs(mean) > 4*0.2/math.Sqrt(size*n) {
		t.Errorf("mean %v, want 0", mean)
	}
	if math.Abs(variance/0.04-1) > 4*math.Sqrt(2.0/(size*n)) {
		t.Errorf("variance %v, want 0.04", variance)
	}
	if got, want := float64(within)/(size*n), math.Erf(1/math.Sqrt2); math.Abs(got-want) > 4*math.Sqrt(want*(1-want)/(size*n)) {
		t.Errorf("%v of the noise lies within one deviation, want %v", got, want)
	}
	same := newTestNetwork(t, tensor.Shape{size}, GaussianNoise{})
	if x := golden.Values(1, size, -1, 1); !slices.Equal(trainForward(t, same, x, 1, 1, 1, 1), x) {
		t.Error("noise of deviation 0 changes its input")
	}
}

// Elements are dropped with probability Rate, the others scaled by 1/(1-Rate).
func TestDropout(t *testing.T) {
	const size, n = 1000, 100
	for _, rate := range []float64{0, 0.1, 0.5, 0.9} {
		net := newTestNetwork(t, tensor.Shape{size}, Dropout{Rate: rate})
		y := trainForward(t, net, ones(size*n), n, 1, 1, 1)
		dropped := 0
		for _, v := range y {
			if v == 0 {
				dropped++
			} else if math.Abs(float64(v)*(1-rate)-1) > 1e-6 {
				t.Fatalf("rate %v: a kept 1 becomes %v, want %v", rate, v, 1/(1-rate))
			}
		}
		if got := float64(dropped) / (size * n); math.Abs(got-rate) > 4*math.Sqrt(rate*(1-rate)/(size*n)) {
			t.Errorf("rate %v: %v of the elements are dropped", rate, got)
		}
	}
}

// The gradient passes where the value did and scaled alike; that of noise passes
// as it is.
func TestNoiseBackward(t *testing.T) {
	const size, n = 40, 6
	for name, layer := range noiseLayers {
		net := newTestNetwork(t, tensor.Shape{size}, Dense{Units: size, NoBias: true}, layer)
		for i := range net.Weights() {
			net.Weights()[i] = 0
			if i%(size+1) == 0 {
				net.Weights()[i] = 1
			}
		}
		pass := net.NewTrainingPass(n, PassOptions{})
		y := slices.Clone(pass.ForwardTraining(ones(size*n), n, 3, 9))
		dy := golden.Values(1, size*n, -1, 1)
		copy(pass.OutputGradients(0, n), dy)
		pass.BackwardShare(pass.solo, 0, n)
		for i, dx := range pass.dvalues[1] {
			want := dy[i]
			if name == "dropout" {
				want *= y[i] // of ones: the mask
			}
			if dx != want {
				t.Fatalf("%s: gradient %d is %v, want %v", name, i, dx, want)
			}
		}
	}
}

// Noise is a function of seed, step, stage and sample: independent where one of
// them differs, equal otherwise, whoever computes it.
func TestNoiseStreams(t *testing.T) {
	const size, n = 1000, 3
	for name, layer := range noiseLayers {
		one := newTestNetwork(t, tensor.Shape{size}, layer)
		two := newTestNetwork(t, tensor.Shape{size}, Flatten{}, layer) // the layer at another place
		x := ones(size * n)
		first := trainForward(t, one, x, n, 1, 1, 1)
		if !slices.Equal(first, trainForward(t, one, x, n, 1, 1, 1)) {
			t.Errorf("%s: not repeatable", name)
		}
		for _, workers := range []int{2, 3, 8} {
			if !slices.Equal(first, trainForward(t, one, x, n, workers, 1, 1)) {
				t.Errorf("%s: depends on the number of workers", name)
			}
		}
		streams := map[string][]float32{
			"sample 0":      first[:size],
			"sample 1":      first[size : 2*size],
			"sample 2":      first[2*size:],
			"another step":  trainForward(t, one, x, n, 1, 1, 2)[:size],
			"step 2³²":      trainForward(t, one, x, n, 1, 1, 1+1<<32)[:size],
			"another seed":  trainForward(t, one, x, n, 1, 2, 1)[:size],
			"seed 2³²":      trainForward(t, one, x, n, 1, 1+1<<32, 1)[:size],
			"another stage": trainForward(t, two, x, n, 1, 1, 1)[:size],
		}
		for what, a := range streams {
			for other, b := range streams {
				if what == other {
					continue
				}
				if c := correlation(a, b); math.Abs(c) > 5/math.Sqrt(size) {
					t.Errorf("%s: correlation of %s with %s is %v", name, what, other, c)
				}
			}
			// Neighbours within a sample are independent too.
			if c := correlation(a[1:], a[:size-1]); math.Abs(c) > 5/math.Sqrt(size) {
				t.Errorf("%s: %s: correlation of neighbours is %v", name, what, c)
			}
		}
	}
}

func correlation(a, b []float32) float64 {
	meanA, varianceA, _ := moments(a)
	meanB, varianceB, _ := moments(b)
	sum := 0.0
	for i := range a {
		sum += (float64(a[i]) - meanA) * (float64(b[i]) - meanB)
	}
	return sum / float64(len(a)-1) / math.Sqrt(varianceA*varianceB)
}
