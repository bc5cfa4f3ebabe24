// Package c99 writes autoencoders as one file of C99 without dependencies but math.h, for
// microcontrollers and other programs: weights are constant arrays, layers are loops over
// float, memory is static. The functions are
//
//	void hourglass_encode(const float *x, float *codes);
//	void hourglass_decode(const float *codes, float *y);
//	void hourglass_reconstruct(const float *x, float *y);
//
// for one sample; they share their memory and are not to be called by several threads at once.
// Where the decoder joins what the encoder taps, there is no hourglass_decode. Where layers ask
// for labels, all take the sample's, a whole number, behind their first argument.
package c99

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"hourglass"
	"hourglass/exchange"
	"hourglass/internal/atomicfile"
	"hourglass/internal/columns"
	"hourglass/nn"
	"hourglass/tensor"
)

// WriteFile writes an autoencoder to a file, whole or not at all.
func WriteFile(path string, ae *hourglass.Autoencoder) error {
	err := atomicfile.Write(path, func(w io.Writer) error { return Write(w, ae) })
	if err != nil {
		return fmt.Errorf("c99: write %s: %w", path, err)
	}
	return nil
}

// Write writes an autoencoder. The same model gives the same text.
func Write(w io.Writer, ae *hourglass.Autoencoder) error {
	p := &program{helpers: map[string]bool{}, names: map[*float32]string{}, taps: map[string]buffer{}}
	blocks, err := exchange.Blocks(ae, exchange.Whole)
	if err != nil {
		return err
	}
	in, code, out := ae.Encoder().Input().Size(), ae.Encoder().Output().Size(), ae.Decoder().Output().Size()
	var bodies [2]string
	split := slices.IndexFunc(blocks, func(b exchange.Block) bool { return strings.HasPrefix(b.Name, string(exchange.Decoder)) })
	if split < 0 {
		split = len(blocks)
	}
	for i, part := range [][]exchange.Block{blocks[:split], blocks[split:]} {
		sizes, from, to := [2]int{in, code}, "x", "codes"
		if i == 1 {
			sizes, from, to = [2]int{code, out}, "codes", "y"
		}
		if bodies[i], err = p.part(part, from, to, sizes, ae, i == 0); err != nil {
			return err
		}
	}
	return p.write(w, ae, bodies)
}

// buffer is memory that holds a value: an argument, or one of the program's own.
type buffer struct {
	name string
	own  int // 1 + its number, 0 for an argument
}

// program is what is written.
type program struct {
	arrays  strings.Builder
	body    strings.Builder
	helpers map[string]bool
	buffers []int // sizes
	free    []bool
	kept    []int               // readers that a buffer still has beyond the next layer
	count   int                 // of arrays, and of loops
	names   map[*float32]string // of arrays that have been written, by their first number
	taps    map[string]buffer
}

// take returns memory for n numbers.
func (p *program) take(n int) buffer {
	best := -1
	for i, free := range p.free {
		if free && (best < 0 || p.buffers[i] > p.buffers[best]) {
			best = i
		}
	}
	if best < 0 {
		p.buffers, p.free, p.kept = append(p.buffers, 0), append(p.free, true), append(p.kept, 0)
		best = len(p.free) - 1
	}
	p.free[best] = false
	p.buffers[best] = max(p.buffers[best], n)
	return buffer{fmt.Sprintf("buffer%d", best), best + 1}
}

// release gives memory back, unless somebody else still reads it.
func (p *program) release(b buffer) {
	if b.own == 0 {
		return
	}
	if p.kept[b.own-1] > 0 {
		p.kept[b.own-1]--
		return
	}
	p.free[b.own-1] = true
}

// keep lets a buffer have one more reader.
func (p *program) keep(b buffer) {
	if b.own > 0 {
		p.kept[b.own-1]++
	}
}

func (p *program) line(format string, args ...any) { fmt.Fprintf(&p.body, "    "+format+"\n", args...) }

