package kernel

import "fmt"

// Tap is where one tap of a depthwise kernel finds its pixels and its weights: how many values behind
// the first ones they begin.
type Tap struct{ X, W int }

// DepthwiseRow computes a row of pixels of a depthwise convolution, in which every channel has weights
// of its own:
//
//	y[o·yPixel + c] = bias[c] + Σ x[o·xPixel + tap.X + c]·w[tap.W + c]
//
// for pixels o and channels c, the sum over the taps in their order, as one chain of fused
// multiply-adds. A nil bias is zeros. Y must not overlap the others.
func DepthwiseRow(pixels, channels int, y []float32, yPixel int, x []float32, xPixel int, w []float32, taps []Tap, bias []float32) {
	if min(pixels, channels, yPixel, xPixel) < 0 {
		panic(fmt.Sprintf("kernel: DepthwiseRow: negative size or stride: pixels=%d channels=%d yPixel=%d xPixel=%d", pixels, channels, yPixel, xPixel))
	}
	if pixels == 0 || channels == 0 {
		return
	}
	needLength("DepthwiseRow", "y", len(y), (pixels-1)*yPixel+channels)
	if bias != nil {
		needLength("DepthwiseRow", "bias", len(bias), channels)
	}
	checkTaps("DepthwiseRow", taps, "x", len(x), (pixels-1)*xPixel+channels, "w", len(w), channels)
	depthwiseKernels().row(pixels, channels, y, yPixel, x, xPixel, w, taps, bias)
}

// DepthwiseGrad adds the gradients of such weights over some rows of pixels:
//
//	dw[tap.W + c] += Σ x[r·xRow + o·xPixel + tap.X + c]·dy[r·yRow + o·yPixel + c]
//
// the sum over rows r and pixels o in their order, one chain for every tap and channel.
func DepthwiseGrad(rows, pixels, channels int, dw, x []float32, xRow, xPixel int, dy []float32, yRow, yPixel int, taps []Tap) {
	if min(rows, pixels, channels, xRow, xPixel, yRow, yPixel) < 0 {
		panic(fmt.Sprintf("kernel: DepthwiseGrad: negative size or stride: rows=%d pixels=%d channels=%d", rows, pixels, channels))
	}
	if rows == 0 || pixels == 0 || channels == 0 {
		return
	}
	needLength("DepthwiseGrad", "dy", len(dy), (rows-1)*yRow+(pixels-1)*yPixel+channels)
	checkTaps("DepthwiseGrad", taps, "x", len(x), (rows-1)*xRow+(pixels-1)*xPixel+channels, "dw", len(dw), channels)
	depthwiseKernels().grad(rows, pixels, channels, dw, x, xRow, xPixel, dy, yRow, yPixel, taps)
}

// checkTaps panics where a tap leads outside of the two slices it reads or writes, in which so
// many values behind it are used.
func checkTaps(function string, taps []Tap, x string, xLen, xUsed int, w string, wLen, wUsed int) {
	for _, t := range taps {
		if t.X < 0 || t.W < 0 {
			panic(fmt.Sprintf("kernel: %s: negative tap %+v", function, t))
		}
		needLength(function, x, xLen, t.X+xUsed)
		needLength(function, w, wLen, t.W+wUsed)
	}
}

// depthwiseTable holds one level's implementation of these.
type depthwiseTable struct {
	row  func(pixels, channels int, y []float32, yPixel int, x []float32, xPixel int, w []float32, taps []Tap, bias []float32)
	grad func(rows, pixels, channels int, dw, x []float32, xRow, xPixel int, dy []float32, yRow, yPixel int, taps []Tap)
}

// genericDepthwise holds the twins.
var genericDepthwise = depthwiseTable{depthwiseRowGeneric, depthwiseGradGeneric}

func depthwiseRowGeneric(pixels, channels int, y []float32, yPixel int, x []float32, xPixel int, w []float32, taps []Tap, bias []float32) {
	for o := range pixels {
		to := y[o*yPixel:][:channels]
		clear(to)
		if bias != nil {
			copy(to, bias)
		}
		for _, t := range taps {
			weights := w[t.W:][:channels]
			for c, v := range x[o*xPixel+t.X:][:channels] {
				to[c] = fma32(v, weights[c], to[c])
			}
		}
	}
}

func depthwiseGradGeneric(rows, pixels, channels int, dw, x []float32, xRow, xPixel int, dy []float32, yRow, yPixel int, taps []Tap) {
	for _, t := range taps {
		to := dw[t.W:][:channels]
		for r := range rows {
			for o := range pixels {
				slopes := dy[r*yRow+o*yPixel:][:channels]
				for c, v := range x[r*xRow+o*xPixel+t.X:][:channels] {
					to[c] = fma32(v, slopes[c], to[c])
				}
			}
		}
	}
}
