// Package c99 writes autoencoders as one file of C99 without dependencies but math.h, for
// microcontrollers and other programs: weights are constant arrays, layers are loops over
// float, memory is static. The functions are
//
//	void hourglass_encode(const float *x, float *codes);
//	void hourglass_decode(const float *codes, float *y);
//	void hourglass_reconstruct(const float *x, float *y);
//
// for one sample; they share their memory and are not to be called by several threads at once.
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
	p := &program{helpers: map[string]bool{}}
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
	kept    []int // readers that a buffer still has beyond the next layer
	count   int   // of arrays
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
		p.helpers["scale"] = true
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
		p.helpers["unscale"] = true
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
	fmt.Fprintf(out, "void hourglass_encode(const float *x, float *codes);\nvoid hourglass_decode(const float *codes, float *y);\nvoid hourglass_reconstruct(const float *x, float *y);\n\n")
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
	fmt.Fprintf(out, "void hourglass_encode(const float *x, float *codes)\n{\n%s}\n\n", bodies[0])
	fmt.Fprintf(out, "void hourglass_decode(const float *codes, float *y)\n{\n%s}\n\n", bodies[1])
	fmt.Fprintf(out, "void hourglass_reconstruct(const float *x, float *y)\n{\n    static float codes[HOURGLASS_CODES];\n    hourglass_encode(x, codes);\n    hourglass_decode(codes, y);\n}\n")
	return out.Flush()
}

func shape(s tensor.Shape) string {
	var axes []string
	for _, n := range s {
		axes = append(axes, strconv.Itoa(n))
	}
	return strings.Join(axes, "x")
}

// call writes y = f(x, …) into new memory and gives the old back.
func (p *program) call(helper string, b exchange.Block, v buffer, args ...any) buffer {
	y := p.take(b.Out.Size())
	p.helpers[helper] = true
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
	p.helpers["activate"] = true
	p.helpers[name] = true
	switch fn {
	case nn.SiLU:
		p.helpers["sigmoid"] = true
	case nn.Mish:
		p.helpers["softplus"] = true
	case nn.HardSiLU:
		p.helpers["hard_sigmoid"] = true
	}
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
		nn.ActivityRegularization, nn.KLRegularization, nn.MMDRegularization:
		return v, nil
	case nn.Dense:
		v = p.call("dense", b, v, rows, last, l.Units, p.array(b.Param("kernel").Values), p.array(b.Param("bias").Values))
		return v, p.activate(b, v, l.Activation)
	case nn.Activation:
		v = p.own(b, v)
		if l.Slope != 0 {
			p.helpers["leaky_slope"] = true
			p.line("leaky_slope(%s, %d, %s);", v.name, b.In.Size(), number(float32(l.Slope)))
			return v, nil
		}
		return v, p.activate(b, v, l.Func)
	case nn.Conv1D, nn.Conv2D, nn.Conv1DTranspose, nn.Conv2DTranspose:
		return p.convolution(b, v)
	case nn.MaxPooling2D:
		return p.pooling(b, v, "max_pool", l.Pool, l.Strides, l.Padding)
	case nn.AveragePooling2D:
		return p.pooling(b, v, "mean_pool", l.Pool, l.Strides, l.Padding)
	case nn.GlobalAveragePooling2D:
		return p.call("mean_pool", b, v, b.In[0], b.In[1], last, 1, 1, b.In[0], b.In[1], 1, 1, 0, 0), nil
	case nn.UpSampling2D:
		if l.Interpolation != nn.Nearest {
			return v, b.Errorf("interpolation is not written in C; export it to ONNX instead")
		}
		size := cmp.Or(l.Size, nn.Square(2))
		return p.call("up_sample", b, v, b.In[0], b.In[1], last, size[0], size[1]), nil
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
	case nn.SimpleRNN, nn.LSTM, nn.GRU:
		return p.recurrent(b, v, b.Layer, 0)
	case nn.Bidirectional:
		return p.bidirectional(b, v, l)
	case nn.TimeDistributed:
		if _, ok := l.Layer.(nn.Dense); !ok {
			break
		}
		return p.inner(b, l.Layer, v)
	case nn.Residual:
		return p.residual(b, l, v)
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
	return v, b.Errorf("it is not written in C; export it to ONNX instead")
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

// convolution writes convolutions; a sequence is an image of one row.
func (p *program) convolution(b exchange.Block, v buffer) (buffer, error) {
	type axis struct{ n, m, kernel, stride, dilation, before int }
	var axes []axis
	var fn nn.Func
	transposed := false
	var err error
	add := func(i, kernel, stride, dilation int, padding nn.Padding, extra *int) {
		a := axis{b.In[i], b.Out[i], kernel, max(stride, 1), max(dilation, 1), 0}
		var e error
		if transposed {
			a.before, _, e = nn.TransposedMargins(a.n, kernel, a.stride, a.dilation, padding, extra)
		} else {
			a.before, _, e = nn.ConvolutionMargins(a.n, kernel, a.stride, a.dilation, padding)
		}
		if err == nil {
			err = e
		}
		axes = append(axes, a)
	}
	single := func() { axes = append(axes, axis{1, 1, 1, 1, 1, 0}) }
	switch l := b.Layer.(type) {
	case nn.Conv1D:
		fn = l.Activation
		single()
		add(0, l.Kernel, l.Strides, l.Dilation, l.Padding, nil)
	case nn.Conv2D:
		fn = l.Activation
		for i := range 2 {
			add(i, l.Kernel[i], l.Strides[i], l.Dilation[i], l.Padding, nil)
		}
	case nn.Conv1DTranspose:
		fn, transposed = l.Activation, true
		single()
		add(0, l.Kernel, l.Strides, l.Dilation, l.Padding, l.OutputPadding)
	case nn.Conv2DTranspose:
		fn, transposed = l.Activation, true
		for i := range 2 {
			var extra *int
			if l.OutputPadding != nil {
				extra = &l.OutputPadding[i]
			}
			add(i, l.Kernel[i], l.Strides[i], l.Dilation[i], l.Padding, extra)
		}
	}
	if err != nil {
		return v, b.Errorf("%w", err)
	}
	name := "convolve"
	if transposed {
		name = "convolve_transposed"
	}
	args := []any{axes[0].n, axes[1].n, b.In[len(b.In)-1], axes[0].m, axes[1].m, b.Out[len(b.Out)-1]}
	for _, a := range axes {
		args = append(args, a.kernel, a.stride, a.dilation, a.before)
	}
	y := p.call(name, b, v, append(args, p.array(b.Param("kernel").Values), p.array(b.Param("bias").Values))...)
	return y, p.activate(b, y, fn)
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
	default:
		return v, b.Errorf("a %s of both directions is not written in C; export it to ONNX instead", nn.Kind(layer))
	}
	p.helpers["sigmoid"] = true
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
		if made[way], err = p.recurrent(inner, v, l.Layer, way); err != nil {
			return v, err
		}
	}
	p.release(v)
	width := out.Out[len(out.Out)-1]
	y := p.take(b.Out.Size())
	p.helpers["beside"] = true
	p.line("beside(%s, %s, %s, %d, %d);", y.name, made[0].name, made[1].name, out.Out.Size()/width, width)
	p.release(made[0])
	p.release(made[1])
	return y, nil
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
	y := p.take(b.Out.Size())
	p.helpers["add"] = true
	p.line("add(%s, %s, %s, %d);", y.name, kept.name, made.name, b.Out.Size())
	p.release(kept)
	p.release(made)
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
