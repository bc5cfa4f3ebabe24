package pytorch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hourglass"
	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
	"hourglass/tensor"
)

// module is a PyTorch module that is being written: lines of Python and a state dict.
type module struct {
	input                tensor.Shape
	state                []Tensor
	init, encode, decode []string
	classes              int  // of the labels that the methods take, 0 for none
	resetBefore          bool // it has a GRU that PyTorch lacks

	lines *[]string // of the method that is being written
	count int       // of variables
	taps  map[string]value
	skips []string // variables that encode hands to decode beside the codes
	// owners are the Linear layers that others may be tied to, by the first of their weights.
	owners map[*float32]owner
}

// owner is a Linear layer: the submodule, and its matrix in the state dict.
type owner struct {
	name   string
	entry  int
	view   relayout.View // of what it takes
	places []int         // of the elements there, nil where they are in order
}

// value is a variable, and how its axes show as those the layers see.
type value struct {
	name string
	view relayout.View
	made *columns
}

// columns are the entries of a Linear layer that nothing but element-wise functions follow:
// its outputs may be put in another order, which is their first axis.
type columns struct {
	m       *module
	entries []int
}

// translate writes an autoencoder.
func translate(ae *hourglass.Autoencoder) (*module, error) {
	m := &module{input: ae.Encoder().Input(), classes: ae.Classes(), taps: map[string]value{}, owners: map[*float32]owner{}}
	blocks, err := exchange.Blocks(ae, exchange.Whole)
	if err != nil {
		return nil, err
	}
	m.lines = &m.encode
	v := m.value("x", m.input)
	if s := ae.Scaler(); s != nil {
		v = m.scale(v, "(x - self.offset) / self.scale", s.Offset, s.Scale, m.input)
	}
	encoding := true
	for _, b := range blocks {
		if encoding && strings.HasPrefix(b.Name, string(exchange.Decoder)) {
			encoding = false
			m.finish(v)
			if ae.Decoder().Complete() != nil {
				m.handSkips()
			}
			m.lines = &m.decode
			v = m.value("x", b.In)
		}
		if v, err = m.layer(b, v); err != nil {
			return nil, err
		}
	}
	out := ae.Decoder().Output()
	if s := ae.Scaler(); s != nil {
		v = m.scale(m.arrange(v, order(out)...), "x * self.scale + self.offset", s.Offset, s.Scale, out)
	}
	m.finish(v)
	return m, nil
}

// handSkips lets decode have what has been tapped.
func (m *module) handSkips() {
	for _, v := range m.taps {
		m.skips = append(m.skips, v.name)
	}
	slices.Sort(m.skips)
}

// order returns how samples of a shape are stored: the channels of images first.
func order(shape tensor.Shape) []int {
	if len(shape) == 3 {
		return []int{0, 3, 1, 2}
	}
	list := make([]int, len(shape)+1)
	for i := range list {
		list[i] = i
	}
	return list
}

// value returns a variable with samples of a shape.
func (m *module) value(name string, shape tensor.Shape) value {
	return stored(name, shape, order(shape)...)
}

// stored returns a variable that shows as samples of a shape and has its axes in an order.
func stored(name string, shape tensor.Shape, order ...int) value {
	back := make([]int, len(order))
	for i, axis := range order {
		back[axis] = i
	}
	axes := relayout.Of(relayout.Samples(shape...)).Transpose(order...).Axes()
	return value{name: name, view: relayout.Of(axes).Transpose(back...)}
}

// finish leaves in x what the method returns.
func (m *module) finish(v value) {
	var shape tensor.Shape
	for _, a := range v.view.Axes()[1:] {
		shape = append(shape, a.Size)
	}
	v.made = nil // its order is known outside
	if v = m.arrange(v, order(shape)...); v.name != "x" {
		m.line("x = %s", v.name)
	}
}

func (m *module) line(format string, args ...any) {
	*m.lines = append(*m.lines, fmt.Sprintf(format, args...))
}

