package nn

import (
	"cmp"
	"math"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// MultiHeadAttention lets every step of a sequence look at all steps (Vaswani et al. 2017).
// Each head h makes queries, keys and values of the steps and gives the means of the values,
// weighted by how well keys agree with queries:
//
//	Q = x·Wq(h) + bq(h), K = x·Wk(h) + bk(h), V = x·Wv(h) + bv(h)
//	A(h) = softmax(Q·Kᵀ / √KeyDim)
//	y = Σ A(h)·V·Wo(h) + bo
//
// It takes samples of steps×features and gives the same shape. As Keras' MultiHeadAttention of
// a sequence with itself, and PyTorch's MultiheadAttention, see MultiHeadAttentionFromPyTorch.
// The query and key kernels are features×Heads×KeyDim and their biases Heads×KeyDim, those of the
// values have ValueDim in place of KeyDim; the output kernel is Heads×ValueDim×features and its
// bias has features values.
type MultiHeadAttention struct {
	Heads      int         `json:"num_heads"`                    // at least 1
	KeyDim     int         `json:"key_dim"`                      // of a head's queries and keys, at least 1
	ValueDim   int         `json:"value_dim,omitempty"`          // of a head's values, KeyDim by default
	Causal     bool        `json:"causal,omitempty"`             // a step looks at itself and earlier ones only: Keras' use_causal_mask
	NoBias     bool        `json:"no_bias,omitempty"`            // leave out all biases
	KernelInit Initializer `json:"kernel_initializer,omitempty"` // GlorotUniform by default
	BiasInit   Initializer `json:"bias_initializer,omitempty"`   // Zeros by default
}

// Bind accepts sequences of steps×features.
func (l MultiHeadAttention) Bind(in tensor.Shape) (Stage, error) {
	l.ValueDim = cmp.Or(l.ValueDim, l.KeyDim)
	if err := firstError(checkOption("num heads", l.Heads, 1), checkOption("key dim", l.KeyDim, 1), checkOption("value dim", l.ValueDim, 1),
		l.KernelInit.validate(), l.BiasInit.validate(), wantSequence(in)); err != nil {
		return nil, err
	}
	s := &attentionStage{MultiHeadAttention: l, steps: in[0], features: in[1],
		keys: l.Heads * l.KeyDim, values: l.Heads * l.ValueDim}
	widest := max(s.keys, s.values)
	if err := firstError(tensor.Shape{s.steps, widest}.Validate(), tensor.Shape{s.features, widest}.Validate(),
		tensor.Shape{l.Heads, s.steps, s.steps}.Validate()); err != nil {
		return nil, err
	}
	return s, nil
}

type attentionStage struct {
	MultiHeadAttention
	steps, features int
	keys, values    int // of all heads: Heads·KeyDim and Heads·ValueDim
}

var _ Deriver = (*attentionStage)(nil)

// The four projections, in the order of their parameters.
const (
	attentionQuery = iota
	attentionKey
	attentionValue
	attentionOutput
	projections
)

// The arrays of Frame.Memory: queries, keys and values under the numbers of their projections,
// from Backward on their gradients, and
const (
	attentionWeights = attentionValue + 1 + iota // A of all heads
	attentionMeans                               // A·V of all heads
	attentionMemories
)

// width returns how many values of all heads a projection has on the side of the heads.
func (s *attentionStage) width(projection int) int {
	if projection >= attentionValue {
		return s.values
	}
	return s.keys
}

// step returns how many parameters a projection has.
func (s *attentionStage) step() int {
	if s.NoBias {
		return 1
	}
	return 2
}

// kernel returns the weights of a projection, bias how the sums of its product start.
func (s *attentionStage) kernel(f *Frame, projection int) []float32 {
	return f.Params[projection*s.step()]
}

func (s *attentionStage) bias(f *Frame, projection int) (kernel.Start, []float32) {
	if s.NoBias {
		return kernel.Overwrite, nil
	}
	return kernel.Bias, f.Params[projection*s.step()+1]
}

// derived returns the transposed weights of a projection.
func (s *attentionStage) derived(f *Frame, projection int) []float32 {
	at := 0
	for p := range projection {
		at += s.features * s.width(p)
	}
	return f.Derived[at : at+s.features*s.width(projection)]
}

// Plan: the fans are Keras', which takes the first axis of a kernel for a receptive field. All
// gradients need the output kernel's transpose, whatever is in front.
func (s *attentionStage) Plan() Plan {
	p := Plan{Output: tensor.Shape{s.steps, s.features}, Derived: 2 * s.features * (s.keys + s.values), DerivedAlways: true,
		Memory: []int{attentionQuery: s.steps * s.keys, attentionKey: s.steps * s.keys, attentionValue: s.steps * s.values,
			attentionWeights: s.Heads * s.steps * s.steps, attentionMeans: s.steps * s.values},
		Workspace: s.steps * (s.values + s.steps + max(s.KeyDim, s.ValueDim) + s.KeyDim)}
	for projection, name := range []string{"query", "key", "value", "output"} {
		dim := s.width(projection) / s.Heads
		shape, bias := tensor.Shape{s.features, s.Heads, dim}, tensor.Shape{s.Heads, dim}
		if projection == attentionOutput {
			shape, bias = tensor.Shape{s.Heads, dim, s.features}, tensor.Shape{s.features}
		}
		in, out := shape[0]*shape[1], shape[0]*shape[2]
		p.Params = append(p.Params, Param{Name: name + "_kernel", Shape: shape, Init: cmp.Or(s.KernelInit, GlorotUniform), FanIn: in, FanOut: out})
		if !s.NoBias {
			p.Params = append(p.Params, Param{Name: name + "_bias", Shape: bias, Init: cmp.Or(s.BiasInit, Zeros), FanIn: in, FanOut: out})
		}
	}
	return p
}

func (s *attentionStage) Forward(f *Frame) {
	n := f.N * s.steps
	for p := range attentionOutput {
		start, bias := s.bias(f, p)
		width := s.width(p)
		kernel.Gemm(n, width, s.features, f.X, s.features, 1, s.kernel(f, p), width, f.Memory[p], width, start, bias)
	}
	for i := range f.N {
		for h := range s.Heads {
			s.attend(f, i, h)
		}
	}
	start, bias := s.bias(f, attentionOutput)
	kernel.Gemm(n, s.features, s.values, f.Memory[attentionMeans], s.values, 1, s.kernel(f, attentionOutput), s.features,
		f.Y, s.features, start, bias)
}

// head returns the part of a sample's queries, keys, values or means that is head h's: rows of
// steps, width values apart.
func (s *attentionStage) head(f *Frame, memory, i, h int) []float32 {
	width, dim := s.keys, s.KeyDim
	if memory >= attentionValue {
		width, dim = s.values, s.ValueDim
	}
	return rows(f.Memory[memory], i, i+1, s.steps*width)[h*dim:]
}

// weights returns A of a sample's head h, steps×steps.
func (s *attentionStage) weights(f *Frame, i, h int) []float32 {
	return rows(f.Memory[attentionWeights], i*s.Heads+h, i*s.Heads+h+1, s.steps*s.steps)
}

// scale is what agreements are multiplied by.
func (s *attentionStage) scale() float32 { return float32(1 / math.Sqrt(float64(s.KeyDim))) }

// attend computes the weights and means of a head.
func (s *attentionStage) attend(f *Frame, i, h int) {
	t, a := s.steps, s.weights(f, i, h)
	keys := f.Workspace[:s.KeyDim*t]
	kernel.Transpose(keys, t, s.head(f, attentionKey, i, h), s.keys, t, s.KeyDim)
	kernel.Gemm(t, t, s.KeyDim, s.head(f, attentionQuery, i, h), s.keys, 1, keys, t, a, t, kernel.Overwrite, nil)
	for r := range t {
		row := rows(a, r, r+1, t)
		seen := row
		if s.Causal {
			seen = row[:r+1]
		}
		kernel.Softmax(seen, seen, s.scale())
		clear(row[len(seen):])
	}
	kernel.Gemm(t, s.ValueDim, t, a, t, 1, s.head(f, attentionValue, i, h), s.values, s.head(f, attentionMeans, i, h), s.values, kernel.Overwrite, nil)
}

// Backward replaces queries, keys and values by their gradients.
func (s *attentionStage) Backward(f *Frame) {
	for i := range f.N {
		means, rest := f.Workspace[:s.steps*s.values], f.Workspace[s.steps*s.values:]
		kernel.Gemm(s.steps, s.values, s.features, rows(f.DY, i, i+1, s.steps*s.features), s.features, 1,
			s.derived(f, attentionOutput), s.values, means, s.values, kernel.Overwrite, nil)
		for h := range s.Heads {
			s.attendBackward(f, i, h, means[h*s.ValueDim:], rest)
		}
	}
	if f.DX == nil {
		return
	}
	start := kernel.Overwrite
	for p := range attentionOutput {
		width := s.width(p)
		kernel.Gemm(f.N*s.steps, s.features, width, f.Memory[p], width, 1, s.derived(f, p), s.features, f.DX, s.features, start, nil)
		start = kernel.Accumulate
	}
}

// attendBackward computes the gradients of a head from those of its means. Work holds the
// gradient of the agreements, transposed values and the gradient of the keys in turn.
func (s *attentionStage) attendBackward(f *Frame, i, h int, means, work []float32) {
	t, a := s.steps, s.weights(f, i, h)
	queries, keys, values := s.head(f, attentionQuery, i, h), s.head(f, attentionKey, i, h), s.head(f, attentionValue, i, h)
	slopes, transposed := work[:t*t], work[t*t:t*t+t*s.ValueDim]
	kernel.Transpose(transposed, t, values, s.values, t, s.ValueDim)
	kernel.Gemm(t, t, s.ValueDim, means, s.values, 1, transposed, t, slopes, t, kernel.Overwrite, nil)
	kernel.Gemm(t, s.ValueDim, t, a, 1, t, means, s.values, values, s.values, kernel.Overwrite, nil)
	for r := range t {
		kernel.SoftmaxGrad(rows(slopes, r, r+1, t), rows(slopes, r, r+1, t), rows(a, r, r+1, t), s.scale())
	}
	dkeys := work[t*t : t*t+t*s.KeyDim]
	kernel.Gemm(t, s.KeyDim, t, slopes, 1, t, queries, s.keys, dkeys, s.KeyDim, kernel.Overwrite, nil)
	kernel.Gemm(t, s.KeyDim, t, slopes, t, 1, keys, s.keys, queries, s.keys, kernel.Overwrite, nil)
	for r := range t {
		copy(keys[r*s.keys:], rows(dkeys, r, r+1, s.KeyDim))
	}
}

// Gradient: a kernel's is the product of what it is multiplied with and the gradient of the
// product, a bias's the sum of the latter over all steps.
func (s *attentionStage) Gradient(f *Frame, param, lo, hi int) {
	projection, bias := param/s.step(), param%s.step() == 1
	n, width, grads := f.N*s.steps, s.width(projection), f.Grads[param]
	switch {
	case bias && projection == attentionOutput:
		kernel.ColumnSums(grads[lo:hi], f.DY[lo:], n, hi-lo, s.features, false)
	case bias:
		dim := width / s.Heads
		kernel.ColumnSums(grads[lo*dim:hi*dim], f.Memory[projection][lo*dim:], n, (hi-lo)*dim, width, false)
	case projection == attentionOutput:
		kernel.Gemm(hi-lo, s.features, n, f.Memory[attentionMeans][lo:], 1, s.values, f.DY, s.features,
			grads[lo*s.features:hi*s.features], s.features, kernel.Overwrite, nil)
	default:
		s.eachBlock(projection, lo, hi, func(row, count, column, columns int) {
			kernel.Gemm(count, columns, n, f.X[row:], 1, s.features, f.Memory[projection][column:], width,
				grads[row*width+column:], width, kernel.Overwrite, nil)
		})
	}
}

// Derive keeps the transposes of the four kernels, of all heads side by side.
func (s *attentionStage) Derive(f *Frame, param, lo, hi int) {
	projection, bias := param/s.step(), param%s.step() == 1
	if bias {
		return
	}
	width, w, derived := s.width(projection), f.Params[param], s.derived(f, projection)
	if projection == attentionOutput {
		kernel.Transpose(derived[lo:], width, w[lo*s.features:hi*s.features], s.features, hi-lo, s.features)
		return
	}
	s.eachBlock(projection, lo, hi, func(row, count, column, columns int) {
		kernel.Transpose(derived[column*s.features+row:], s.features, w[row*width+column:], width, count, columns)
	})
}

// eachBlock cuts rows lo to hi of a kernel features×Heads×dim, which are one feature's weights of
// one head, into blocks of the matrix features×(Heads·dim).
func (s *attentionStage) eachBlock(projection, lo, hi int, visit func(row, rows, column, columns int)) {
	dim := s.width(projection) / s.Heads
	for lo < hi {
		row, head := lo/s.Heads, lo%s.Heads
		count, heads := (hi-lo)/s.Heads, s.Heads
		if head > 0 || count == 0 {
			count, heads = 1, min(hi-lo, s.Heads-head)
		}
		visit(row, count, head*dim, heads*dim)
		lo += count * heads
	}
}
