package kernel

// Normalize computes y = factor·(x - mean) + shift, each product rounded, for a row of
// channels with a mean, factor and shift each.
func Normalize(y, x, mean, factor, shift []float32) {
	sameLength("Normalize", len(y), len(x), len(mean), len(factor), len(shift))
	layers().normalize(y, x, mean, factor, shift)
}

// NormalizeGrad computes dx = factor·(dy - shift - (x - mean)·slope), each product rounded: the
// gradient through [Normalize] where mean and factor are those of the batch.
func NormalizeGrad(dx, dy, x, mean, factor, shift, slope []float32) {
	sameLength("NormalizeGrad", len(dx), len(dy), len(x), len(mean), len(factor), len(shift), len(slope))
	layers().normalizeGrad(dx, dy, x, mean, factor, shift, slope)
}

func normalizeGeneric(y, x, mean, factor, shift []float32) {
	for c, v := range x {
		y[c] = float32(factor[c]*(v-mean[c])) + shift[c]
	}
}

func normalizeGradGeneric(dx, dy, x, mean, factor, shift, slope []float32) {
	for c, d := range dy {
		dx[c] = factor[c] * (d - shift[c] - float32((x[c]-mean[c])*slope[c]))
	}
}
