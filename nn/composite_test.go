package nn

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

// refChain is layers one after another.
func refChain(layers ...refLayer) refLayer {
	c := refLayer{eval: func(w, x []float64) []float64 {
		for _, l := range layers {
			x = l.eval(w[:l.weights], x)
			w = w[l.weights:]
		}
		return x
	}}
	for _, l := range layers {
		c.weights += l.weights
	}
	return c
}

// refParallel gives its input to all branches and merges what they make, row by row of a
// sample of so many rows.
func refParallel(m Merge, rows int, branches ...refLayer) refLayer {
	p := refChain(branches...)
	p.eval = func(w, x []float64) []float64 {
		var made [][]float64
		for _, b := range branches {
			made = append(made, b.eval(w[:b.weights], x))
			w = w[b.weights:]
		}
		return refMerge(m, rows, made...)
	}
	return p
}

func refMerge(m Merge, rows int, made ...[]float64) []float64 {
	if m == Concatenate {
		var y []float64
		for r := range rows {
			for _, x := range made {
				width := len(x) / rows
				y = append(y, x[r*width:(r+1)*width]...)
			}
		}
		return y
	}
	y := slices.Clone(made[0])
	for _, x := range made[1:] {
		for i := range y {
			if m == Add {
				y[i] += x[i]
			} else {
				y[i] *= x[i]
			}
		}
	}
	return y
}

// skipping is an autoencoder with a skip around its code, a residual block in the
// encoder and branches within branches in the decoder.
var (
	skippingEncoder = Layers{Dense{Units: 6, Activation: Tanh}, Tap{Name: "wide"},
		Residual{Layers: Layers{Dense{Units: 5, Activation: Tanh}, Dense{Units: 4}}, Projection: Layers{Dense{Units: 4}}, Activation: SELU}}
	skippingDecoder = Layers{
		Parallel{Branches: []Layers{
			{Dense{Units: 3, Activation: Sigmoid}, Residual{Layers: Layers{Dense{Units: 3, Activation: Tanh}}}},
			{},
			{Parallel{Branches: []Layers{{Dense{Units: 4}}, {Activation{Func: Tanh}}}, Merge: Multiply}},
		}},
		Dense{Units: 6, Activation: Tanh}, Join{Name: "wide"}, Reshape{2, 6}, Dense{Units: 4, Activation: Sigmoid}, Flatten{}}
)

// refSkipping evaluates the autoencoder above.
func refSkipping() refLayer {
	first := refDense(8, 6, Tanh, true)
	block := refParallel(Add, 1, refChain(refDense(6, 5, Tanh, true), refDense(5, 4, Linear, true)), refDense(6, 4, Linear, true))
	branches := refParallel(Concatenate, 1,
		refChain(refDense(4, 3, Sigmoid, true), refParallel(Add, 1, refView, refDense(3, 3, Tanh, true))),
		refView,
		refParallel(Multiply, 1, refDense(4, 4, Linear, true), refActivation(Tanh)))
	behind, last := refDense(11, 6, Tanh, true), refDense(6, 4, Sigmoid, true)
	parts := []refLayer{first, block, branches, behind, last}
	whole := refChain(parts...)
	whole.eval = func(w, x []float64) []float64 {
		at := 0
		next := func(l refLayer, x []float64) []float64 {
			at += l.weights
			return l.eval(w[at-l.weights:at], x)
		}
		wide := next(first, x)
		code := refActivation(SELU).eval(nil, next(block, wide))
		return next(last, refMerge(Concatenate, 1, next(behind, next(branches, code)), wide))
	}
	return whole
}

