package tfjs

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hourglass"
	"hourglass/exchange"
	"hourglass/nn"
	"hourglass/tensor"
)

// Bounds of what is read.
const (
	maxJSON    = 64 << 20
	maxWeights = 1<<31 - 1
	maxDepth   = 8 // of models within models
)

// ReadFile reads a layers model of TensorFlow.js or Keras' converter: a sequence of layers or
// models, or a functional model whose branches meet again. The encoder ends where layers or models called decoder
// begin, or else at the smallest codes.
func ReadFile(path string) (*hourglass.Autoencoder, error) {
	ae, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("tfjs: read %s: %w", path, err)
	}
	return ae, nil
}

func readFile(path string) (*hourglass.Autoencoder, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxJSON+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxJSON {
		return nil, fmt.Errorf("more than %d bytes", maxJSON)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("not a layers model: %w", err)
	}
	beside, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer beside.Close()
	arrays := map[string][]float32{}
	if err := readWeights(arrays, d.Manifest, beside); err != nil {
		return nil, err
	}
	c := d.Topology.Config
	if d.Topology.Model != nil {
		c = &d.Topology.Model.Config
	}
	if c == nil {
		return nil, errors.New("not a layers model: it has no layers; a graph model cannot be read")
	}
	b := &builder{}
	input := &vertex{name: "the input"}
	inputs, err := inputsOf(*c, input)
	if err != nil {
		return nil, err
	}
	output, err := b.model(*c, inputs, "", 0)
	if err != nil {
		return nil, err
	}
	if b.input == nil {
		return nil, errors.New("the shape of a sample is not known, want batch_input_shape")
	}
	r := &reader{arrays: arrays, vertices: b.vertices, input: b.input, shape: b.input, scope: &exchange.Scope{}, top: true}
	if err := r.read(input, output, nil); err != nil {
		return nil, err
	}
	return r.autoencoder()
}

// reader is a list of layers that is being read: those of the model, or of a branch.
type reader struct {
	arrays   map[string][]float32
	vertices []*vertex
	input    tensor.Shape
	items    []item
	shape    tensor.Shape // that the items make of the input
	scope    *exchange.Scope
	// top tells that the items come to stand in the model's own list, so that it can be cut
	// between them; first is the place of the first there.
	top   bool
	first int
}

// item is a layer with its weights.
type item struct {
	layer  nn.Layer
	params [][]float32
	name   string // of it and the models it is in
}

// readWeights reads the files with weights.
func readWeights(arrays map[string][]float32, manifests []manifest, beside *os.Root) error {
	for _, m := range manifests {
		var raw []byte
		for _, path := range m.Paths {
			if !filepath.IsLocal(filepath.FromSlash(path)) {
				return fmt.Errorf("weights stand in %.80q, want a file beside the model", path)
			}
			f, err := beside.Open(filepath.FromSlash(path))
			if err != nil {
				return err
			}
			part, err := io.ReadAll(io.LimitReader(f, maxWeights-int64(len(raw))))
			f.Close()
			if err != nil {
				return err
			}
			raw = append(raw, part...)
		}
		for _, w := range m.Weights {
			shape := tensor.Shape(w.Shape)
			if len(shape) > 0 {
				if err := shape.Validate(); err != nil {
					return fmt.Errorf("weight %.80q: %w", w.Name, err)
				}
			}
			if w.Type != "float32" || len(w.Quantization) > 0 {
				return fmt.Errorf("weight %.80q has type %.20q, or is quantised; want float32", w.Name, w.Type)
			}
			n := 4 * shape.Size()
			if n > len(raw) {
				return fmt.Errorf("weight %.80q: the files end before it, want %d more bytes", w.Name, n-len(raw))
			}
			values := make([]float32, 0, shape.Size())
			for b := raw[:n]; len(b) > 0; b = b[4:] {
				values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(b)))
			}
			arrays[w.Name], raw = values, raw[n:]
		}
	}
	return nil
}

