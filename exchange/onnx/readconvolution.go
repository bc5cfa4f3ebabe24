package onnx

import (
	"fmt"
	"slices"
	"strings"

	"hourglass/nn"
	"hourglass/tensor"
)

// sliding are the options of a convolution or pooling: for each axis the taps, how far apart
// windows and taps are, and the zeros in front and behind.
type sliding struct {
	kernel, strides, dilations, before, after []int
}

// sliding reads the options of a node whose input has been settled with channels last.
func (s *stream) sliding(n *node, kernel []int) (w sliding, err error) {
	axes := len(s.shape) - 1
	fill := func(list []int, v int) []int {
		for len(list) < axes {
			list = append(list, v)
		}
		return list
	}
	w = sliding{kernel: kernel, strides: fill(n.ints("strides"), 1), dilations: fill(n.ints("dilations"), 1)}
	pads := n.ints("pads")
	if pads == nil {
		pads = make([]int, 2*axes)
	}
	if k := n.ints("kernel_shape"); k != nil {
		if w.kernel != nil && !slices.Equal(k, w.kernel) {
			return w, cannot(n, "kernel_shape is %v, but the kernel has %v", k, w.kernel)
		}
		w.kernel = k
	}
	if len(w.kernel) != axes || len(w.strides) != axes || len(w.dilations) != axes || len(pads) != 2*axes {
		return w, cannot(n, "kernel_shape %v, strides %v, dilations %v, pads %v, want those of %d axes", w.kernel, w.strides, w.dilations, pads, axes)
	}
	const most = 1 << 15
	for i, list := range [][]int{w.kernel, w.strides, w.dilations, pads} {
		for _, v := range list {
			if v < 1 && i < 3 || v < 0 || v > most {
				return w, cannot(n, "kernel_shape %v, strides %v, dilations %v, pads %v: want 1 to %d, pads from 0 on", w.kernel, w.strides, w.dilations, pads, most)
			}
		}
	}
	w.before, w.after = pads[:axes], pads[axes:]
	return w, nil
}

// extent returns how many positions the kernel spans along an axis.
func (w sliding) extent(i int) int { return (w.kernel[i]-1)*w.dilations[i] + 1 }

// convolve works out the zeros of a convolution or pooling of samples of a shape: those
// that windows really meet. It returns the padding that nn has for them, or false for
// zeros in other places.
func (w *sliding) convolve(n *node, shape tensor.Shape) (nn.Padding, bool, error) {
	w.before, w.after = slices.Clone(w.before), slices.Clone(w.after)
	auto := n.text("auto_pad", "NOTSET")
	none, same := true, true
	for i := range w.kernel {
		before, after, _ := nn.ConvolutionMargins(shape[i], w.kernel[i], w.strides[i], w.dilations[i], nn.Same)
		switch auto {
		case "NOTSET", "":
			span := shape[i] + w.before[i] + w.after[i] - w.extent(i)
			if span < 0 {
				return 0, false, cannot(n, "its kernel spans %d positions of %d", w.extent(i), shape[i]+w.before[i]+w.after[i])
			}
			windows := span/w.strides[i] + 1
			if n.int("ceil_mode", 0) != 0 && span%w.strides[i] != 0 && windows*w.strides[i] < shape[i]+w.before[i] {
				windows++
			}
			w.after[i] = max((windows-1)*w.strides[i]+w.extent(i)-shape[i]-w.before[i], 0)
			same = same && windows == (shape[i]+w.strides[i]-1)/w.strides[i]
		case "SAME_UPPER":
			w.before[i], w.after[i] = before, after
		case "SAME_LOWER":
			w.before[i], w.after[i] = after, before
		case "VALID":
			w.before[i], w.after[i] = 0, 0
		default:
			return 0, false, cannot(n, "auto_pad is %.40q", auto)
		}
		none = none && w.before[i] == 0 && w.after[i] == 0
		same = same && w.before[i] == before && w.after[i] == after
	}
	switch {
	case none:
		return nn.Valid, true, nil
	case same:
		return nn.Same, true, nil
	}
	return nn.Valid, false, nil
}

// channelsLast returns the order that puts channels, axis 1, behind the others.
func channelsLast(rank int) []int {
	order := []int{0}
	for i := 2; i < rank; i++ {
		order = append(order, i)
	}
	return append(order, 1)
}

