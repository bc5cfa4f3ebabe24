package pytorch

import (
	"cmp"
	"fmt"
	"strings"

	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
	"hourglass/tensor"
)

// window are the options of a convolution: of one axis or of two.
type window struct {
	kernel, strides, dilation []int
	padding                   nn.Padding
	fn                        nn.Func
	filters                   int
	transposed                bool
	outputPadding             []*int
}

func line(n int) []int { return []int{max(n, 1)} }

func square(p nn.Pair) []int {
	p = cmp.Or(p, nn.Square(1))
	return p[:]
}

func options(layer nn.Layer) window {
	switch l := layer.(type) {
	case nn.Conv1D:
		return window{line(l.Kernel), line(l.Strides), line(l.Dilation), l.Padding, l.Activation, l.Filters, false, nil}
	case nn.Conv2D:
		return window{square(l.Kernel), square(l.Strides), square(l.Dilation), l.Padding, l.Activation, l.Filters, false, nil}
	case nn.DepthwiseConv1D:
		return window{line(l.Kernel), line(l.Strides), line(l.Dilation), l.Padding, l.Activation, 0, false, nil}
	case nn.DepthwiseConv2D:
		return window{square(l.Kernel), square(l.Strides), square(l.Dilation), l.Padding, l.Activation, 0, false, nil}
	case nn.SeparableConv1D:
		return window{line(l.Kernel), line(l.Strides), line(l.Dilation), l.Padding, l.Activation, l.Filters, false, nil}
	case nn.SeparableConv2D:
		return window{square(l.Kernel), square(l.Strides), square(l.Dilation), l.Padding, l.Activation, l.Filters, false, nil}
	case nn.Conv1DTranspose:
		return window{line(l.Kernel), line(l.Strides), line(l.Dilation), l.Padding, l.Activation, l.Filters, true, []*int{l.OutputPadding}}
	case nn.Conv2DTranspose:
		extra := []*int{nil, nil}
		if l.OutputPadding != nil {
			extra = []*int{&l.OutputPadding[0], &l.OutputPadding[1]}
		}
		return window{square(l.Kernel), square(l.Strides), square(l.Dilation), l.Padding, l.Activation, l.Filters, true, extra}
	}
	panic("pytorch: not a convolution")
}

// channelsFirst returns the order that stores channels in front of other axes.
func channelsFirst(shape tensor.Shape) []int {
	list := []int{0, len(shape)}
	for i := range len(shape) - 1 {
		list = append(list, i+1)
	}
	return list
}

// tuple writes one number, or several in parentheses.
func tuple(numbers []int) string {
	if len(numbers) == 1 {
		return fmt.Sprint(numbers[0])
	}
	return "(" + list(numbers) + ")"
}

// convolution writes a convolution. PyTorch pads both sides alike, so what is not alike
// is padded in front, or cut off behind a transposed one.
func (m *module) convolution(b exchange.Block, v value) (value, error) {
	w := options(b.Layer)
	n := len(w.kernel)
	before, after := make([]int, n), make([]int, n)
	for i := range n {
		var err error
		if w.transposed {
			before[i], after[i], err = nn.TransposedMargins(b.In[i], w.kernel[i], w.strides[i], w.dilation[i], w.padding, w.outputPadding[i])
		} else {
			before[i], after[i], err = nn.ConvolutionMargins(b.In[i], w.kernel[i], w.strides[i], w.dilation[i], w.padding)
		}
		if err != nil {
			return v, b.Errorf("%w", err)
		}
	}
	v = m.arrange(v, channelsFirst(b.In)...)
	kernel, bias := b.Param("kernel"), b.Param("bias").Values
	in := b.In[len(b.In)-1]
	text := fmt.Sprintf("%d, %d, %s, stride=%s, dilation=%s%s", in, w.filters, tuple(w.kernel), tuple(w.strides), tuple(w.dilation), noBias(bias))
	class := fmt.Sprintf("nn.Conv%dd", n)
	if w.transposed {
		class = fmt.Sprintf("nn.ConvTranspose%dd", n)
		extra := make([]int, n)
		for i, a := range after {
			extra[i] = max(-a, 0)
		}
		text += ", output_padding=" + tuple(extra)
	} else if pad := padding(before, after); pad != "" {
		v.name = m.let("x", "F.pad(%s, (%s))", v.name, pad)
	}
	name := m.child(b, "%s(%s)", class, text)
	m.entry(name+".weight", flipped(kernel.Values, kernel.Shape), append([]int{kernel.Shape[n+1], kernel.Shape[n]}, w.kernel...)...)
	if bias != nil {
		m.entry(name+".bias", bias, len(bias))
	}
	x := m.let("x", "self.%s(%s)", name, v.name)
	if w.transposed {
		if cut := cutting(before, after, b.Out); cut != "" {
			x = m.let("x", "%s[:, :, %s]", x, cut)
		}
	}
	return m.activation(b, stored(x, b.Out, channelsFirst(b.Out)...), nn.Activation{Func: w.fn})
}