// options are those of all layers that are read.
type options struct {
	Units         int      `json:"units"`
	Filters       int      `json:"filters"`
	Kernel        ints     `json:"kernel_size"`
	Strides       ints     `json:"strides"`
	Dilation      ints     `json:"dilation_rate"`
	Pool          ints     `json:"pool_size"`
	Size          ints     `json:"size"`
	Padding       any      `json:"padding"`
	Cropping      any      `json:"cropping"`
	Format        string   `json:"data_format"`
	Interpolation string   `json:"interpolation"`
	Activation    string   `json:"activation"`
	Recurrent     string   `json:"recurrent_activation"`
	UseBias       *bool    `json:"use_bias"`
	Rate          float64  `json:"rate"`
	Stddev        float64  `json:"stddev"`
	Target        []int    `json:"target_shape"`
	Dims          []int    `json:"dims"`
	Times         int      `json:"n"`
	Sequences     bool     `json:"return_sequences"`
	Backwards     bool     `json:"go_backwards"`
	ResetAfter    bool     `json:"reset_after"`
	Axis          any      `json:"axis"`
	Momentum      float64  `json:"momentum"`
	Epsilon       float64  `json:"epsilon"`
	Center        *bool    `json:"center"`
	Scale         *bool    `json:"scale"`
	Alpha         *float64 `json:"alpha"`
	Slope         *float64 `json:"negative_slope"`
	Shared        []int    `json:"shared_axes"`
	Merge         string   `json:"merge_mode"`
	Layer         *klayer  `json:"layer"`
	OutputPadding any      `json:"output_padding"`
	Multiplier    int      `json:"depth_multiplier"`
	InputDim      int      `json:"input_dim"`
	OutputDim     int      `json:"output_dim"`
}

// ints is a number, or a list of them.
type ints []int

// UnmarshalJSON reads either.
func (v *ints) UnmarshalJSON(text []byte) error {
	var n int
	if json.Unmarshal(text, &n) == nil {
		*v = ints{n}
		return nil
	}
	return json.Unmarshal(text, (*[]int)(v))
}

// one returns the number for a single axis.
func (v ints) one() int {
	if len(v) == 0 || v[0] == 1 {
		return 0
	}
	return v[0]
}

// pair returns the numbers for two axes, the zero value where they are 1.
func (v ints) pair() nn.Pair {
	switch {
	case len(v) == 1:
		v = ints{v[0], v[0]}
	case len(v) < 2:
		return nn.Pair{}
	}
	if v[0] == 1 && v[1] == 1 {
		return nn.Pair{}
	}
	return nn.Pair{v[0], v[1]}
}

// exact is pair with 1 for 1.
func (v ints) exact() nn.Pair {
	if p := v.pair(); p != (nn.Pair{}) {
		return p
	}
	return nn.Square(1)
}

// functionNames are Keras' and TensorFlow.js' names of activations that nn has under others.
var functionNames = map[string]string{"": "linear", "swish": "silu", "gelu_new": "gelu_tanh"}

func (o options) function() (nn.Func, error) {
	name := o.Activation
	if other, ok := functionNames[name]; ok {
		name = other
	}
	if name == "hard_sigmoid" {
		return 0, errors.New("hard_sigmoid is that of Keras 2 there, which is no activation here; want sigmoid")
	}
	var f nn.Func
	err := f.UnmarshalText([]byte(name))
	return f, err
}

func (o options) padding() (nn.Padding, error) {
	var p nn.Padding
	text, _ := o.Padding.(string)
	if text == "" {
		text = "valid"
	}
	err := p.UnmarshalText([]byte(text))
	return p, err
}

// layer reads one layer, whose weights go by its own name. A softmax, which is no function of single
// values, becomes a layer behind it.
func (r *reader) layer(l klayer, name, path string) error {
	var o options
	if err := json.Unmarshal(l.Config, &o); err != nil {
		return err
	}
	if o.Activation != "softmax" || l.Class != "Dense" && l.Class != "Activation" {
		return r.plain(l, o, name, path)
	}
	if l.Class == "Dense" {
		o.Activation = ""
		if err := r.plain(l, o, name, path); err != nil {
			return err
		}
	}
	return r.add(nn.ColumnActivation{Columns: fmt.Sprintf("classes:%d", r.shape[len(r.shape)-1])}, path)
}

