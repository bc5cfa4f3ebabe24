package kernel

// SquaredDistance returns Σ(x-y)², ordered as in [Sum].
func SquaredDistance(x, y []float32) float64 {
	sameLength("SquaredDistance", len(x), len(y))
	var sum float64
	for i := 0; i < len(x); i += reduceBlock {
		end := min(i+reduceBlock, len(x))
		sum += float64(active.squaredDistance(x[i:end], y[i:end]))
	}
	return sum
}

func squaredDistanceGeneric(x, y []float32) float32 {
	var s laneSums
	for i := range x {
		d := x[i] - y[i]
		s[i%lanes] = fma32(d, d, s[i%lanes])
	}
	return s.tree()
}