// liesFirst tells that the value has the layers' channels in front of their other axes.
func (s *stream) liesFirst() { s.lies(channelsFirst(s.shape)...) }

// settleLast settles images or sequences, whose channels the value has first.
func (s *stream) settleLast(n *node) error {
	rank := len(s.axes())
	if rank != 3 && rank != 4 {
		return cannot(n, "its input has shape %s, want images or sequences, with their channels on the second axis", shapeText(s.axes()))
	}
	return s.settle(n, channelsLast(rank)...)
}

// margins puts zeros around images or sequences, or cuts some off where numbers are
// negative.
func (s *stream) margins(n *node, before, after []int) error {
	shape := s.shape
	if len(shape) == 2 { // a sequence is an image of one row
		if err := s.add(n, nn.Reshape{1, shape[0], shape[1]}); err != nil {
			return err
		}
		before, after = append([]int{0}, before...), append([]int{0}, after...)
	}
	grow := func(n int) int { return max(n, 0) }
	grown := nn.Margins{Top: grow(before[0]), Bottom: grow(after[0]), Left: grow(before[1]), Right: grow(after[1])}
	cut := nn.Margins{Top: grow(-before[0]), Bottom: grow(-after[0]), Left: grow(-before[1]), Right: grow(-after[1])}
	if cut != (nn.Margins{}) {
		if err := s.add(n, nn.Cropping2D{Cropping: cut}); err != nil {
			return err
		}
	}
	if grown != (nn.Margins{}) {
		if err := s.add(n, nn.ZeroPadding2D{Padding: grown}); err != nil {
			return err
		}
	}
	if len(shape) == 2 {
		return s.add(n, nn.Reshape(s.shape[1:]))
	}
	return nil
}

// kernel returns a node's kernel with its taps in front, and the lengths of its first two
// axes, swapped: those of ONNX are outer×inner×taps.
func (s *stream) kernel(n *node, axes int) (values []float32, outer, inner int, taps []int, err error) {
	w, err := s.m.weights(n, 1)
	if err != nil {
		return nil, 0, 0, nil, err
	}
	if len(w.axes) != axes+2 || len(w.floats) == 0 {
		return nil, 0, 0, nil, cannot(n, "its kernel has shape %s, want %d axes", shapeText(w.axes), axes+2)
	}
	shape := w.shape()
	outer, inner, taps = shape[0], shape[1], shape[2:]
	count := tensor.Shape(taps).Size()
	values = make([]float32, len(w.floats))
	for o := range outer {
		for i := range inner {
			for t := range count {
				values[(t*inner+i)*outer+o] = w.floats[(o*inner+i)*count+t]
			}
		}
	}
	return values, outer, inner, taps, nil
}

// bias returns a node's bias, nil if it has none.
func (s *stream) bias(n *node, i, filters int) ([]float32, error) {
	b, err := s.m.inputArray(n, i)
	if err != nil || b == nil {
		return nil, err
	}
	if len(b.floats) != filters || b.uniform {
		return nil, cannot(n, "its bias has shape %s, want [%d]", shapeText(b.axes), filters)
	}
	return b.floats, nil
}

// weightsOf returns the weights of a layer: kernel, and bias if there is one.
func weightsOf(kernel, bias []float32) [][]float32 {
	if bias == nil {
		return [][]float32{kernel}
	}
	return [][]float32{kernel, bias}
}

func readConv(s *stream, n *node) error {
	if err := s.settleLast(n); err != nil {
		return err
	}
	kernel, filters, channels, taps, err := s.kernel(n, len(s.shape)-1)
	if err != nil {
		return err
	}
	bias, err := s.bias(n, 2, filters)
	if err != nil {
		return err
	}
	w, err := s.sliding(n, taps)
	if err != nil {
		return err
	}
	group, have := n.int("group", 1), s.shape[len(s.shape)-1]
	depthwise := group > 1 && group == have && channels == 1 && filters%group == 0
	if group != 1 && !depthwise {
		return cannot(n, "group is %d of %d channels, want 1, or as many as there are channels", group, have)
	}
	if channels != have && !depthwise {
		return cannot(n, "its kernel is for %d channels, its input has %d", channels, have)
	}
	padding, ok, err := w.convolve(n, s.shape)
	if err != nil {
		return err
	}
	if !ok {
		if err := s.margins(n, w.before, w.after); err != nil {
			return err
		}
	}
	layer := w.convolution(filters, padding, bias == nil)
	if depthwise {
		layer = w.depthwise(filters/group, padding, bias == nil)
	}
	if err := s.add(n, layer, weightsOf(kernel, bias)...); err != nil {
		return err
	}
	s.liesFirst()
	return nil
}

