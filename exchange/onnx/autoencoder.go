package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"hourglass"
	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/nn"
	"hourglass/tensor"
)

// autoencoder makes an autoencoder of what has been read: of one graph, or of two.
func autoencoder(m, decoder *model, o Import) (*hourglass.Autoencoder, error) {
	s, err := m.read(o)
	if err != nil {
		return nil, err
	}
	if decoder == nil && o.Code == "" {
		if err := s.unfold(); err != nil {
			return nil, err
		}
	}
	items, input, output := s.items, s.input, s.shape
	var at int
	if decoder != nil {
		d, err := decoder.read(o)
		if err != nil {
			return nil, fmt.Errorf("decoder: %w", err)
		}
		if d.input.Size() != s.shape.Size() {
			return nil, fmt.Errorf("the decoder takes samples of shape %v, but the encoder gives %v", d.input, s.shape)
		}
		at = len(items)
		if !d.input.Equal(s.shape) {
			items = append(items, item{layer: reshapeLayer(s.shape, d.input)})
		}
		items, output = append(items, d.items...), d.shape
	} else if at, err = s.split(o); err != nil {
		return nil, err
	}
	if output.Size() != input.Size() {
		return nil, fmt.Errorf("the model makes %v of %v, want as many values to come out of an autoencoder; where this is only the encoder, read it together with the decoder", output, input)
	}
	items, scaler, at := takeScaler(items, at, input)
	scope := &exchange.Scope{}
	encoder, code, err := settleAffine(items[:at], input, scope)
	if err != nil {
		return nil, err
	}
	rest, _, err := settleAffine(items[at:], code, scope)
	if err != nil {
		return nil, err
	}
	ae, err := assemble(encoder, rest, input)
	if err == nil && scaler != nil {
		err = ae.SetScaler(scaler)
	}
	if err != nil {
		return nil, err
	}
	layers := slices.Concat(encoder, rest)
	for _, arrays := range [][][]float32{ownArrays(layers), learnedArrays(layers)} {
		if written := m.asWritten(ae, arrays); written != nil {
			return written, nil
		}
	}
	return ae, nil
}

// ownArrays returns the weights of layers but for those that only pick elements out, which a
// layer of the file's metadata may do without weights.
func ownArrays(layers []item) (arrays [][]float32) {
	for _, it := range layers {
		if !it.picks {
			arrays = append(arrays, it.params...)
		}
	}
	return arrays
}

// learnedArrays is ownArrays without those that layers of the metadata may have made: waves
// that are added to steps, and matrices that are earlier ones turned over.
func learnedArrays(layers []item) (arrays [][]float32) {
	var kernels []item
	for _, it := range layers {
		params := it.params
		switch l := it.layer.(type) {
		case nn.PositionEmbedding:
			params = nil
		case nn.Dense:
			turned := transposed(params[0], l.Units)
			if slices.ContainsFunc(kernels, func(k item) bool { return slices.Equal(k.params[0], turned) }) {
				params = params[1:]
			}
			kernels = append(kernels, it)
		}
		if !it.picks {
			arrays = append(arrays, params...)
		}
	}
	return arrays
}

// asWritten returns the autoencoder with the layers that the file's metadata names, which
// knows Dropout, initialisers and wrapped layers that leave no trace in a graph: if these
// give the same bits with these weights, which have been read. It is nil otherwise.
func (m *model) asWritten(ae *hourglass.Autoencoder, arrays [][]float32) *hourglass.Autoencoder {
	encoder, decoder, err := architecture.ParseFor(ae.Encoder().Input(), m.metadata[metadataPrefix+architectureKey])
	if err != nil {
		return nil
	}
	count := 0
	for _, a := range arrays {
		count += len(a)
	}
	if n, err := nn.CountWeights(nil, slices.Concat(encoder, decoder)...); err != nil || n != count {
		return nil
	}
	other, err := hourglass.New(encoder, decoder)
	if err != nil || len(other.Network().Arrays()) != len(arrays) {
		return nil
	}
	for i, a := range other.Network().Arrays() {
		if len(a.Values) != len(arrays[i]) {
			return nil
		}
		copy(a.Values, arrays[i])
	}
	if s := ae.Scaler(); s != nil && other.SetScaler(s) != nil || !alike(ae, other) {
		return nil
	}
	return other
}