// let assigns an expression to a variable: x, or another one where x is still needed.
func (m *module) let(name, format string, args ...any) string {
	m.line("%s = %s", name, fmt.Sprintf(format, args...))
	return name
}

// scale writes what the scaler does, with its numbers as buffers.
func (m *module) scale(v value, expression string, offset, scale []float32, shape tensor.Shape) value {
	if len(scale) == 0 {
		return v
	}
	if len(offset) == 0 {
		offset = []float32{0}
	}
	if !strings.Contains(strings.Join(m.init, "\n"), `"offset"`) {
		m.buffer("offset", offset, shape)
		m.buffer("scale", scale, shape)
	}
	m.line("x = %s", expression)
	v.name, v.made = "x", nil
	return v
}

// buffer adds numbers that are not learned: one, or one for each element of a sample.
func (m *module) buffer(name string, values []float32, shape tensor.Shape) {
	if len(values) == 1 {
		shape = tensor.Shape{1}
	} else {
		view := stored("", shape, order(shape)...).view
		values, shape = spread(values, view.Permutation(), 1), outside(shape)
	}
	m.state = append(m.state, Tensor{name, shape, values})
	m.init = append(m.init, fmt.Sprintf("self.register_buffer(%q, torch.zeros(%s))", name, list(shape)))
}

// list writes whole numbers between commas.
func list(numbers []int) string {
	var parts []string
	for _, n := range numbers {
		parts = append(parts, fmt.Sprint(n))
	}
	return strings.Join(parts, ", ")
}

// spread puts element i of values, each of width numbers, at place places[i].
func spread(values []float32, places []int, width int) []float32 {
	out := make([]float32, len(values))
	for i, p := range places {
		copy(out[p*width:(p+1)*width], values[i*width:])
	}
	return out
}

// arrange returns v stored with its axes in an order, as samples are viewed.
func (m *module) arrange(v value, order ...int) value {
	view := v.view.Transpose(order...)
	if v.made != nil && !view.InOrder() && view.Axes()[0] == (relayout.Axis{Size: 1, Batch: true}) {
		v.made.permute(view.Permutation())
		view = view.Flattened()
	}
	before, moved, after := view.Moves()
	if before != nil {
		v.name = m.let("x", "%s.reshape(%s)", v.name, sizes(before))
	}
	if moved != nil {
		v.name = m.let("x", "%s.permute(%s)", v.name, list(moved))
	}
	if after != nil {
		v.name = m.let("x", "%s.reshape(%s)", v.name, sizes(after))
	}
	if moved != nil || before != nil || after != nil {
		v.made = nil
	}
	back := make([]int, len(order))
	for i, axis := range order {
		back[axis] = i
	}
	return value{v.name, relayout.Of(view.Axes()).Transpose(back...), v.made}
}

func sizes(axes []relayout.Axis) string {
	var parts []string
	for _, a := range axes {
		n := a.Size
		if a.Batch {
			n = -1
		}
		parts = append(parts, fmt.Sprint(n))
	}
	return strings.Join(parts, ", ")
}

// permute puts the outputs of a Linear layer in another order: output i is what was
// places[i].
func (c *columns) permute(places []int) {
	for _, e := range c.entries {
		t := &c.m.state[e]
		width := len(t.Values) / len(places)
		out := make([]float32, 0, len(t.Values))
		for _, p := range places {
			out = append(out, t.Values[p*width:(p+1)*width]...)
		}
		t.Values = out
	}
}

// child declares a submodule and returns its name.
func (m *module) child(b exchange.Block, format string, args ...any) string {
	name := strings.NewReplacer(".", "_").Replace(b.Name)
	m.init = append(m.init, fmt.Sprintf("self.%s = %s", name, fmt.Sprintf(format, args...)))
	return name
}

// entry adds an array to the state dict and returns its place.
func (m *module) entry(name string, values []float32, shape ...int) int {
	m.state = append(m.state, Tensor{name, shape, slices.Clone(values)})
	return len(m.state) - 1
}

