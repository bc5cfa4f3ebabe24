package nn

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/tensor"
)

// moments returns mean, variance and largest magnitude.
func moments(x []float32) (mean, variance, largest float64) {
	for _, v := range x {
		mean += float64(v)
		largest = max(largest, math.Abs(float64(v)))
	}
	mean /= float64(len(x))
	for _, v := range x {
		variance += (float64(v) - mean) * (float64(v) - mean)
	}
	return mean, variance / float64(len(x)-1), largest
}

// drawn returns the kernel of a Dense layer of in×units.
func drawn(t *testing.T, i Initializer, in, units int, seed uint64) []float32 {
	t.Helper()
	n, err := NewNetwork(tensor.Shape{in}, Dense{Units: units, KernelInit: i})
	if err != nil {
		t.Fatal(err)
	}
	n.Init(seed)
	return n.Arrays()[0].Values
}

// Mean, variance and bounds are those of Keras' initialisers. Of n numbers the
// mean has standard error σ/√n, the variance below σ²·√(2/n) for distributions
// with tails no longer than the normal's.
func TestInitializers(t *testing.T) {
	const in, units, n = 300, 100, 300 * 100
	const cut = 2 / 0.87962566103423978 // where a truncated normal of variance 1 ends
	for _, c := range []struct {
		init            Initializer
		variance, bound float64
	}{
		{DefaultInit, 2.0 / (in + units), math.Sqrt(6.0 / (in + units))},
		{GlorotUniform, 2.0 / (in + units), math.Sqrt(6.0 / (in + units))},
		{GlorotNormal, 2.0 / (in + units), cut * math.Sqrt(2.0/(in+units))},
		{HeUniform, 2.0 / in, math.Sqrt(6.0 / in)},
		{HeNormal, 2.0 / in, cut * math.Sqrt(2.0/in)},
		{LeCunUniform, 1.0 / in, math.Sqrt(3.0 / in)},
		{LeCunNormal, 1.0 / in, cut * math.Sqrt(1.0/in)},
		{TorchLinear, 1.0 / (3 * in), 1 / math.Sqrt(in)},
		{Orthogonal, 1.0 / in, 1},
	} {
		mean, variance, largest := moments(drawn(t, c.init, in, units, 1))
		if math.Abs(mean) > 4*math.Sqrt(c.variance/n) {
			t.Errorf("%v: mean %v, want 0", c.init, mean)
		}
		if math.Abs(variance/c.variance-1) > 4*math.Sqrt(2.0/n) {
			t.Errorf("%v: variance %v, want %v", c.init, variance, c.variance)
		}
		if largest > c.bound*(1+1e-6) || c.init != Orthogonal && largest < 0.98*c.bound {
			t.Errorf("%v: largest magnitude %v, want just below %v", c.init, largest, c.bound)
		}
	}
	for init, want := range map[Initializer]float32{Zeros: 0, Ones: 1} {
		if w := drawn(t, init, 3, 4, 1); slices.Max(w) != want || slices.Min(w) != want {
			t.Errorf("%v: %v", init, w)
		}
	}
}

// A normal distribution cut at two deviations has more weight at its centre than
// a uniform one: 71.5 % within one deviation of the uncut normal.
func TestTruncatedNormalIsNormal(t *testing.T) {
	w := drawn(t, HeNormal, 500, 200, 3)
	uncut := math.Sqrt(2.0/500) / 0.87962566103423978
	within := 0
	for _, v := range w {
		if math.Abs(float64(v)) < uncut {
			within++
		}
	}
	want := math.Erf(1/math.Sqrt2) / math.Erf(2/math.Sqrt2)
	if got := float64(within) / float64(len(w)); math.Abs(got-want) > 4*math.Sqrt(want*(1-want)/float64(len(w))) {
		t.Errorf("%v of the weights lie within one deviation, want %v", got, want)
	}
}

