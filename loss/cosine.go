package loss

import (
	"math"

	"hourglass/internal/kernel"
)

// Cosine is 1 - p·t / (‖p‖·‖t‖) of a sample as one vector, whatever its shape: 0 where
// prediction and target point the same way, however long they are, and 2 where they are
// opposite. One without length has the loss 1 and no gradient. It is one less Keras'
// cosine_similarity, whose loss is negative, and PyTorch's CosineEmbeddingLoss for equals.
//
// A loss of whole samples counts for all entries of its sample, so that the mean over
// entries is the mean over samples.
type Cosine struct{}

// Name returns "cosine".
func (Cosine) Name() string { return "cosine" }

// Eval returns the sample's loss times its number of entries; the derivative of 1 - cos is
// (cos·p/‖p‖ - t/‖t‖) / ‖p‖.
func (Cosine) Eval(grad, pred, target []float32, scale float32) float64 {
	n := float64(len(pred))
	p, t := math.Sqrt(kernel.SumSquares(pred)), math.Sqrt(kernel.SumSquares(target))
	if !(p*t != 0) {
		clear(grad)
		return n
	}
	cos := kernel.Dot(pred, target) / (p * t)
	if grad != nil {
		factor := float64(scale) * n / p
		along, towards := factor*cos/p, factor/t
		for i, x := range pred {
			grad[i] = float32(float64(along*float64(x)) - float64(towards*float64(target[i])))
		}
	}
	return n * (1 - cos)
}
