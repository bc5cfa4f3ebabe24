package kernel

import "math"

// Softmax writes exp(scale·xᵢ) / Σ exp(scale·xⱼ) to dst, from differences to the largest one, so
// that nothing overflows. The scale must not be negative. The sum is ordered as in [Sum].
func Softmax(dst, x []float32, scale float32) {
	sameLength("Softmax", len(dst), len(x))
	if len(x) == 0 {
		return
	}
	s := softmaxes()
	s.expScaled(dst, x, scale, -float32(s.maximum(x)*scale))
	Scale(dst, dst, float32(1/Sum(dst)))
}

// SoftmaxGrad writes the gradient dx = scale·y·(dy - Σ dyⱼ·yⱼ) with respect to what Softmax took;
// y is its output.
func SoftmaxGrad(dx, dy, y []float32, scale float32) {
	sameLength("SoftmaxGrad", len(dx), len(dy), len(y))
	softmaxes().centred(dx, dy, y, scale, float32(Dot(dy, y)))
}

// softmaxTable holds one level's implementation of the parts of these.
type softmaxTable struct {
	maximum   func(x []float32) float32
	expScaled func(dst, x []float32, scale, shift float32)
	centred   func(dz, dy, y []float32, scale, shift float32)
}

// genericSoftmax holds the twins.
var genericSoftmax = softmaxTable{maximumGeneric, expScaledGeneric, centredGeneric}

// maximumGeneric returns the largest number.
func maximumGeneric(x []float32) float32 {
	largest := float32(math.Inf(-1))
	for _, v := range x {
		if v > largest {
			largest = v
		}
	}
	return largest
}

// expScaledGeneric writes exp(scale·x + shift).
func expScaledGeneric(dst, x []float32, scale, shift float32) {
	for i, v := range x {
		dst[i] = expf(float32(scale*v) + shift)
	}
}

// centredGeneric writes scale·y·(dy - shift).
func centredGeneric(dz, dy, y []float32, scale, shift float32) {
	for i, v := range y {
		dz[i] = float32(scale*v) * float32(dy[i]-shift)
	}
}
