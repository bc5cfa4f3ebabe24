package pytorch

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"hourglass/exchange"
	kinds "hourglass/internal/columns"
	"hourglass/nn"
)

// depthwise writes a convolution of as many groups as there are channels, and the one of a
// single tap behind it of a separable one.
func (m *module) depthwise(b exchange.Block, v value) (value, error) {
	w := options(b.Layer)
	n, channels := len(w.kernel), b.In[len(b.In)-1]
	before, after := make([]int, n), make([]int, n)
	for i := range n {
		var err error
		if before[i], after[i], err = nn.ConvolutionMargins(b.In[i], w.kernel[i], w.strides[i], w.dilation[i], w.padding); err != nil {
			return v, b.Errorf("%w", err)
		}
	}
	v = m.arrange(v, channelsFirst(b.In)...)
	if pad := padding(before, after); pad != "" {
		v.name = m.let("x", "F.pad(%s, (%s))", v.name, pad)
	}
	kernel, bias := b.Param("kernel"), b.Param("bias").Values
	own := bias
	if w.filters > 0 {
		kernel, own = b.Param("depthwise_kernel"), nil
	}
	wide := channels * kernel.Shape[len(kernel.Shape)-1]
	name := m.child(b, "nn.Conv%dd(%d, %d, %s, stride=%s, dilation=%s, groups=%d%s)", n, channels, wide, tuple(w.kernel), tuple(w.strides), tuple(w.dilation), channels, noBias(own))
	m.entry(name+".weight", transposed(kernel.Values, wide), append([]int{wide, 1}, w.kernel...)...)
	m.biasEntry(name, own)
	x := m.let("x", "self.%s(%s)", name, v.name)
	if w.filters > 0 {
		name = m.childNamed(b, "pointwise", "nn.Conv%dd(%d, %d, 1%s)", n, wide, w.filters, noBias(bias))
		m.entry(name+".weight", transposed(b.Param("pointwise_kernel").Values, w.filters), append([]int{w.filters, wide}, slices.Repeat([]int{1}, n)...)...)
		m.biasEntry(name, bias)
		x = m.let("x", "self.%s(%s)", name, x)
	}
	return m.activation(b, stored(x, b.Out, channelsFirst(b.Out)...), nn.Activation{Func: w.fn})
}

// biasEntry adds a bias to the state dict, if there is one.
func (m *module) biasEntry(name string, bias []float32) {
	if bias != nil {
		m.entry(name+".bias", bias, len(bias))
	}
}

// childNamed declares another submodule of a layer and returns its name.
func (m *module) childNamed(b exchange.Block, suffix, format string, args ...any) string {
	b.Name += "." + suffix
	return m.child(b, format, args...)
}

// parameter declares an array that is learned and returns what it is in an expression. It
// stands in a list, so that the state dict has it in its layer's place.
func (m *module) parameter(b exchange.Block, values []float32, shape ...int) string {
	name := m.child(b, "nn.ParameterList([nn.Parameter(torch.zeros(%s))])", list(shape))
	m.entry(name+".0", values, shape...)
	return "self." + name + "[0]"
}

// attention writes MultiheadAttention, whose heads share the features among them, or four
// Linear layers where they do not.
func (m *module) attention(b exchange.Block, l nn.MultiHeadAttention, v value) value {
	v = m.plain(v)
	steps, features, dim := b.In[0], b.In[1], cmp.Or(l.ValueDim, l.KeyDim)
	mask := ""
	if l.Causal {
		mask = fmt.Sprintf("torch.ones(%d, %d, dtype=torch.bool, device=%s.device).triu(1)", steps, steps, v.name)
	}
	if l.Heads*l.KeyDim == features && dim == l.KeyDim {
		return m.plainValue(m.packedAttention(b, l, v.name, mask), b.Out)
	}
	project := func(projection, x string, in, out int) string {
		bias := b.Param(projection + "_bias").Values
		name := m.childNamed(b, projection, "nn.Linear(%d, %d%s)", in, out, noBias(bias))
		m.entry(name+".weight", transposed(b.Param(projection+"_kernel").Values, out), out, in)
		m.biasEntry(name, bias)
		return fmt.Sprintf("self.%s(%s)", name, x)
	}
	heads := func(projection string, dim int) string {
		return fmt.Sprintf("%s.unflatten(-1, (%d, %d)).transpose(1, 2)", project(projection, v.name, features, l.Heads*dim), l.Heads, dim)
	}
	m.line("q, k, v = %s, %s, %s", heads("query", l.KeyDim), heads("key", l.KeyDim), heads("value", dim))
	m.line("a = q @ k.transpose(-2, -1) * %v", float32(1/math.Sqrt(float64(l.KeyDim))))
	if mask != "" {
		m.line(`a = a.masked_fill(%s, float("-inf"))`, mask)
	}
	m.line("x = (torch.softmax(a, -1) @ v).transpose(1, 2).flatten(2)")
	return m.plainValue(m.let("x", "%s", project("output", "x", l.Heads*dim, features)), b.Out)
}