// array writes constants and returns their name, or NULL for none.
func (p *program) array(values []float32) string {
	if len(values) == 0 {
		return "NULL"
	}
	if name := p.names[&values[0]]; name != "" { // of a layer that others are tied to
		return name
	}
	p.count++
	name := fmt.Sprintf("weights%d", p.count)
	fmt.Fprintf(&p.arrays, "static const float %s[%d] = {", name, len(values))
	for i, v := range values {
		if i%8 == 0 {
			p.arrays.WriteString("\n    ")
		}
		p.arrays.WriteString(number(v) + ", ")
	}
	p.arrays.WriteString("\n};\n\n")
	p.names[&values[0]] = name
	return name
}

// number writes a number exactly.
func number(v float32) string {
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(float64(v), 'x', -1, 32) + "f"
}

// part writes the layers of the encoder or the decoder.
func (p *program) part(blocks []exchange.Block, from, to string, sizes [2]int, ae *hourglass.Autoencoder, encoder bool) (string, error) {
	p.body.Reset()
	v := buffer{name: from}
	s := ae.Scaler()
	if s != nil && len(s.Scale) > 0 && encoder {
		y := p.take(sizes[0])
		p.need("scale")
		p.line("scale(%s, %s, %d, %s, %d, %s, %d);", y.name, v.name, sizes[0], p.array(s.Offset), len(s.Offset), p.array(s.Scale), len(s.Scale))
		v = y
	}
	var err error
	for _, b := range blocks {
		if v, err = p.layer(b, v); err != nil {
			return "", err
		}
	}
	if s != nil && len(s.Scale) > 0 && !encoder {
		p.need("unscale")
		p.line("unscale(%s, %s, %d, %s, %d, %s, %d);", to, v.name, sizes[1], p.array(s.Offset), len(s.Offset), p.array(s.Scale), len(s.Scale))
	} else {
		p.line("memcpy(%s, %s, %d * sizeof(float));", to, v.name, sizes[1])
	}
	p.release(v)
	return p.body.String(), nil
}

// write puts the file together.
func (p *program) write(w io.Writer, ae *hourglass.Autoencoder, bodies [2]string) error {
	for _, a := range ae.Network().Arrays() {
		for _, v := range a.Values {
			if v-v != 0 {
				return fmt.Errorf("array %s of layer %d has the number %v, want finite ones", a.Name, a.Layer, v)
			}
		}
	}
	out := bufio.NewWriter(w)
	in, code, y := ae.Encoder().Input(), ae.Encoder().Output(), ae.Decoder().Output()
	fmt.Fprintf(out, "/* An autoencoder that Hourglass has trained: samples of %v values become codes of %v.\n", shape(in), shape(code))
	fmt.Fprintf(out, "   The functions work on one sample; they share their memory. */\n")
	fmt.Fprintf(out, "#include <math.h>\n#include <stddef.h>\n#include <string.h>\n\n")
	fmt.Fprintf(out, "#define HOURGLASS_INPUT %d\n#define HOURGLASS_CODES %d\n#define HOURGLASS_OUTPUT %d\n\n", in.Size(), code.Size(), y.Size())
	label, pass := "", "" // an argument
	if classes := ae.Classes(); classes > 0 {
		label, pass = "int label, ", "label, "
		fmt.Fprintf(out, "/* Labels are whole numbers from 0 to below it. */\n#define HOURGLASS_CLASSES %d\n\n", classes)
		for i := range bodies {
			bodies[i] = "    (void)label; /* which both parts take */\n" + bodies[i]
		}
	}
	encode := fmt.Sprintf("void hourglass_encode(const float *x, %sfloat *codes)", label)
	decode := fmt.Sprintf("void hourglass_decode(const float *codes, %sfloat *y)", label)
	if ae.Decoder().Complete() != nil { // it reads what the encoder has left in memory
		decode = "static " + decode
	}
	reconstruct := fmt.Sprintf("void hourglass_reconstruct(const float *x, %sfloat *y)", label)
	fmt.Fprintf(out, "%s;\n%s;\n%s;\n\n", encode, decode, reconstruct)
	out.WriteString(p.arrays.String())
	for i, n := range p.buffers {
		fmt.Fprintf(out, "static float buffer%d[%d];\n", i, n)
	}
	out.WriteString("\n")
	for _, h := range helpers {
		if p.helpers[h.name] {
			out.WriteString(strings.TrimLeft(h.code, "\n") + "\n")
		}
	}
	fmt.Fprintf(out, "%s\n{\n%s}\n\n%s\n{\n%s}\n\n", encode, bodies[0], decode, bodies[1])
	fmt.Fprintf(out, "%s\n{\n    static float codes[HOURGLASS_CODES];\n    hourglass_encode(x, %scodes);\n    hourglass_decode(codes, %sy);\n}\n", reconstruct, pass, pass)
	return out.Flush()
}