// layer writes one layer.
func (m *module) layer(b exchange.Block, v value) (value, error) {
	switch l := b.Layer.(type) {
	case nn.GaussianNoise, nn.MaskingNoise, nn.SaltAndPepperNoise, nn.PatchMasking, nn.ActivityRegularization, nn.KLRegularization, nn.MMDRegularization, nn.Adversary:
		return v, nil
	case nn.Dropout:
		v.name = m.let("x", "F.dropout(%s, %v, self.training)", v.name, l.Rate)
		return v, nil
	case nn.Flatten, nn.Reshape:
		return m.reshape(b, v), nil
	case nn.Permute:
		v.view = v.view.Transpose(append([]int{0}, l...)...)
		return v, nil
	case nn.RepeatVector:
		v = m.plain(v)
		return m.plainValue(m.let("x", "%s.unsqueeze(1).expand(-1, %d, -1)", v.name, l.Times), b.Out), nil
	case nn.Dense:
		return m.dense(b, l, v)
	case nn.Activation:
		return m.activation(b, v, l)
	case nn.Conv1D, nn.Conv2D, nn.Conv1DTranspose, nn.Conv2DTranspose:
		return m.convolution(b, v)
	case nn.MaxPooling2D, nn.AveragePooling2D:
		return m.pooling(b, v)
	case nn.GlobalAveragePooling2D:
		v = m.arrange(v, 0, 3, 1, 2)
		return m.plainValue(m.let("x", "%s.mean((2, 3))", v.name), b.Out), nil
	case nn.UpSampling2D:
		return m.upSampling(b, l, v), nil
	case nn.ZeroPadding2D:
		v = m.arrange(v, 0, 3, 1, 2)
		p := l.Padding
		return m.value(m.let("x", "F.pad(%s, (%d, %d, %d, %d))", v.name, p.Left, p.Right, p.Top, p.Bottom), b.Out), nil
	case nn.Cropping2D:
		v = m.arrange(v, 0, 3, 1, 2)
		c := l.Cropping
		return m.value(m.let("x", "%s[:, :, %d:%d, %d:%d]", v.name, c.Top, b.In[0]-c.Bottom, c.Left, b.In[1]-c.Right), b.Out), nil
	case nn.BatchNormalization, nn.LayerNormalization, nn.GroupNormalization:
		return m.normalization(b, v)
	case nn.SimpleRNN, nn.LSTM, nn.GRU:
		return m.recurrent(b, []exchange.Block{b}, b.Layer, v)
	case nn.Bidirectional:
		onward, err := b.Inner(l.Layer, b.In, "forward.")
		if err != nil {
			return v, err
		}
		back, err := b.Inner(l.Layer, b.In, "backward.")
		if err != nil {
			return v, err
		}
		switch l.Layer.(type) {
		case nn.SimpleRNN, nn.LSTM, nn.GRU:
			return m.recurrent(b, []exchange.Block{onward, back}, l.Layer, v)
		}
		return m.bothWays(b, onward, back, v)
	case nn.TimeDistributed:
		return m.timeDistributed(b, l, v)
	case nn.DepthwiseConv1D, nn.DepthwiseConv2D, nn.SeparableConv1D, nn.SeparableConv2D:
		return m.depthwise(b, v)
	case nn.MultiHeadAttention:
		return m.attention(b, l, v), nil
	case nn.VectorQuantizer:
		return m.quantizer(b, l, v), nil
	case nn.PReLU:
		return m.prelu(b, v), nil
	case nn.PositionEmbedding:
		return m.positions(b, l, v), nil
	case nn.PixelShuffle:
		return m.pixelShuffle(b, l, v), nil
	case nn.Condition:
		return m.condition(b, l, v), nil
	case nn.ColumnActivation:
		return m.columnActivation(b, l, v)
	case nn.Tied:
		return m.tied(b, l, v)
	case nn.Residual:
		return m.residual(b, l, v)
	case nn.Parallel:
		return m.parallel(b, l, v)
	case nn.Tap:
		v = m.keep(b, v)
		m.taps[l.Name] = v
		return v, nil
	case nn.Join:
		tapped, ok := m.taps[l.Name]
		if !ok {
			return v, b.Errorf("there is no tap %q in front of it", l.Name)
		}
		names := []string{m.arrange(v, order(b.In)...).name, tapped.name}
		if l.TappedFirst {
			slices.Reverse(names)
		}
		return m.merge(l.Merge, b.Out, names...), nil
	case nn.Sampling, nn.ImportanceSampling, nn.TCSampling:
		v = m.plain(v)
		return m.plainValue(m.let("x", "%s[..., :%d]", v.name, b.Out[len(b.Out)-1]), b.Out), nil
	case nn.Named:
		inner, err := b.Named(l)
		if err != nil {
			return v, err
		}
		return m.layer(inner, v)
	case nn.Frozen:
		return m.wrapped(b, l.Layer, v)
	case nn.Regularized:
		return m.wrapped(b, l.Layer, v)
	case nn.Contractive:
		return m.list(b, "layers", l.Layers, v)
	}
	return v, b.Refuse("PyTorch")
}