// plain reads one layer with its options.
func (r *reader) plain(l klayer, o options, name, path string) error {
	if o.Format != "" && o.Format != "channels_last" && o.Format != "channelsLast" {
		return fmt.Errorf("data_format is %.40q, want channels_last", o.Format)
	}
	if o.Multiplier == 0 {
		o.Multiplier = r.multiplier(o, l.Class, name)
	}
	layer, err := o.layer(l.Class)
	if err != nil || r.takeFunction(layer) {
		return err
	}
	want, err := layer.Bind(r.shape)
	if err != nil {
		return fmt.Errorf("on samples of shape %v: %w", r.shape, err)
	}
	var params [][]float32
	for _, p := range want.Plan().Params {
		values, err := r.param(name, p.Name)
		if err != nil {
			return err
		}
		if values == nil && p.Name == "kernel" { // of a depthwise convolution
			if values, err = r.param(name, "depthwise_kernel"); err != nil {
				return err
			}
		}
		if values == nil && p.Name == "gamma" {
			values = slices.Repeat([]float32{1}, p.Shape.Size())
		}
		if values == nil && p.Name == "beta" {
			values = make([]float32, p.Shape.Size())
		}
		if len(values) != p.Shape.Size() {
			return fmt.Errorf("its %s has %d values, want %d for shape %v", p.Name, len(values), p.Shape.Size(), p.Shape)
		}
		params = append(params, values)
	}
	return r.add(layer, path, params...)
}

// multiplier returns how many kernels each channel has by the size of the array with them:
// TensorFlow.js does not save the option.
func (r *reader) multiplier(o options, class, name string) int {
	kernel, err := r.param(name, "depthwise_kernel")
	if err != nil || kernel == nil {
		return 0
	}
	taps := max(o.Kernel.one(), 1)
	if strings.HasSuffix(class, "2D") {
		p := o.Kernel.exact()
		taps = p[0] * p[1]
	}
	return len(kernel) / max(taps*r.shape[len(r.shape)-1], 1)
}

// add appends a layer.
func (r *reader) add(layer nn.Layer, path string, params ...[]float32) error {
	out, err := r.scope.Output(layer, r.shape)
	if err != nil {
		return fmt.Errorf("on samples of shape %v: %w", r.shape, err)
	}
	r.items, r.shape = append(r.items, item{layer, params, path}), out
	return nil
}

// takeFunction puts an activation function that follows a residual block into it.
func (r *reader) takeFunction(layer nn.Layer) bool {
	fn, ok := layer.(nn.Activation)
	if !ok || fn.Slope != 0 || len(r.items) == 0 {
		return false
	}
	block, ok := r.items[len(r.items)-1].layer.(nn.Residual)
	if !ok || block.Activation != nn.Linear {
		return false
	}
	block.Activation = fn.Func
	r.items[len(r.items)-1].layer = block
	return true
}

// param returns the values of a layer's parameter by the names that TensorFlow.js and Keras
// give them: the layer's name first, the parameter's last. It is nil where there is none.
func (r *reader) param(layer, param string) ([]float32, error) {
	way, last, _ := strings.Cut(param, ".")
	if last == "" {
		way, last = "", param
	}
	var found []float32
	for name, values := range r.arrays {
		parts := strings.Split(name, "/")
		if parts[0] != layer || strings.TrimSuffix(parts[len(parts)-1], ":0") != last {
			continue
		}
		if way != "" && (len(parts) < 3 || !strings.HasPrefix(parts[1], way+"_")) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("there are several arrays for its %s", param)
		}
		found = values
	}
	return found, nil
}