func shape(s tensor.Shape) string {
	var axes []string
	for _, n := range s {
		axes = append(axes, strconv.Itoa(n))
	}
	return strings.Join(axes, "x")
}

// need has helpers written, and those that they call.
func (p *program) need(names ...string) {
	for _, name := range names {
		p.helpers[name] = true
		p.need(calls[name]...)
	}
}

// call writes y = f(x, …) into new memory and gives the old back.
func (p *program) call(helper string, b exchange.Block, v buffer, args ...any) buffer {
	y := p.take(b.Out.Size())
	p.need(helper)
	list := []string{y.name, v.name}
	for _, a := range args {
		list = append(list, fmt.Sprint(a))
	}
	p.line("%s(%s);", helper, strings.Join(list, ", "))
	p.release(v)
	return y
}

// functions are the names of helpers that apply an activation function to one number.
var functions = map[nn.Func]string{nn.ReLU: "relu", nn.LeakyReLU: "leaky", nn.ELU: "elu", nn.SELU: "selu", nn.Sigmoid: "sigmoid", nn.Tanh: "tanhf",
	nn.Softplus: "softplus", nn.GELU: "gelu", nn.GELUTanh: "gelu_tanh", nn.SiLU: "silu", nn.Mish: "mish", nn.HardSigmoid: "hard_sigmoid",
	nn.HardSiLU: "hard_silu", nn.ReLU6: "relu6"}

// activate applies a function to n numbers where they are.
func (p *program) activate(b exchange.Block, v buffer, fn nn.Func) error {
	if fn == nn.Linear {
		return nil
	}
	name, ok := functions[fn]
	if !ok {
		return b.Errorf("activation %v is not written in C", fn)
	}
	p.need("activate", name)
	p.line("activate(%s, %d, %s);", v.name, b.Out.Size(), name)
	return nil
}

// own returns v in memory that may be changed.
func (p *program) own(b exchange.Block, v buffer) buffer {
	if v.own > 0 && p.kept[v.own-1] == 0 {
		return v
	}
	y := p.take(b.In.Size())
	p.line("memcpy(%s, %s, %d * sizeof(float));", y.name, v.name, b.In.Size())
	p.release(v)
	return y
}

