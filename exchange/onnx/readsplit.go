package onnx

import "hourglass/exchange/internal/relayout"

// cut returns the stretch of one of several axes that a Slice takes, or a Split for one of its
// outputs.
func (m *model) cut(n *node, axes []relayout.Axis, out *operand) (axis, lo, hi int, ok bool) {
	in := []*array{nil}
	for i := 1; i < len(n.in); i++ {
		a, err := m.inputArray(n, i)
		if err != nil {
			return 0, 0, 0, false
		}
		in = append(in, a)
	}
	if n.op == "Split" {
		return splitStretch(n, in, axes, out)
	}
	cuts, err := slicesOf(n, in)
	if err != nil || len(cuts) != 1 || cuts[0].step != 1 {
		return 0, 0, 0, false
	}
	axis, ok = placeOf(cuts[0].axis, axes)
	if !ok {
		return 0, 0, 0, false
	}
	lo, hi = clampIndex(cuts[0].start, axes[axis].Size), clampIndex(cuts[0].end, axes[axis].Size)
	return axis, lo, hi, lo < hi
}

// splitStretch returns the stretch that an output of a Split has.
func splitStretch(n *node, in []*array, axes []relayout.Axis, out *operand) (axis, lo, hi int, ok bool) {
	axis, ok = placeOf(n.int("axis", 0), axes)
	if !ok {
		return 0, 0, 0, false
	}
	sizes := n.ints("split")
	if len(in) > 1 && in[1] != nil {
		var err error
		if sizes, err = in[1].list(); err != nil {
			return 0, 0, 0, false
		}
	}
	each := (axes[axis].Size + len(n.out) - 1) / len(n.out)
	for i, o := range n.out {
		size := each
		if len(sizes) == len(n.out) {
			size = sizes[i]
		}
		lo, hi = hi, min(hi+size, axes[axis].Size)
		if o == out {
			return axis, lo, hi, 0 <= lo && lo < hi
		}
	}
	return 0, 0, 0, false
}

// placeOf counts an axis from the end if it is negative. It must not be that of the samples.
func placeOf(axis int, axes []relayout.Axis) (int, bool) {
	if axis < 0 {
		axis += len(axes)
	}
	return axis, axis >= 0 && axis < len(axes) && !axes[axis].Batch
}