// alike reports whether two autoencoders make the same of some samples.
func alike(a, b *hourglass.Autoencoder) bool {
	const count = 3
	x := tensor.New(append([]int{count}, a.Encoder().Input()...)...)
	for i := range x.Data {
		x.Data[i] = float32(math.Sin(float64(i*i + 1)))
	}
	var labels []int
	for i := range count {
		if classes := a.Classes(); classes > 0 {
			labels = append(labels, i%classes)
		}
	}
	y, err := a.Given(labels...).Reconstruct(x)
	z, err2 := b.Given(labels...).Reconstruct(x)
	same := func(v, w float32) bool { return math.Float32bits(v) == math.Float32bits(w) }
	return err == nil && err2 == nil && slices.EqualFunc(y.Data, z.Data, same)
}

// mark is a value with how many layers there are up to it.
type mark struct {
	value *operand
	items int
}

// read returns a graph as layers.
func (m *model) read(o Import) (*stream, error) {
	s := &stream{m: m, open: len(m.shape) == 3 && m.metadata[metadataPrefix+channelsKey] == "", top: true, taken: map[*node]bool{}}
	order := batchFirst(m.shape)
	if m.channelsFirst(o.Channels) {
		order = channelsLast(len(m.shape))
	}
	for _, axis := range order[1:] {
		s.shape = append(s.shape, m.shape[axis].Size)
	}
	s.input = s.shape
	s.lies(inverse(order)...)
	s.places = s.view.Permutation()
	if err := s.read(m.input, m.output, nil); err != nil {
		return nil, err
	}
	if err := s.finish(m.output.made); err != nil {
		return nil, err
	}
	return s, nil
}

// channelsFirst reports whether images come in with their channels in front of rows and
// columns: where nobody says so, by the first node that tells, or else because there
// are few of them.
func (m *model) channelsFirst(told Channels) bool {
	if len(m.shape) != 4 || !m.shape[0].Batch {
		return false
	}
	if told == "" {
		told = Channels(m.metadata[metadataPrefix+channelsKey])
	}
	if told != "" {
		return told == First
	}
	v := m.input
	for range len(m.nodes) {
		if len(v.users) == 0 {
			break
		}
		n := v.users[0]
		switch n.op {
		case "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "BatchNormalization", "InstanceNormalization", "Pad", "Resize", "Upsample":
			return true
		case "Transpose":
			return !slices.Equal(n.ints("perm"), []int{0, 3, 1, 2})
		case "Add", "Sub", "Mul", "Div", "Identity", "Cast":
			v = n.out[0]
			continue
		}
		break
	}
	const few = 4
	return m.shape[1].Size <= few || m.shape[3].Size > few
}

// finish makes the layers give the elements of the output where they take those of the input.
func (s *stream) finish(n *node) error {
	if len(s.places) == s.shape.Size() {
		if view, ok := s.view.Reshape(s.m.shape); ok {
			s.view = view
		}
		axes := s.axes()
		orders := [][]int{batchFirst(axes)}
		if len(axes) > 2 {
			orders = append(orders, channelsLast(len(axes)))
		}
		// Where several would do, the one that gives the input's shape.
		slices.SortStableFunc(orders, func(a, b []int) int { return s.strangeness(axes, a) - s.strangeness(axes, b) })
		for _, order := range orders {
			if order[0] >= len(axes) || !axes[order[0]].Batch {
				continue
			}
			shown := relayout.Of(axes).Transpose(order...).Permutation()
			fits := true
			for i, p := range shown {
				fits = fits && s.places[p] == i
			}
			if fits {
				return s.settle(n, order...)
			}
		}
	}
	return s.plain(n)
}

// strangeness is 0 for an order in which axes are the input's shape, otherwise 1.
func (s *stream) strangeness(axes []relayout.Axis, order []int) int {
	var shape tensor.Shape
	for _, axis := range order[1:] {
		shape = append(shape, axes[axis].Size)
	}
	if shape.Equal(s.input) {
		return 0
	}
	return 1
}

// split returns how many layers make up the encoder.
func (s *stream) split(o Import) (int, error) {
	last := len(s.items) - 1
	if last < 1 {
		return 0, errors.New("the model is a single layer, want at least one of an encoder and one of a decoder")
	}
	if o.Code != "" {
		for _, k := range s.marks {
			if k.value.name == o.Code && k.items > 0 && k.items <= last {
				return k.items, nil
			}
		}
		return 0, fmt.Errorf("no tensor %.80q between layers, want one of %s", o.Code, s.markNames())
	}
	lo, hi := s.betweenNames()
	at, least := 0, 0
	shape, scope := s.input, &exchange.Scope{}
	for i, it := range s.items[:last] {
		var err error
		if shape, err = scope.Output(it.layer, shape); err != nil {
			return 0, err
		}
		if i+1 >= lo && i+1 <= hi && (at == 0 || shape.Size() < least) {
			at, least = i+1, shape.Size()
		}
	}
	for at < hi && functionOnly(s.items[at].layer) {
		at++
	}
	return at, nil
}