// layer writes one layer.
func (p *program) layer(b exchange.Block, v buffer) (buffer, error) {
	last := b.In[len(b.In)-1]
	rows := b.In.Size() / last
	switch l := b.Layer.(type) {
	case nn.Flatten, nn.Reshape, nn.Dropout, nn.GaussianNoise, nn.MaskingNoise, nn.SaltAndPepperNoise, nn.PatchMasking,
		nn.ActivityRegularization, nn.KLRegularization, nn.MMDRegularization, nn.Adversary:
		return v, nil
	case nn.VectorQuantizer:
		return p.call("quantize", b, v, rows, last, l.Codes, p.array(b.Param("codebook").Values)), nil
	case nn.Tied:
		kernel, err := b.Shared(l.To, "kernel")
		if err != nil {
			return v, err
		}
		v = p.call("dense_turned", b, v, rows, last, kernel.Shape[0], p.array(kernel.Values), p.array(b.Param("bias").Values))
		return v, p.activate(b, v, l.Activation)
	case nn.Dense:
		v = p.call("dense", b, v, rows, last, l.Units, p.array(b.Param("kernel").Values), p.array(b.Param("bias").Values))
		return v, p.activate(b, v, l.Activation)
	case nn.Activation:
		v = p.own(b, v)
		if l.Slope != 0 {
			p.need("leaky_slope")
			p.line("leaky_slope(%s, %d, %s);", v.name, b.In.Size(), number(float32(l.Slope)))
			return v, nil
		}
		return v, p.activate(b, v, l.Func)
	case nn.Conv1D, nn.Conv2D, nn.Conv1DTranspose, nn.Conv2DTranspose:
		return p.convolution(b, v)
	case nn.DepthwiseConv1D, nn.DepthwiseConv2D, nn.SeparableConv1D, nn.SeparableConv2D:
		return p.depthwise(b, v)
	case nn.MultiHeadAttention:
		return p.attention(b, v, l), nil
	case nn.MaxPooling2D:
		return p.pooling(b, v, "max_pool", l.Pool, l.Strides, l.Padding)
	case nn.AveragePooling2D:
		return p.pooling(b, v, "mean_pool", l.Pool, l.Strides, l.Padding)
	case nn.GlobalAveragePooling2D:
		return p.call("mean_pool", b, v, b.In[0], b.In[1], last, 1, 1, b.In[0], b.In[1], 1, 1, 0, 0), nil
	case nn.UpSampling2D:
		size := cmp.Or(l.Size, nn.Square(2))
		if l.Interpolation == nn.Bilinear {
			return p.call("interpolate", b, v, b.In[0], b.In[1], last, size[0], size[1]), nil
		}
		return p.call("up_sample", b, v, b.In[0], b.In[1], last, size[0], size[1]), nil
	case nn.PixelShuffle:
		return p.call("pixel_shuffle", b, v, b.Out[0], b.Out[1], b.Out[2], l.Factor), nil
	case nn.ZeroPadding2D:
		return p.call("pad", b, v, b.In[0], b.In[1], last, b.Out[0], b.Out[1], l.Padding.Top, l.Padding.Left), nil
	case nn.Cropping2D:
		return p.call("pad", b, v, b.In[0], b.In[1], last, b.Out[0], b.Out[1], -l.Cropping.Top, -l.Cropping.Left), nil
	case nn.Permute:
		return p.permute(b, v, l)
	case nn.RepeatVector:
		return p.call("repeat", b, v, l.Times, last), nil
	case nn.BatchNormalization:
		scale, shift := folded(b, cmp.Or(l.Epsilon, 1e-3))
		return p.call("affine", b, v, rows, last, p.array(scale), p.array(shift)), nil
	case nn.LayerNormalization:
		return p.call("layer_norm", b, v, rows, last, number(float32(cmp.Or(l.Epsilon, 1e-3))), p.array(b.Param("gamma").Values), p.array(b.Param("beta").Values)), nil
	case nn.GroupNormalization:
		groups := cmp.Or(l.Groups, 32)
		if groups == -1 {
			groups = last
		}
		return p.call("group_norm", b, v, rows, last, groups, number(float32(cmp.Or(l.Epsilon, 1e-3))), p.array(b.Param("gamma").Values), p.array(b.Param("beta").Values)), nil
	case nn.PReLU:
		slopes := expanded(b.Param("alpha"), b.In)
		return p.call("prelu", b, v, b.In.Size(), p.array(slopes), len(slopes)), nil
	case nn.PositionEmbedding:
		return p.positions(b, v, l)
	case nn.Condition:
		return p.call("condition", b, v, rows, last, "label", cmp.Or(l.Embedding, l.Classes), p.array(b.Param("embeddings").Values)), nil
	case nn.ColumnActivation:
		return p.columnActivation(b, v, l)
	case nn.Sampling, nn.ImportanceSampling, nn.TCSampling: // the means, which codes are but in training
		return p.call("columns", b, v, rows, last, b.Out[len(b.Out)-1]), nil
	case nn.SimpleRNN, nn.LSTM, nn.GRU:
		return p.recurrent(b, v, b.Layer, 0)
	case nn.Bidirectional:
		return p.bidirectional(b, v, l)
	case nn.TimeDistributed:
		return p.timeDistributed(b, v, l)
	case nn.Residual:
		return p.residual(b, l, v)
	case nn.Parallel:
		return p.parallel(b, l, v)
	case nn.Tap:
		return p.tap(b, l, v), nil
	case nn.Join:
		tapped, ok := p.taps[l.Name]
		if !ok {
			return v, b.Errorf("there is no tap %q in front of it", l.Name)
		}
		values, widths, done := []buffer{v, tapped}, []int{last, b.Out[len(b.Out)-1] - last}, []bool{true, false}
		if l.TappedFirst {
			slices.Reverse(values)
			slices.Reverse(widths)
			slices.Reverse(done)
		}
		return p.merge(b, l.Merge, values, widths, done), nil
	case nn.Named:
		inner, err := b.Named(l)
		if err != nil {
			return v, err
		}
		return p.layer(inner, v)
	case nn.Frozen:
		return p.inner(b, l.Layer, v)
	case nn.Regularized:
		return p.inner(b, l.Layer, v)
	case nn.Contractive:
		return p.list(b, "layers", l.Layers, v)
	}
	return v, b.Refuse("C")
}

