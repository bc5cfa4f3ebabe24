// Package loss holds the functions that training makes small, one file each.
//
// Every loss is a mean over all entries of a batch, as in Keras and PyTorch with
// their default reductions. It is evaluated sample by sample, so that the samples
// of a batch can be shared out: a loss reports the sum over one sample's entries,
// and the caller divides by the number of entries.
package loss

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"hourglass/tensor"
)

// Loss is a function of a prediction and its target that is a sum over entries.
type Loss interface {
	// Name returns the name the loss has in Keras: "mse".
	Name() string
	// Eval returns the sum of the loss over the entries of pred and target, which
	// are equally long. Unless grad is nil it is set to the loss's derivative with
	// respect to pred, times scale.
	Eval(grad, pred, target []float32, scale float32) float64
}

// Resolver is a loss that can spell out what stands for its defaults. A run records
// it so, and a run that goes on may be given either.
type Resolver interface {
	Loss
	// Resolved returns the loss with its defaults spelled out.
	Resolved() Loss
}

// FromLogits is a loss that can also work on values before a final sigmoid, where
// it is exact in all cases.
type FromLogits interface {
	Loss
	// EvalLogits is Eval for pred = sigmoid(logits), with the derivative taken
	// with respect to the logits. It overwrites logits by pred.
	EvalLogits(grad, logits, target []float32, scale float32) float64
}

// Binder is a loss that sees samples with their shape, or that has memory. It is bound
// once for every goroutine that evaluates it, so that the memory is that one's own.
type Binder interface {
	Loss
	// Bind returns the loss of samples of a shape, which has the same name. It reports
	// settings out of range and a shape that the loss is not defined for.
	Bind(sample tensor.Shape) (Loss, error)
}

// Masked is a bound loss that can do with entries that are missing (dataset.Mask) where it
// sees them in their places. Other losses are given those that are there, without gaps, unless
// they are bound to a shape.
type Masked interface {
	Loss
	// EvalMasked is Eval over the entries whose mask is 1; it is 0 for those that are
	// missing, and nil if none is.
	EvalMasked(grad, pred, target, mask []float32, scale float32) float64
}

// Domain is a loss that is not defined for all numbers.
type Domain interface {
	Loss
	// Domain returns the least and the largest target it is defined for.
	Domain() (low, high float32)
}

// Validator is a loss with settings that may be out of range.
type Validator interface {
	Loss
	// Validate reports a setting out of range.
	Validate() error
}

// all lists the losses with their default options.
var all = []Loss{BinaryCrossEntropy{}, MeanSquaredError{}, MeanAbsoluteError{}, Huber{}, Cosine{}, Correntropy{}, SSIM{}}

// Names lists the names that ByName knows.
func Names() []string {
	var names []string
	for _, l := range all {
		names = append(names, l.Name())
	}
	return names
}

// ByName returns a loss with its default options: "binary_crossentropy", "mse",
// "mae", "huber", "cosine", "correntropy" or "ssim"; and "mixed:COLUMNS", which is [Mixed] with
// probabilities.
func ByName(name string) (Loss, error) {
	if columns, ok := strings.CutPrefix(name, MixedPrefix); ok {
		l := Mixed{Columns: columns}
		return l, l.Validate()
	}
	i := slices.IndexFunc(all, func(l Loss) bool { return l.Name() == name })
	if i < 0 {
		return nil, fmt.Errorf("loss: unknown loss %q, want one of %v or mixed:COLUMNS", name, Names())
	}
	return all[i], nil
}

// unbound is what a loss evaluates to that only Bind makes one: NaN, and so its gradient.
func unbound(grad []float32) float64 {
	for i := range grad {
		grad[i] = float32(math.NaN())
	}
	return math.NaN()
}

// sign returns -1, 0 or 1.
func sign(x float32) float32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }
