// Package relayout keeps account of how the axes of an array in one tool lie in an array of
// another, so that transposes and reshapes need not be carried out as they come: most
// cancel, others can be taken into the weights of a layer, and what is left is one transpose
// between two reshapes.
//
// A [View] has a stored array and shows it under wanted axes. Axes of both are made of the
// same atoms, factors of an axis, in another order.
package relayout

import "slices"

// Axis is the length of an axis: Size, or Size for every sample.
type Axis struct {
	Size  int
	Batch bool
}

// Samples returns the axes of an array of samples of a shape, the samples first.
func Samples(shape ...int) []Axis {
	axes := []Axis{{1, true}}
	for _, n := range shape {
		axes = append(axes, Axis{n, false})
	}
	return axes
}

// View shows a stored array under wanted axes. It is a value and never changes.
type View struct {
	atoms  []int   // lengths, in the order of the stored array; 0 for that of the samples
	stored []int   // how many atoms each stored axis has
	wanted [][]int // which atoms each wanted axis has, outermost first
}

// batchAtom stands for the number of samples among the atoms.
const batchAtom = 0

// Of returns the view of an array as it is stored.
func Of(axes []Axis) View {
	var v View
	for _, a := range axes {
		var group []int
		if a.Batch {
			group = append(group, len(v.atoms))
			v.atoms = append(v.atoms, batchAtom)
		}
		if a.Size > 1 {
			group = append(group, len(v.atoms))
			v.atoms = append(v.atoms, a.Size)
		}
		v.stored = append(v.stored, len(group))
		v.wanted = append(v.wanted, group)
	}
	return v
}

// axis returns the length of an axis of these atoms.
func (v View) axis(group []int) Axis {
	a := Axis{Size: 1}
	for _, i := range group {
		if v.atoms[i] == batchAtom {
			a.Batch = true
		} else {
			a.Size *= v.atoms[i]
		}
	}
	return a
}

// Axes returns the wanted axes.
func (v View) Axes() []Axis {
	axes := make([]Axis, len(v.wanted))
	for i, group := range v.wanted {
		axes[i] = v.axis(group)
	}
	return axes
}

// Stored returns the axes of the stored array.
func (v View) Stored() []Axis {
	axes, at := make([]Axis, len(v.stored)), 0
	for i, n := range v.stored {
		group := make([]int, n)
		for j := range group {
			group[j] = at + j
		}
		axes[i], at = v.axis(group), at+n
	}
	return axes
}

// Transpose reorders the wanted axes: axis i becomes what axis order[i] was.
func (v View) Transpose(order ...int) View {
	wanted := make([][]int, len(order))
	for i, axis := range order {
		wanted[i] = v.wanted[axis]
	}
	v.wanted = wanted
	return v
}

// Reshape shows the elements, in their wanted order, under other axes. It reports false
// where these cut through the atoms, or the number of elements is another.
func (v View) Reshape(axes []Axis) (View, bool) {
	var wanted [][]int
	left := v.order()
	for _, a := range axes {
		var group []int
		for a.Batch || a.Size > 1 {
			if len(left) == 0 {
				return v, false
			}
			switch size := v.atoms[left[0]]; {
			case size == batchAtom:
				if !a.Batch {
					return v, false
				}
				a.Batch = false
			case a.Size%size == 0:
				a.Size /= size
			case a.Size > 1 && size%a.Size == 0:
				// wanted and left hold the numbers of atoms, which split shifts.
				rest := View{v.atoms, v.stored, append(append([][]int{}, wanted...), group, left)}.split(left[0], a.Size)
				v.atoms, v.stored = rest.atoms, rest.stored
				wanted, group, left = rest.wanted[:len(wanted)], rest.wanted[len(wanted)], rest.wanted[len(wanted)+1]
				a.Size = 1
			default:
				return v, false
			}
			group, left = append(group, left[0]), left[1:]
		}
		wanted = append(wanted, group)
	}
	v.wanted = wanted
	return v, len(left) == 0
}