// columnActivation applies to each group of columns what its kind wants.
func (p *program) columnActivation(b exchange.Block, v buffer, l nn.ColumnActivation) (buffer, error) {
	groups, err := columns.Parse(l.Columns)
	if err != nil {
		return v, b.Errorf("%w", err)
	}
	v = p.own(b, v)
	last := b.In[len(b.In)-1]
	helper := map[columns.Kind]string{columns.Classes: "softmax_columns", columns.Booleans: "sigmoid_columns"}
	for _, g := range groups {
		if name := helper[g.Kind]; name != "" {
			p.need(name)
			p.line("%s(%s + %d, %d, %d, %d);", name, v.name, g.Lo, b.In.Size()/last, last, g.Hi-g.Lo)
		}
	}
	return v, nil
}

func (p *program) inner(b exchange.Block, layer nn.Layer, v buffer) (buffer, error) {
	inner, err := b.Inner(layer, b.In, "")
	if err != nil {
		return v, err
	}
	return p.layer(inner, v)
}

// folded returns a batch normalisation as a product and a sum for each channel.
func folded(b exchange.Block, epsilon float64) (scale, shift []float32) {
	gamma, beta, mean, variance := b.Param("gamma").Values, b.Param("beta").Values, b.Param("moving_mean").Values, b.Param("moving_variance").Values
	for i := range gamma {
		f := float64(gamma[i]) / math.Sqrt(float64(variance[i])+epsilon)
		scale = append(scale, float32(f))
		shift = append(shift, float32(float64(beta[i])-float64(mean[i])*f))
	}
	return scale, shift
}

func (p *program) pooling(b exchange.Block, v buffer, name string, pool, strides nn.Pair, padding nn.Padding) (buffer, error) {
	pool = cmp.Or(pool, nn.Square(2))
	strides = cmp.Or(strides, pool)
	var before [2]int
	for i := range 2 {
		var err error
		if before[i], _, err = nn.ConvolutionMargins(b.In[i], pool[i], strides[i], 1, padding); err != nil {
			return v, b.Errorf("%w", err)
		}
	}
	return p.call(name, b, v, b.In[0], b.In[1], b.In[2], b.Out[0], b.Out[1], pool[0], pool[1], strides[0], strides[1], before[0], before[1]), nil
}

// permute writes the places of the elements as a table of its own.
func (p *program) permute(b exchange.Block, v buffer, order nn.Permute) (buffer, error) {
	strides := make([]int, len(b.In))
	for i := range strides {
		strides[i] = tensor.Shape(b.In[i+1:]).Size()
	}
	places := []int{0}
	for _, axis := range order {
		var next []int
		for _, at := range places {
			for k := range b.In[axis-1] {
				next = append(next, at+k*strides[axis-1])
			}
		}
		places = next
	}
	p.count++
	name := fmt.Sprintf("places%d", p.count)
	fmt.Fprintf(&p.arrays, "static const int %s[%d] = {", name, len(places))
	for i, at := range places {
		if i%16 == 0 {
			p.arrays.WriteString("\n    ")
		}
		fmt.Fprintf(&p.arrays, "%d, ", at)
	}
	p.arrays.WriteString("\n};\n\n")
	return p.call("gather", b, v, len(places), name), nil
}