// TestCompositeGradients compares outputs and gradients with the reference.
func TestCompositeGradients(t *testing.T) {
	dense := func(units int, f Func) Layer { return Dense{Units: units, Activation: f} }
	for name, c := range map[string]struct {
		input  tensor.Shape
		layers Layers
		ref    []refLayer
	}{
		"residual": {tensor.Shape{5}, Layers{dense(5, Tanh), Residual{Layers: Layers{dense(7, Tanh), dense(5, Linear)}}},
			[]refLayer{refDense(5, 5, Tanh, true), refParallel(Add, 1, refView, refChain(refDense(5, 7, Tanh, true), refDense(7, 5, Linear, true)))}},
		"residual in front": {tensor.Shape{5}, Layers{Residual{Layers: Layers{dense(5, Tanh)}, Activation: Tanh}},
			[]refLayer{refParallel(Add, 1, refView, refDense(5, 5, Tanh, true)), refActivation(Tanh)}},
		"nothing to add": {tensor.Shape{5}, Layers{dense(4, Tanh), Residual{}},
			[]refLayer{refDense(5, 4, Tanh, true), refParallel(Add, 1, refView, refView)}},
		"views among the readers": {tensor.Shape{6}, Layers{dense(6, Tanh), Parallel{Merge: Multiply, Branches: []Layers{
			{Reshape{2, 3}, Flatten{}}, {Reshape{3, 2}, Flatten{}, dense(6, SELU)}, {}}}, Reshape{2, 3}},
			[]refLayer{refDense(6, 6, Tanh, true), refParallel(Multiply, 1, refView, refDense(6, 6, SELU, true), refView), refView}},
		"rows": {tensor.Shape{3, 4}, Layers{dense(2, Tanh), Parallel{Branches: []Layers{{dense(3, Tanh)}, {}, {dense(1, Linear)}}}, dense(2, Linear)},
			[]refLayer{refDense(4, 2, Tanh, true), refParallel(Concatenate, 3, refDense(2, 3, Tanh, true), refView, refDense(2, 1, Linear, true)), refDense(6, 2, Linear, true)}},
		"a tap on the output": {tensor.Shape{3}, Layers{dense(4, Sigmoid), Tap{Name: "a"}, dense(4, Tanh), Join{Name: "a", Merge: Add}},
			[]refLayer{refDense(3, 4, Sigmoid, true), refParallel(Add, 1, refDense(4, 4, Tanh, true), refView)}},
		"skipping": {tensor.Shape{8}, slices.Concat(skippingEncoder, skippingDecoder), []refLayer{refSkipping()}},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 5
			net := newTestNetwork(t, c.input, c.layers...)
			x := golden.Values(12, n*c.input.Size(), -1.5, 1.5)
			r := golden.Values(13, n*net.Output().Size(), -1, 1)
			w := doubles(net.Weights())

			pass := net.NewTrainingPass(n, PassOptions{})
			y := slices.Clone(pass.Forward(x, n))
			golden.Close(t, "output", y, refRun(c.ref, w, doubles(x), n), 1e-5)
			for range 2 {
				pass.Backward(r)
				golden.Close(t, "gradient", pass.Gradients(), refGradient(c.ref, w, doubles(x), doubles(r), n), 1e-4)
			}
			if got := net.NewPass(n).Forward(x, n); !slices.Equal(got, y) {
				t.Errorf("inference gives %v, training %v", got, y)
			}
			if n := testing.AllocsPerRun(5, func() { pass.Forward(x, n); pass.Backward(r) }); n != 0 {
				t.Errorf("a step allocates %v times", n)
			}
		})
	}
}

// TestCompositeWorkers trains with several numbers of workers on a batch and compares bits.
func TestCompositeWorkers(t *testing.T) {
	block := func(filters int) Layer {
		return Residual{Activation: ReLU, Projection: Layers{Conv2D{Filters: filters, Kernel: Square(1)}},
			Layers: Layers{Conv2D{Filters: filters, Kernel: Square(3), Padding: Same}, BatchNormalization{}, Dropout{Rate: 0.2},
				Activation{Func: ReLU}, Conv2D{Filters: filters, Kernel: Square(3), Padding: Same}, BatchNormalization{}}}
	}
	layers := Layers{Reshape{6, 6, 1}, block(3), Tap{Name: "a"}, MaxPooling2D{}, block(5),
		Frozen{Layer: Conv2D{Filters: 5, Kernel: Square(1)}}, Named{Name: "middle", Layer: Parallel{Branches: []Layers{{}, {GaussianNoise{Stddev: 0.1}, block(2)}}}},
		UpSampling2D{}, Join{Name: "a"}, Conv2D{Filters: 1, Kernel: Square(3), Padding: Same, Activation: Sigmoid}, Flatten{}}
	for _, n := range []int{1, 7} {
		weights, gradients := stepOn(t, 1, n, tensor.Shape{36}, layers)
		for _, workers := range []int{2, 3, 8} {
			w, g := stepOn(t, workers, n, tensor.Shape{36}, layers)
			if !slices.Equal(w, weights) || !slices.Equal(g, gradients) {
				t.Errorf("%d samples: %d workers give other bits than one", n, workers)
			}
		}
	}
}

