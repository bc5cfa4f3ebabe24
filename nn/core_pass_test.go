package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/golden"
	"hourglass/internal/parallel"
	"hourglass/tensor"
)

// probe is a layer with one weight that shows what a pass hands to it.
type probe struct{ seen func(moment string, f *Frame) }

func (p probe) Bind(in tensor.Shape) (Stage, error) { return probeStage{p, in}, nil }

type probeStage struct {
	probe
	in tensor.Shape
}

var _ Deriver = probeStage{}

func (s probeStage) Plan() Plan {
	return Plan{Output: s.in, Params: []Param{{Name: "weight", Shape: tensor.Shape{1}}}, Memory: []int{3}, Workspace: 5, Derived: 7}
}
func (s probeStage) Forward(f *Frame)               { s.seen("forward", f) }
func (s probeStage) Backward(f *Frame)              { s.seen("backward", f) }
func (s probeStage) Gradient(f *Frame, _, _, _ int) { s.seen("gradient", f) }
func (s probeStage) Derive(f *Frame, _, _, _ int)   { s.seen("derive", f) }

// What a stage finds in its frame is what Frame's documentation promises.
func TestFrame(t *testing.T) {
	const n, in = 3, 4
	check := func(moment, want string, wantDX bool) func(string, *Frame) {
		return func(now string, f *Frame) {
			if now != moment {
				return
			}
			got := fmt.Sprintf("N %d X %d Y %d DY %d memory %d workspace %d params %d grads %d derived %d",
				f.N, len(f.X), len(f.Y), len(f.DY), len(f.Memory[0]), len(f.Workspace), len(f.Params), len(f.Grads), len(f.Derived))
			if got != want {
				t.Errorf("%s: %s, want %s", moment, got, want)
			}
			if (f.DX != nil) != wantDX {
				t.Errorf("%s: DX is %v", moment, f.DX)
			}
		}
	}
	run := func(first, second func(string, *Frame), training bool) {
		net := newTestNetwork(t, tensor.Shape{in}, Input{in}, GaussianNoise{Stddev: 1}, probe{first}, Reshape{2, 2}, probe{second})
		x := make([]float32, n*in)
		if !training {
			net.NewPass(9).Forward(x, n)
			return
		}
		pass := net.NewTrainingPass(9, PassOptions{})
		pass.Forward(x, n)
		pass.Backward(x)
	}
	none := func(string, *Frame) {}
	// Nothing in front of the first trainable stage learns, so it makes no DX and
	// needs nothing derived.
	for _, moment := range []string{"backward", "gradient"} {
		run(check(moment, "N 3 X 12 Y 12 DY 12 memory 9 workspace 5 params 1 grads 1 derived 0", false), none, true)
		run(none, check(moment, "N 3 X 12 Y 12 DY 12 memory 9 workspace 5 params 1 grads 1 derived 7", true), true)
	}
	run(func(moment string, _ *Frame) {
		if moment == "derive" {
			t.Error("the first trainable stage is told to derive")
		}
	}, none, true)
	run(none, check("forward", "N 3 X 12 Y 12 DY 0 memory 9 workspace 5 params 1 grads 0 derived 0", false), false)
}

// stepOn runs one training step on a team and returns weights and gradients; the
// update is w ← w - g/8.
func stepOn(t *testing.T, workers, n int, input tensor.Shape, layers Layers) (weights, gradients []float32) {
	t.Helper()
	net := newTestNetwork(t, input, layers...)
	pass := net.NewTrainingPass(n, PassOptions{Workers: workers})
	team := parallel.NewTeam(workers)
	defer team.Close()
	w := net.Weights()
	for step := range uint64(3) {
		pass.StartTraining(n, 5, step)
		team.Run(func(worker *parallel.Worker) {
			lo, hi := worker.Range(n, 1)
			copy(pass.InputRows(lo, hi), golden.Values(21, n*input.Size(), -1, 1)[lo*input.Size():])
			pass.ForwardShare(worker, lo, hi)
			copy(pass.OutputGradients(lo, hi), pass.OutputRows(lo, hi))
			pass.BackwardShare(worker, lo, hi)
			worker.Barrier()
			pass.GradientShare(worker, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					w[i] -= pass.Gradients()[i] / 8
				}
			})
		})
	}
	return w, pass.Gradients()
}

// The bits of weights and gradients do not depend on the number of workers, even
// if there are more of them than samples or rows.
func TestWorkersGiveTheSameBits(t *testing.T) {
	layers := Layers{Flatten{}, GaussianNoise{Stddev: 0.2}, Dense{Units: 130, Activation: SELU}, Dropout{Rate: 0.3},
		Dense{Units: 7, Activation: Tanh}, GaussianNoise{Stddev: 0.1}, Activation{Func: ELU}, Dense{Units: 63, Activation: Sigmoid}, Reshape{7, 9}}
	for _, n := range []int{1, 5, 32} {
		weights, gradients := stepOn(t, 1, n, tensor.Shape{7, 9}, layers)
		for _, workers := range []int{2, 3, 8} {
			w, g := stepOn(t, workers, n, tensor.Shape{7, 9}, layers)
			if !slices.Equal(w, weights) || !slices.Equal(g, gradients) {
				t.Errorf("%d samples: %d workers give other bits than one", n, workers)
			}
		}
	}
}