// padding writes zeros as F.pad takes them, the last axis first; "" for none.
func padding(before, after []int) string {
	var parts []string
	any := false
	for i := len(before) - 1; i >= 0; i-- {
		parts = append(parts, fmt.Sprint(before[i]), fmt.Sprint(after[i]))
		any = any || before[i] != 0 || after[i] != 0
	}
	if !any {
		return ""
	}
	return strings.Join(parts, ", ")
}

// cutting writes the stretches that are left of all axes; "" where nothing is cut off.
func cutting(before, after []int, out tensor.Shape) string {
	var parts []string
	any := false
	for i := range before {
		parts = append(parts, fmt.Sprintf("%d:%d", before[i], before[i]+out[i]))
		any = any || before[i] != 0 || after[i] > 0
	}
	if !any {
		return ""
	}
	return strings.Join(parts, ", ")
}

// flipped puts the taps of a kernel behind its other axes, and these in the other order.
func flipped(kernel []float32, shape tensor.Shape) []float32 {
	n := len(shape)
	taps, inner, outer := tensor.Shape(shape[:n-2]).Size(), shape[n-2], shape[n-1]
	out := make([]float32, len(kernel))
	for t := range taps {
		for i := range inner {
			for o := range outer {
				out[(o*inner+i)*taps+t] = kernel[(t*inner+i)*outer+o]
			}
		}
	}
	return out
}

func (m *module) pooling(b exchange.Block, v value) (value, error) {
	var pool, strides nn.Pair
	var pad nn.Padding
	function, infinite := "F.max_pool2d", `, value=float("-inf")`
	switch l := b.Layer.(type) {
	case nn.MaxPooling2D:
		pool, strides, pad = l.Pool, l.Strides, l.Padding
	case nn.AveragePooling2D:
		function, infinite = "F.avg_pool2d", ""
		pool, strides, pad = l.Pool, l.Strides, l.Padding
	}
	pool = cmp.Or(pool, nn.Square(2))
	strides = cmp.Or(strides, pool)
	before, after := make([]int, 2), make([]int, 2)
	for i := range 2 {
		var err error
		if before[i], after[i], err = nn.ConvolutionMargins(b.In[i], pool[i], strides[i], 1, pad); err != nil {
			return v, b.Errorf("%w", err)
		}
	}
	v = m.arrange(v, 0, 3, 1, 2)
	if text := padding(before, after); text != "" {
		if function == "F.avg_pool2d" { // means at the border are over fewer pixels: by the share that is there
			window := fmt.Sprintf("(%d, %d), (%d, %d)", pool[0], pool[1], strides[0], strides[1])
			x := m.let("x", "%s(F.pad(%s, (%s)), %s) / %s(F.pad(torch.ones_like(%s), (%s)), %s)", function, v.name, text, window, function, v.name, text, window)
			return m.value(x, b.Out), nil
		}
		v.name = m.let("x", "F.pad(%s, (%s)%s)", v.name, text, infinite)
	}
	return m.value(m.let("x", "%s(%s, (%d, %d), (%d, %d))", function, v.name, pool[0], pool[1], strides[0], strides[1]), b.Out), nil
}