// The encoder of an autoencoder with a skip is a network, its decoder is none, unless
// the tap is at the very end.
func TestSkipsInSlices(t *testing.T) {
	whole := newTestNetwork(t, tensor.Shape{8}, slices.Concat(skippingEncoder, skippingDecoder)...)
	k := len(skippingEncoder)
	encoder, decoder := whole.Slice(0, k), whole.Slice(k, k+len(skippingDecoder))
	x := golden.Values(1, 8, -1, 1)
	ref := newTestNetwork(t, tensor.Shape{8}, skippingEncoder...)
	copy(ref.Weights(), encoder.Weights())
	if err := encoder.Complete(); err != nil || !slices.Equal(encoder.NewPass(1).Forward(x, 1), ref.NewPass(1).Forward(x, 1)) {
		t.Errorf("encoder: error %v, or other values than those of its layers", err)
	}
	if err := decoder.Complete(); err == nil || !strings.Contains(err.Error(), `joins "wide", which is tapped outside`) {
		t.Errorf("decoder: error %v", err)
	}
	if got := len(encoder.Weights()) + len(decoder.Weights()); got != len(whole.Weights()) {
		t.Errorf("encoder and decoder have %d weights, want %d", got, len(whole.Weights()))
	}
	if got, want := decoder.Output(), whole.Output(); !got.Equal(want) {
		t.Errorf("the decoder makes %v, want %v", got, want)
	}
	if inner := decoder.Slice(0, 2); inner.Complete() != nil || len(inner.Arrays()) != 8 {
		t.Errorf("the part of the decoder that joins nothing: %v, %d arrays", inner.Complete(), len(inner.Arrays()))
	}
	if again := decoder.Slice(1, len(skippingDecoder)).Complete(); again == nil || !strings.Contains(again.Error(), `"wide"`) {
		t.Errorf("the part that joins: error %v", again)
	}
	edge := newTestNetwork(t, tensor.Shape{4}, Dense{Units: 3}, Tap{Name: "code"}, Dense{Units: 3}, Join{Name: "code", Merge: Add}, Dense{Units: 4})
	if err := edge.Slice(2, 5).Complete(); err != nil {
		t.Errorf("a tap on the code itself: %v", err)
	}
}

// An inference pass holds what is live: two buffers for a chain, each as large as the
// larger of the values that take turns in it.
func TestInferenceHoldsWhatIsLive(t *testing.T) {
	dense := func(units int) Layer { return Dense{Units: units} }
	for name, c := range map[string]struct {
		layers Layers
		want   int // values of a sample
	}{
		"chain":    {Layers{dense(100), dense(10), dense(50), dense(3), dense(20)}, 100 + 10},
		"views":    {Layers{dense(100), Reshape{10, 10}, Flatten{}, dense(10), Reshape{2, 5}, Flatten{}, dense(80)}, 100 + 10},
		"residual": {Layers{dense(40), Residual{Layers: Layers{dense(30), dense(20), dense(40)}}, dense(5)}, 40 + 40 + 40},
		"skip":     {Layers{dense(40), Tap{Name: "a"}, dense(10), dense(5), dense(10), Join{Name: "a"}, dense(7)}, 40 + 10 + 50},
	} {
		t.Run(name, func(t *testing.T) {
			const capacity = 3
			net := newTestNetwork(t, tensor.Shape{4}, c.layers...)
			pass, buffers, total := net.NewPass(capacity), map[*float32]bool{}, 0
			for _, v := range pass.values[1:] {
				if v != nil && !buffers[&v[0]] {
					buffers[&v[0]] = true
					total += len(v)
				}
			}
			if total != c.want*capacity {
				t.Errorf("%d values for each of %d samples, want %d", total/capacity, capacity, c.want)
			}
		})
	}
}