// layer returns what a layer of a class is here, nil for nothing.
func (o options) layer(class string) (nn.Layer, error) {
	fn, err := o.function()
	if err != nil {
		return nil, err
	}
	noBias := o.UseBias != nil && !*o.UseBias
	margins := class == "ZeroPadding2D" || class == "Cropping2D"
	padding := nn.Valid
	if !margins {
		if padding, err = o.padding(); err != nil {
			return nil, err
		}
	}
	switch class {
	case "Dense":
		return nn.Dense{Units: o.Units, Activation: fn, NoBias: noBias}, nil
	case "Activation":
		return nn.Activation{Func: fn}, nil
	case "ReLU":
		return nn.Activation{Func: nn.ReLU}, nil
	case "ELU":
		return nn.Activation{Func: nn.ELU}, nil
	case "LeakyReLU":
		slope := 0.3
		for _, v := range []*float64{o.Alpha, o.Slope} {
			if v != nil {
				slope = *v
			}
		}
		if slope == 0.2 {
			slope = 0
		}
		return nn.Activation{Func: nn.LeakyReLU, Slope: slope}, nil
	case "PReLU":
		return nn.PReLU{SharedAxes: o.Shared}, nil
	case "Flatten":
		return nn.Flatten{}, nil
	case "Reshape":
		return nn.Reshape(o.Target), nil
	case "Permute":
		return nn.Permute(o.Dims), nil
	case "Dropout":
		return nn.Dropout{Rate: o.Rate}, nil
	case "GaussianNoise":
		return nn.GaussianNoise{Stddev: o.Stddev}, nil
	case "RepeatVector":
		return nn.RepeatVector{Times: o.Times}, nil
	case "Conv1D":
		return nn.Conv1D{Filters: o.Filters, Kernel: max(o.Kernel.one(), 1), Strides: o.Strides.one(), Dilation: o.Dilation.one(), Padding: padding, Activation: fn, NoBias: noBias}, nil
	case "Conv2D":
		return nn.Conv2D{Filters: o.Filters, Kernel: o.Kernel.exact(), Strides: o.Strides.pair(), Dilation: o.Dilation.pair(), Padding: padding, Activation: fn, NoBias: noBias}, nil
	case "Conv2DTranspose":
		if o.OutputPadding != nil {
			return nil, errors.New("output_padding is given, want none")
		}
		return nn.Conv2DTranspose{Filters: o.Filters, Kernel: o.Kernel.exact(), Strides: o.Strides.pair(), Padding: padding, Activation: fn, NoBias: noBias}, nil
	case "Conv1DTranspose":
		if o.OutputPadding != nil {
			return nil, errors.New("output_padding is given, want none")
		}
		return nn.Conv1DTranspose{Filters: o.Filters, Kernel: max(o.Kernel.one(), 1), Strides: o.Strides.one(), Dilation: o.Dilation.one(), Padding: padding, Activation: fn, NoBias: noBias}, nil
	case "DepthwiseConv1D":
		return nn.DepthwiseConv1D{Kernel: max(o.Kernel.one(), 1), Strides: o.Strides.one(), Multiplier: o.multiplier(), Dilation: o.Dilation.one(), Padding: padding, Activation: fn, NoBias: noBias}, nil
	case "DepthwiseConv2D":
		return nn.DepthwiseConv2D{Kernel: o.Kernel.exact(), Strides: o.Strides.pair(), Multiplier: o.multiplier(), Dilation: o.Dilation.pair(), Padding: padding, Activation: fn, NoBias: noBias}, nil
	case "SeparableConv1D":
		return nn.SeparableConv1D{Filters: o.Filters, Kernel: max(o.Kernel.one(), 1), Strides: o.Strides.one(), Multiplier: o.multiplier(), Dilation: o.Dilation.one(), Padding: padding, Activation: fn, NoBias: noBias}, nil
	case "SeparableConv2D":
		return nn.SeparableConv2D{Filters: o.Filters, Kernel: o.Kernel.exact(), Strides: o.Strides.pair(), Multiplier: o.multiplier(), Dilation: o.Dilation.pair(), Padding: padding, Activation: fn, NoBias: noBias}, nil
	case "MaxPooling2D":
		return nn.MaxPooling2D{Pool: o.Pool.exact(), Strides: strided(o), Padding: padding}, nil
	case "AveragePooling2D":
		return nn.AveragePooling2D{Pool: o.Pool.exact(), Strides: strided(o), Padding: padding}, nil
	case "GlobalAveragePooling2D":
		return nn.GlobalAveragePooling2D{}, nil
	case "UpSampling2D":
		if o.Interpolation != "" && o.Interpolation != "nearest" {
			return nil, fmt.Errorf("interpolation is %.40q, want nearest", o.Interpolation)
		}
		return nn.UpSampling2D{Size: o.Size.exact()}, nil
	case "ZeroPadding2D":
		m, err := marginsOf(o.Padding)
		return nn.ZeroPadding2D{Padding: m}, err
	case "Cropping2D":
		m, err := marginsOf(o.Cropping)
		return nn.Cropping2D{Cropping: m}, err
	case "BatchNormalization":
		return nn.BatchNormalization{Momentum: o.Momentum, Epsilon: o.Epsilon}, nil
	case "LayerNormalization":
		return nn.LayerNormalization{Epsilon: o.Epsilon}, nil
	case "SimpleRNN", "LSTM", "GRU":
		return o.recurrent(class, noBias)
	case "Bidirectional", "TimeDistributed":
		return o.wrapper(class)
	}
	return nil, errors.New("there is no such layer here; import the model from ONNX, where it may be made of others")
}

