package train

import (
	"fmt"
	"math"

	"hourglass/internal/kernel"
	"hourglass/internal/parallel"
)

// Clipping keeps gradients from becoming too large, before the optimiser sees them. At
// most one of its fields is above 0; with none, gradients are what they are.
//
//	Value       every value: g ← min(max(g, -c), c)
//	Norm        every array of weights by itself: g ← g·c/‖g‖ where ‖g‖ > c
//	GlobalNorm  all arrays together: the same with the norm of all of them
//
// Pascanu et al. 2013 (https://arxiv.org/abs/1211.5063). As Keras' clipvalue, clipnorm and
// global_clipnorm; PyTorch's clip_grad_norm_ is GlobalNorm, with 1e-6 added to the norm.
// The gradients of penalties are clipped with the others. Norms are sums in an order that
// does not depend on the number of threads.
type Clipping struct {
	Value      float64
	Norm       float64
	GlobalNorm float64
}

// String returns what is clipped to what, "global norm 1", and "" if nothing is.
func (c Clipping) String() string {
	switch {
	case c.Value > 0:
		return fmt.Sprintf("value %v", c.Value)
	case c.Norm > 0:
		return fmt.Sprintf("norm %v", c.Norm)
	case c.GlobalNorm > 0:
		return fmt.Sprintf("global norm %v", c.GlobalNorm)
	}
	return ""
}

// Validate reports a setting out of range.
func (c Clipping) Validate() error {
	set := 0
	for _, x := range []float64{c.Value, c.Norm, c.GlobalNorm} {
		if !(x >= 0) || math.IsInf(x, 1) {
			return fmt.Errorf("train: clipping: the limit is %v, want a finite number above 0", x)
		}
		if x > 0 {
			set++
		}
	}
	if set > 1 {
		return fmt.Errorf("train: clipping: value %v, norm %v, global norm %v, want at most one of them", c.Value, c.Norm, c.GlobalNorm)
	}
	return nil
}

// byNorm reports whether all gradients must be known before the first is used.
func (c Clipping) byNorm() bool { return c.Norm > 0 || c.GlobalNorm > 0 }

// clipper clips the gradients of a step.
type clipper struct {
	Clipping
	pieces []piece
	sums   []float64 // of the squares in each piece
	limits []float32 // what each array is multiplied by
}

// piece is a stretch of an array of gradients, the same for any number of workers.
type piece struct{ array, lo, hi int }

// pieceSize is how many values a piece has at most.
const pieceSize = 1 << 16

// newClipper returns the clipper for arrays of so many weights, in their order.
func newClipper(c Clipping, sizes []int) *clipper {
	k := &clipper{Clipping: c, limits: make([]float32, len(sizes))}
	at := 0
	for array, size := range sizes {
		for end := at + size; at < end; {
			hi := min(at+pieceSize, end)
			k.pieces = append(k.pieces, piece{array, at, hi})
			at = hi
		}
	}
	k.sums = make([]float64, len(k.pieces))
	return k
}

// clipValues clips single values.
func (k *clipper) clipValues(g []float32) {
	limit := float32(k.Value)
	for i, x := range g {
		g[i] = min(max(x, -limit), limit)
	}
}

// clipNorms clips gradients g by their norms. All workers call it together. It reports
// whether the norms are numbers; where they are not, nothing is clipped.
func (k *clipper) clipNorms(w *parallel.Worker, g []float32) bool {
	lo, hi := w.Range(len(k.pieces), 1)
	for i := lo; i < hi; i++ {
		k.sums[i] = kernel.SumSquares(g[k.pieces[i].lo:k.pieces[i].hi])
	}
	w.Barrier()
	if w.Index == 0 {
		k.setLimits()
	}
	w.Barrier()
	if len(k.limits) > 0 && k.limits[0] < 0 {
		return false
	}
	for _, p := range k.pieces[lo:hi] {
		if limit := k.limits[p.array]; limit < 1 {
			kernel.Scale(g[p.lo:p.hi], g[p.lo:p.hi], limit)
		}
	}
	w.Barrier()
	return true
}

// setLimits sets the factors from the sums of squares; all are -1 if one is no number.
func (k *clipper) setLimits() {
	var total float64
	for i := 0; i < len(k.pieces); {
		array, sum := k.pieces[i].array, 0.0
		for ; i < len(k.pieces) && k.pieces[i].array == array; i++ {
			sum += k.sums[i]
		}
		total += sum
		k.limits[array] = factor(k.Norm, sum)
	}
	for i := range k.limits {
		switch {
		case !finite(total):
			k.limits[i] = -1
		case k.GlobalNorm > 0:
			k.limits[i] = factor(k.GlobalNorm, total)
		}
	}
}

// factor returns what brings a norm, given its square, down to the limit, or 1.
func factor(limit, square float64) float32 {
	if norm := math.Sqrt(square); norm > limit {
		return float32(limit / norm)
	}
	return 1
}
