// Package tfjs writes autoencoders as layers models of TensorFlow.js, which web pages and Keras'
// converter load, and reads those: a model.json with the layers, as Keras writes them, and
// a file with the weights beside it.
//
// The layers are Keras', with the channels of images last as here. What TensorFlow.js lacks
// is an error that names the layer.
package tfjs

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"hourglass"
	"hourglass/exchange"
	"hourglass/internal/atomicfile"
	"hourglass/nn"
	"hourglass/tensor"
)

// document is the content of model.json.
type document struct {
	Format    string     `json:"format"`
	Generated string     `json:"generatedBy"`
	Converted *string    `json:"convertedBy"`
	Topology  topology   `json:"modelTopology"`
	Manifest  []manifest `json:"weightsManifest"`
}

type topology struct {
	Keras   string   `json:"keras_version"`
	Backend string   `json:"backend"`
	Model   *kmodel  `json:"model_config,omitempty"` // where Keras' converter has it
	Class   string   `json:"class_name,omitempty"`
	Config  *kconfig `json:"config,omitempty"`
}

type kmodel struct {
	Class  string  `json:"class_name"`
	Config kconfig `json:"config"`
}

type kconfig struct {
	Name    string          `json:"name"`
	Layers  []klayer        `json:"layers"`
	Inputs  json.RawMessage `json:"input_layers,omitempty"` // in functional models: [["samples", 0, 0]]
	Outputs json.RawMessage `json:"output_layers,omitempty"`
}

type klayer struct {
	Class   string          `json:"class_name"`
	Name    string          `json:"name,omitempty"` // in functional models
	Config  json.RawMessage `json:"config"`
	Inbound json.RawMessage `json:"inbound_nodes,omitempty"`
}

type manifest struct {
	Paths   []string `json:"paths"`
	Weights []weight `json:"weights"`
}

type weight struct {
	Name         string          `json:"name"`
	Shape        []int           `json:"shape"`
	Type         string          `json:"dtype"`
	Quantization json.RawMessage `json:"quantization,omitempty"`
}

// WriteFile writes an autoencoder to a file that ends in .json, and its weights to one beside
// it that ends in .weights.bin.
func WriteFile(path string, ae *hourglass.Autoencoder) error {
	base, ok := strings.CutSuffix(path, ".json")
	if !ok {
		return fmt.Errorf("tfjs: write %s: want a name that ends in .json; the weights go beside it, as .weights.bin", path)
	}
	s := &sequence{taps: map[string]string{}}
	if err := s.autoencoder(ae); err != nil {
		return fmt.Errorf("tfjs: write %s: %w", path, err)
	}
	class, c, err := s.model()
	if err != nil {
		return fmt.Errorf("tfjs: write %s: %w", path, err)
	}
	d := document{Format: "layers-model", Generated: "Hourglass",
		Topology: topology{Keras: "2.15.0", Backend: "tensorflow", Class: class, Config: c},
		Manifest: []manifest{{[]string{filepath.Base(base) + ".weights.bin"}, s.weights}}}
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return fmt.Errorf("tfjs: write %s: %w", path, err)
	}
	for name, content := range map[string][]byte{base + ".weights.bin": s.values, path: text} {
		if err := atomicfile.Write(name, func(w io.Writer) error {
			_, err := w.Write(content)
			return err
		}); err != nil {
			return fmt.Errorf("tfjs: write: %w", err)
		}
	}
	return nil
}

// sequence is a model that is being written: layers that follow each other, or with branches.
type sequence struct {
	layers   []klayer
	weights  []weight
	values   []byte
	at       []string          // the layers whose outputs the next one takes
	taps     map[string]string // layers whose outputs are joined further on
	branches bool              // some layer is not followed by the next one alone
	inputs   []string          // the input layers, that of samples first
}

// config are the options of a layer.
type config map[string]any

// add appends a layer.
func (s *sequence) add(class, name string, c config) error {
	if c == nil {
		c = config{}
	}
	c["name"] = name
	if _, ok := c["trainable"]; !ok {
		c["trainable"] = true
	}
	if len(s.layers) == 0 {
		return fmt.Errorf("no input")
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	var inputs []any
	for _, from := range s.at {
		inputs = append(inputs, []any{from, 0, 0, config{}})
	}
	inbound, err := json.Marshal([]any{inputs})
	s.layers = append(s.layers, klayer{Class: class, Name: name, Config: text, Inbound: inbound})
	s.at = []string{name}
	return err
}

// model returns what all layers are: a Sequential, or a functional model.
func (s *sequence) model() (class string, c *kconfig, err error) {
	c = &kconfig{Name: "autoencoder", Layers: s.layers}
	if !s.branches {
		for i := range c.Layers {
			c.Layers[i].Name, c.Layers[i].Inbound = "", nil
		}
		return "Sequential", c, nil
	}
	ends := func(names ...string) (text json.RawMessage) {
		var list []any
		for _, name := range names {
			list = append(list, []any{name, 0, 0})
		}
		if err == nil {
			text, err = json.Marshal(list)
		}
		return text
	}
	c.Inputs, c.Outputs = ends(s.inputs...), ends(s.at[0])
	return "Functional", c, err
}

// Names of the input layers.
const (
	inputName  = "samples"
	labelsName = "labels" // which there is where a layer asks for them: one whole number for each sample
)

// input appends an input layer for samples of a shape.
func (s *sequence) input(name, kind string, shape tensor.Shape) error {
	text, err := json.Marshal(config{"batch_input_shape": append([]any{nil}, anys(shape)...), "dtype": kind, "sparse": false, "name": name})
	s.layers = append(s.layers, klayer{Class: "InputLayer", Name: name, Config: text, Inbound: json.RawMessage("[]")})
	s.inputs = append(s.inputs, name)
	return err
}

// array appends weights.
func (s *sequence) array(name string, values []float32, shape ...int) {
	s.weights = append(s.weights, weight{Name: name, Shape: shape, Type: "float32"})
	for _, v := range values {
		s.values = binary.LittleEndian.AppendUint32(s.values, math.Float32bits(v))
	}
}

// arrays appends parameters of a layer by their names, where there are any.
func (s *sequence) arrays(b exchange.Block, name string, params ...string) {
	for _, p := range params {
		if a := b.Param(p); a.Values != nil {
			last := p[strings.LastIndex(p, ".")+1:]
			s.array(name+"/"+last, a.Values, a.Shape...)
		}
	}
}

func (s *sequence) autoencoder(ae *hourglass.Autoencoder) error {
	blocks, err := exchange.Blocks(ae, exchange.Whole)
	if err != nil {
		return err
	}
	in, out := ae.Encoder().Input(), ae.Decoder().Output()
	if err := s.input(inputName, "float32", in); err != nil {
		return err
	}
	if ae.Classes() > 0 {
		if err := s.input(labelsName, "int32", tensor.Shape{1}); err != nil {
			return err
		}
	}
	s.at = []string{inputName}
	scaler := ae.Scaler()
	if scaler != nil && len(scaler.Scale) > 0 {
		scale, offset := expanded(scaler.Scale, in.Size(), 1), expanded(scaler.Offset, in.Size(), 0)
		inverse := make([]float32, len(scale))
		for i, v := range scale {
			inverse[i] = 1 / v
		}
		if err := s.affine("encoder_scaling", inverse, make([]float32, len(scale)), offset, in); err != nil {
			return err
		}
	}
	for _, b := range blocks {
		if err := s.layer(b, strings.NewReplacer(".", "_").Replace(b.Name)); err != nil {
			return err
		}
	}
	if scaler != nil && len(scaler.Scale) > 0 {
		scale, offset := expanded(scaler.Scale, in.Size(), 1), expanded(scaler.Offset, in.Size(), 0)
		return s.affine("decoder_scaling", scale, offset, make([]float32, len(scale)), out)
	}
	return nil
}

func anys(shape tensor.Shape) []any {
	list := make([]any, len(shape))
	for i, n := range shape {
		list[i] = n
	}
	return list
}

// expanded returns n numbers: those given, the only one n times, or a default.
func expanded(values []float32, n int, otherwise float32) []float32 {
	switch len(values) {
	case n:
		return values
	case 0:
		values = []float32{otherwise}
	}
	return slices.Repeat(values[:1], n)
}

// affine writes scale·(x - mean) + shift for each element of samples.
func (s *sequence) affine(name string, scale, shift, mean []float32, shape tensor.Shape) error {
	if err := s.flatten(name+"_flat", shape); err != nil {
		return err
	}
	if err := s.scaling(name, scale, shift, mean); err != nil {
		return err
	}
	return s.add("Reshape", name+"_shape", config{"target_shape": shape})
}

// scaling writes scale·(x - mean) + shift along the last axis, as a BatchNormalization that
// divides by 1.
func (s *sequence) scaling(name string, scale, shift, mean []float32) error {
	const epsilon = 1e-3
	if err := s.add("BatchNormalization", name, config{"axis": -1, "momentum": 0.99, "epsilon": epsilon, "center": true, "scale": true}); err != nil {
		return err
	}
	n := len(scale)
	s.array(name+"/gamma", scale, n)
	s.array(name+"/beta", shift, n)
	s.array(name+"/moving_mean", mean, n)
	s.array(name+"/moving_variance", slices.Repeat([]float32{1 - epsilon}, n), n)
	return nil
}

// flatten appends a Flatten, which TensorFlow.js refuses for samples that are flat already.
func (s *sequence) flatten(name string, in tensor.Shape) error {
	if len(in) == 1 {
		return nil
	}
	return s.add("Flatten", name, nil)
}

// functions are the names that TensorFlow.js has for activation functions. It has gelu_new, too,
// but looks for it under another name when it loads a model.
var functions = map[nn.Func]string{nn.Linear: "linear", nn.ReLU: "relu", nn.ELU: "elu", nn.SELU: "selu", nn.Sigmoid: "sigmoid", nn.Tanh: "tanh",
	nn.Softplus: "softplus", nn.GELU: "gelu", nn.SiLU: "swish", nn.Mish: "mish", nn.ReLU6: "relu6"}

// function puts an activation into a layer's options, or returns that it has to follow as
// a layer of its own.
func function(b exchange.Block, fn nn.Func, c config) (leaky bool, err error) {
	if fn == nn.LeakyReLU {
		c["activation"] = "linear"
		return true, nil
	}
	name, ok := functions[fn]
	if !ok {
		return false, b.Errorf("TensorFlow.js has no activation %v like this one; export it to ONNX instead", fn)
	}
	c["activation"] = name
	return false, nil
}

// activated appends a layer with an activation function and its weights.
func (s *sequence) activated(b exchange.Block, class, name string, fn nn.Func, c config, params ...string) error {
	leaky, err := function(b, fn, c)
	if err != nil {
		return err
	}
	if err := s.add(class, name, c); err != nil {
		return err
	}
	s.arrays(b, name, params...)
	if leaky {
		return s.add("LeakyReLU", name+"_leaky", config{"alpha": 0.2})
	}
	return nil
}

// layer writes one layer.
func (s *sequence) layer(b exchange.Block, name string) error {
	switch l := b.Layer.(type) {
	case nn.Dense:
		return s.activated(b, "Dense", name, l.Activation, config{"units": l.Units, "use_bias": !l.NoBias}, "kernel", "bias")
	case nn.Activation:
		if l.Func == nn.LeakyReLU {
			return s.add("LeakyReLU", name, config{"alpha": cmp.Or(l.Slope, 0.2)})
		}
		return s.activated(b, "Activation", name, l.Func, config{})
	case nn.Flatten:
		return s.flatten(name, b.In)
	case nn.Reshape:
		return s.add("Reshape", name, config{"target_shape": b.Out})
	case nn.Permute:
		return s.add("Permute", name, config{"dims": []int(l)})
	case nn.Dropout:
		return s.add("Dropout", name, config{"rate": l.Rate})
	case nn.GaussianNoise:
		return s.add("GaussianNoise", name, config{"stddev": l.Stddev})
	case nn.MaskingNoise, nn.SaltAndPepperNoise, nn.PatchMasking, nn.ActivityRegularization, nn.KLRegularization, nn.MMDRegularization, nn.Adversary:
		return nil
	case nn.RepeatVector:
		return s.add("RepeatVector", name, config{"n": l.Times})
	case nn.Conv1D:
		return s.activated(b, "Conv1D", name, l.Activation, config{"filters": l.Filters, "kernel_size": []int{l.Kernel}, "strides": []int{max(l.Strides, 1)},
			"padding": l.Padding.String(), "dilation_rate": []int{max(l.Dilation, 1)}, "use_bias": !l.NoBias, "data_format": "channels_last"}, "kernel", "bias")
	case nn.Conv2D:
		return s.activated(b, "Conv2D", name, l.Activation, config{"filters": l.Filters, "kernel_size": l.Kernel, "strides": cmp.Or(l.Strides, nn.Square(1)),
			"padding": l.Padding.String(), "dilation_rate": cmp.Or(l.Dilation, nn.Square(1)), "use_bias": !l.NoBias, "data_format": "channels_last"}, "kernel", "bias")
	case nn.Conv2DTranspose:
		if l.OutputPadding != nil || cmp.Or(l.Dilation, nn.Square(1)) != nn.Square(1) {
			return b.Errorf("TensorFlow.js has neither output padding nor dilation here; export it to ONNX instead")
		}
		return s.activated(b, "Conv2DTranspose", name, l.Activation, config{"filters": l.Filters, "kernel_size": l.Kernel, "strides": cmp.Or(l.Strides, nn.Square(1)),
			"padding": l.Padding.String(), "use_bias": !l.NoBias, "data_format": "channels_last"}, "kernel", "bias")
	case nn.MaxPooling2D:
		return s.add("MaxPooling2D", name, pool(l.Pool, l.Strides, l.Padding))
	case nn.AveragePooling2D:
		return s.add("AveragePooling2D", name, pool(l.Pool, l.Strides, l.Padding))
	case nn.GlobalAveragePooling2D:
		return s.add("GlobalAveragePooling2D", name, config{"data_format": "channels_last"})
	case nn.DepthwiseConv1D, nn.DepthwiseConv2D, nn.SeparableConv1D, nn.SeparableConv2D:
		return s.depthwise(b, name)
	case nn.Conv1DTranspose:
		return s.transposedSequence(b, l, name)
	case nn.Condition:
		return s.condition(b, l, name)
	case nn.ColumnActivation:
		return s.columnActivation(b, l, name)
	case nn.Tied:
		return s.tied(b, l, name)
	case nn.GroupNormalization:
		return s.groupNormalization(b, l, name)
	case nn.PositionEmbedding:
		return s.positions(b, l, name)
	case nn.PixelShuffle:
		return s.pixelShuffle(b, l, name)
	case nn.Residual:
		return s.residual(b, l, name)
	case nn.Parallel:
		return s.parallel(b, l, name)
	case nn.Tap:
		s.taps[l.Name] = s.at[0]
		return nil
	case nn.Join:
		return s.join(b, l, name)
	case nn.Sampling, nn.ImportanceSampling, nn.TCSampling:
		return s.means(b, name)
	case nn.Contractive:
		_, err := s.branch(b, "layers", l.Layers, s.at[0])
		return err
	case nn.UpSampling2D:
		if l.Interpolation != nn.Nearest {
			return b.Errorf("TensorFlow.js interpolates from the corners of pixels; export it to ONNX instead")
		}
		return s.add("UpSampling2D", name, config{"size": cmp.Or(l.Size, nn.Square(2)), "data_format": "channels_last", "interpolation": "nearest"})
	case nn.ZeroPadding2D:
		return s.add("ZeroPadding2D", name, config{"padding": margins(l.Padding), "data_format": "channels_last"})
	case nn.Cropping2D:
		return s.add("Cropping2D", name, config{"cropping": margins(l.Cropping), "data_format": "channels_last"})
	case nn.BatchNormalization:
		err := s.add("BatchNormalization", name, config{"axis": -1, "momentum": cmp.Or(l.Momentum, 0.99), "epsilon": cmp.Or(l.Epsilon, 1e-3), "center": true, "scale": true})
		s.arrays(b, name, "gamma", "beta", "moving_mean", "moving_variance")
		return err
	case nn.LayerNormalization:
		err := s.add("LayerNormalization", name, config{"axis": -1, "epsilon": cmp.Or(l.Epsilon, 1e-3), "center": true, "scale": true})
		s.arrays(b, name, "gamma", "beta")
		return err
	case nn.PReLU:
		err := s.add("PReLU", name, config{"shared_axes": l.SharedAxes})
		s.arrays(b, name, "alpha")
		return err
	case nn.SimpleRNN, nn.LSTM, nn.GRU:
		class, c, err := recurrent(b, b.Layer)
		if err != nil {
			return err
		}
		err = s.add(class, name, c)
		s.arrays(b, name, "kernel", "recurrent_kernel", "bias")
		return err
	case nn.Bidirectional:
		return s.bidirectional(b, l, name)
	case nn.TimeDistributed:
		if _, ok := l.Layer.(nn.Dense); !ok {
			break
		}
		inner, err := b.Inner(l.Layer, b.In, "")
		if err != nil {
			return err
		}
		return s.layer(inner, name) // Dense treats steps alike anyway
	case nn.Named:
		inner, err := b.Named(l)
		if err != nil {
			return err
		}
		return s.layer(inner, name)
	case nn.Frozen:
		return s.wrapped(b, l.Layer, name)
	case nn.Regularized:
		return s.wrapped(b, l.Layer, name)
	}
	return b.Refuse("TensorFlow.js")
}

func (s *sequence) wrapped(b exchange.Block, layer nn.Layer, name string) error {
	inner, err := b.Inner(layer, b.In, "")
	if err != nil {
		return err
	}
	return s.layer(inner, name)
}

func pool(size, strides nn.Pair, padding nn.Padding) config {
	size = cmp.Or(size, nn.Square(2))
	return config{"pool_size": size, "strides": cmp.Or(strides, size), "padding": padding.String(), "data_format": "channels_last"}
}

func margins(m nn.Margins) [2][2]int { return [2][2]int{{m.Top, m.Bottom}, {m.Left, m.Right}} }

// recurrent returns a recurrent layer's class and options.
func recurrent(b exchange.Block, layer nn.Layer) (string, config, error) {
	c := config{"activation": "tanh", "dropout": 0, "recurrent_dropout": 0}
	switch l := layer.(type) {
	case nn.SimpleRNN:
		c["units"], c["return_sequences"], c["use_bias"] = l.Units, l.ReturnSequences, !l.NoBias
		return "SimpleRNN", c, nil
	case nn.LSTM:
		c["units"], c["return_sequences"], c["use_bias"] = l.Units, l.ReturnSequences, !l.NoBias
		c["recurrent_activation"], c["unit_forget_bias"] = "sigmoid", true
		return "LSTM", c, nil
	case nn.GRU:
		if !l.ResetBefore {
			return "", nil, b.Errorf("TensorFlow.js has a GRU only with reset_before; export it to ONNX instead")
		}
		c["units"], c["return_sequences"], c["use_bias"] = l.Units, l.ReturnSequences, !l.NoBias
		c["recurrent_activation"], c["reset_after"] = "sigmoid", false
		return "GRU", c, nil
	}
	return "", nil, b.Errorf("a %s of both directions is not written for TensorFlow.js; export it to ONNX instead", nn.Kind(layer))
}

func (s *sequence) bidirectional(b exchange.Block, l nn.Bidirectional, name string) error {
	class, c, err := recurrent(b, l.Layer)
	if err != nil {
		return err
	}
	inner := strings.ToLower(class)
	c["name"], c["trainable"] = inner, true
	if err := s.add("Bidirectional", name, config{"merge_mode": "concat", "layer": config{"class_name": class, "config": c}}); err != nil {
		return err
	}
	for _, way := range []string{"forward", "backward"} {
		s.arrays(b, name+"/"+way+"_"+inner, way+".kernel", way+".recurrent_kernel", way+".bias")
	}
	return nil
}
