package kernel

// The activations y = f(x), and their derivatives as functions of the output y, so
// that a backward pass needs no inputs: XGrad writes dz = dy·f'(x).

// Sigmoid writes 1/(1+e⁻ˣ) to dst. Error: below 3 ULP, also where the result is denormal.
func Sigmoid(dst, x []float32) {
	sameLength("Sigmoid", len(dst), len(x))
	active.sigmoid(dst, x)
}

// SigmoidGrad writes dz = dy·y(1-y).
func SigmoidGrad(dz, dy, y []float32) {
	sameLength("SigmoidGrad", len(dz), len(dy), len(y))
	active.sigmoidGrad(dz, dy, y)
}

// Tanh writes tanh x to dst. Error: below 3 ULP.
func Tanh(dst, x []float32) {
	sameLength("Tanh", len(dst), len(x))
	active.tanh(dst, x)
}

// TanhGrad writes dz = dy·(1-y²).
func TanhGrad(dz, dy, y []float32) {
	sameLength("TanhGrad", len(dz), len(dy), len(y))
	active.tanhGrad(dz, dy, y)
}

// Softplus writes ln(1+eˣ) to dst without overflow. Error: below 2.5 ULP.
func Softplus(dst, x []float32) {
	sameLength("Softplus", len(dst), len(x))
	active.softplus(dst, x)
}

// SoftplusGrad writes dz = dy·(1-e⁻ʸ).
func SoftplusGrad(dz, dy, y []float32) {
	sameLength("SoftplusGrad", len(dz), len(dy), len(y))
	active.softplusGrad(dz, dy, y)
}

// ReLU writes max(x, 0) to dst; NaN stays NaN.
func ReLU(dst, x []float32) {
	sameLength("ReLU", len(dst), len(x))
	active.relu(dst, x)
}

// ReLUGrad writes dz = dy where y > 0, and 0 elsewhere.
func ReLUGrad(dz, dy, y []float32) {
	sameLength("ReLUGrad", len(dz), len(dy), len(y))
	active.reluGrad(dz, dy, y)
}

// LeakyReLU writes x where it is positive and slope·x elsewhere to dst.
func LeakyReLU(dst, x []float32, slope float32) {
	sameLength("LeakyReLU", len(dst), len(x))
	active.leakyReLU(dst, x, slope)
}

// LeakyReLUGrad writes dz = dy where y > 0, and slope·dy elsewhere. The slope must not be negative.
func LeakyReLUGrad(dz, dy, y []float32, slope float32) {
	sameLength("LeakyReLUGrad", len(dz), len(dy), len(y))
	active.leakyReLUGrad(dz, dy, y, slope)
}

// ELU writes x where it is positive and alpha·(eˣ-1) elsewhere to dst. Error: below 2 ULP, also
// near zero.
func ELU(dst, x []float32, alpha float32) {
	sameLength("ELU", len(dst), len(x))
	active.elu(dst, x, alpha)
}

// ELUGrad writes dz = dy where y > 0, and dy·(y+alpha) elsewhere. Alpha must not be negative.
func ELUGrad(dz, dy, y []float32, alpha float32) {
	sameLength("ELUGrad", len(dz), len(dy), len(y))
	active.eluGrad(dz, dy, y, alpha)
}

// SELU writes scale·x where x is positive and scale·α·(eˣ-1) elsewhere to dst, with
// α = 1.67326324 and scale = 1.05070098 (Klambauer et al. 2017). Error: below 2 ULP of the
// function with these constants.
func SELU(dst, x []float32) {
	sameLength("SELU", len(dst), len(x))
	active.selu(dst, x)
}

// SELUGrad writes dz = dy·scale where y > 0, and dy·(y + scale·α) elsewhere.
func SELUGrad(dz, dy, y []float32) {
	sameLength("SELUGrad", len(dz), len(dy), len(y))
	active.seluGrad(dz, dy, y)
}

func leakyReLUGeneric(dst, x []float32, slope float32) {
	for i, v := range x {
		dst[i] = leakyReLUf(v, slope)
	}
}

func eluGeneric(dst, x []float32, alpha float32) {
	for i, v := range x {
		dst[i] = eluf(v, 1, alpha)
	}
}

func sigmoidGradGeneric(dz, dy, y []float32) {
	for i, v := range y {
		dz[i] = float32(dy[i]*v) * float32(1-v)
	}
}

func tanhGradGeneric(dz, dy, y []float32) {
	for i, v := range y {
		dz[i] = dy[i] * fma32(-v, v, 1)
	}
}

func softplusGradGeneric(dz, dy, y []float32) {
	for i, v := range y {
		dz[i] = dy[i] * -expm1f(-v)
	}
}

func reluGradGeneric(dz, dy, y []float32) {
	for i, v := range y {
		if v > 0 {
			dz[i] = dy[i]
		} else {
			dz[i] = 0
		}
	}
}

func leakyReLUGradGeneric(dz, dy, y []float32, slope float32) {
	for i, v := range y {
		if v > 0 {
			dz[i] = dy[i]
		} else {
			dz[i] = slope * dy[i]
		}
	}
}

func eluGradGeneric(dz, dy, y []float32, alpha float32) {
	for i, v := range y {
		if v > 0 {
			dz[i] = dy[i]
		} else {
			dz[i] = dy[i] * float32(v+alpha)
		}
	}
}

func seluGradGeneric(dz, dy, y []float32) {
	for i, v := range y {
		if v > 0 {
			dz[i] = dy[i] * seluScale
		} else {
			dz[i] = dy[i] * float32(v+seluScaleAlpha)
		}
	}
}