// pair returns an option of two axes, the zero value where it says nothing.
func pair(list []int) nn.Pair {
	if sameList(list, 1) {
		return nn.Pair{}
	}
	return nn.Pair{list[0], list[1]}
}

// single is pair for one axis.
func single(list []int) int {
	if list[0] == 1 {
		return 0
	}
	return list[0]
}

func (w sliding) convolution(filters int, padding nn.Padding, noBias bool) nn.Layer {
	if len(w.kernel) == 1 {
		return nn.Conv1D{Filters: filters, Kernel: w.kernel[0], Strides: single(w.strides), Dilation: single(w.dilations), Padding: padding, NoBias: noBias}
	}
	return nn.Conv2D{Filters: filters, Kernel: nn.Pair{w.kernel[0], w.kernel[1]}, Strides: pair(w.strides), Dilation: pair(w.dilations), Padding: padding, NoBias: noBias}
}

// depthwise returns a convolution of every channel by itself.
func (w sliding) depthwise(multiplier int, padding nn.Padding, noBias bool) nn.Layer {
	if multiplier == 1 {
		multiplier = 0
	}
	if len(w.kernel) == 1 {
		return nn.DepthwiseConv1D{Kernel: w.kernel[0], Strides: single(w.strides), Multiplier: multiplier, Dilation: single(w.dilations), Padding: padding, NoBias: noBias}
	}
	return nn.DepthwiseConv2D{Kernel: nn.Pair{w.kernel[0], w.kernel[1]}, Strides: pair(w.strides), Multiplier: multiplier, Dilation: pair(w.dilations), Padding: padding, NoBias: noBias}
}

func readConvTranspose(s *stream, n *node) error {
	if err := s.settleLast(n); err != nil {
		return err
	}
	kernel, channels, filters, taps, err := s.kernel(n, len(s.shape)-1)
	if err != nil {
		return err
	}
	bias, err := s.bias(n, 2, filters)
	if err != nil {
		return err
	}
	w, err := s.sliding(n, taps)
	if err != nil {
		return err
	}
	extra := n.ints("output_padding")
	if extra == nil {
		extra = make([]int, len(taps))
	}
	switch {
	case n.int("group", 1) != 1:
		return cannot(n, "group is %d, want 1", n.int("group", 1))
	case n.ints("output_shape") != nil:
		return cannot(n, "output_shape is given, want pads and output_padding")
	case n.text("auto_pad", "NOTSET") != "NOTSET":
		return cannot(n, "auto_pad is %.40q, want NOTSET with pads", n.text("auto_pad", ""))
	case channels != s.shape[len(s.shape)-1]:
		return cannot(n, "its kernel is for %d channels, its input has %d", channels, s.shape[len(s.shape)-1])
	case len(extra) != len(taps):
		return cannot(n, "output_padding is %v, want one number for each of %d axes", extra, len(taps))
	}
	layer, before, after := w.transposed(s.shape, extra, filters, bias == nil)
	if err := s.add(n, layer, weightsOf(kernel, bias)...); err != nil {
		return err
	}
	if !sameList(before, 0) || !sameList(after, 0) {
		for i := range before {
			before[i], after[i] = -before[i], -after[i]
		}
		if err := s.margins(n, before, after); err != nil {
			return err
		}
	}
	s.liesFirst()
	return nil
}

// transposed returns a transposed convolution of samples of a shape, and how many positions
// are to be cut off what it gives. Where nn's rules leave the same positions out, none are.
func (w sliding) transposed(shape tensor.Shape, extra []int, filters int, noBias bool) (layer nn.Layer, before, after []int) {
	before, after = make([]int, len(w.kernel)), make([]int, len(w.kernel))
	for _, padding := range []nn.Padding{nn.Valid, nn.Same} {
		fits := true
		for i := range w.kernel {
			b, a, err := nn.TransposedMargins(shape[i], w.kernel[i], w.strides[i], w.dilations[i], padding, nil)
			fits = fits && err == nil && b == w.before[i] && a == w.after[i]-extra[i]
		}
		if fits {
			return w.transposedConvolution(filters, padding, nil, noBias), before, after
		}
	}
	copy(before, w.before)
	copy(after, w.after)
	return w.transposedConvolution(filters, nn.Valid, extra, noBias), before, after
}

