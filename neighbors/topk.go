package neighbors

import "math"

// topK keeps the k nearest references of each query of a block, in a heap with
// the farthest on top.
type topK struct {
	k     int
	near  Neighbors // the results, of all queries
	query [queryBlock]int
	heaps [queryBlock][]candidate
}

type candidate struct {
	squared float64
	ref     int32
}

// farther orders by distance and equal distances by index.
func (c candidate) farther(d candidate) bool {
	return c.squared > d.squared || c.squared == d.squared && c.ref > d.ref
}

func (t *topK) begin(slot, i int) {
	t.query[slot] = i
	if t.heaps[slot] == nil {
		t.heaps[slot] = make([]candidate, 0, t.k)
	}
	t.heaps[slot] = t.heaps[slot][:0]
}

func (t *topK) reach(slot int) float64 {
	if h := t.heaps[slot]; len(h) == t.k {
		return h[0].squared
	}
	return math.Inf(1)
}

func (t *topK) visit(slot, ref int, squared float64) {
	c, h := candidate{squared, int32(ref)}, t.heaps[slot]
	switch {
	case len(h) < t.k:
		t.heaps[slot] = append(h, c)
		siftUp(t.heaps[slot])
	case h[0].farther(c):
		h[0] = c
		siftDown(h)
	}
}

// end empties the heap, farthest first, into the results.
func (t *topK) end(slot int) {
	indices, squared := t.near.Row(t.query[slot])
	for h := t.heaps[slot]; len(h) > 0; {
		last := len(h) - 1
		indices[last], squared[last] = h[0].ref, float32(h[0].squared)
		h[0] = h[last]
		h = h[:last]
		siftDown(h)
	}
}

// siftUp restores the heap after its last element was added.
func siftUp(h []candidate) {
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[i].farther(h[parent]) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// siftDown restores the heap after its first element was replaced.
func siftDown(h []candidate) {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].farther(h[child]) {
			child++
		}
		if !h[child].farther(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
