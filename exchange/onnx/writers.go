package onnx

import (
	"math"

	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
	"hourglass/tensor"
)

// writer writes one layer, which takes v, and returns what comes out of it.
type writer func(g *graph, b exchange.Block, v value) (value, error)

// writers know each kind of layer.
var writers map[string]writer

func init() { // not a literal: layers made of layers look here
	writers = map[string]writer{
		"Dense": writeDense, "Activation": writeActivation,
		"GaussianNoise": writeNothing, "Dropout": writeNothing,
		"Flatten": writeReshape, "Reshape": writeReshape, "Permute": writePermute, "RepeatVector": writeRepeatVector,
		"BatchNormalization": writeBatchNormalization, "LayerNormalization": writeLayerNormalization,
		"Conv1D": writeConvolution, "Conv2D": writeConvolution,
		"DepthwiseConv1D": writeDepthwise, "DepthwiseConv2D": writeDepthwise,
		"SeparableConv1D": writeSeparable, "SeparableConv2D": writeSeparable,
		"MultiHeadAttention": writeAttention, "Tied": writeTied, "ColumnActivation": writeColumns, "VectorQuantizer": writeQuantizer, "Condition": writeCondition,
		"Conv1DTranspose": writeTransposed, "Conv2DTranspose": writeTransposed,
		"MaxPooling2D": writePooling, "AveragePooling2D": writePooling, "GlobalAveragePooling2D": writeGlobalAverage,
		"UpSampling2D": writeUpSampling, "ZeroPadding2D": writeZeroPadding, "Cropping2D": writeCropping,
		"SimpleRNN": writeRecurrent, "LSTM": writeRecurrent, "GRU": writeRecurrent,
		"Bidirectional": writeBidirectional, "TimeDistributed": writeTimeDistributed,
		"GroupNormalization": writeGroupNormalization, "PReLU": writePReLU, "PositionEmbedding": writePositionEmbedding,
		"PixelShuffle": writePixelShuffle,
		"Residual":     writeResidual, "Parallel": writeParallel, "Tap": writeTap, "Join": writeJoin,
		"Named": writeNamed, "Frozen": writeFrozen, "Regularized": writeRegularized,
		"ActivityRegularization": writeNothing, "KLRegularization": writeNothing, "MMDRegularization": writeNothing, "Adversary": writeNothing,
		"MaskingNoise": writeNothing, "SaltAndPepperNoise": writeNothing, "PatchMasking": writeNothing, "Sampling": writeSampling,
		"ImportanceSampling": writeSampling, "TCSampling": writeSampling, "Contractive": writeContractive,
	}
}

// writeNothing is for layers that act in training only.
func writeNothing(_ *graph, _ exchange.Block, v value) (value, error) { return v, nil }

// plainValue returns a value that is stored as the layers see it.
func plainValue(name string, shape tensor.Shape) value {
	return value{name: name, view: relayout.Of(relayout.Samples(shape...))}
}

// storedValue returns a value that shows as samples of a shape and is stored with its axes
// in another order.
func storedValue(name string, shape tensor.Shape, order ...int) value {
	axes := relayout.Of(relayout.Samples(shape...)).Transpose(order...).Axes()
	return value{name: name, view: stored(axes, order)}
}

// flat returns the elements of samples on one axis, in the order they are stored in, and for
// each element of a sample its place there.
func (g *graph) flat(v value) (value, []int) {
	if !v.view.BatchFirst() {
		v = g.plain(v)
	}
	places, view := v.view.Permutation(), v.view.Joined()
	if from := v.view.Stored(); len(from) != 2 {
		v.name = g.reshape(v.name, from, relayout.Samples(len(places)))
	}
	v.view = view
	return v, places
}

// spread puts element i of values, each of width numbers, at place places[i].
func spread(values []float32, places []int, width int) []float32 {
	out := make([]float32, len(values))
	for i, p := range places {
		copy(out[p*width:(p+1)*width], values[i*width:])
	}
	return out
}