// recurrent writes a recurrent layer; reverse is 1 for one that goes back in time. Its
// memory is the state, and what the gates need.
func (p *program) recurrent(b exchange.Block, v buffer, layer nn.Layer, reverse int) (buffer, error) {
	name, units, sequences, gates := "", 0, false, 1
	extra := []any(nil)
	switch l := layer.(type) {
	case nn.SimpleRNN:
		name, units, sequences = "rnn", l.Units, l.ReturnSequences
	case nn.LSTM:
		name, units, sequences, gates = "lstm", l.Units, l.ReturnSequences, 4
	case nn.GRU:
		name, units, sequences, gates = "gru", l.Units, l.ReturnSequences, 3
		before := 0
		if l.ResetBefore {
			before = 1
		}
		extra = []any{before}
	}
	scratch := p.take((2*gates + 2) * units)
	all := 0
	if sequences {
		all = 1
	}
	args := append([]any{b.In[0], b.In[1], units, all, reverse, p.array(b.Param("kernel").Values), p.array(b.Param("recurrent_kernel").Values),
		p.array(b.Param("bias").Values), scratch.name}, extra...)
	y := p.call(name, b, v, args...)
	p.release(scratch)
	return y, nil
}

// bidirectional writes a layer twice, onward and back. Recurrent ones go back by themselves;
// others get the steps turned round, and so are those that they make of each.
func (p *program) bidirectional(b exchange.Block, v buffer, l nn.Bidirectional) (buffer, error) {
	var made [2]buffer
	var out exchange.Block
	for way, prefix := range []string{"forward.", "backward."} {
		inner, err := b.Inner(l.Layer, b.In, prefix)
		if err != nil {
			return v, err
		}
		out = inner
		p.keep(v)
		switch l.Layer.(type) {
		case nn.SimpleRNN, nn.LSTM, nn.GRU:
			made[way], err = p.recurrent(inner, v, l.Layer, way)
		default:
			made[way], err = p.turned(inner, v, way == 1)
		}
		if err != nil {
			return v, err
		}
	}
	p.release(v)
	width := out.Out[len(out.Out)-1]
	return p.merge(b, nn.Concatenate, made[:], []int{width, width}, []bool{true, true}), nil
}

// turned writes a layer on the steps in their order or in the other one.
func (p *program) turned(b exchange.Block, v buffer, back bool) (buffer, error) {
	if !back {
		return p.layer(b, v)
	}
	round := exchange.Block{In: b.In, Out: b.In}
	y, err := p.layer(b, p.call("turn_round", round, v, b.In[0], b.In.Size()/b.In[0]))
	if err != nil || len(b.Out) < 2 || b.Out[0] != b.In[0] {
		return y, err
	}
	round = exchange.Block{In: b.Out, Out: b.Out}
	return p.call("turn_round", round, y, b.Out[0], b.Out.Size()/b.Out[0]), nil
}

func (p *program) residual(b exchange.Block, l nn.Residual, v buffer) (buffer, error) {
	p.keep(v)
	made, err := p.list(b, "layers", l.Layers, v)
	if err != nil {
		return v, err
	}
	kept, err := p.list(b, "projection", l.Projection, v)
	if err != nil {
		return v, err
	}
	y := p.merge(b, nn.Add, []buffer{kept, made}, nil, []bool{true, true})
	return y, p.activate(b, y, l.Activation)
}

func (p *program) list(b exchange.Block, name string, layers []nn.Layer, v buffer) (buffer, error) {
	blocks, err := b.List(name, layers, b.In)
	if err != nil {
		return v, err
	}
	for _, inner := range blocks {
		if v, err = p.layer(inner, v); err != nil {
			return v, err
		}
	}
	return v, nil
}
