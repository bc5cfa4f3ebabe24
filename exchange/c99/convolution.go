package c99

import (
	"cmp"
	"math"
	"slices"

	"hourglass/exchange"
	"hourglass/nn"
	"hourglass/tensor"
)

// sliding is a convolution along an axis: lengths of input and output, taps, how far apart
// windows and taps are, and zeros in front.
type sliding struct{ n, m, kernel, stride, dilation, before int }

// row is the only row of a sequence, which is an image of one.
var row = sliding{1, 1, 1, 1, 1, 0}

// slidings returns the two axes of a convolution whose options are given for one or for two;
// extra is the output padding of a transposed one.
func slidings(b exchange.Block, transposed bool, kernel, strides, dilation []int, padding nn.Padding, extra []*int) ([]sliding, error) {
	var axes []sliding
	if len(kernel) == 1 {
		axes = append(axes, row)
	}
	for i, k := range kernel {
		a := sliding{b.In[i], b.Out[i], k, max(strides[i], 1), max(dilation[i], 1), 0}
		var err error
		if transposed {
			a.before, _, err = nn.TransposedMargins(a.n, k, a.stride, a.dilation, padding, extra[i])
		} else {
			a.before, _, err = nn.ConvolutionMargins(a.n, k, a.stride, a.dilation, padding)
		}
		if err != nil {
			return nil, b.Errorf("%w", err)
		}
		axes = append(axes, a)
	}
	return axes, nil
}

// windows returns the arguments of a convolution: lengths and channels, then the options of
// rows and of columns.
func windows(axes []sliding, channels, filters int) []any {
	args := []any{axes[0].n, axes[1].n, channels, axes[0].m, axes[1].m, filters}
	for _, a := range axes {
		args = append(args, a.kernel, a.stride, a.dilation, a.before)
	}
	return args
}

// convolution writes convolutions.
func (p *program) convolution(b exchange.Block, v buffer) (buffer, error) {
	var axes []sliding
	var fn nn.Func
	var err error
	name := "convolve"
	switch l := b.Layer.(type) {
	case nn.Conv1D:
		fn = l.Activation
		axes, err = slidings(b, false, []int{l.Kernel}, []int{l.Strides}, []int{l.Dilation}, l.Padding, nil)
	case nn.Conv2D:
		fn = l.Activation
		axes, err = slidings(b, false, l.Kernel[:], l.Strides[:], l.Dilation[:], l.Padding, nil)
	case nn.Conv1DTranspose:
		fn, name = l.Activation, "convolve_transposed"
		axes, err = slidings(b, true, []int{l.Kernel}, []int{l.Strides}, []int{l.Dilation}, l.Padding, []*int{l.OutputPadding})
	case nn.Conv2DTranspose:
		fn, name = l.Activation, "convolve_transposed"
		extra := make([]*int, 2)
		if l.OutputPadding != nil {
			extra = []*int{&l.OutputPadding[0], &l.OutputPadding[1]}
		}
		axes, err = slidings(b, true, l.Kernel[:], l.Strides[:], l.Dilation[:], l.Padding, extra)
	}
	if err != nil {
		return v, err
	}
	args := append(windows(axes, b.In[len(b.In)-1], b.Out[len(b.Out)-1]), p.array(b.Param("kernel").Values), p.array(b.Param("bias").Values))
	y := p.call(name, b, v, args...)
	return y, p.activate(b, y, fn)
}