// packedAttention writes a MultiheadAttention of x.
func (m *module) packedAttention(b exchange.Block, l nn.MultiHeadAttention, x, mask string) string {
	features := b.In[1]
	var weights, biases []float32
	for _, projection := range []string{"query", "key", "value"} {
		weights = append(weights, transposed(b.Param(projection+"_kernel").Values, features)...)
		biases = append(biases, b.Param(projection+"_bias").Values...)
	}
	name := m.child(b, "nn.MultiheadAttention(%d, %d%s, batch_first=True)", features, l.Heads, noBias(b.Param("output_bias").Values))
	m.entry(name+".in_proj_weight", weights, 3*features, features)
	if !l.NoBias {
		m.entry(name+".in_proj_bias", biases, 3*features)
	}
	m.entry(name+".out_proj.weight", transposed(b.Param("output_kernel").Values, features), features, features)
	m.biasEntry(name+".out_proj", b.Param("output_bias").Values)
	if mask != "" {
		mask = ", attn_mask=" + mask
	}
	return m.let("x", "self.%s(%s, %s, %s, need_weights=False%s)[0]", name, x, x, x, mask)
}

// quantizer writes the choice of the nearest vector of a codebook. How often each has been
// chosen stands in the state dict for training to go on with.
func (m *module) quantizer(b exchange.Block, l nn.VectorQuantizer, v value) value {
	v = m.plain(v)
	codebook, counts := b.Param("codebook"), b.Param("counts")
	name := m.child(b, "nn.ParameterList([nn.Parameter(torch.zeros(%s)), nn.Parameter(torch.zeros(%d), requires_grad=False)])", list(codebook.Shape), l.Codes)
	m.entry(name+".0", codebook.Values, codebook.Shape...)
	m.entry(name+".1", counts.Values, l.Codes)
	return m.plainValue(m.let("x", "self.%s[0][((%s.unsqueeze(-2) - self.%s[0]) ** 2).sum(-1).argmin(-1)]", name, v.name, name), b.Out)
}

// prelu writes PReLU, which has a slope for every channel, or what it does with others.
func (m *module) prelu(b exchange.Block, v value) value {
	alpha := b.Param("alpha")
	if n := len(alpha.Values); alpha.Shape[len(alpha.Shape)-1] == n {
		v = m.arrange(v, channelsFirst(b.In)...)
		name := m.child(b, "nn.PReLU(%d)", n)
		m.entry(name+".weight", alpha.Values, n)
		v.name, v.made = m.let("x", "self.%s(%s)", name, v.name), nil
		return v
	}
	v = m.plain(v)
	slopes := m.parameter(b, alpha.Values, alpha.Shape...)
	return m.plainValue(m.let("x", "torch.where(%s > 0, %s, %s * %s)", v.name, v.name, slopes, v.name), b.Out)
}

// positions adds embeddings: learned ones, or waves, which are no part of the state dict.
func (m *module) positions(b exchange.Block, l nn.PositionEmbedding, v value) value {
	v = m.plain(v)
	steps, features := b.In[0], b.In[1]
	if !l.Sinusoidal {
		return m.plainValue(m.let("x", "%s + %s", v.name, m.parameter(b, b.Param("embeddings").Values, steps, features)), b.Out)
	}
	m.line("t = torch.arange(%d, dtype=torch.float64).unsqueeze(1) / 10000 ** (torch.arange(%d).div(2, rounding_mode=\"floor\") * 2 / %d)", steps, features, features)
	m.line("waves = torch.where(torch.arange(%d) %% 2 == 0, torch.sin(t), torch.cos(t)).float()", features)
	return m.plainValue(m.let("x", "%s + waves.to(%s.device)", v.name, v.name), b.Out)
}

// pixelShuffle: PyTorch's own takes channels in another order.
func (m *module) pixelShuffle(b exchange.Block, l nn.PixelShuffle, v value) value {
	v = m.arrange(v, 0, 3, 1, 2)
	r := l.Factor
	x := m.let("x", "%s.reshape(-1, %d, %d, %d, %d, %d).permute(0, 3, 4, 1, 5, 2)", v.name, r, r, b.Out[2], b.In[0], b.In[1])
	return m.value(m.let("x", "%s.reshape(-1, %d, %d, %d)", x, b.Out[2], b.Out[0], b.Out[1]), b.Out)
}

