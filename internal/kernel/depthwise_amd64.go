//go:build amd64 && !purego

package kernel

import "unsafe"

// depthwiseTables holds the implementations by level.
var depthwiseTables = [...]*depthwiseTable{
	levelGeneric: &genericDepthwise,
	levelAVX2: depthwiseOf(depthwiseRowAVX2, [...]depthwiseGradKernel{
		depthwiseGrad1AVX2, depthwiseGrad2AVX2, depthwiseGrad3AVX2, depthwiseGrad4AVX2}),
	levelAVX512: depthwiseOf(depthwiseRowAVX512, [...]depthwiseGradKernel{
		depthwiseGrad1AVX512, depthwiseGrad2AVX512, depthwiseGrad3AVX512, depthwiseGrad4AVX512}),
}

// depthwiseKernels returns the implementations in use.
func depthwiseKernels() *depthwiseTable { return depthwiseTables[current] }

// depthwiseGradKernel adds the gradients of so many taps; strides are in bytes.
type depthwiseGradKernel func(rows, pixels, channels int, dw, x *float32, xRow, xPixel int, dy *float32, yRow, yPixel int, tap *int)

// depthwiseOf returns the implementations that the kernels of one instruction set make.
func depthwiseOf(row func(pixels, channels, taps int, y *float32, yPixel int, x *float32, xPixel int, w *float32, tap *int, bias *float32),
	grads [4]depthwiseGradKernel) *depthwiseTable {
	return &depthwiseTable{
		row: func(pixels, channels int, y []float32, yPixel int, x []float32, xPixel int, w []float32, taps []Tap, bias []float32) {
			row(pixels, channels, len(taps), &y[0], floatBytes*yPixel, unsafe.SliceData(x), floatBytes*xPixel,
				unsafe.SliceData(w), firstTap(taps), unsafe.SliceData(bias))
		},
		grad: func(rows, pixels, channels int, dw, x []float32, xRow, xPixel int, dy []float32, yRow, yPixel int, taps []Tap) {
			for len(taps) > 0 {
				together := min(len(taps), len(grads))
				if len(taps) == 5 || len(taps) == 9 {
					together = 3 // 3 and 2, three times 3
				}
				grads[together-1](rows, pixels, channels, &dw[0], &x[0], floatBytes*xRow, floatBytes*xPixel,
					&dy[0], floatBytes*yRow, floatBytes*yPixel, firstTap(taps))
				taps = taps[together:]
			}
		},
	}
}

// firstTap returns where the taps are, as integers.
func firstTap(taps []Tap) *int { return (*int)(unsafe.Pointer(unsafe.SliceData(taps))) }
