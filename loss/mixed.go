package loss

import (
	"fmt"
	"math"
	"strings"

	"hourglass/internal/columns"
	"hourglass/internal/portable"
	"hourglass/tensor"
)

// Mixed is a loss of samples whose values are of several kinds, such as the rows of a table
// with numbers, categories spelled out as 0s and a 1 (one-hot), and values of 0 or 1. Columns says what
// stands where along the last axis, "numbers:3,classes:4,booleans:2"; each "classes" is one
// category. For a prediction p and a target t it sums
//
//	numbers   (p - t)²
//	classes   -Σ t·ln p, the cross-entropy with the probabilities p of the classes
//	booleans  -t·ln p - (1-t)·ln(1-p)
//
// Predictions are probabilities as nn.ColumnActivation makes them, clipped to [1e-7, 1-1e-7]; or
// with Logits what comes before it, which a network without that layer gives, and the loss is
// exact. Behind an asterisk stands what the terms of a group are multiplied by: "classes:4*0.5"
// counts half. A target of a class or a boolean that is not from 0 to 1 makes it NaN.
//
// It can do with missing entries (dataset.Mask): each entry that is there adds its term.
type Mixed struct {
	Columns string
	Logits  bool // predictions of classes and booleans are logits, not probabilities
}

var (
	_ Binder    = Mixed{}
	_ Validator = Mixed{}
	_ Masked    = (*boundMixed)(nil)
)

// MixedPrefix begins the names of mixed losses for ByName; the columns follow.
const MixedPrefix = "mixed:"

// Name returns "mixed".
func (Mixed) Name() string { return strings.TrimSuffix(MixedPrefix, ":") }

// Validate reports columns that cannot be read.
func (l Mixed) Validate() error {
	if _, err := columns.Parse(l.Columns); err != nil {
		return fmt.Errorf("loss: mixed: %w", err)
	}
	return nil
}

// Eval returns NaN: only Bind makes a loss that knows its columns.
func (l Mixed) Eval(grad, _, _ []float32, _ float32) float64 { return unbound(grad) }

// Bind accepts samples with as many values along the last axis as there are columns.
func (l Mixed) Bind(sample tensor.Shape) (Loss, error) {
	groups, err := columns.Parse(l.Columns)
	if err != nil {
		return nil, err
	}
	if len(sample) == 0 {
		return nil, fmt.Errorf("got scalars, want samples of at least one axis")
	}
	width := sample[len(sample)-1]
	return &boundMixed{l, groups, width, make([]float64, width)}, columns.Check(groups, width)
}

// boundMixed is the loss of rows of a width.
type boundMixed struct {
	Mixed
	groups []columns.Group
	width  int
	shares []float64 // of the classes of a group: its memory
}

// Eval sums the loss.
func (b *boundMixed) Eval(grad, pred, target []float32, scale float32) float64 {
	return b.EvalMasked(grad, pred, target, nil, scale)
}

// EvalMasked sums the loss over the entries that are there.
func (b *boundMixed) EvalMasked(grad, pred, target, mask []float32, scale float32) float64 {
	var sum float64
	for at := 0; at < len(pred); at += b.width {
		for _, g := range b.groups {
			lo, hi := at+g.Lo, at+g.Hi
			v := mixedValues{part(grad, lo, hi), pred[lo:hi], target[lo:hi], part(mask, lo, hi), float64(float64(scale) * g.Weight)}
			var group float64
			switch {
			case g.Kind == columns.Numbers:
				group = v.numbers()
			case g.Kind == columns.Classes && b.Logits:
				group = v.classLogits(b.shares[g.Lo:g.Hi])
			case g.Kind == columns.Classes:
				group = v.classes()
			case b.Logits:
				group = v.booleanLogits()
			default:
				group = v.booleans()
			}
			sum += float64(g.Weight * group)
		}
	}
	return sum
}

// part returns x[lo:hi], or nil of nil.
func part(x []float32, lo, hi int) []float32 {
	if x == nil {
		return nil
	}
	return x[lo:hi]
}

// mixedValues are the values of one group, with the gradient to be written and the mask,
// either of which may be nil.
type mixedValues struct {
	grad, pred, target, mask []float32
	scale                    float64
}

// each sums a term over the entries that are there, and writes its derivative.
func (v *mixedValues) each(term func(p, t float64) (loss, slope float64)) (sum float64) {
	for i, p := range v.pred {
		var slope float64
		if v.there(i) {
			var l float64
			l, slope = term(float64(p), float64(v.target[i]))
			sum += l
		}
		if v.grad != nil {
			v.grad[i] = float32(slope * v.scale)
		}
	}
	return sum
}

// there reports whether entry i is not missing.
func (v *mixedValues) there(i int) bool { return v.mask == nil || v.mask[i] != 0 }

func (v *mixedValues) numbers() float64 {
	return v.each(func(p, t float64) (float64, float64) {
		d := p - t
		return d * d, 2 * d
	})
}

func (v *mixedValues) classes() float64 {
	return v.each(func(p, t float64) (float64, float64) {
		q := max(p, clip)
		return -share(t) * portable.Log(q), -share(t) / q
	})
}

func (v *mixedValues) booleans() float64 {
	return v.each(func(p, t float64) (float64, float64) {
		q := min(max(p, clip), 1-clip)
		return -float64(share(t)*portable.Log(q)) - float64((1-t)*portable.Log(1-q)), (q - t) / (q * (1 - q))
	})
}

func (v *mixedValues) booleanLogits() float64 {
	return v.each(func(z, t float64) (float64, float64) {
		e := portable.Exp(-math.Abs(z))
		p := 1 / (1 + e)
		if z < 0 {
			p = e / (1 + e)
		}
		return max(z, 0) - float64(z*share(t)) + portable.Log(1+e), p - t
	})
}

// classLogits takes the softmax of all classes of the group, also of those that are missing
// from the target.
func (v *mixedValues) classLogits(shares []float64) (sum float64) {
	largest := math.Inf(-1)
	for _, z := range v.pred {
		largest = max(largest, float64(z))
	}
	var total, targets float64
	for i, z := range v.pred {
		shares[i] = portable.Exp(float64(z) - largest)
		total += shares[i]
	}
	logTotal := largest + portable.Log(total)
	for i, z := range v.pred {
		if v.there(i) {
			t := share(float64(v.target[i]))
			targets += t
			sum += float64(t * (logTotal - float64(z)))
		}
	}
	for i := range v.grad {
		slope := float64(shares[i] / total * targets)
		if v.there(i) {
			slope -= float64(v.target[i])
		}
		v.grad[i] = float32(slope * v.scale)
	}
	return sum
}

// share returns t if it is from 0 to 1, and NaN else.
func share(t float64) float64 {
	if t >= 0 && t <= 1 {
		return t
	}
	return math.NaN()
}
