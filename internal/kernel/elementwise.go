package kernel

// Exp writes eˣ to dst, element by element.
// Error: below 1 ULP, also where the result is denormal; Exp(-Inf) = 0, Exp(+Inf) = +Inf.
func Exp(dst, x []float32) {
	sameLength("Exp", len(dst), len(x))
	active.exp(dst, x)
}

// Log writes ln x to dst. Error: below 1 ULP. Log(±0) = -Inf, Log(+Inf) = +Inf, NaN for
// anything negative.
func Log(dst, x []float32) {
	sameLength("Log", len(dst), len(x))
	active.log(dst, x)
}

// Add writes x+y to dst.
func Add(dst, x, y []float32) {
	sameLength("Add", len(dst), len(x), len(y))
	active.add(dst, x, y)
}

// Mul writes x·y to dst, element by element.
func Mul(dst, x, y []float32) {
	sameLength("Mul", len(dst), len(x), len(y))
	active.mul(dst, x, y)
}

// Scale writes a·x to dst.
func Scale(dst, x []float32, a float32) {
	sameLength("Scale", len(dst), len(x))
	active.scale(dst, x, a)
}

// Axpy adds a·x to y, with one rounding per element.
func Axpy(y []float32, a float32, x []float32) {
	sameLength("Axpy", len(y), len(x))
	active.axpy(y, x, a)
}

// mapGeneric writes f of every element of x to dst.
func mapGeneric(dst, x []float32, f func(float32) float32) {
	for i, v := range x {
		dst[i] = f(v)
	}
}

func addGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] + y[i]
	}
}

func mulGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] * y[i]
	}
}

func scaleGeneric(dst, x []float32, a float32) {
	for i := range dst {
		dst[i] = a * x[i]
	}
}

func axpyGeneric(y, x []float32, a float32) {
	for i := range y {
		y[i] = fma32(a, x[i], y[i])
	}
}