// betweenNames returns between how many layers the encoder may have, by the names of nodes:
// all of those called encoder, and none of those called decoder.
func (s *stream) betweenNames() (lo, hi int) {
	last := len(s.items) - 1
	lo, hi = 1, last
	decoder := slices.IndexFunc(s.items, func(it item) bool { return named(it, "dec") })
	if decoder < 1 {
		return lo, hi
	}
	hi = min(decoder, last)
	encoder := false
	for i, it := range s.items[:hi] {
		if named(it, "enc") {
			lo, encoder = i+1, true
		}
	}
	if !encoder {
		lo = hi
	}
	return lo, hi
}

// functionOnly reports whether a layer is an activation function.
func functionOnly(l nn.Layer) bool {
	_, ok := l.(nn.Activation)
	return ok
}

// markNames lists the tensors between layers.
func (s *stream) markNames() string {
	const most = 20
	var names []string
	for _, k := range s.marks {
		if k.items > 0 && k.items < len(s.items) && len(names) < most {
			names = append(names, k.value.name)
		}
	}
	return strings.Join(names, ", ")
}

// named reports whether the name of a layer's node has a part that begins so.
func named(it item, begin string) bool {
	if it.node == nil {
		return false
	}
	for _, part := range strings.FieldsFunc(it.node.name, func(r rune) bool { return r == '/' || r == '.' || r == ':' }) {
		if strings.HasPrefix(strings.ToLower(part), begin) {
			return true
		}
	}
	return false
}

// takeScaler takes arithmetic in front that is undone at the end out of the layers, as
// what scales the data.
func takeScaler(items []item, at int, input tensor.Shape) ([]item, *dataset.Scaler, int) {
	front := affines(items)
	end := len(items)
	for end > 0 && viewsOnly(items[end-1].layer) {
		end--
	}
	size := input.Size()
	numbers := func(i int) []float32 {
		a := items[i].layer.(affine)
		list := make([]float32, size)
		for k := range list {
			list[k] = a.values[k%len(a.values)]
		}
		return list
	}
	is := func(i int, op string) bool {
		if i < 0 || i >= len(items) {
			return false
		}
		a, ok := items[i].layer.(affine)
		return ok && a.op == op
	}
	undone := func(i, j int) bool { return slices.Equal(numbers(i), numbers(j)) }
	drop := func(n int) []item {
		return slices.Concat(items[n:end-n], items[end:])
	}
	switch {
	case front >= 2 && end-2 > at && is(0, "Sub") && is(1, "Div") && is(end-2, "Mul") && is(end-1, "Add") && undone(0, end-1) && undone(1, end-2):
		s := &dataset.Scaler{Kind: dataset.StandardScaling, Offset: numbers(0), Scale: numbers(1)}
		if s.Validate(size) == nil {
			return drop(2), s, at - 2
		}
	case front >= 1 && end-1 > at && is(0, "Div") && is(end-1, "Mul") && undone(0, end-1):
		s := &dataset.Scaler{Kind: dataset.UnitScaling, Scale: items[0].layer.(affine).values}
		if s.Validate(size) == nil {
			return drop(1), s, at - 1
		}
	}
	return items, nil, at
}

// affines returns how many items in front are arithmetic.
func affines(items []item) int {
	n := 0
	for n < len(items) {
		if _, ok := items[n].layer.(affine); !ok {
			break
		}
		n++
	}
	return n
}

// viewsOnly reports whether a layer leaves all elements where they are.
func viewsOnly(l nn.Layer) bool {
	switch l.(type) {
	case nn.Reshape, nn.Flatten:
		return true
	}
	return false
}

// assemble makes an autoencoder of its layers and gives it their weights.
func assemble(encoder, decoder []item, input tensor.Shape) (*hourglass.Autoencoder, error) {
	layers := [2]nn.Layers{{nn.Input(input)}}
	var params [][]float32
	for side, items := range [][]item{encoder, decoder} {
		for _, it := range items {
			layers[side] = append(layers[side], it.layer)
			params = append(params, it.params...)
		}
	}
	ae, err := hourglass.New(layers[0], layers[1])
	if err != nil {
		return nil, err
	}
	arrays := ae.Network().Arrays()
	if len(arrays) != len(params) {
		return nil, fmt.Errorf("%d arrays of weights for an architecture with %d", len(params), len(arrays))
	}
	for i, a := range arrays {
		if len(a.Values) != len(params[i]) {
			return nil, fmt.Errorf("array %s of layer %d has %d weights, want %d", a.Name, a.Layer, len(params[i]), len(a.Values))
		}
		copy(a.Values, params[i])
	}
	return ae, nil
}