// Every weight is updated exactly once a step, in pieces whose gradients are ready.
func TestGradientShareCoversTheArena(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		net := newTestNetwork(t, tensor.Shape{300}, Dense{Units: 50}, Dense{Units: 1}, Dense{Units: 9000, NoBias: true}, Dense{Units: 3})
		pass := net.NewTrainingPass(2, PassOptions{Workers: workers})
		team := parallel.NewTeam(workers)
		defer team.Close()
		pass.Start(2)
		copy(pass.InputRows(0, 2), golden.Values(1, 600, 0.5, 1))
		updates := make([]int32, len(net.Weights()))
		team.Run(func(w *parallel.Worker) {
			lo, hi := w.Range(2, 1)
			pass.ForwardShare(w, lo, hi)
			copy(pass.OutputGradients(lo, hi), golden.Values(2, 6, 0.5, 1)[lo*3:])
			pass.BackwardShare(w, lo, hi)
			w.Barrier()
			pass.GradientShare(w, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					updates[i]++
				}
			})
		})
		for i, count := range updates {
			if count != 1 {
				t.Fatalf("%d workers: weight %d is updated %d times", workers, i, count)
			}
		}
		if i := slices.Index(pass.Gradients(), 0); i >= 0 {
			t.Errorf("%d workers: gradient %d is not computed", workers, i)
		}
	}
}

// Derived weights follow an update at once, and Refresh a change from outside.
func TestDerivedWeightsFollow(t *testing.T) {
	layers := Layers{Dense{Units: 20, Activation: Tanh}, Dense{Units: 9}, Dense{Units: 10}}
	net := newTestNetwork(t, tensor.Shape{10}, layers...)
	x, dy := golden.Values(1, 30, -1, 1), golden.Values(2, 30, -1, 1)
	gradient := func(p *Pass) []float32 {
		p.Forward(x, 3)
		p.Backward(dy)
		return slices.Clone(p.Gradients())
	}
	pass := net.NewTrainingPass(3, PassOptions{})
	pass.Forward(x, 3)
	copy(pass.OutputGradients(0, 3), dy)
	pass.BackwardShare(pass.solo, 0, 3)
	pass.GradientShare(pass.solo, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			net.Weights()[i] *= 1.5
		}
	})
	if !slices.Equal(gradient(pass), gradient(net.NewTrainingPass(3, PassOptions{}))) {
		t.Error("after an update the pass has old derived weights")
	}
	for i := range net.Weights() {
		net.Weights()[i] *= 0.5
	}
	pass.Refresh()
	if !slices.Equal(gradient(pass), gradient(net.NewTrainingPass(3, PassOptions{}))) {
		t.Error("after Refresh the pass has old derived weights")
	}
}

// A sample's output does not depend on the samples it is run with, nor on the kind
// of pass.
func TestForwardOfOneSample(t *testing.T) {
	net := newTestNetwork(t, tensor.Shape{5, 5}, Flatten{}, Dense{Units: 33, Activation: SELU}, Dropout{Rate: 0.5},
		Dense{Units: 25, Activation: Sigmoid}, Reshape{5, 5})
	const n = 21
	x := golden.Values(1, n*25, -1, 1)
	together := slices.Clone(net.NewTrainingPass(n, PassOptions{}).Forward(x, n))
	pass := net.NewPass(n)
	if !slices.Equal(pass.Forward(x, n), together) {
		t.Error("an inference pass gives other bits than a training pass")
	}
	for i := range n {
		if !slices.Equal(pass.Forward(x[i*25:(i+1)*25], 1), together[i*25:(i+1)*25]) {
			t.Errorf("sample %d alone gives other bits", i)
		}
	}
	if !slices.Equal(x, golden.Values(1, n*25, -1, 1)) {
		t.Error("Forward changes its input")
	}
}

// Networks of views alone hand their input on.
func TestForwardOfViews(t *testing.T) {
	net := newTestNetwork(t, nil, Input{2, 3}, Flatten{}, Reshape{3, 2})
	x := golden.Values(1, 12, -1, 1)
	for name, pass := range map[string]*Pass{"inference": net.NewPass(2), "training": net.NewTrainingPass(2, PassOptions{})} {
		if !slices.Equal(pass.Forward(x, 2), x) {
			t.Errorf("%s pass: the output is not the input", name)
		}
	}
	if got := fmt.Sprint(net.Output()); got != "3×2" {
		t.Errorf("output shape %s", got)
	}
	training := net.NewTrainingPass(2, PassOptions{})
	training.Forward(x, 2)
	training.Backward(x)
	if len(training.Gradients()) != 0 {
		t.Error("a network without weights has gradients")
	}
}