// Columns of a tall kernel are orthonormal, and rows of a wide one.
func TestOrthogonal(t *testing.T) {
	for _, shape := range [][2]int{{20, 7}, {7, 20}, {9, 9}, {1, 5}, {5, 1}, {1, 1}} {
		rows, cols := shape[0], shape[1]
		w := drawn(t, Orthogonal, rows, cols, 5)
		at := func(vector, i int) float64 { // element i of an orthonormal vector
			if rows >= cols {
				return float64(w[i*cols+vector])
			}
			return float64(w[vector*cols+i])
		}
		for a := range min(rows, cols) {
			for b := range min(rows, cols) {
				dot, want := 0.0, 0.0
				for i := range max(rows, cols) {
					dot += at(a, i) * at(b, i)
				}
				if a == b {
					want = 1
				}
				if math.Abs(dot-want) > 1e-6 {
					t.Errorf("%d×%d: product of vectors %d and %d is %v, want %v", rows, cols, a, b, dot, want)
				}
			}
		}
	}
	// Uniformly distributed: no preference for a sign on the diagonal, which a bare
	// QR decomposition has.
	positive := 0
	for seed := range uint64(200) {
		if drawn(t, Orthogonal, 4, 4, seed)[0] > 0 {
			positive++
		}
	}
	if positive < 70 || positive > 130 {
		t.Errorf("the first element is positive for %d of 200 seeds", positive)
	}
}

// The same seed gives the same bits; other seeds, layers and parameters others,
// which are not correlated.
func TestInitStreams(t *testing.T) {
	layer := Dense{Units: 50, KernelInit: TorchLinear, BiasInit: TorchLinear}
	network := func(seed uint64) *Network {
		n, err := NewNetwork(tensor.Shape{50}, layer, layer, layer)
		if err != nil {
			t.Fatal(err)
		}
		n.Init(seed)
		return n
	}
	first := network(1)
	if !slices.Equal(first.Weights(), network(1).Weights()) {
		t.Error("the same seed gives other weights")
	}
	var streams [][]float32
	for _, a := range append(first.Arrays(), network(2).Arrays()...) {
		streams = append(streams, a.Values)
	}
	for i, a := range streams {
		for _, b := range streams[:i] {
			n := min(len(a), len(b))
			if n < 50 {
				t.Fatal("an array is too short to compare")
			}
			// The uniform numbers in ±1/√50 have variance 1/150.
			dot := 0.0
			for j := range n {
				dot += float64(a[j]) * float64(b[j]) * 150
			}
			if math.Abs(dot) > 5*math.Sqrt(float64(n)) {
				t.Errorf("two streams are correlated: %v, want within ±%v", dot, 5*math.Sqrt(float64(n)))
			}
		}
	}
	// Drawing again starts afresh.
	again := network(7)
	again.Init(1)
	if !slices.Equal(again.Weights(), first.Weights()) {
		t.Error("Init depends on what the weights were")
	}
}

func TestTorchLinearBias(t *testing.T) {
	n, err := NewNetwork(tensor.Shape{400}, Dense{Units: 3000, KernelInit: TorchLinear, BiasInit: TorchLinear})
	if err != nil {
		t.Fatal(err)
	}
	n.Init(1)
	bias := n.Arrays()[1]
	if bias.Name != "bias" {
		t.Fatalf("the second array is %s", bias.Name)
	}
	if _, variance, largest := moments(bias.Values); largest > 0.05 || largest < 0.0499 || math.Abs(variance*3*400-1) > 4*math.Sqrt(2.0/3000) {
		t.Errorf("largest bias %v, want just below 1/√400; variance %v, want %v", largest, variance, 1.0/1200)
	}
}

func TestInitializerText(t *testing.T) {
	for i, name := range initializerNames {
		text, err := json.Marshal(Initializer(i))
		if err != nil || string(text) != `"`+name+`"` {
			t.Errorf("%d is written as %s, %v", i, text, err)
		}
		var back Initializer
		if err := json.Unmarshal(text, &back); err != nil || back != Initializer(i) {
			t.Errorf("%s is read as %v, %v", text, back, err)
		}
	}
	unknown := Initializer(200)
	if _, err := json.Marshal(unknown); err == nil || !strings.Contains(err.Error(), "unknown initializer 200") {
		t.Errorf("writing an unknown initialiser: %v", err)
	}
	if err := json.Unmarshal([]byte(`"xavier"`), &unknown); err == nil || !strings.Contains(err.Error(), `unknown initializer "xavier", want one of [default`) {
		t.Errorf("reading an unknown initialiser: %v", err)
	}
	if got := unknown.String(); got != "Initializer(200)" {
		t.Errorf("String() = %s", got)
	}
}