func (w sliding) transposedConvolution(filters int, padding nn.Padding, extra []int, noBias bool) nn.Layer {
	if len(w.kernel) == 1 {
		l := nn.Conv1DTranspose{Filters: filters, Kernel: w.kernel[0], Strides: single(w.strides), Dilation: single(w.dilations), Padding: padding, NoBias: noBias}
		if extra != nil {
			l.OutputPadding = &extra[0]
		}
		return l
	}
	l := nn.Conv2DTranspose{Filters: filters, Kernel: nn.Pair{w.kernel[0], w.kernel[1]}, Strides: pair(w.strides), Dilation: pair(w.dilations), Padding: padding, NoBias: noBias}
	if extra != nil {
		l.OutputPadding = &nn.Pair{extra[0], extra[1]}
	}
	return l
}

func readPool(s *stream, n *node) error {
	if err := s.settleLast(n); err != nil {
		return err
	}
	if len(s.shape) != 3 {
		return cannot(n, "its input has shape %s, want images", shapeText(s.axes()))
	}
	w, err := s.sliding(n, nil)
	if err != nil {
		return err
	}
	if !sameList(w.dilations, 1) {
		return cannot(n, "dilations are %v, want 1", w.dilations)
	}
	padding, ok, err := w.convolve(n, s.shape)
	if err != nil {
		return err
	}
	average := n.op == "AveragePool"
	if average && n.int("count_include_pad", 0) != 0 && !(ok && padding == nn.Valid) {
		// Zeros that count are zeros like others.
		if err := s.margins(n, w.before, w.after); err != nil {
			return err
		}
		padding, ok = nn.Valid, true
	}
	if !ok {
		return cannot(n, "pads are %v in front and %v behind, want none, or as many as the auto_pad SAME_UPPER gives", w.before, w.after)
	}
	pool, strides := nn.Pair{w.kernel[0], w.kernel[1]}, nn.Pair{w.strides[0], w.strides[1]}
	if strides == pool {
		strides = nn.Pair{}
	}
	var layer nn.Layer = nn.MaxPooling2D{Pool: pool, Strides: strides, Padding: padding}
	if average {
		layer = nn.AveragePooling2D{Pool: pool, Strides: strides, Padding: padding}
	}
	if err := s.add(n, layer); err != nil {
		return err
	}
	s.liesFirst()
	return nil
}

// readPad reads zeros around images or sequences.
func readPad(s *stream, n *node) error {
	rank := len(s.axes())
	pads := n.ints("pads")
	if a, err := s.m.inputArray(n, 1); err != nil {
		return err
	} else if a != nil {
		if pads, err = a.list(); err != nil {
			return n.errorf("%w", err)
		}
	}
	if value, err := s.m.inputArray(n, 2); err != nil {
		return err
	} else if v := n.float("value", 0); v != 0 || value != nil && !value.zero() {
		return cannot(n, "pads with another value than 0")
	}
	if mode := n.text("mode", "constant"); mode != "constant" {
		return cannot(n, "mode is %.40q, want constant", mode)
	}
	if len(n.in) > 3 && n.in[3] != nil { // from opset 18 on
		axes, err := s.m.inputArray(n, 3)
		if err != nil {
			return err
		}
		if pads, err = axes.onAll(pads, rank); err != nil {
			return n.errorf("%w", err)
		}
	}
	if len(pads) == 2*rank && sameList(pads, 0) {
		return nil
	}
	if len(pads) != 2*rank || pads[0] != 0 || pads[1] != 0 || pads[rank] != 0 || pads[rank+1] != 0 {
		return cannot(n, "pads are %v, want %d numbers with zeros for samples and channels", pads, 2*rank)
	}
	if err := s.settleLast(n); err != nil {
		return err
	}
	if err := s.margins(n, pads[2:rank], pads[rank+2:]); err != nil {
		return err
	}
	s.liesFirst()
	return nil
}