// transposed returns the transpose of a matrix of so many columns.
func transposed(values []float32, columns int) []float32 {
	rows := len(values) / columns
	out := make([]float32, len(values))
	for r := range rows {
		for c := range columns {
			out[c*rows+r] = values[r*columns+c]
		}
	}
	return out
}

// writeDense writes one product for vectors, whose order the weights take in, or a
// product of matrices along the last axis.
func writeDense(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.Dense)
	kernel, bias := b.Param("kernel").Values, b.Param("bias").Values
	in := len(kernel) / l.Units
	if len(b.In) == 1 {
		v, places := g.flat(v)
		made := &columns{}
		made.arrays = append(made.arrays, g.floats("kernel", spread(kernel, places, l.Units), in, l.Units))
		g.kernels[&kernel[0]] = made.arrays[0]
		inputs := []string{v.name, *made.arrays[0].Name}
		if bias != nil {
			made.arrays = append(made.arrays, g.floats("bias", bias, l.Units))
			inputs = append(inputs, *made.arrays[1].Name)
		}
		out := plainValue(g.node("Gemm", inputs), b.Out)
		out.made = made
		return g.function(out, b, l.Activation)
	}
	v = g.plain(v)
	name := g.node("MatMul", []string{v.name, *g.floats("kernel", kernel, in, l.Units).Name})
	if bias != nil {
		name = g.node("Add", []string{name, *g.floats("bias", bias, l.Units).Name})
	}
	return g.function(plainValue(name, b.Out), b, l.Activation)
}

func writeActivation(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.Activation)
	if l.Slope != 0 {
		return g.then(v, "LeakyRelu", attrFloat("alpha", float32(l.Slope))), nil
	}
	return g.function(v, b, l.Func)
}

// functions are the names of activation functions whose constants are ONNX' own.
var functions = map[nn.Func]string{nn.ReLU: "Relu", nn.ELU: "Elu", nn.SELU: "Selu", nn.Sigmoid: "Sigmoid",
	nn.Tanh: "Tanh", nn.Softplus: "Softplus"}

// leakySlope is the slope of nn.LeakyReLU below zero, unless it has one of its own.
const leakySlope = 0.2

// function writes an activation function.
func (g *graph) function(v value, b exchange.Block, fn nn.Func) (value, error) {
	if functions[fn] != "" {
		return g.then(v, functions[fn]), nil
	}
	product := func(x string, with ...string) value { // of x and others, one after another
		for _, w := range with {
			x = g.node("Mul", []string{x, w})
		}
		v.name = x
		return v
	}
	plus := func(x string, c float32) string { return g.node("Add", []string{x, g.scalar("constant", c)}) }
	times := func(x string, c float32) string { return g.node("Mul", []string{x, g.scalar("constant", c)}) }
	hard := func() string {
		return g.node("HardSigmoid", []string{v.name}, attrFloat("alpha", 1./6), attrFloat("beta", 0.5))
	}
	x := v.name
	switch fn {
	case nn.Linear:
		return v, nil
	case nn.LeakyReLU:
		return g.then(v, "LeakyRelu", attrFloat("alpha", leakySlope)), nil
	case nn.SiLU:
		return product(x, g.node("Sigmoid", []string{x})), nil
	case nn.Mish:
		return product(x, g.node("Tanh", []string{g.node("Softplus", []string{x})})), nil
	case nn.GELU:
		phi := plus(g.node("Erf", []string{times(x, math.Sqrt2/2)}), 1)
		return product(times(x, 0.5), phi), nil
	case nn.GELUTanh:
		cube := g.node("Mul", []string{g.node("Mul", []string{x, x}), x})
		inner := times(g.node("Add", []string{x, times(cube, 0.044715)}), 0.7978845608)
		return product(times(x, 0.5), plus(g.node("Tanh", []string{inner}), 1)), nil
	case nn.HardSigmoid:
		v.name = hard()
		return v, nil
	case nn.HardSiLU:
		return product(x, hard()), nil
	case nn.ReLU6:
		v.name = g.node("Clip", []string{x, g.scalar("low", 0), g.scalar("high", 6)})
		return v, nil
	}
	return v, b.Errorf("activation %v cannot be said in ONNX", fn)
}