func (m *module) wrapped(b exchange.Block, layer nn.Layer, v value) (value, error) {
	inner, err := b.Inner(layer, b.In, "")
	if err != nil {
		return v, err
	}
	return m.layer(inner, v)
}

// plain returns v stored as the layers see it.
func (m *module) plain(v value) value {
	order := make([]int, len(v.view.Axes()))
	for i := range order {
		order[i] = i
	}
	return m.arrange(v, order...)
}

func (m *module) plainValue(name string, shape tensor.Shape) value {
	return value{name: name, view: relayout.Of(relayout.Samples(shape...))}
}

func (m *module) reshape(b exchange.Block, v value) value {
	axes := relayout.Samples(b.Out...)
	if view, ok := v.view.Reshape(axes); ok {
		v.view = view
		return v
	}
	v = m.plain(v)
	return m.plainValue(m.let("x", "%s.reshape(%s)", v.name, sizes(axes)), b.Out)
}

// flat returns vectors in the order they are stored in, and the place of each element.
func (m *module) flat(v value) (value, []int) {
	if !v.view.BatchFirst() {
		v = m.plain(v)
	}
	places := v.view.Permutation()
	if len(v.view.Stored()) != 2 {
		v.name = m.let("x", "%s.flatten(1)", v.name)
	}
	v.view = v.view.Joined()
	return v, places
}

func (m *module) dense(b exchange.Block, l nn.Dense, v value) (value, error) {
	kernel, bias := b.Param("kernel").Values, b.Param("bias").Values
	in := len(kernel) / l.Units
	made := &columns{m: m}
	var places []int
	if len(b.In) == 1 {
		v, places = m.flat(v)
		kernel = spread(kernel, places, l.Units)
	} else {
		v = m.plain(v)
	}
	name := m.child(b, "nn.Linear(%d, %d%s)", in, l.Units, noBias(bias))
	made.entries = append(made.entries, m.entry(name+".weight", transposed(kernel, l.Units), l.Units, in))
	m.owners[&b.Param("kernel").Values[0]] = owner{name, made.entries[0], v.view, places}
	if bias != nil {
		made.entries = append(made.entries, m.entry(name+".bias", bias, l.Units))
	}
	out := m.plainValue(m.let("x", "self.%s(%s)", name, v.name), b.Out)
	if len(b.In) == 1 {
		out.made = made
	}
	return m.activation(b, out, nn.Activation{Func: l.Activation})
}

