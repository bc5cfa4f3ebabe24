package nn

import (
	"math"
	"slices"
	"testing"

	"hourglass/internal/golden"
	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// bench is a stage with a frame of its own, as in a training step.
type bench struct {
	stage Stage
	frame Frame
}

// draws binds a layer to n samples of numbers in [lo, hi) and runs it forward and
// backward.
func draws(t *testing.T, l Layer, n int, in tensor.Shape, lo, hi float64) *bench {
	t.Helper()
	s, err := l.Bind(in)
	if err != nil {
		t.Fatal(err)
	}
	plan := s.Plan()
	x, out := n*in.Size(), n*plan.Output.Size()
	d := &bench{s, Frame{N: n, Batch: n, X: golden.Values(3, x, lo, hi), Y: make([]float32, out), DX: make([]float32, x),
		DY: golden.Values(4, out, -1, 1), Workspace: make([]float32, plan.Workspace), Training: true,
		Random: Random{Seed: 5, Step: 6, Stage: 7}}}
	for _, size := range plan.Memory {
		d.frame.Memory = append(d.frame.Memory, make([]float32, n*size))
	}
	if _, ok := s.(Penalizer); ok {
		d.frame.Penalties, d.frame.Factors = [][]float64{make([]float64, n)}, []float64{0.7}
	}
	d.run()
	return d
}

func (d *bench) run() {
	if c, ok := d.stage.(Coupled); ok {
		c.GatherForward(&d.frame, 0, c.Channels())
	}
	d.stage.Forward(&d.frame)
	d.stage.Backward(&d.frame)
}

// normals returns the noise of n samples of the frame, as a stage draws it.
func (d *bench) normals(n, size int) []float64 {
	all := make([]float32, n*size)
	for i := range n {
		key, counter := d.frame.Random.stream(i)
		kernel.Normal(rows(all, i, i+1, size), key, counter)
	}
	return doubles(all)
}

// check compares what the stage made, added and handed back with a function of the
// reference in float64: outputs, the mean penalty, and central differences.
func (d *bench) check(t *testing.T, reference func(x []float64) (y []float64, penalty float64)) {
	t.Helper()
	x := doubles(d.frame.X)
	y, penalty := reference(x)
	golden.Close(t, "output", d.frame.Y, y, 1e-5)
	var mean float64
	for _, p := range d.frame.Penalties[0] {
		mean += p / float64(d.frame.N)
	}
	if math.Abs(mean-penalty) > 1e-5*math.Abs(penalty) {
		t.Errorf("penalty %v, want %v", mean, penalty)
	}
	loss := func() float64 {
		y, sum := reference(x)
		for i, v := range y {
			sum += float64(d.frame.DY[i]) * v
		}
		return sum
	}
	const h = 1e-5
	want := make([]float64, len(x))
	for i, v := range x {
		x[i] = v + h
		up := loss()
		x[i] = v - h
		want[i] = (up - loss()) / (2 * h)
		x[i] = v
	}
	golden.Close(t, "gradient", d.frame.DX, want, 1e-4)
}

func TestSamplingGradient(t *testing.T) {
	const n, rowsOf, codes, weight = 5, 2, 3, 0.3
	d := draws(t, Sampling{Weight: weight}, n, tensor.Shape{rowsOf, 2 * codes}, -1.5, 1.5)
	noise := d.normals(n, rowsOf*codes)
	d.check(t, func(x []float64) (z []float64, kl float64) {
		for r := range n * rowsOf {
			for c := range codes {
				mean, logVariance := x[r*2*codes+c], x[r*2*codes+codes+c]
				z = append(z, mean+math.Exp(logVariance/2)*noise[r*codes+c])
				kl += 0.7 * weight * 0.5 * (mean*mean + math.Exp(logVariance) - 1 - logVariance) / n
			}
		}
		return z, kl
	})
}

// Codes are the means where nothing is trained or evaluated.
func TestSamplingRests(t *testing.T) {
	d := draws(t, Sampling{Weight: 1}, 2, tensor.Shape{4}, -1, 1)
	inTraining := slices.Clone(d.frame.Y)
	d.frame.Training, d.frame.Evaluating = false, true
	d.stage.Forward(&d.frame)
	if !slices.Equal(d.frame.Y, inTraining) {
		t.Error("nothing is drawn in evaluation")
	}
	d.frame.Evaluating, d.frame.Penalties = false, nil
	d.stage.Forward(&d.frame)
	if x := d.frame.X; !slices.Equal(d.frame.Y, []float32{x[0], x[1], x[4], x[5]}) {
		t.Errorf("the codes of %v are %v, want the means", x, d.frame.Y)
	}
}

func TestMMDGradient(t *testing.T) {
	const n, size, weight = 7, 3, 2.5
	d := draws(t, MMDRegularization{Weight: weight}, n, tensor.Shape{size}, -2, 2)
	prior := d.normals(n, size)
	inverse := func(x, y []float64) (k float64) {
		var squares float64
		for c := range x {
			squares += (x[c] - y[c]) * (x[c] - y[c])
		}
		for _, s := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10} {
			k += 2 * size * s / (2*size*s + squares)
		}
		return k
	}
	d.check(t, func(x []float64) (y []float64, mmd float64) {
		at := func(list []float64, i int) []float64 { return list[i*size : (i+1)*size] }
		for i := range n {
			for j := range n {
				if i != j {
					mmd += (inverse(at(x, i), at(x, j)) + inverse(at(prior, i), at(prior, j))) / (n * (n - 1))
				}
				mmd -= 2 * inverse(at(x, i), at(prior, j)) / (n * n)
			}
		}
		return x, 0.7 * weight * mmd
	})
	alone := draws(t, MMDRegularization{Weight: weight}, 1, tensor.Shape{size}, -2, 2)
	if alone.frame.Penalties[0][0] != 0 || !slices.Equal(alone.frame.DX, alone.frame.DY) {
		t.Errorf("one sample adds %v", alone.frame.Penalties)
	}
}

