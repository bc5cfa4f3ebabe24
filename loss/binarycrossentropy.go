package loss

import (
	"hourglass/internal/kernel"
	"hourglass/internal/portable"
)

// BinaryCrossEntropy is -t·log p - (1-t)·log(1-p), for predictions and targets
// in [0, 1].
//
// Behind a sigmoid it is computed from logits z as max(z, 0) - z·t +
// log(1 + e^-|z|), with the exact derivative p - t. Elsewhere p is clipped to
// [1e-7, 1-1e-7] as in Keras' binary_crossentropy, with no derivative where the
// clipping acts.
type BinaryCrossEntropy struct{}

var (
	_ FromLogits = BinaryCrossEntropy{}
	_ Domain     = BinaryCrossEntropy{}
)

// Name returns "binary_crossentropy".
func (BinaryCrossEntropy) Name() string { return "binary_crossentropy" }

// Domain returns 0 and 1.
func (BinaryCrossEntropy) Domain() (low, high float32) { return 0, 1 }

// clip is Keras' backend epsilon.
const clip = 1e-7

// Eval takes probabilities.
func (BinaryCrossEntropy) Eval(grad, pred, target []float32, scale float32) float64 {
	var sum float64
	for i, p := range pred {
		t := float64(target[i])
		q := min(max(float64(p), clip), 1-clip)
		sum -= float64(t*portable.Log(q)) + float64((1-t)*portable.Log(1-q))
		if grad == nil {
			continue
		}
		if q != float64(p) {
			grad[i] = 0
			continue
		}
		grad[i] = float32((q-t)/(q*(1-q))) * scale
	}
	return sum
}

// EvalLogits takes logits and overwrites them by probabilities.
func (BinaryCrossEntropy) EvalLogits(grad, logits, target []float32, scale float32) float64 {
	if grad == nil {
		sum := kernel.BCELogitsLoss(logits, target)
		kernel.Sigmoid(logits, logits)
		return sum
	}
	return kernel.BCELogits(logits, grad, logits, target, scale)
}
