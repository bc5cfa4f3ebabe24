package nn

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass/tensor"
)

// coreJSON are layers and what is stored of them, which must stay readable.
var coreJSON = []struct {
	layer Layer
	text  string
}{
	{Input{28, 28}, `{"layer":"Input","config":[28,28]}`},
	{Dense{Units: 30, Activation: SELU}, `{"layer":"Dense","config":{"units":30,"activation":"selu"}}`},
	{Dense{Units: 1, NoBias: true, KernelInit: Orthogonal}, `{"layer":"Dense","config":{"units":1,"activation":"linear","no_bias":true,"kernel_initializer":"orthogonal"}}`},
	{Dense{Units: 2, KernelInit: TorchLinear, BiasInit: TorchLinear}, `{"layer":"Dense","config":{"units":2,"activation":"linear","kernel_initializer":"torch_linear","bias_initializer":"torch_linear"}}`},
	{Flatten{}, `{"layer":"Flatten","config":{}}`},
	{Reshape{28, -1}, `{"layer":"Reshape","config":[28,-1]}`},
	{Activation{Func: LeakyReLU}, `{"layer":"Activation","config":{"activation":"leaky_relu"}}`},
	{GaussianNoise{Stddev: 0.25}, `{"layer":"GaussianNoise","config":{"stddev":0.25}}`},
	{Dropout{Rate: 0.5}, `{"layer":"Dropout","config":{"rate":0.5}}`},
}

func TestLayersJSON(t *testing.T) {
	for _, c := range coreJSON {
		text, err := json.Marshal(Layers{c.layer})
		if err != nil || string(text) != "["+c.text+"]" {
			t.Errorf("%#v is written as %s, %v; want [%s]", c.layer, text, err, c.text)
		}
		var back Layers
		if err := json.Unmarshal([]byte("["+c.text+"]"), &back); err != nil || !reflect.DeepEqual(back, Layers{c.layer}) {
			t.Errorf("%s is read as %#v, %v", c.text, back, err)
		}
	}
}

// Every registered layer, whoever wrote it, can be written and read.
func TestEveryKindRoundTrips(t *testing.T) {
	kinds := Kinds()
	if !slices.IsSorted(kinds) || !slices.Contains(kinds, "Dense") {
		t.Errorf("Kinds() = %v", kinds)
	}
	for _, kind := range kinds {
		typ, err := typeOf(kind)
		if err != nil {
			t.Fatal(err)
		}
		value := reflect.New(typ).Elem()
		if value.Kind() == reflect.Slice {
			value.Set(reflect.MakeSlice(typ, 2, 2)) // a nil slice says nothing
		}
		if value.Kind() == reflect.Struct {
			if wrapped := value.FieldByName("Layer"); wrapped.IsValid() && wrapped.Kind() == reflect.Interface {
				wrapped.Set(reflect.ValueOf(Dense{Units: 3}))
			}
		}
		layers := Layers{value.Interface().(Layer)}
		text, err := json.Marshal(layers)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		var back Layers
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, layers) {
			t.Errorf("%s: %s is read as %#v, %v", kind, text, back, err)
		}
	}
}

func TestLayersJSONErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                                "nn: read layers: ",
		`[{"layer":"Dense"}]`:               "nn: read layer 0: Dense: config is missing",
		`[{"layer":"Dense","config":null}]`: "config is missing",
		`[{"layer":"Flatten","config":{}},{"layer":"Conv9D","config":{}}]`: `nn: read layer 1: unknown layer "Conv9D"`,
		`[null]`: `unknown layer ""`,
		`[{"layer":"Dense","config":{"units":3,"colour":"red"}}]`:                                 `Dense: json: unknown field "colour"`,
		`[{"layer":"Dense","config":{"units":3,"activation":"swosh"}}]`:                           `unknown activation "swosh", want one of [linear relu`,
		`[{"layer":"Dense","config":{"units":1.5}}]`:                                              "units",
		`[{"layer":"Dense","config":{"units":"three"}}]`:                                          "units",
		`[{"layer":"Dense","config":{"units":3,"activation":"relu","kernel_initializer":"ten"}}]`: `unknown initializer "ten"`,
		`[{"layer":"Dense","config":[]}]`:                                                         "Dense: ",
		`[{"layer":"Input","config":{"shape":[1]}}]`:                                              "Input: ",
		`[{"layer":"Dropout","config":{"rate":1e999}}]`:                                           "Dropout: ",
	} {
		var layers Layers
		err := json.Unmarshal([]byte(text), &layers)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

// unregistered is a layer whose type nobody registered.
type unregistered struct{ Flatten }

func TestMarshalErrors(t *testing.T) {
	for want, layers := range map[string]Layers{
		`nn: write layer 1: unknown layer "unregistered"`: {Flatten{}, unregistered{}},
		"nn: write layer 0: Dense: ":                      {Dense{Units: 1, Activation: 99}},
		`nn: write layer 0: unknown layer "nil"`:          {nil},
	} {
		if _, err := json.Marshal(layers); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestRegisterTwice(t *testing.T) {
	Register(Dense{}) // the same type again is no conflict
	type Dense struct{ Flatten }
	defer func() {
		if p := recover(); p == nil || !strings.Contains(p.(string), "have the same name") {
			t.Errorf("panic %v", p)
		}
	}()
	Register(Dense{})
}

// byPointer is a layer whose methods want a pointer.
type byPointer struct {
	Gain float64 `json:"gain"`
}

func (l *byPointer) Bind(in tensor.Shape) (Stage, error) { return viewStage{in}, nil }

// A layer may be registered as a pointer, and is then read as one.
func TestRegisterPointer(t *testing.T) {
	Register(&byPointer{})
	text, err := json.Marshal(Layers{&byPointer{Gain: 2}})
	if want := `[{"layer":"byPointer","config":{"gain":2}}]`; err != nil || string(text) != want {
		t.Fatalf("written as %s, %v; want %s", text, err, want)
	}
	var back Layers
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, Layers{&byPointer{Gain: 2}}) {
		t.Errorf("read as %#v, %v", back, err)
	}
	for kind, want := range map[string]Layer{"byPointer": &byPointer{}, "Dense": Dense{}, "Flatten": Flatten{}} {
		if got, err := NewLayer(kind); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("NewLayer(%s) = %#v, %v", kind, got, err)
		}
	}
	if _, err := NewLayer("Conv9D"); err == nil || err.Error() != `nn: new layer: unknown layer "Conv9D"` {
		t.Errorf("NewLayer(Conv9D): %v", err)
	}
}

func TestFuncText(t *testing.T) {
	if got := Func(77).String(); got != "Func(77)" {
		t.Errorf("String() = %s", got)
	}
	var f Func
	if err := f.UnmarshalText([]byte("selu")); err != nil || f != SELU {
		t.Errorf("selu is read as %v, %v", f, err)
	}
}

// TestSummary compares with what Keras 2.15 prints for the encoder and decoder of
// the lecture's stacked autoencoder, but for the totals' thousands (Keras 3).
func TestSummary(t *testing.T) {
	net := newTestNetwork(t, nil, Input{28, 28}, Flatten{}, Dense{Units: 100, Activation: SELU}, Dense{Units: 30, Activation: SELU},
		Dense{Units: 100, Activation: SELU}, Dense{Units: 784, Activation: Sigmoid}, Reshape{28, 28})
	for _, c := range []struct {
		lo, hi int
		want   string
	}{
		{0, 4, `Model: "sequential"
_________________________________________________________________
 Layer (type)                Output Shape              Param #
=================================================================
 flatten (Flatten)           (None, 784)               0

 dense (Dense)               (None, 100)               78500

 dense_1 (Dense)             (None, 30)                3030

=================================================================
Total params: 81,530 (318.48 KB)
Trainable params: 81,530 (318.48 KB)
Non-trainable params: 0 (0.00 B)
_________________________________________________________________
`},
		{4, 7, `Model: "sequential"
_________________________________________________________________
 Layer (type)                Output Shape              Param #
=================================================================
 dense (Dense)               (None, 100)               3100

 dense_1 (Dense)             (None, 784)               79184

 reshape (Reshape)           (None, 28, 28)            0

=================================================================
Total params: 82,284 (321.42 KB)
Trainable params: 82,284 (321.42 KB)
Non-trainable params: 0 (0.00 B)
_________________________________________________________________
`},
	} {
		if got := net.Slice(c.lo, c.hi).Summary("sequential"); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}

// Long cells go on in the next line, as Keras 2.15 breaks them.
func TestSummaryRow(t *testing.T) {
	for want, cells := range map[string][]string{
		" conv2d_transpose (Conv2DTr  (None, 7, 7, 32)          18464\n anspose)": {
			" conv2d_transpose (Conv2DTranspose)", "(None, 7, 7, 32)", "18464"},
		" conv2d_transpose_1 (Conv2D  (None, 60, 3, 32)         18464\n Transpose)": {
			" conv2d_transpose_1 (Conv2DTranspose)", "(None, 60, 3, 32)", "18464"},
		" a (A)                       (None, 11111, 22222, 33   0\n                             333)": {
			" a (A)", "(None, 11111, 22222, 33333)", "0"},
	} {
		if got := summaryRow(cells...); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestSummaryNames(t *testing.T) {
	for kind, want := range map[string]string{"Dense": "dense", "GaussianNoise": "gaussian_noise", "LSTM": "lstm",
		"Conv2DTranspose": "conv2d_transpose", "MaxPool2D": "max_pool2d", "RepeatVector": "repeat_vector"} {
		if got := snakeCase(kind); got != want {
			t.Errorf("snakeCase(%s) = %s, want %s", kind, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0.00 B", 1023: "1023.00 B", 1024: "1.00 KB", 5 << 19: "2.50 MB", 3 << 30: "3.00 GB", 5 << 40: "5120.00 GB"} {
		if got := byteSize(n); got != want {
			t.Errorf("byteSize(%d) = %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 23296: "23,296", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestNetworkErrors(t *testing.T) {
	for _, c := range []struct {
		input  tensor.Shape
		layers Layers
		want   string
	}{
		{nil, nil, "nn: no input shape: the first layer must be Input"},
		{nil, Layers{Dense{Units: 1}}, "no input shape"},
		{nil, Layers{nil}, "no input shape"},
		{nil, Layers{Input{}}, "no input shape"},
		{nil, Layers{Input{3, 0}}, "nn: input: tensor: shape 3×0: axis 1 has length 0"},
		{nil, Layers{Input{1 << 20, 1 << 20}}, "more than"},
		{tensor.Shape{4}, Layers{nil}, "nn: layer 0 (nil) on input 4: got nil, want a layer"},
		{tensor.Shape{4}, Layers{Flatten{}, Input{5}}, "nn: layer 1 (Input) on input 4: stands for samples of shape 5, got 4"},
		{tensor.Shape{4}, Layers{Dense{}}, "nn: layer 0 (Dense) on input 4: units is 0, want at least 1"},
		{tensor.Shape{4}, Layers{Dense{Units: -3}}, "units is -3"},
		{tensor.Shape{4}, Layers{Dense{Units: 1 << 28}}, "more than"},
		{tensor.Shape{4}, Layers{Dense{Units: 1, Activation: 99}}, "unknown activation 99"},
		{tensor.Shape{4}, Layers{Dense{Units: 1, KernelInit: 99}}, "unknown initializer 99"},
		{tensor.Shape{4}, Layers{Dense{Units: 1, BiasInit: 99}}, "unknown initializer 99"},
		{tensor.Shape{1}, Layers{Reshape{}, Dense{Units: 1}}, "got a scalar, want samples of at least one axis"},
		{tensor.Shape{4}, Layers{Reshape{3}}, "nn: layer 0 (Reshape) on input 4: cannot reshape 4 (4 elements) to 3"},
		{tensor.Shape{4}, Layers{Reshape{-1, -1}}, "cannot reshape"},
		{tensor.Shape{4}, Layers{Activation{Func: 99}}, "unknown activation 99"},
		{tensor.Shape{4}, Layers{GaussianNoise{Stddev: -1}}, "stddev is -1, want a finite number of at least 0"},
		{tensor.Shape{4}, Layers{Dropout{Rate: 1}}, "rate is 1, want at least 0 and below 1"},
		{tensor.Shape{4}, Layers{Dropout{Rate: -0.5}}, "rate is -0.5"},
		{tensor.Shape{20000}, Layers{Dense{Units: 20000}, Dense{Units: 20000}}, "nn: layer 1 (Dense) on input 20000: the network has more than 536870911 weights"},
		{tensor.Shape{4}, Layers{untrainable{}}, "has parameters but no Gradient"},
		{tensor.Shape{4}, Layers{frozen{}}, "has frozen parameters but no Follow"},
		{tensor.Shape{4}, Layers{untrainable{shape: tensor.Shape{0}}}, "axis 0 has length 0"},
		{tensor.Shape{4}, Layers{untrainable{param: tensor.Shape{-1}}}, "parameter weight: tensor: shape -1"},
	} {
		_, err := NewNetwork(c.input, c.layers...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v on %v: error %v, want %q", c.layers, c.input, err, c.want)
		}
		if _, countErr := CountWeights(c.input, c.layers...); countErr == nil || countErr.Error() != err.Error() {
			t.Errorf("%v on %v: CountWeights gives error %v, NewNetwork %v", c.layers, c.input, countErr, err)
		}
	}
}

// untrainable is a layer with a mistake: parameters, but no gradient, or shapes
// that cannot be.
type untrainable struct{ shape, param tensor.Shape }

func (l untrainable) Bind(in tensor.Shape) (Stage, error) {
	if l.shape == nil {
		l.shape = in
	}
	if l.param == nil {
		l.param = in
	}
	return l, nil
}
func (l untrainable) Plan() Plan {
	return Plan{Output: l.shape, Params: []Param{{Name: "weight", Shape: l.param}}}
}
func (untrainable) Forward(*Frame)  {}
func (untrainable) Backward(*Frame) {}

// frozen is a layer with another mistake: parameters that nobody changes.
type frozen struct{ untrainable }

func (l frozen) Bind(tensor.Shape) (Stage, error) { return l, nil }
func (frozen) Plan() Plan {
	return Plan{Output: tensor.Shape{1}, Params: []Param{{Name: "mean", Shape: tensor.Shape{1}, Frozen: true}}}
}
func (frozen) Gradient(*Frame, int, int, int) {}

func TestNetworkParts(t *testing.T) {
	layers := Layers{Input{4, 3}, Flatten{}, Dense{Units: 5}, Dropout{Rate: 0.5}, Dense{Units: 2, NoBias: true}, Dense{Units: 12}, Reshape{4, 3}}
	net := newTestNetwork(t, nil, layers...)
	if count, err := CountWeights(nil, layers...); err != nil || count != 12*5+5+5*2+2*12+12 || count != len(net.Weights()) {
		t.Errorf("CountWeights = %d, %v; the arena has %d", count, err, len(net.Weights()))
	}
	var names []string
	at := 0
	for _, a := range net.Arrays() {
		names = append(names, a.Name+" "+a.Shape.String())
		if len(a.Values) != a.Shape.Size() || &a.Values[0] != &net.Weights()[at] {
			t.Errorf("array %s does not lie at %d of the arena", a.Name, at)
		}
		at += len(a.Values)
	}
	if got := strings.Join(names, ", "); got != "kernel 12×5, bias 5, kernel 5×2, kernel 2×12, bias 12" {
		t.Errorf("arrays %s", got)
	}
	for _, c := range []struct {
		lo, hi, from, to int
		input, output    tensor.Shape
	}{
		{0, 7, 0, 111, tensor.Shape{4, 3}, tensor.Shape{4, 3}},
		{0, 2, 0, 0, tensor.Shape{4, 3}, tensor.Shape{12}},
		{0, 4, 0, 65, tensor.Shape{4, 3}, tensor.Shape{5}},
		{3, 5, 65, 75, tensor.Shape{5}, tensor.Shape{2}},
		{5, 7, 75, 111, tensor.Shape{2}, tensor.Shape{4, 3}},
		{6, 7, 111, 111, tensor.Shape{12}, tensor.Shape{4, 3}},
		{4, 4, 65, 65, tensor.Shape{5}, tensor.Shape{5}},
	} {
		part := net.Slice(c.lo, c.hi)
		if !part.Input().Equal(c.input) || !part.Output().Equal(c.output) || len(part.Layers()) != c.hi-c.lo {
			t.Errorf("layers %d to %d: %v → %v", c.lo, c.hi, part.Input(), part.Output())
		}
		if len(part.Weights()) != c.to-c.from || c.to > c.from && &part.Weights()[0] != &net.Weights()[c.from] {
			t.Errorf("layers %d to %d: %d weights, want %d to %d of the whole", c.lo, c.hi, len(part.Weights()), c.from, c.to)
		}
	}
	// One part after the other is the whole.
	x := []float32{1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12}
	code := net.Slice(0, 5).NewPass(1).Forward(x, 1)
	if !slices.Equal(net.Slice(5, 7).NewPass(1).Forward(code, 1), net.NewPass(1).Forward(x, 1)) {
		t.Error("encoder and decoder give another result than the whole")
	}
}