func TestForwardAllocatesNothing(t *testing.T) {
	net := newTestNetwork(t, tensor.Shape{6, 6}, Flatten{}, GaussianNoise{Stddev: 0.1}, Dense{Units: 20, Activation: SELU},
		Dropout{Rate: 0.5}, Activation{Func: Softplus}, Dense{Units: 36, Activation: Sigmoid}, Reshape{6, 6})
	x := golden.Values(1, 7*36, 0, 1)
	inference, training := net.NewPass(7), net.NewTrainingPass(7, PassOptions{})
	if n := testing.AllocsPerRun(20, func() { inference.Forward(x, 7) }); n != 0 {
		t.Errorf("an inference run allocates %v times", n)
	}
	if n := testing.AllocsPerRun(20, func() { training.Forward(x, 7); training.Backward(x) }); n != 0 {
		t.Errorf("a training run allocates %v times", n)
	}
}

// More samples than a pass has memory for are a programming error.
func TestTooManySamples(t *testing.T) {
	net := newTestNetwork(t, tensor.Shape{2}, Dense{Units: 2})
	for name, pass := range map[string]*Pass{"inference": net.NewPass(3), "training": net.NewTrainingPass(3, PassOptions{})} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != "nn: a pass for 3 samples was given 4" {
					t.Errorf("%s: panic %s", name, got)
				}
			}()
			pass.Forward(make([]float32, 8), 4)
		}()
	}
}

// centred is a stage that gains nothing from many samples at once but looks at all of
// them: it takes the mean of the batch away.
type centred struct{}

func (centred) Bind(in tensor.Shape) (Stage, error) { return centredStage{in.Size()}, nil }

type centredStage struct{ size int }

var _ Coupled = centredStage{}

func (s centredStage) Plan() Plan {
	return Plan{Output: tensor.Shape{s.size}, Shared: 2 * s.size, Solo: true}
}

func (s centredStage) Channels() int { return s.size }

func (s centredStage) GatherForward(f *Frame, lo, hi int) {
	s.means(f.Shared[:s.size], f.X, f.N, lo, hi)
}
func (s centredStage) GatherBackward(f *Frame, lo, hi int) {
	s.means(f.Shared[s.size:], f.DY, f.N, lo, hi)
}

func (s centredStage) means(mean, x []float32, n, lo, hi int) {
	for c := lo; c < hi; c++ {
		mean[c] = 0
		for i := range n {
			mean[c] += x[i*s.size+c] / float32(n)
		}
	}
}

func (s centredStage) Forward(f *Frame)  { s.subtract(f.Y, f.X, f.Shared[:s.size]) }
func (s centredStage) Backward(f *Frame) { s.subtract(f.DX, f.DY, f.Shared[s.size:]) }

func (s centredStage) subtract(dst, x, mean []float32) {
	for i := range dst {
		dst[i] = x[i] - mean[i%s.size]
	}
}

// A coupled stage gathers also where it comes after stages that samples go through a
// few at a time.
func TestCoupledStageAfterSoloStages(t *testing.T) {
	const n, size = 7, 3
	solo := Conv2D{Filters: 1, Kernel: Square(1), KernelInit: Ones}
	net := newTestNetwork(t, tensor.Shape{1, size, 1}, solo, solo, Flatten{}, centred{}, Reshape{1, size, 1}, solo)
	net.Init(1)
	pass := net.NewTrainingPass(n, PassOptions{})
	x := golden.Values(3, n*size, -1, 1)
	y := slices.Clone(pass.ForwardTraining(x, n, 1, 1))
	pass.Backward(x)
	want := make([]float32, n*size)
	s := centredStage{size}
	mean := make([]float32, size)
	s.means(mean, x, n, 0, size)
	s.subtract(want, x, mean)
	for what, got := range map[string][]float32{"output": y, "gradient": pass.dvalues[2]} {
		for i := range want {
			if d := got[i] - want[i]; d > 1e-6 || d < -1e-6 {
				t.Fatalf("%s %d is %v, want %v", what, i, got[i], want[i])
			}
		}
	}
}

// A batch whose memory an int cannot count is an error, on platforms of 32 bits too.
func TestCheckBatch(t *testing.T) {
	net, err := NewNetwork(tensor.Shape{1000}, Dense{Units: 1000})
	if err != nil {
		t.Fatal(err)
	}
	most := math.MaxInt / 8 / 2000
	if err := net.CheckBatch(most); err != nil {
		t.Error(err)
	}
	for _, samples := range []int{most + 1, math.MaxInt} {
		if err := net.CheckBatch(samples); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("want at most %d samples", most)) {
			t.Errorf("%d samples: error %v", samples, err)
		}
	}
}