// Noise changes as many elements as it says, lets no gradient through where it did, and
// rests outside of training.
func TestReplacingNoise(t *testing.T) {
	const n, size, rate = 20, 1000, 0.3
	for name, l := range map[string]Layer{"masking": MaskingNoise{Rate: rate}, "salt and pepper": SaltAndPepperNoise{Rate: rate}} {
		d := draws(t, l, n, tensor.Shape{size}, 0.25, 0.75)
		var zeros, ones float64
		for i, y := range d.frame.Y {
			gradient := d.frame.DY[i]
			switch y {
			case 0:
				zeros, gradient = zeros+1, 0
			case 1:
				ones, gradient = ones+1, 0
			case d.frame.X[i]:
			default:
				t.Fatalf("%s: %v became %v", name, d.frame.X[i], y)
			}
			if d.frame.DX[i] != gradient {
				t.Fatalf("%s: the gradient of an element that became %v is %v, want %v", name, y, d.frame.DX[i], gradient)
			}
		}
		if share := (zeros + ones) / (n * size); math.Abs(share-rate) > 0.02 {
			t.Errorf("%s: a share of %v was changed, want %v", name, share, rate)
		}
		if want := map[string]float64{"masking": 0, "salt and pepper": 0.5}[name]; math.Abs(ones/(zeros+ones)-want) > 0.03 {
			t.Errorf("%s: of those a share of %v became 1, want %v", name, ones/(zeros+ones), want)
		}
		d.frame.Training = false
		d.run()
		if !slices.Equal(d.frame.Y, d.frame.X) || !slices.Equal(d.frame.DX, d.frame.DY) {
			t.Errorf("%s: changes something outside of training", name)
		}
	}
}

func TestDrawingRefusals(t *testing.T) {
	for _, c := range []struct {
		l  Layer
		in tensor.Shape
	}{
		{Sampling{Weight: -1}, tensor.Shape{4}}, {Sampling{Weight: math.NaN()}, tensor.Shape{4}}, {Sampling{}, tensor.Shape{3}}, {Sampling{}, nil},
		{MMDRegularization{Weight: math.Inf(1)}, tensor.Shape{4}}, {MMDRegularization{}, nil},
		{MaskingNoise{Rate: 1}, tensor.Shape{4}}, {SaltAndPepperNoise{Rate: -0.1}, tensor.Shape{4}}, {SaltAndPepperNoise{Rate: math.NaN()}, tensor.Shape{4}},
	} {
		if _, err := c.l.Bind(c.in); err == nil {
			t.Errorf("%#v was bound to %v", c.l, c.in)
		}
	}
}