// multiplier returns how many kernels a channel has, 0 for the default of 1.
func (o options) multiplier() int {
	if o.Multiplier == 1 {
		return 0
	}
	return o.Multiplier
}

func strided(o options) nn.Pair {
	if s := o.Strides.exact(); len(o.Strides) > 0 && s != o.Pool.exact() {
		return s
	}
	return nn.Pair{}
}

func (o options) recurrent(class string, noBias bool) (nn.Layer, error) {
	switch {
	case o.Activation != "" && o.Activation != "tanh":
		return nil, fmt.Errorf("activation is %.40q, want tanh", o.Activation)
	case class != "SimpleRNN" && o.Recurrent != "sigmoid":
		return nil, fmt.Errorf("recurrent_activation is %.40q, want sigmoid", o.Recurrent)
	case o.Backwards:
		return nil, errors.New("go_backwards is set, want it off")
	}
	switch class {
	case "LSTM":
		return nn.LSTM{Units: o.Units, ReturnSequences: o.Sequences, NoBias: noBias}, nil
	case "GRU":
		return nn.GRU{Units: o.Units, ReturnSequences: o.Sequences, NoBias: noBias, ResetBefore: !o.ResetAfter}, nil
	}
	return nn.SimpleRNN{Units: o.Units, ReturnSequences: o.Sequences, NoBias: noBias}, nil
}

func (o options) wrapper(class string) (nn.Layer, error) {
	if o.Layer == nil {
		return nil, errors.New("it wraps no layer")
	}
	var inner options
	if err := json.Unmarshal(o.Layer.Config, &inner); err != nil {
		return nil, err
	}
	if o.Layer.Class == class {
		return nil, errors.New("it wraps another of its kind")
	}
	layer, err := inner.layer(o.Layer.Class)
	if err != nil {
		return nil, fmt.Errorf("%.40s: %w", o.Layer.Class, err)
	}
	if class == "TimeDistributed" {
		return nn.TimeDistributed{Layer: layer}, nil
	}
	if o.Merge != "concat" {
		return nil, fmt.Errorf("merge_mode is %.40q, want concat", o.Merge)
	}
	return nn.Bidirectional{Layer: layer}, nil
}

// marginsOf reads 1, [1, 2] or [[1, 2], [3, 4]].
func marginsOf(v any) (nn.Margins, error) {
	number := func(v any) (int, bool) {
		f, ok := v.(float64)
		return int(f), ok
	}
	if n, ok := number(v); ok {
		return nn.Around(n), nil
	}
	var sides [4]int
	list, _ := v.([]any)
	if len(list) != 2 {
		return nn.Margins{}, errors.New("margins are neither a number nor two pairs")
	}
	for i, axis := range list {
		if n, ok := number(axis); ok {
			sides[2*i], sides[2*i+1] = n, n
			continue
		}
		pair, _ := axis.([]any)
		for k := range 2 {
			n, ok := 0, false
			if len(pair) == 2 {
				n, ok = number(pair[k])
			}
			if !ok {
				return nn.Margins{}, errors.New("margins are neither a number nor two pairs")
			}
			sides[2*i+k] = n
		}
	}
	return nn.Margins{Top: sides[0], Bottom: sides[1], Left: sides[2], Right: sides[3]}, nil
}

// autoencoder makes one of the layers.
func (r *reader) autoencoder() (*hourglass.Autoencoder, error) {
	if len(r.items) < 2 {
		return nil, errors.New("it has fewer than two layers, want those of an encoder and a decoder")
	}
	at, least := 1, 0
	shape, scope := r.input, &exchange.Scope{}
	for i, it := range r.items {
		var err error
		if i > 0 && strings.HasPrefix(it.name, "dec") {
			at = i
			break
		}
		if i == len(r.items)-1 {
			break
		}
		if shape, err = scope.Output(it.layer, shape); err != nil {
			return nil, err
		}
		if i == 0 || shape.Size() < least {
			at, least = i+1, shape.Size()
		}
	}
	layers := [2]nn.Layers{{nn.Input(r.input)}}
	var params [][]float32
	for i, it := range r.items {
		side := min(i/at, 1)
		layers[side] = append(layers[side], it.layer)
		params = append(params, it.params...)
	}
	ae, err := hourglass.New(layers[0], layers[1])
	if err != nil {
		return nil, err
	}
	for i, a := range ae.Network().Arrays() {
		copy(a.Values, params[i])
	}
	return ae, nil
}
