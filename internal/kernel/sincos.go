package kernel

// SinCos returns the sine and cosine of an angle in units of 2⁻³² turns, the same bits on every
// platform. Error: below 2⁻²³.
func SinCos(angle uint32) (sin, cos float32) { return sinCosPi(angle) }
