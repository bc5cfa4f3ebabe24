package hourglass_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/tensor"
)

// linearGaussian is the model x = w·z + b with normal noise of variance ½, and an encoder that gives
// the exact distribution of z, wider by a factor.
func linearGaussian(t *testing.T, wider float64, sampling nn.Layer) (ae *hourglass.Autoencoder, w, b [2]float64) {
	t.Helper()
	ae, err := hourglass.New(nn.Layers{nn.Input{2}, nn.Dense{Units: 2}, sampling}, nn.Layers{nn.Dense{Units: 2}})
	if err != nil {
		t.Fatal(err)
	}
	w, b = [2]float64{0.8, -0.5}, [2]float64{0.3, 0.1}
	precision := 0.5 + w[0]*w[0] + w[1]*w[1]
	mean := -(w[0]*b[0] + w[1]*b[1]) / precision
	copy(ae.Network().Weights(), []float32{
		float32(w[0] / precision), 0, float32(w[1] / precision), 0, // kernel: to mean and log-variance
		float32(mean), float32(math.Log(0.5 / precision * wider)),
		float32(w[0]), float32(w[1]), float32(b[0]), float32(b[1])})
	return ae, w, b
}

// The estimate is that of the closed form: exact where codes are drawn from their true
// distribution, however few there are; and near with many that are drawn from another.
func TestLogLikelihoodOfLinearModel(t *testing.T) {
	x := tensor.Tensor{Shape: tensor.Shape{3, 2}, Data: []float32{0.5, -1, 2, 0.3, -0.7, 0.9}}
	closed := func(w, b [2]float64) (sum float64) {
		// x ~ N(b, w·wᵀ + I/2)
		a, c, d := 0.5+w[0]*w[0], w[0]*w[1], 0.5+w[1]*w[1]
		det := a*d - c*c
		for i := range 3 {
			u, v := float64(x.Row(i)[0])-b[0], float64(x.Row(i)[1])-b[1]
			sum -= (math.Log(2*math.Pi) + 0.5*math.Log(det) + 0.5*(d*u*u-2*c*u*v+a*v*v)/det) / 3
		}
		return sum
	}
	for _, c := range []struct {
		wider     float64
		draws     int
		tolerance float64
	}{{1, 3, 1e-5}, {2, 20000, 0.01}} {
		for _, sampling := range []nn.Layer{nn.Sampling{Weight: 1}, nn.ImportanceSampling{Samples: 2, Weight: 1}, nn.TCSampling{Samples: 3}} {
			ae, w, b := linearGaussian(t, c.wider, sampling)
			var last hourglass.Likelihood
			for _, threads := range []int{1, 3} {
				ae.SetThreads(threads)
				called := 0
				l, err := ae.LogLikelihood(context.Background(), dataset.Array{Tensor: x}, c.draws, 1, func(done, total int) { called++ })
				if err != nil {
					t.Fatal(err)
				}
				if threads == 1 && called != 3 {
					t.Errorf("progress was told %d times of 3 samples", called)
				}
				if want := closed(w, b); math.Abs(l.LogLikelihood-want) > c.tolerance {
					t.Errorf("%d draws: %v, want %v", c.draws, l.LogLikelihood, want)
				}
				if (c.wider == 1) != (math.Abs(l.ELBO-l.LogLikelihood) < 1e-5) || l.ELBO > l.LogLikelihood+1e-6 || l.ELBO != l.Reconstruction-l.KL {
					t.Errorf("bound %+v", l)
				}
				if threads == 3 && l != last {
					t.Errorf("%+v with 3 threads, %+v with 1", l, last)
				}
				last = l
			}
		}
	}
}

func TestLogLikelihoodRefusals(t *testing.T) {
	x := dataset.Array{Tensor: tensor.New(2, 2)}
	plain, err := hourglass.New(nn.Layers{nn.Input{2}, nn.Dense{Units: 1}}, nn.Layers{nn.Dense{Units: 2}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.LogLikelihood(context.Background(), x, 5, 1, nil); err == nil || !strings.Contains(err.Error(), "draws no codes") {
		t.Errorf("error %v", err)
	}
	ae, _, _ := linearGaussian(t, 1, nn.Named{Name: "codes", Layer: nn.Sampling{}})
	if !ae.Draws() || plain.Draws() {
		t.Error("a named layer that draws is not known")
	}
	if _, err := ae.LogLikelihood(context.Background(), x, 0, 1, nil); err == nil || !strings.Contains(err.Error(), "at least 1") {
		t.Errorf("error %v", err)
	}
	if _, err := ae.LogLikelihood(context.Background(), dataset.Array{Tensor: tensor.New(2, 3)}, 1, 1, nil); err == nil {
		t.Error("samples of another shape are taken")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ae.LogLikelihood(ctx, x, 5, 1, nil); err == nil {
		t.Error("a cancelled estimate ends without error")
	}
}
