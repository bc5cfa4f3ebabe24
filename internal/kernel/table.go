package kernel

// table holds one level's implementation of every kernel. Lengths have been checked
// by the exported functions; where a kernel takes several slices, the first one's length counts.
type table struct {
	gemm      func(m, n, k int, a []float32, ai, ap int, b []float32, bp int, c []float32, ci int, start Start, bias []float32)
	transpose func(dst []float32, ldd int, src []float32, lds int, rows, cols int)

	exp, log, tanh, sigmoid, softplus, relu, selu func(dst, x []float32)
	leakyReLU, elu                                func(dst, x []float32, a float32)

	reluGrad, seluGrad, sigmoidGrad, tanhGrad, softplusGrad func(dz, dy, y []float32)
	leakyReLUGrad, eluGrad                                  func(dz, dy, y []float32, a float32)

	add, mul func(dst, x, y []float32)
	scale    func(dst, x []float32, a float32)
	axpy     func(y, x []float32, a float32)

	sum, sumSquares               func(x []float32) float32
	dot, squaredDistance, bceLoss func(x, y []float32) float32
	bceLogits                     func(p, dz, z, t []float32, scale float32) float32
	squaredError                  func(d, p, t []float32, scale float32) float32
	roundedAgree                  func(p, t []float32) int
	within                        func(x []float32, low, high float32) int
	magnitude                     func(x []float32) int

	sgd      func(w, g []float32, lr float32)
	momentum func(w, g, v []float32, lr, mu float32)
	nesterov func(w, g, v []float32, lr, mu float32)
	adam     func(w, g, m, v []float32, beta1, gain1, beta2, gain2, rate, vscale, epsilon, decay float32)
	rmsprop  func(w, g, v []float32, rho, gain, rate, inside, epsilon float32)

	peakFMA func(rounds int)

	uint32s   func(dst []uint32, key [2]uint32, counter [4]uint32)
	uniform   func(dst []float32, key [2]uint32, counter [4]uint32)
	normal    func(dst []float32, key [2]uint32, counter [4]uint32)
	addNormal func(dst, x []float32, sigma float32, key [2]uint32, counter [4]uint32)
	dropout   func(dst, x []float32, keep, scale float32, key [2]uint32, counter [4]uint32)
}

// genericTable holds the twins.
var genericTable = table{
	gemm:      gemmGeneric,
	transpose: transposeGeneric,

	exp:       func(dst, x []float32) { mapGeneric(dst, x, expf) },
	log:       func(dst, x []float32) { mapGeneric(dst, x, logf) },
	tanh:      func(dst, x []float32) { mapGeneric(dst, x, tanhf) },
	sigmoid:   func(dst, x []float32) { mapGeneric(dst, x, sigmoidf) },
	softplus:  func(dst, x []float32) { mapGeneric(dst, x, softplusf) },
	relu:      func(dst, x []float32) { mapGeneric(dst, x, reluf) },
	selu:      func(dst, x []float32) { mapGeneric(dst, x, seluf) },
	leakyReLU: leakyReLUGeneric,
	elu:       eluGeneric,

	reluGrad:      reluGradGeneric,
	seluGrad:      seluGradGeneric,
	sigmoidGrad:   sigmoidGradGeneric,
	tanhGrad:      tanhGradGeneric,
	softplusGrad:  softplusGradGeneric,
	leakyReLUGrad: leakyReLUGradGeneric,
	eluGrad:       eluGradGeneric,

	add:   addGeneric,
	mul:   mulGeneric,
	scale: scaleGeneric,
	axpy:  axpyGeneric,

	sum:             sumGeneric,
	sumSquares:      sumSquaresGeneric,
	dot:             dotGeneric,
	squaredDistance: squaredDistanceGeneric,
	bceLoss:         bceLossGeneric,
	bceLogits:       bceLogitsGeneric,
	squaredError:    squaredErrorGeneric,
	roundedAgree:    roundedAgreeGeneric,
	within:          withinGeneric,
	magnitude:       magnitudeGeneric,

	sgd:      sgdGeneric,
	momentum: momentumGeneric,
	nesterov: nesterovGeneric,
	adam:     adamGeneric,
	rmsprop:  rmspropGeneric,

	peakFMA: peakFMAGeneric,

	uint32s:   uint32sGeneric,
	uniform:   uniformGeneric,
	normal:    normalGeneric,
	addNormal: addNormalGeneric,
	dropout:   dropoutGeneric,
}