// depthwise writes depthwise convolutions, and the product over channels behind separable ones.
func (p *program) depthwise(b exchange.Block, v buffer) (buffer, error) {
	var axes []sliding
	var fn nn.Func
	var err error
	multiplier, filters := 1, 0
	switch l := b.Layer.(type) {
	case nn.DepthwiseConv1D:
		fn, multiplier = l.Activation, max(l.Multiplier, 1)
		axes, err = slidings(b, false, []int{l.Kernel}, []int{l.Strides}, []int{l.Dilation}, l.Padding, nil)
	case nn.DepthwiseConv2D:
		fn, multiplier = l.Activation, max(l.Multiplier, 1)
		axes, err = slidings(b, false, l.Kernel[:], l.Strides[:], l.Dilation[:], l.Padding, nil)
	case nn.SeparableConv1D:
		fn, multiplier, filters = l.Activation, max(l.Multiplier, 1), l.Filters
		axes, err = slidings(b, false, []int{l.Kernel}, []int{l.Strides}, []int{l.Dilation}, l.Padding, nil)
	case nn.SeparableConv2D:
		fn, multiplier, filters = l.Activation, max(l.Multiplier, 1), l.Filters
		axes, err = slidings(b, false, l.Kernel[:], l.Strides[:], l.Dilation[:], l.Padding, nil)
	}
	if err != nil {
		return v, err
	}
	channels, pixels := b.In[len(b.In)-1], axes[0].m*axes[1].m
	args, bias := windows(axes, channels, channels*multiplier), p.array(b.Param("bias").Values)
	if filters == 0 {
		y := p.call("convolve_channels", b, v, append(args, p.array(b.Param("kernel").Values), bias)...)
		return y, p.activate(b, y, fn)
	}
	between := exchange.Block{Out: tensor.Shape{pixels, channels * multiplier}}
	y := p.call("convolve_channels", between, v, append(args, p.array(b.Param("depthwise_kernel").Values), "NULL")...)
	y = p.call("dense", b, y, pixels, channels*multiplier, filters, p.array(b.Param("pointwise_kernel").Values), bias)
	return y, p.activate(b, y, fn)
}

// attention writes self-attention. Its memory is that of queries, keys, values, their means, and
// the weights of a step.
func (p *program) attention(b exchange.Block, v buffer, l nn.MultiHeadAttention) buffer {
	steps, dim := b.In[0], cmp.Or(l.ValueDim, l.KeyDim)
	memory := p.take(steps*2*l.Heads*(l.KeyDim+dim) + steps)
	causal := 0
	if l.Causal {
		causal = 1
	}
	args := []any{steps, b.In[1], l.Heads, l.KeyDim, dim, causal, number(float32(1 / math.Sqrt(float64(l.KeyDim)))), memory.name}
	for _, projection := range []string{"query", "key", "value", "output"} {
		args = append(args, p.array(b.Param(projection+"_kernel").Values), p.array(b.Param(projection+"_bias").Values))
	}
	y := p.call("attention", b, v, args...)
	p.release(memory)
	return y
}

// positions adds embeddings, learned ones or waves.
func (p *program) positions(b exchange.Block, v buffer, l nn.PositionEmbedding) (buffer, error) {
	values := b.Param("embeddings").Values
	if l.Sinusoidal {
		var err error
		if values, err = b.OfZeros(); err != nil {
			return v, err
		}
	}
	y := p.take(b.Out.Size())
	p.need("add")
	p.line("add(%s, %s, %s, %d);", y.name, v.name, p.array(values), b.Out.Size())
	p.release(v)
	return y, nil
}

// expanded returns slopes that repeat along leading axes only: as many as there are, or one
// for each element.
func expanded(a nn.Array, shape tensor.Shape) []float32 {
	last := slices.IndexFunc(a.Shape, func(n int) bool { return n > 1 })
	if last < 0 || slices.Equal(a.Shape[last:], shape[last:]) {
		return a.Values
	}
	values := make([]float32, shape.Size())
	for i := range values {
		at, left, stride := 0, i, 1
		for axis := len(shape) - 1; axis >= 0; axis-- {
			if k := left % shape[axis]; a.Shape[axis] > 1 {
				at += k * stride
			}
			left /= shape[axis]
			stride *= a.Shape[axis]
		}
		values[i] = a.Values[at]
	}
	return values
}
