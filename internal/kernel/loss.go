package kernel

import "math"

// BCELogits is the binary cross-entropy of logits z against targets t, forward and backward in one
// pass. It writes p = sigmoid(z) and dz = (p-t)·scale and returns
// Σ -t·ln p - (1-t)·ln(1-p) = Σ max(z,0) - z·t + ln(1+exp(-|z|)), ordered as in [Sum].
// Any of p, dz and z may be the same slice, except p and dz.
func BCELogits(p, dz, z, t []float32, scale float32) float64 {
	sameLength("BCELogits", len(p), len(dz), len(z), len(t))
	var sum float64
	for i := 0; i < len(p); i += reduceBlock {
		end := min(i+reduceBlock, len(p))
		sum += float64(active.bceLogits(p[i:end], dz[i:end], z[i:end], t[i:end], scale))
	}
	return sum
}

// BCELogitsLoss returns what [BCELogits] returns and writes nothing.
func BCELogitsLoss(z, t []float32) float64 {
	sameLength("BCELogitsLoss", len(z), len(t))
	var sum float64
	for i := 0; i < len(z); i += reduceBlock {
		end := min(i+reduceBlock, len(z))
		sum += float64(active.bceLoss(z[i:end], t[i:end]))
	}
	return sum
}

// SquaredError writes d = (p-t)·scale and returns Σ(p-t)², ordered as in [Sum].
func SquaredError(d, p, t []float32, scale float32) float64 {
	sameLength("SquaredError", len(d), len(p), len(t))
	var sum float64
	for i := 0; i < len(d); i += reduceBlock {
		end := min(i+reduceBlock, len(d))
		sum += float64(active.squaredError(d[i:end], p[i:end], t[i:end], scale))
	}
	return sum
}

// RoundedAgree counts the elements where the target, rounded half to even, equals 1 if p > 0.5, else 0:
// where targets and probabilities agree once rounded.
func RoundedAgree(p, t []float32) int {
	sameLength("RoundedAgree", len(p), len(t))
	return active.roundedAgree(p, t)
}

// bcef returns the cross-entropy of one logit.
func bcef(z, t float32) float32 {
	return fma32(-z, t, maxf(0, z)) + log1pf(expf(-absf(z)))
}

func bceLogitsGeneric(p, dz, z, t []float32, scale float32) float32 {
	var s laneSums
	for i := range p {
		zi, ti := z[i], t[i]
		s[i%lanes] += bcef(zi, ti)
		pi := sigmoidf(zi)
		p[i] = pi
		dz[i] = float32(pi-ti) * scale
	}
	return s.tree()
}

func bceLossGeneric(z, t []float32) float32 {
	var s laneSums
	for i := range z {
		s[i%lanes] += bcef(z[i], t[i])
	}
	return s.tree()
}

func squaredErrorGeneric(d, p, t []float32, scale float32) float32 {
	var s laneSums
	for i := range d {
		e := p[i] - t[i]
		s[i%lanes] = fma32(e, e, s[i%lanes])
		d[i] = e * scale
	}
	return s.tree()
}

func roundedAgreeGeneric(p, t []float32) int {
	count := 0
	for i, pi := range p {
		var rounded float32
		if pi > 0.5 {
			rounded = 1
		}
		if float32(math.RoundToEven(float64(t[i]))) == rounded {
			count++
		}
	}
	return count
}