func noBias(bias []float32) string {
	if bias == nil {
		return ", bias=False"
	}
	return ""
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

// functions are PyTorch's names of activation functions.
var functions = map[nn.Func]string{nn.ReLU: "F.relu(x)", nn.ELU: "F.elu(x)", nn.SELU: "F.selu(x)", nn.Sigmoid: "torch.sigmoid(x)",
	nn.Tanh: "torch.tanh(x)", nn.Softplus: "F.softplus(x)", nn.GELU: "F.gelu(x)", nn.GELUTanh: `F.gelu(x, approximate="tanh")`,
	nn.SiLU: "F.silu(x)", nn.Mish: "F.mish(x)", nn.HardSigmoid: "F.hardsigmoid(x)", nn.HardSiLU: "F.hardswish(x)", nn.ReLU6: "F.relu6(x)"}

func (m *module) activation(b exchange.Block, v value, l nn.Activation) (value, error) {
	switch {
	case l.Func == nn.Linear:
		return v, nil
	case l.Func == nn.LeakyReLU:
		v.name = m.let("x", "F.leaky_relu(%s, %v)", v.name, cmp.Or(l.Slope, 0.2))
		return v, nil
	case functions[l.Func] == "":
		return v, b.Errorf("activation %v is not written for PyTorch", l.Func)
	}
	v.name = m.let("x", "%s", strings.Replace(functions[l.Func], "x", v.name, 1))
	return v, nil
}

func (m *module) upSampling(b exchange.Block, l nn.UpSampling2D, v value) value {
	size := cmp.Or(l.Size, nn.Square(2))
	v = m.arrange(v, 0, 3, 1, 2)
	mode := ""
	if l.Interpolation == nn.Bilinear {
		mode = `, mode="bilinear", align_corners=False`
	}
	return m.value(m.let("x", "F.interpolate(%s, scale_factor=(%d, %d)%s)", v.name, size[0], size[1], mode), b.Out)
}

// keep puts a value into a variable of its own, for several readers.
func (m *module) keep(b exchange.Block, v value) value {
	m.count++
	v = m.arrange(v, order(b.In)...)
	v.name, v.made = m.let(fmt.Sprintf("x%d", m.count), "%s", v.name), nil
	return v
}

// branch writes layers that begin at a kept value, and returns a variable with what comes
// out of them.
func (m *module) branch(b exchange.Block, name string, layers []nn.Layer, v value) (string, error) {
	made, err := m.list(b, name, layers, v)
	if err != nil {
		return "", err
	}
	var shape tensor.Shape
	for _, a := range made.view.Axes()[1:] {
		shape = append(shape, a.Size)
	}
	made = m.arrange(made, order(shape)...)
	m.count++
	return m.let(fmt.Sprintf("x%d", m.count), "%s", made.name), nil
}

// merge writes how variables with samples of a shape become one.
func (m *module) merge(merge nn.Merge, out tensor.Shape, names ...string) value {
	switch merge {
	case nn.Add:
		return m.value(m.let("x", "%s", strings.Join(names, " + ")), out)
	case nn.Multiply:
		return m.value(m.let("x", "%s", strings.Join(names, " * ")), out)
	}
	axis := -1
	if len(out) == 3 {
		axis = 1
	}
	return m.value(m.let("x", "torch.cat([%s], %d)", strings.Join(names, ", "), axis), out)
}

func (m *module) residual(b exchange.Block, l nn.Residual, v value) (value, error) {
	v = m.keep(b, v)
	made, err := m.branch(b, "layers", l.Layers, v)
	if err != nil {
		return v, err
	}
	kept, err := m.branch(b, "projection", l.Projection, v)
	if err != nil {
		return v, err
	}
	return m.activation(b, m.merge(nn.Add, b.Out, kept, made), nn.Activation{Func: l.Activation})
}

func (m *module) parallel(b exchange.Block, l nn.Parallel, v value) (value, error) {
	v = m.keep(b, v)
	var made []string
	for i, layers := range l.Branches {
		name, err := m.branch(b, fmt.Sprintf("branches.%d", i), layers, v)
		if err != nil {
			return v, err
		}
		made = append(made, name)
	}
	return m.merge(l.Merge, b.Out, made...), nil
}

func (m *module) list(b exchange.Block, name string, layers []nn.Layer, v value) (value, error) {
	blocks, err := b.List(name, layers, b.In)
	if err != nil {
		return v, err
	}
	for _, inner := range blocks {
		if v, err = m.layer(inner, v); err != nil {
			return v, err
		}
	}
	v.made = nil
	return v, nil
}
