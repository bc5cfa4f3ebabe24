package relayout

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// array is a plain array to try views on.
type array struct {
	shape  []int
	values []int
}

func (a array) transpose(order []int) array {
	shape, strides := make([]int, len(order)), make([]int, len(order))
	for i, axis := range order {
		shape[i] = a.shape[axis]
		strides[i] = 1
		for _, n := range a.shape[axis+1:] {
			strides[i] *= n
		}
	}
	out := array{shape: shape}
	var walk func(axis, at int)
	walk = func(axis, at int) {
		if axis == len(shape) {
			out.values = append(out.values, a.values[at])
			return
		}
		for i := range shape[axis] {
			walk(axis+1, at+i*strides[axis])
		}
	}
	walk(0, 0)
	return out
}

const samples = 3

func sizes(axes []Axis) []int {
	var shape []int
	for _, a := range axes {
		n := a.Size
		if a.Batch {
			n *= samples
		}
		shape = append(shape, n)
	}
	return shape
}

func (a array) reshape(axes []Axis) array { return array{sizes(axes), a.values} }

// Whatever is done to a view, its moves make the same of the stored array as plain
// reshapes and transposes do.
func TestMoves(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	kept := 0
	for range 3000 {
		axes := Samples(1+rng.IntN(4), 2+rng.IntN(3), 1+rng.IntN(6))
		v := Of(axes)
		stored := array{shape: sizes(axes)}
		for i := range sizes(axes)[0] * axes[1].Size * axes[2].Size * axes[3].Size {
			stored.values = append(stored.values, i)
		}
		want := stored
		for range rng.IntN(5) {
			if rng.IntN(2) == 0 {
				order := rng.Perm(len(v.Axes()))
				v, want = v.Transpose(order...), want.transpose(order)
				continue
			}
			axes := regroup(rng, v.Axes())
			if next, ok := v.Reshape(axes); ok {
				v, want = next, want.reshape(axes)
				kept++
			}
		}
		before, order, after := v.Moves()
		got := stored
		if before != nil {
			got = got.reshape(before)
		}
		if order != nil {
			got = got.transpose(order)
		}
		if after != nil {
			got = got.reshape(after)
		}
		if !slices.Equal(got.values, want.values) || !slices.Equal(got.shape, want.shape) {
			t.Fatalf("%+v: got %v %v, want %v %v", v, got.shape, got.values, want.shape, want.values)
		}
	}
	if kept < 1000 {
		t.Errorf("only %d reshapes were possible", kept)
	}
}

// regroup merges or splits an axis at random.
func regroup(rng *rand.Rand, axes []Axis) []Axis {
	axes = slices.Clone(axes)
	i := rng.IntN(len(axes))
	if rng.IntN(2) == 0 && i+1 < len(axes) {
		merged := Axis{axes[i].Size * axes[i+1].Size, axes[i].Batch || axes[i+1].Batch}
		return slices.Replace(axes, i, i+2, merged)
	}
	for n := 2; n <= axes[i].Size; n++ {
		if axes[i].Size%n == 0 && !axes[i].Batch {
			return slices.Replace(axes, i, i+1, Axis{n, false}, Axis{axes[i].Size / n, false})
		}
	}
	return slices.Insert(axes, i, Axis{1, false})
}

// The lecture's convolutional decoder: images with channels first, viewed with channels last,
// flattened; the weights of a Dense layer that takes them are permuted.
func TestPermutation(t *testing.T) {
	v := Of(Samples(2, 2, 3)).Transpose(0, 2, 3, 1)
	v, ok := v.Reshape(Samples(12))
	if want := []int{0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11}; !ok || !slices.Equal(v.Permutation(), want) {
		t.Errorf("got %v, want %v", v.Permutation(), want)
	}
	if v.InOrder() || !v.BatchFirst() {
		t.Errorf("in order: %v, samples first: %v", v.InOrder(), v.BatchFirst())
	}
	back, ok := v.Flattened().Reshape(Samples(2, 3, 2))
	if before, order, after := back.Moves(); !ok || before != nil || order != nil || !slices.Equal(after, Samples(2, 3, 2)) {
		t.Errorf("moves of a flat array: %v, %v, %v", before, order, after)
	}
}

// Channels first to channels last is one transpose and nothing else, and there and back
// is nothing.
func TestNoMoreThanNeeded(t *testing.T) {
	v := Of(Samples(3, 28, 28)).Transpose(0, 2, 3, 1)
	if before, order, after := v.Moves(); before != nil || after != nil || !slices.Equal(order, []int{0, 2, 3, 1}) {
		t.Errorf("moves: %v, %v, %v", before, order, after)
	}
	if before, order, after := v.Transpose(0, 3, 1, 2).Moves(); before != nil || order != nil || after != nil {
		t.Errorf("there and back: %v, %v, %v", before, order, after)
	}
}

func TestReshapeRefuses(t *testing.T) {
	v := Of(Samples(4, 6))
	for _, axes := range [][]Axis{Samples(5), Samples(24, 2), Samples(3), {{24, false}}, {{24, false}, {1, true}}} {
		if _, ok := v.Reshape(axes); ok {
			t.Errorf("%v was reshaped to %v", v.Axes(), axes)
		}
	}
	if _, ok := v.Transpose(0, 2, 1).Reshape(Samples(8, 3)); ok {
		t.Error("an axis was cut through atoms of 6 and 4 at 8")
	}
}