// normalization writes normalisation layers. PyTorch has channels on the second axis.
func (m *module) normalization(b exchange.Block, v value) (value, error) {
	channels := b.In[len(b.In)-1]
	var places []int
	if l, ok := b.Layer.(nn.LayerNormalization); ok {
		v = m.plain(v)
		name := m.child(b, "nn.LayerNorm(%d, eps=%v)", channels, cmp.Or(l.Epsilon, 1e-3))
		m.entry(name+".weight", b.Param("gamma").Values, channels)
		m.entry(name+".bias", b.Param("beta").Values, channels)
		return m.plainValue(m.let("x", "self.%s(%s)", name, v.name), b.Out), nil
	}
	if len(b.In) == 1 {
		v, places = m.flat(v)
	} else {
		v = m.arrange(v, channelsFirst(b.In)...)
	}
	values := func(name string) []float32 {
		if places == nil {
			return b.Param(name).Values
		}
		return spread(b.Param(name).Values, places, 1)
	}
	var name string
	switch l := b.Layer.(type) {
	case nn.GroupNormalization:
		groups := cmp.Or(l.Groups, 32)
		if groups == -1 {
			groups = channels
		}
		name = m.child(b, "nn.GroupNorm(%d, %d, eps=%v)", groups, channels, cmp.Or(l.Epsilon, 1e-3))
		m.entry(name+".weight", values("gamma"), channels)
		m.entry(name+".bias", values("beta"), channels)
	case nn.BatchNormalization:
		axes := 1
		if len(b.In) == 3 {
			axes = 2
		}
		if len(b.In) > 3 {
			return v, b.Errorf("on samples of shape %v it is not written for PyTorch", b.In)
		}
		name = m.child(b, "nn.BatchNorm%dd(%d, eps=%v, momentum=%.6g)", axes, channels, cmp.Or(l.Epsilon, 1e-3), 1-cmp.Or(l.Momentum, 0.99))
		m.entry(name+".weight", values("gamma"), channels)
		m.entry(name+".bias", values("beta"), channels)
		m.entry(name+".running_mean", values("moving_mean"), channels)
		m.entry(name+".running_var", values("moving_variance"), channels)
		m.entry(name+".num_batches_tracked", []float32{0})
	}
	v.name, v.made = m.let("x", "self.%s(%s)", name, v.name), nil
	return v, nil
}

// recurrent writes a recurrent layer of one way or two, samples first.
func (m *module) recurrent(b exchange.Block, ways []exchange.Block, layer nn.Layer, v value) (value, error) {
	var class string
	var units int
	var sequences bool
	gates := []int{0}
	switch l := layer.(type) {
	case nn.SimpleRNN:
		class, units, sequences = "nn.RNN", l.Units, l.ReturnSequences
	case nn.LSTM:
		class, units, sequences, gates = "nn.LSTM", l.Units, l.ReturnSequences, []int{0, 1, 2, 3}
	case nn.GRU:
		class, units, sequences, gates = "nn.GRU", l.Units, l.ReturnSequences, []int{1, 0, 2}
		if l.ResetBefore {
			class, m.resetBefore = "ResetBeforeGRU", true
		}
	}
	v = m.plain(v)
	features, width := b.In[1], len(gates)*units
	bias := ways[0].Param("bias").Values
	both := ""
	if len(ways) == 2 {
		both = ", bidirectional=True"
	}
	name := m.child(b, "%s(%d, %d, batch_first=True%s%s)", class, features, units, noBias(bias), both)
	for i, way := range ways {
		suffix := []string{"_l0", "_l0_reverse"}[i]
		m.entry(name+".weight_ih"+suffix, gateRows(way.Param("kernel").Values, features, units, gates), width, features)
		m.entry(name+".weight_hh"+suffix, gateRows(way.Param("recurrent_kernel").Values, units, units, gates), width, units)
		if bias := way.Param("bias").Values; bias != nil {
			second := make([]float32, width)
			if len(bias) > width {
				second = gateRows(bias[width:], 1, units, gates)
			}
			m.entry(name+".bias_ih"+suffix, gateRows(bias[:width], 1, units, gates), width)
			m.entry(name+".bias_hh"+suffix, second, width)
		}
	}
	if sequences {
		return m.plainValue(m.let("x", "self.%s(%s)[0]", name, v.name), b.Out), nil
	}
	state := "self.%s(%s)[1]"
	if class == "nn.LSTM" {
		state += "[0]"
	}
	x := m.let("x", state, name, v.name) // ways × samples × units
	samples := relayout.Axis{Size: 1, Batch: true}
	view, _ := relayout.Of([]relayout.Axis{{Size: len(ways)}, samples, {Size: units}}).Transpose(1, 0, 2).Reshape(relayout.Samples(b.Out...))
	return value{name: x, view: view}, nil
}

// gateRows transposes a kernel of so many rows and puts the gates in PyTorch's order.
func gateRows(kernel []float32, rows, units int, gates []int) []float32 {
	t := transposed(kernel, len(kernel)/rows)
	var out []float32
	for _, gate := range gates {
		out = append(out, t[gate*units*rows:(gate+1)*units*rows]...)
	}
	return out
}