// TestFrozen trains around frozen layers, whose weights stay.
func TestFrozen(t *testing.T) {
	layers := Layers{Dense{Units: 5, Activation: Tanh},
		Frozen{Layer: Residual{Layers: Layers{Dense{Units: 5, Activation: Tanh}, BatchNormalization{}}}},
		Frozen{Layer: Named{Name: "fixed", Layer: Dense{Units: 3}}}, Dense{Units: 2}}
	net := newTestNetwork(t, tensor.Shape{4}, layers...)
	for _, a := range net.Arrays() {
		if a.Name == "layers.1.moving_variance" {
			for i := range a.Values {
				a.Values[i] = 0.5
			}
		}
	}
	start := slices.Clone(net.Weights())
	pass := net.NewTrainingPass(6, PassOptions{})
	x := golden.Values(1, 24, -1, 1)
	inferred := slices.Clone(net.NewPass(6).Forward(x, 6))
	if got := pass.ForwardTraining(x, 6, 1, 1); !slices.Equal(got, inferred) {
		t.Errorf("in training a frozen BatchNormalization gives %v, want %v", got, inferred)
	}
	copy(pass.OutputGradients(0, 6), golden.Values(2, 12, -1, 1))
	pass.BackwardShare(pass.solo, 0, 6)
	pass.GradientShare(pass.solo, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			net.Weights()[i] -= pass.Gradients()[i]
		}
	})
	at := 0
	for _, a := range net.Arrays() {
		same := slices.Equal(a.Values, start[at:at+len(a.Values)])
		if at += len(a.Values); same != (a.Layer == 1 || a.Layer == 2) {
			t.Errorf("layer %d %s: unchanged is %v", a.Layer, a.Name, same)
		}
	}
	if table := net.Table(); table[0].Frozen || !table[1].Frozen || table[1].Layer != "Residual" || table[4].Name != "fixed" {
		t.Errorf("table %+v", table)
	}
	if pass.dinputs[1][0] == nil || net.frozenCount() != 30+20+18 {
		t.Errorf("%d weights are frozen", net.frozenCount())
	}
	// Where all in front is frozen nothing is computed for it.
	front := newTestNetwork(t, tensor.Shape{4}, Frozen{Layer: Dense{Units: 5}}, Frozen{Layer: Dense{Units: 5}}, Dense{Units: 2}).NewTrainingPass(2, PassOptions{})
	if front.dvalues[1] != nil || front.dvalues[2] != nil || front.dvalues[3] == nil || front.dinputs[2][0] != nil {
		t.Error("gradients are computed where nothing learns")
	}
}

