//go:build amd64 && !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run ./gen

// tables holds the implementations by level.
var tables = [...]*table{levelGeneric: &genericTable, levelAVX2: &tableAVX2, levelAVX512: &tableAVX512}

// availableLevels returns the levels of the processor and the operating system, the fastest last.
func availableLevels() []level {
	switch {
	case !cpu.X86.HasAVX2 || !cpu.X86.HasFMA || !cpu.X86.HasBMI2:
		return []level{levelGeneric}
	case !cpu.X86.HasAVX512F || !cpu.X86.HasAVX512BW || !cpu.X86.HasAVX512DQ || !cpu.X86.HasAVX512VL:
		return []level{levelGeneric, levelAVX2}
	}
	return []level{levelGeneric, levelAVX2, levelAVX512}
}

var tableAVX2 = table{
	gemm: gemmAVX2, transpose: transposeSIMD, peakFMA: peakFMAAVX2,

	exp: expAVX2, log: logAVX2, tanh: tanhAVX2, sigmoid: sigmoidAVX2, softplus: softplusAVX2,
	relu: reluAVX2, selu: seluAVX2, leakyReLU: leakyReLUAVX2, elu: eluAVX2,

	reluGrad: reluGradAVX2, seluGrad: seluGradAVX2, sigmoidGrad: sigmoidGradAVX2, tanhGrad: tanhGradAVX2,
	softplusGrad: softplusGradAVX2, leakyReLUGrad: leakyReLUGradAVX2, eluGrad: eluGradAVX2,

	add: addAVX2, mul: mulAVX2, scale: scaleAVX2, axpy: axpyAVX2,

	sum: sumAVX2, sumSquares: sumSquaresAVX2, dot: dotAVX2, squaredDistance: squaredDistanceAVX2, bceLoss: bceLossAVX2, bceLogits: bceLogitsAVX2,
	squaredError: squaredErrorAVX2, roundedAgree: roundedAgreeAVX2, within: withinAVX2, magnitude: magnitudeAVX2,

	sgd: sgdAVX2, momentum: momentumAVX2, nesterov: nesterovAVX2, adam: adamAVX2, rmsprop: rmspropAVX2,

	uint32s: uint32sAVX2, uniform: uniformAVX2, normal: normalAVX2, addNormal: addNormalAVX2, dropout: dropoutAVX2,
}

var tableAVX512 = table{
	gemm: gemmAVX512, transpose: transposeSIMD, peakFMA: peakFMAAVX512,

	exp: expAVX512, log: logAVX512, tanh: tanhAVX512, sigmoid: sigmoidAVX512, softplus: softplusAVX512,
	relu: reluAVX512, selu: seluAVX512, leakyReLU: leakyReLUAVX512, elu: eluAVX512,

	reluGrad: reluGradAVX512, seluGrad: seluGradAVX512, sigmoidGrad: sigmoidGradAVX512, tanhGrad: tanhGradAVX512,
	softplusGrad: softplusGradAVX512, leakyReLUGrad: leakyReLUGradAVX512, eluGrad: eluGradAVX512,

	add: addAVX512, mul: mulAVX512, scale: scaleAVX512, axpy: axpyAVX512,

	sum: sumAVX512, sumSquares: sumSquaresAVX512, dot: dotAVX512, squaredDistance: squaredDistanceAVX512, bceLoss: bceLossAVX512, bceLogits: bceLogitsAVX512,
	squaredError: squaredErrorAVX512, roundedAgree: roundedAgreeAVX512, within: withinAVX512, magnitude: magnitudeAVX512,

	sgd: sgdAVX512, momentum: momentumAVX512, nesterov: nesterovAVX512, adam: adamAVX512, rmsprop: rmspropAVX512,

	uint32s: uint32sAVX512, uniform: uniformAVX512, normal: normalAVX512, addNormal: addNormalAVX512, dropout: dropoutAVX512,
}