// readSlice reads what cuts rows and columns, or steps, off.
func readSlice(s *stream, n *node) error {
	in := []*array{nil}
	for i := 1; i < len(n.in); i++ {
		a, err := s.m.inputArray(n, i)
		if err != nil {
			return err
		}
		in = append(in, a)
	}
	cuts, err := slicesOf(n, in)
	if err != nil {
		return n.errorf("%w", err)
	}
	axes := s.axes()
	before, after := make([]int, len(axes)), make([]int, len(axes))
	for _, c := range cuts {
		if c.axis < 0 {
			c.axis += len(axes)
		}
		if c.axis < 0 || c.axis >= len(axes) || axes[c.axis].Batch || c.step != 1 {
			return cannot(n, "cuts axis %d of %s in steps of %d, want steps of 1 along axes of a sample", c.axis, shapeText(axes), c.step)
		}
		size := axes[c.axis].Size
		before[c.axis], after[c.axis] = -clampIndex(c.start, size), clampIndex(c.end, size)-size
	}
	if sameList(before, 0) && sameList(after, 0) {
		return nil
	}
	if len(axes) == 2 {
		return s.pick(n, -before[1], axes[1].Size+after[1])
	}
	if len(axes) != 3 && len(axes) != 4 || before[1] != 0 || after[1] != 0 {
		return cannot(n, "cuts channels off %s, want rows and columns, or steps", shapeText(axes))
	}
	if err := s.settleLast(n); err != nil {
		return err
	}
	if err := s.margins(n, before[2:], after[2:]); err != nil {
		return err
	}
	s.liesFirst()
	return nil
}

// pick takes elements lo to hi of vectors, as a product that nothing is to be learned of.
func (s *stream) pick(n *node, lo, hi int) error {
	in, units := s.axes()[1].Size, hi-lo
	if units < 1 || s.axes()[1].Batch || in > maxArray/max(units, 1) {
		return cannot(n, "takes elements %d to %d of %d", lo, hi, in)
	}
	kernel := make([]float32, in*units)
	for u := range units {
		kernel[(lo+u)*units+u] = 1
	}
	places, err := s.flat(n)
	if err != nil {
		return err
	}
	if err := s.add(n, nn.Frozen{Layer: nn.Dense{Units: units, NoBias: true}}, spread(kernel, places, units)); err != nil {
		return err
	}
	s.items[len(s.items)-1].picks = true
	return nil
}

// readResize reads what repeats pixels.
func readResize(s *stream, n *node) error {
	factors, err := s.factors(n)
	if err != nil {
		return err
	}
	if len(factors) != 4 || factors[0] != 1 || factors[1] != 1 {
		return cannot(n, "scales are %v, want [1, 1, rows, columns] in whole numbers", factors)
	}
	interpolation := nn.Nearest
	switch mode := n.text("mode", "nearest"); {
	case mode == "linear" && strings.Contains(n.text("coordinate_transformation_mode", "half_pixel"), "half_pixel"):
		interpolation = nn.Bilinear
	case mode != "nearest":
		return cannot(n, "mode is %.40q with coordinate_transformation_mode %.40q, want nearest, or linear with half_pixel", mode, n.text("coordinate_transformation_mode", "half_pixel"))
	case !wholeNearest(n):
		return cannot(n, "coordinate_transformation_mode %.40q with nearest_mode %.40q, want asymmetric with floor, or half_pixel", n.text("coordinate_transformation_mode", "half_pixel"), n.text("nearest_mode", "round_prefer_floor"))
	}
	if err := s.settleLast(n); err != nil {
		return err
	}
	if err := s.add(n, nn.UpSampling2D{Size: nn.Pair{factors[2], factors[3]}, Interpolation: interpolation}); err != nil {
		return err
	}
	s.liesFirst()
	return nil
}

// wholeNearest reports whether a node repeats each pixel, if it enlarges by whole numbers.
func wholeNearest(n *node) bool {
	if n.op == "Upsample" {
		return true
	}
	rounding := n.text("nearest_mode", "round_prefer_floor")
	switch n.text("coordinate_transformation_mode", "half_pixel") {
	case "asymmetric", "tf_half_pixel_for_nn":
		return rounding == "floor"
	case "half_pixel", "pytorch_half_pixel", "half_pixel_symmetric":
		return rounding == "round_prefer_floor" || rounding == "round_prefer_ceil"
	}
	return false
}