// TestCompositeNames checks the names of arrays, which model files keep.
func TestCompositeNames(t *testing.T) {
	net := newTestNetwork(t, tensor.Shape{4}, Dense{Units: 4},
		Residual{Layers: Layers{Dense{Units: 4}, Named{Name: "inner", Layer: Dense{Units: 4, NoBias: true}}}, Projection: Layers{Dense{Units: 4, NoBias: true}}},
		Named{Name: "both", Layer: Parallel{Branches: []Layers{{}, {Dense{Units: 2, NoBias: true}}}}})
	var got []string
	for _, a := range net.Arrays() {
		got = append(got, fmt.Sprintf("%d.%s.%s", a.Layer, a.LayerName, a.Name))
	}
	want := []string{"0..kernel", "0..bias", "1..layers.0.kernel", "1..layers.0.bias", "1.inner.kernel", "1..projection.0.kernel", "2.both.branches.1.0.kernel"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	const table = `dense Dense 4 20 0
residual Residual 4 52 0
dense_1 Dense 4 20 1
inner Dense 4 16 1
dense_2 Dense 4 16 1
both Parallel 6 8 0
dense_3 Dense 2 8 1
`
	var lines strings.Builder
	for _, l := range net.Table() {
		fmt.Fprintln(&lines, l.Name, l.Layer, l.Output, l.Parameters, l.Depth)
	}
	if lines.String() != table {
		t.Errorf("got\n%swant\n%s", lines.String(), table)
	}
	if s := net.Summary("test"); !strings.Contains(s, "\n | dense_1 (Dense)           (None, 4)                 20\n") {
		t.Errorf("summary\n%s", s)
	}
}

func TestCompositeJSON(t *testing.T) {
	layers := Layers{Tap{Name: "a"}, Residual{Layers: Layers{Dense{Units: 4}, Residual{Layers: Layers{Dense{Units: 4}}, Activation: SELU}}},
		Parallel{Branches: []Layers{{}, {Dense{Units: 2}}}, Merge: Add}, Join{Name: "a", Merge: Multiply},
		Named{Name: "n", Layer: Frozen{Layer: Dense{Units: 3}}}}
	data, err := json.Marshal(layers)
	if err != nil {
		t.Fatal(err)
	}
	var got Layers
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(got)
	if err != nil || string(again) != string(data) {
		t.Errorf("got %s (%v), want %s", again, err, data)
	}
	const want = `{"layer":"Parallel","config":{"branches":[[],[{"layer":"Dense","config":{"units":2,"activation":"linear"}}]],"merge":"add"}}`
	if !strings.Contains(string(data), want) {
		t.Errorf("got %s, want %s", data, want)
	}
}

func TestCompositeRefusals(t *testing.T) {
	deep := Layer(Dense{Units: 4})
	for range maxDepth + 1 {
		deep = Residual{Layers: Layers{deep}}
	}
	two := func(m Merge, a, b Layers) Layer { return Parallel{Branches: []Layers{a, b}, Merge: m} }
	for _, c := range []struct {
		layers Layers
		want   string
	}{
		{Layers{Residual{Layers: Layers{Dense{Units: 5}}}}, "layer 0 (Residual) on input 4: its layers make 5 of 4, want the same shape, or a projection of the input to 5"},
		{Layers{Residual{Layers: Layers{Dense{}}}}, "layers.0 (Dense) on input 4: units is 0"},
		{Layers{Residual{Layers: Layers{Dense{Units: 5}}, Projection: Layers{Dense{Units: 6}}}}, "its layers make 5 and the projection 6"},
		{Layers{Residual{Activation: 99}}, "unknown activation 99"},
		{Layers{Residual{Layers: Layers{nil}}}, "layers.0 (nil) on input 4: got nil"},
		{Layers{Parallel{}}, "branches is 0 lists of layers, want at least 2"},
		{Layers{two(Add, nil, Layers{Dense{Units: 3}})}, "got shapes 4 and 3 to add"},
		{Layers{two(Concatenate, nil, Layers{Reshape{2, 2}})}, "got shapes 4 and 2×2 to concatenate"},
		{Layers{two(9, nil, nil)}, "unknown merge 9"},
		{Layers{Join{Name: "a"}}, `layer 0 (Join) on input 4: no tap "a" stands in front of it`},
		{Layers{Tap{}}, `name is ""`},
		{Layers{Tap{Name: "3"}}, `name is "3"`},
		{Layers{Tap{Name: "a"}, Tap{Name: "a"}}, `there is a tap "a" already`},
		{Layers{Tap{Name: "a"}, Dense{Units: 3}, Join{Name: "a", Merge: Multiply}}, `tap "a": got shapes 3 and 4 to multiply`},
		{Layers{Named{Name: "a b", Layer: Flatten{}}}, `name is "a b"`},
		{Layers{Named{Name: "a"}}, "got no layer"},
		{Layers{Named{Name: "a", Layer: Flatten{}}, Named{Name: "a", Layer: Flatten{}}}, `two layers are called "a"`},
		{Layers{Named{Name: "a", Layer: Named{Name: "b", Layer: Flatten{}}}}, "got two names"},
		{Layers{Frozen{}}, "got no layer"},
		{Layers{Reshape{2, 2}, TimeDistributed{Layer: Residual{}}}, "Residual is made of several layers"},
		{Layers{deep}, "stands within more than 8 layers"},
	} {
		_, err := NewNetwork(tensor.Shape{4}, c.layers...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: error %v, want %q", c.layers, err, c.want)
		}
	}
}

// With TappedFirst what has been tapped comes in front of the input.
func TestJoinOrder(t *testing.T) {
	for first, want := range map[bool][]float32{false: {0, 2, -1, 2}, true: {-1, 2, 0, 2}} {
		n, err := NewNetwork(tensor.Shape{2}, Tap{Name: "a"}, Activation{Func: ReLU}, Join{Name: "a", TappedFirst: first})
		if err != nil {
			t.Fatal(err)
		}
		if got := n.NewPass(1).Forward([]float32{-1, 2}, 1); !slices.Equal(got, want) {
			t.Errorf("tapped first %v: got %v, want %v", first, got, want)
		}
	}
}