// split cuts atom i in two, the outer one of which has a length of outer.
func (v View) split(i, outer int) View {
	v.atoms = slices.Insert(slices.Clone(v.atoms), i+1, v.atoms[i]/outer)
	v.atoms[i] = outer
	v.stored = slices.Clone(v.stored)
	for axis, at := 0, 0; axis < len(v.stored); axis++ {
		if at += v.stored[axis]; i < at {
			v.stored[axis]++
			break
		}
	}
	wanted := make([][]int, len(v.wanted))
	for g, group := range v.wanted {
		for _, atom := range group {
			if atom > i {
				atom++
			}
			wanted[g] = append(wanted[g], atom)
			if atom == i {
				wanted[g] = append(wanted[g], i+1)
			}
		}
	}
	v.wanted = wanted
	return v
}

// order returns all atoms in the wanted order.
func (v View) order() []int { return slices.Concat(v.wanted...) }

// InOrder reports whether the elements are wanted in the order they are stored in.
func (v View) InOrder() bool { return slices.IsSorted(v.order()) }

// BatchFirst reports whether the stored array has its samples one after another.
func (v View) BatchFirst() bool { return len(v.atoms) > 0 && v.atoms[0] == batchAtom }

// Moves returns how the stored array becomes the wanted one: a reshape, a transpose and
// another reshape, each nil where nothing is to do.
func (v View) Moves() (before []Axis, order []int, after []Axis) {
	now := v.Stored()
	if !v.InOrder() {
		var groups [][]int // what moves together
		if groups = v.storedGroups(); groups == nil {
			for i := range v.atoms {
				groups = append(groups, []int{i})
				before = append(before, v.axis([]int{i}))
			}
			now = before
		}
		order = v.orderOf(groups)
		moved := make([]Axis, len(order))
		for i, axis := range order {
			moved[i] = now[axis]
		}
		now = moved
	}
	if want := v.Axes(); !slices.Equal(now, want) {
		after = want
	}
	return before, order, after
}

// storedGroups returns the atoms of every stored axis, or nil if some of them are torn
// apart in the wanted order.
func (v View) storedGroups() [][]int {
	order, at := v.order(), 0
	var groups [][]int
	for _, n := range v.stored {
		var group []int
		for range n {
			group, at = append(group, at), at+1
		}
		if n > 1 {
			if first := slices.Index(order, group[0]); first+n > len(order) || !slices.Equal(order[first:first+n], group) {
				return nil
			}
		}
		groups = append(groups, group)
	}
	return groups
}

// orderOf returns the order in which groups of atoms are wanted. Those of no atoms, axes
// of length 1, stand where wanted axes without atoms do, as far as there are any, or last.
func (v View) orderOf(groups [][]int) []int {
	var order, empty []int
	first := map[int]int{} // group by its first atom
	for i, g := range groups {
		if len(g) == 0 {
			empty = append(empty, i)
		} else {
			first[g[0]] = i
		}
	}
	for _, w := range v.wanted {
		if len(w) == 0 && len(empty) > 0 {
			order, empty = append(order, empty[0]), empty[1:]
		}
		for _, atom := range w {
			if i, ok := first[atom]; ok {
				order = append(order, i)
			}
		}
	}
	return append(order, empty...)
}

// Permutation returns for every element of a sample in the wanted order its place in the
// stored one.
func (v View) Permutation() []int {
	strides, size := make([]int, len(v.atoms)), 1
	for i := len(v.atoms) - 1; i >= 0; i-- {
		if v.atoms[i] != batchAtom {
			strides[i] = size
			size *= v.atoms[i]
		}
	}
	places := []int{0}
	for _, atom := range v.order() {
		if v.atoms[atom] == batchAtom {
			continue
		}
		next := make([]int, 0, len(places)*v.atoms[atom])
		for _, place := range places {
			for k := range v.atoms[atom] {
				next = append(next, place+k*strides[atom])
			}
		}
		places = next
	}
	return places
}

// Flattened returns the view of an array that has the elements of a sample in the wanted
// order, on a single axis behind that of the samples.
func (v View) Flattened() View {
	size := 1
	for _, n := range v.atoms {
		if n != batchAtom {
			size *= n
		}
	}
	flat, ok := Of(Samples(size)).Reshape(v.Axes())
	if !ok { // not possible unless samples do not come first
		panic("relayout: flattened view of an array whose samples do not come first")
	}
	return flat
}

// Joined returns the view of an array that has its elements where they are stored, on a
// single axis behind that of the samples, which must come first.
func (v View) Joined() View {
	v.stored = []int{1, len(v.atoms) - 1}
	return v
}