// factors returns how much a node enlarges each axis.
func (s *stream) factors(n *node) ([]int, error) {
	if n.attributes["axes"] != nil {
		return nil, cannot(n, "axes is %v, want none, and scales or sizes for all axes", n.ints("axes"))
	}
	scales := n.attributes["scales"].GetFloats()
	last := len(n.in) - 1
	place := min(2, max(last, 1)) // with opset 10 scales are the second input
	if n.op == "Upsample" {
		place = 1
	}
	if a, err := s.m.inputArray(n, place); err != nil {
		return nil, err
	} else if a != nil && len(a.floats) > 0 {
		scales = a.floats
	}
	var factors []int
	if len(scales) == 0 {
		a, err := s.m.inputArray(n, 3)
		if err != nil {
			return nil, err
		}
		axes := s.axes()
		if a == nil || len(a.ints) != len(axes) {
			return nil, cannot(n, "has neither scales nor sizes")
		}
		for i, want := range a.ints {
			if axes[i].Batch && (want.Batch || want.Size == s.m.fixed) {
				want = axes[i]
			}
			if want.Batch != axes[i].Batch || axes[i].Size < 1 || want.Size%axes[i].Size != 0 {
				return nil, cannot(n, "makes %s of %s, want multiples", shapeText(a.ints), shapeText(axes))
			}
			factors = append(factors, want.Size/axes[i].Size)
		}
		return factors, nil
	}
	for _, f := range scales {
		if f != float32(int(f)) || f < 1 {
			return nil, cannot(n, "scales are %v, want whole numbers", scales)
		}
		factors = append(factors, int(f))
	}
	return factors, nil
}

// readGlobalAverage reads the mean over rows and columns, or steps.
func readGlobalAverage(s *stream, n *node) error {
	axes := s.axes()
	keep := n.int("keepdims", 1) != 0
	var over []int
	if n.op == "GlobalAveragePool" {
		for i := 2; i < len(axes); i++ {
			over = append(over, i)
		}
	} else {
		var in []*array
		a, err := s.m.inputArray(n, 1)
		if err != nil {
			return err
		}
		if over, err = axesOf(n, append(in, nil, a)); err != nil {
			return n.errorf("%w", err)
		}
	}
	order, left := []int{}, []int{}
	for i := range axes {
		if !slices.Contains(over, i) && !slices.Contains(over, i-len(axes)) {
			left = append(left, i)
		} else {
			order = append(order, i)
		}
	}
	if len(left) != 2 || !axes[left[0]].Batch || len(order) < 1 || len(order) > 2 {
		return cannot(n, "takes the mean over axes %v of %s, want rows and columns, or steps", over, shapeText(axes))
	}
	if err := s.settle(n, append(append([]int{left[0]}, order...), left[1])...); err != nil {
		return err
	}
	if len(order) == 1 {
		if err := s.add(n, nn.Reshape{s.shape[0], 1, s.shape[1]}); err != nil {
			return err
		}
	}
	if err := s.add(n, nn.GlobalAveragePooling2D{}); err != nil {
		return err
	}
	if keep {
		for _, i := range order {
			axes[i].Size = 1
		}
		view, ok := s.view.Reshape(axes)
		if !ok {
			return fmt.Errorf("onnx: mean of %s", shapeText(axes))
		}
		s.view = view
	}
	return nil
}

// onAll spreads numbers that a Pad has for some axes, in front of each and then behind each, to
// all of them, with zeros for the others.
func (a *array) onAll(pads []int, rank int) ([]int, error) {
	axes, err := a.list()
	if err != nil {
		return nil, err
	}
	if len(pads) != 2*len(axes) {
		return nil, fmt.Errorf("%d pads for %d axes, want two for each", len(pads), len(axes))
	}
	all := make([]int, 2*rank)
	for i, axis := range axes {
		if axis < 0 {
			axis += rank
		}
		if axis < 0 || axis >= rank {
			return nil, fmt.Errorf("axes are %v of %d", axes, rank)
		}
		all[axis], all[rank+axis] = pads[i], pads[len(axes)+i]
	}
	return all, nil
}
