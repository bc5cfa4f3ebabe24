package nn

import (
	"math"
	"strings"
	"testing"

	"hourglass/internal/golden"
	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// overDense is a network of a Dense without bias and a layer behind it, run as a training step, to
// be compared with a function of the Dense's kernel.
type overDense struct {
	net     *Network
	pass    *Pass
	x       []float64
	in, mid int
	n       int
	out     []float32 // gradient of the loss with respect to the output
	penalty float64   // mean over the samples
}

const overSeed, overStep = 5, 6

// runOverDense runs n samples; shares are those of each sample's copies, if the network weighs.
func runOverDense(t *testing.T, n, in, mid int, shares []float32, layers ...Layer) *overDense {
	t.Helper()
	net, err := NewNetwork(tensor.Shape{in}, append(Layers{Dense{Units: mid, NoBias: true}}, layers...)...)
	if err != nil {
		t.Fatal(err)
	}
	copy(net.Weights(), golden.Values(11, len(net.Weights()), -0.6, 0.6))
	o := &overDense{net: net, pass: net.NewTrainingPass(n, PassOptions{}), in: in, mid: mid, n: n}
	x := golden.Values(12, n*in, -1, 1)
	o.x = doubles(x)
	for i := range net.Penalties() {
		o.pass.SetPenaltyFactor(i, 0.7+0.2*float64(i))
	}
	o.pass.ForwardTraining(x, n, overSeed, overStep)
	for p := range net.Penalties() {
		for i := range n {
			o.penalty += o.pass.Penalty(p, i) / float64(n)
		}
	}
	if net.Weighs() {
		for i := range n {
			_, list := o.pass.LogWeights(i)
			copy(list, shares)
		}
	}
	o.out = golden.Values(13, n*net.Output().Size()*o.pass.Copies(), -1, 1)
	o.pass.Backward(o.out)
	return o
}

// noise returns what a stage draws for each sample.
func (o *overDense) noise(stage, size int) []float64 {
	all := make([]float32, o.n*size)
	for i := range o.n {
		key, counter := Random{Seed: overSeed, Step: overStep, Stage: uint16(stage)}.stream(i)
		kernel.Normal(rows(all, i, i+1, size), key, counter)
	}
	return doubles(all)
}

// check compares outputs, penalties and the gradient of all weights with those of a function of
// what the Dense makes, in float64, and of the weights behind it.
func (o *overDense) check(t *testing.T, tolerance float64, reference func(a, weights []float64) (y []float64, penalty, unreported float64)) {
	t.Helper()
	w := doubles(o.net.Weights())
	evaluate := func() (y []float64, penalty, unreported float64) {
		a := make([]float64, o.n*o.mid)
		for i := range o.n {
			for c := range o.mid {
				for k := range o.in {
					a[i*o.mid+c] += o.x[i*o.in+k] * w[k*o.mid+c]
				}
			}
		}
		return reference(a, w[o.in*o.mid:])
	}
	loss := func() float64 {
		y, penalty, unreported := evaluate()
		sum := penalty + unreported
		for i, v := range y {
			sum += float64(o.out[i]) * v
		}
		return sum
	}
	y, penalty, _ := evaluate()
	golden.Close(t, "output", o.pass.OutputRows(0, o.n), y, 1e-5)
	if math.Abs(o.penalty-penalty) > 1e-5*math.Abs(penalty)+1e-7 {
		t.Errorf("penalty %v, want %v", o.penalty, penalty)
	}
	const h = 1e-6
	want := make([]float64, len(w))
	for i, v := range w {
		w[i] = v + h
		up := loss()
		w[i] = v - h
		want[i] = (up - loss()) / (2 * h)
		w[i] = v
	}
	golden.Close(t, "gradient", o.pass.Gradients(), want, tolerance)
}

func TestImportanceSamplingGradient(t *testing.T) {
	const n, codes, draws, weight = 4, 3, 2, 0.3
	shares := []float32{0.8, 0.2}
	o := runOverDense(t, n, 5, 2*codes, shares, ImportanceSampling{Samples: draws, Weight: weight})
	noise := o.noise(1, draws*codes)
	o.check(t, 1e-4, func(a, _ []float64) (y []float64, penalty, rest float64) {
		for i := range n {
			for k := range draws {
				var divergence float64
				for c := range codes {
					mean, logVariance, e := a[i*2*codes+c], a[i*2*codes+codes+c], noise[(i*draws+k)*codes+c]
					z := mean + math.Exp(logVariance/2)*e
					y = append(y, z)
					divergence += (z*z - e*e - logVariance) / 2
				}
				d := 0.7 * weight * divergence / n
				penalty += d / draws
				rest += float64(shares[k])*d - d/draws // the gradient is by shares
			}
		}
		return y, penalty, rest
	})
	logWeights, _ := o.pass.LogWeights(0)
	if len(logWeights) != draws || o.pass.Copies() != draws {
		t.Errorf("%d weights and %d copies, want %d", len(logWeights), o.pass.Copies(), draws)
	}
	// a code where nothing is drawn is the mean, and there is one
	inference := o.net.NewPass(n)
	x := golden.Values(12, n*5, -1, 1)
	if y := inference.Forward(x, n); len(y) != n*codes || inference.Copies() != 1 {
		t.Errorf("inference gives %d values", len(y))
	}
	all := o.pass.Forward(x, n)
	golden.Close(t, "the second copy", all[codes:2*codes], doubles(all[:codes]), 0)
}

func TestCapacityGradient(t *testing.T) {
	const n, codes, weight = 4, 3, 0.3
	for _, capacity := range []float64{0.001, 50} {
		o := runOverDense(t, n, 5, 2*codes, nil, Sampling{Weight: weight, Capacity: capacity})
		noise := o.noise(1, codes)
		o.check(t, 1e-4, func(a, _ []float64) (y []float64, penalty, rest float64) {
			var mean float64
			for i := range n {
				for c := range codes {
					m, v := a[i*2*codes+c], a[i*2*codes+codes+c]
					y = append(y, m+math.Exp(v/2)*noise[i*codes+c])
					mean += 0.5 * (m*m + math.Exp(v) - 1 - v) / n
				}
			}
			return y, 0.7 * weight * math.Abs(mean-0.9*capacity), 0
		})
	}
}

func TestTCSamplingGradient(t *testing.T) {
	const n, codes, weight, beta, samples = 5, 3, 0.3, 6.0, 100
	o := runOverDense(t, n, 4, 2*codes, nil, TCSampling{Weight: weight, Correlation: beta, Samples: samples})
	noise := o.noise(1, codes)
	o.check(t, 2e-4, func(a, _ []float64) (y []float64, penalty, rest float64) {
		for i := range n {
			for c := range codes {
				y = append(y, a[i*2*codes+c]+math.Exp(a[i*2*codes+codes+c]/2)*noise[i*codes+c])
			}
		}
		density := func(i, j, c int) float64 {
			v, d := a[j*2*codes+codes+c], y[i*codes+c]-a[j*2*codes+c]
			return -0.5 * (math.Log(2*math.Pi) + v + d*d/math.Exp(v))
		}
		for i := range n {
			var own, product, prior, joint float64
			var each [codes]float64
			for j := range n {
				all := 0.0
				for c := range codes {
					each[c] += math.Exp(density(i, j, c))
					all += density(i, j, c)
				}
				joint += math.Exp(all)
			}
			for c := range codes {
				own += density(i, i, c)
				product += math.Log(each[c] / (n * samples))
				prior -= 0.5 * (math.Log(2*math.Pi) + y[i*codes+c]*y[i*codes+c])
			}
			joint = math.Log(joint / (n * samples))
			penalty += weight / n * (0.7*(own-joint) + 0.9*beta*(joint-product) + 1.1*(product-prior))
		}
		return y, penalty, 0
	})
}

// The exact penalty of a Dense is the norm of its Jacobian, for every activation that it is
// exact for.
func TestContractiveGradient(t *testing.T) {
	const n, mid, units, weight = 3, 4, 5, 0.2
	for f, function := range map[Func]func(float64) float64{
		Linear: func(a float64) float64 { return a }, Tanh: math.Tanh,
		Sigmoid:  func(a float64) float64 { return 1 / (1 + math.Exp(-a)) },
		Softplus: func(a float64) float64 { return math.Log1p(math.Exp(a)) },
		ReLU:     func(a float64) float64 { return max(a, 0) },
		SELU: func(a float64) float64 {
			if a < 0 {
				return 1.0507009873554805 * 1.6732632423543772 * math.Expm1(a)
			}
			return 1.0507009873554805 * a
		},
	} {
		o := runOverDense(t, n, 3, mid, nil, Contractive{Layers: Layers{Dense{Units: units, Activation: f}}, Weight: weight})
		o.check(t, 2e-4, func(a, w []float64) (y []float64, penalty, rest float64) {
			kernel, bias := w[:mid*units], w[mid*units:]
			for i := range n {
				for j := range units {
					z, norm := bias[j], 0.0
					for k := range mid {
						z += a[i*mid+k] * kernel[k*units+j]
						norm += kernel[k*units+j] * kernel[k*units+j]
					}
					const h = 1e-5
					slope := (function(z+h) - function(z-h)) / (2 * h)
					y = append(y, function(z))
					penalty += 0.7 * weight * slope * slope * norm / n
				}
			}
			return y, penalty, 0
		})
	}
}

// The estimate for other layers is exact in the mean: over many samples it comes to the norm of
// the Jacobian, here that of a product of two kernels.
func TestContractiveEstimate(t *testing.T) {
	const n, mid, units = 2000, 4, 3
	layers := Layers{Dense{Units: 6, NoBias: true}, Dense{Units: units, NoBias: true}}
	o := runOverDense(t, n, 3, mid, nil, Contractive{Layers: layers, Weight: 1})
	w := doubles(o.net.Weights())[3*mid:]
	first, second := w[:mid*6], w[mid*6:]
	var norm float64
	for i := range mid {
		for j := range units {
			var v float64
			for k := range 6 {
				v += first[i*6+k] * second[k*units+j]
			}
			norm += v * v
		}
	}
	if got := o.penalty / 0.7; math.Abs(got-norm) > 0.05*norm {
		t.Errorf("the estimate is %v, want %v", got, norm)
	}
	// and its gradient is that of what is estimated
	small := runOverDense(t, 3, 3, mid, nil, Contractive{Layers: layers, Weight: 0.2, Stddev: 0.5})
	noise := small.noise(1, mid)
	small.check(t, 1e-3, func(a, w []float64) (y []float64, penalty, rest float64) {
		run := func(x []float64) (out []float64) {
			hidden := make([]float64, 6)
			for k := range hidden {
				for i := range x {
					hidden[k] += x[i] * w[i*6+k]
				}
			}
			for j := range units {
				var v float64
				for k, h := range hidden {
					v += h * w[mid*6+k*units+j]
				}
				out = append(out, v)
			}
			return out
		}
		for i := range 3 {
			x := a[i*mid : (i+1)*mid]
			moved := make([]float64, mid)
			for c := range moved {
				moved[c] = x[c] + 0.5*noise[i*mid+c]
			}
			here, there := run(x), run(moved)
			y = append(y, here...)
			for j := range here {
				penalty += 0.7 * 0.2 / 0.25 * (there[j] - here[j]) * (there[j] - here[j]) / 3
			}
		}
		return y, penalty, 0
	})
}

// Values of which there are copies meet others, everything behind them runs on every copy,
// and the weights' gradient is the sum over the copies.
func TestCopiesMeetOthers(t *testing.T) {
	const n, codes = 3, 2
	o := runOverDense(t, n, 4, 2*codes, []float32{0.5, 0.5}, Tap{Name: "a"}, ImportanceSampling{Samples: 2, Weight: 0},
		Join{Name: "a"}, Dense{Units: 3, Activation: Tanh})
	noise := o.noise(1, 2*codes)
	o.check(t, 1e-4, func(a, w []float64) (y []float64, penalty, rest float64) {
		for i := range n {
			for k := range 2 {
				var joined []float64
				for c := range codes {
					joined = append(joined, a[i*2*codes+c]+math.Exp(a[i*2*codes+codes+c]/2)*noise[(i*2+k)*codes+c])
				}
				joined = append(joined, a[i*2*codes:(i+1)*2*codes]...)
				for j := range 3 {
					z := w[6*3+j]
					for c, v := range joined {
						z += v * w[c*3+j]
					}
					y = append(y, math.Tanh(z))
				}
			}
		}
		return y, 0, 0
	})
}

func TestCopiesRefusals(t *testing.T) {
	for want, layers := range map[string]Layers{
		"samples is 0":        {ImportanceSampling{}},
		"want at most 65536":  {ImportanceSampling{Samples: 1 << 20}},
		"already count":       {ImportanceSampling{Samples: 2}, ImportanceSampling{Samples: 2}},
		"an even last axis":   {Dense{Units: 3}, ImportanceSampling{Samples: 2}},
		"capacity is -1":      {Sampling{Capacity: -1}},
		"want a vector":       {Reshape{2, 2}, TCSampling{Samples: 1}},
		"samples is -1":       {TCSampling{Samples: -1}},
		"correlation is NaN":  {TCSampling{Samples: 1, Correlation: math.NaN()}},
		"got no layers":       {Contractive{}},
		"weight is -1":        {Contractive{Layers: Layers{Dense{Units: 1}}, Weight: -1}},
		"merged before":       {ImportanceSampling{Samples: 2}, merging{}},
		"values of 3 and of ": {copying{}, Tap{Name: "a"}, copying{}, Join{Name: "a"}},
	} {
		if _, err := NewNetwork(tensor.Shape{4}, layers...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", layers, err, want)
		}
	}
}

// merging and copying are layers of one's own that merge and copy.
type (
	merging struct{}
	copying struct{}
)

func (merging) Bind(in tensor.Shape) (Stage, error) { return &contrastStage{shape: in}, nil }
func (copying) Bind(in tensor.Shape) (Stage, error) { return copyStage{in, 3}, nil }