// tied writes the product with another layer's matrix, turned over: what it makes is in the order
// of what that layer takes. The matrix must have its outputs as they are here: not in the order of
// images with channels first.
func (m *module) tied(b exchange.Block, l nn.Tied, v value) (value, error) {
	kernel, err := b.Shared(l.To, "kernel")
	if err != nil {
		return v, err
	}
	units, values, bias := kernel.Shape[1], kernel.Values, b.Param("bias").Values
	of := m.owners[&kernel.Values[0]]
	out := m.plainValue("", b.Out)
	if of.places != nil {
		values, out.view = spread(values, of.places, units), of.view
		if bias != nil {
			bias = spread(bias, of.places, 1)
		}
	}
	if of.name == "" || !slices.Equal(m.state[of.entry].Values, transposed(values, units)) {
		return v, b.Errorf("what %q makes is in the order of images with channels first there; export it to ONNX instead", l.To)
	}
	v = m.plain(v)
	added := "None"
	if bias != nil {
		added = m.parameter(b, bias, len(bias))
	}
	out.name = m.let("x", "F.linear(%s, self.%s.weight.t(), %s)", v.name, of.name, added)
	return m.activation(b, out, nn.Activation{Func: l.Activation})
}

// condition puts behind the values what stands for the label, the same at every position.
func (m *module) condition(b exchange.Block, l nn.Condition, v value) value {
	v = m.arrange(v, order(b.In)...)
	told := fmt.Sprintf("F.one_hot(labels, %d).to(%s.dtype)", l.Classes, v.name)
	if l.Embedding > 0 {
		name := m.child(b, "nn.Embedding(%d, %d)", l.Classes, l.Embedding)
		m.entry(name+".weight", b.Param("embeddings").Values, l.Classes, l.Embedding)
		told = fmt.Sprintf("self.%s(labels)", name)
	}
	switch positions := b.In[:len(b.In)-1]; len(positions) {
	case 0:
	case 2:
		told += fmt.Sprintf("[:, :, None, None].expand(-1, -1, %s)", list(positions))
	default:
		told += fmt.Sprintf("[:, %s:].expand(-1, %s, -1)", strings.Repeat("None, ", len(positions)), list(positions))
	}
	return m.merge(nn.Concatenate, b.Out, v.name, told)
}

// columnActivation applies to each group of columns what its kind wants.
func (m *module) columnActivation(b exchange.Block, l nn.ColumnActivation, v value) (value, error) {
	groups, err := kinds.Parse(l.Columns)
	if err != nil {
		return v, b.Errorf("%w", err)
	}
	v = m.plain(v)
	var parts []string
	for _, g := range groups {
		part := fmt.Sprintf("%s[..., %d:%d]", v.name, g.Lo, g.Hi)
		switch g.Kind {
		case kinds.Classes:
			part = fmt.Sprintf("torch.softmax(%s, -1)", part)
		case kinds.Booleans:
			part = fmt.Sprintf("torch.sigmoid(%s)", part)
		}
		parts = append(parts, part)
	}
	return m.plainValue(m.let("x", "torch.cat([%s], -1)", strings.Join(parts, ", ")), b.Out), nil
}

// timeDistributed makes every step a sample, unless the layer treats steps alike anyway.
func (m *module) timeDistributed(b exchange.Block, l nn.TimeDistributed, v value) (value, error) {
	if _, ok := l.Layer.(nn.Dense); ok {
		return m.wrapped(b, l.Layer, v)
	}
	inner, err := b.Inner(l.Layer, b.In[1:], "")
	if err != nil {
		return v, err
	}
	v = m.plain(v)
	made, err := m.layer(inner, m.plainValue(m.let("x", "%s.flatten(0, 1)", v.name), inner.In))
	if err != nil {
		return v, err
	}
	made.made = nil
	made = m.plain(made)
	return m.plainValue(m.let("x", "%s.unflatten(0, (-1, %d))", made.name, b.In[0]), b.Out), nil
}

// bothWays writes a layer on the steps in their order, and another one on those turned round.
func (m *module) bothWays(b exchange.Block, onward, back exchange.Block, v value) (value, error) {
	v = m.plain(v)
	m.count++
	kept := m.let(fmt.Sprintf("x%d", m.count), "%s", v.name)
	var made [2]string
	for way, inner := range []exchange.Block{onward, back} {
		from := kept
		if way == 1 {
			from = m.let("x", "%s.flip(1)", kept)
		}
		y, err := m.layer(inner, m.plainValue(from, b.In))
		if err != nil {
			return v, err
		}
		y.made = nil
		y = m.plain(y)
		if way == 1 && len(inner.Out) > 1 && inner.Out[0] == b.In[0] {
			y.name = m.let("x", "%s.flip(1)", y.name)
		}
		m.count++
		made[way] = m.let(fmt.Sprintf("x%d", m.count), "%s", y.name)
	}
	return m.plainValue(m.let("x", "torch.cat([%s, %s], -1)", made[0], made[1]), b.Out), nil
}
