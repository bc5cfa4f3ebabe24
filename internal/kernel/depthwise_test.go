package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// depthwiseCase is a row of pixels, or some, and taps that read them.
type depthwiseCase struct {
	rows, pixels, channels, xPixel, yPixel int
	taps                                   []Tap
}

func (c depthwiseCase) xRow() int { return c.pixels*c.xPixel + 5 }
func (c depthwiseCase) yRow() int { return c.pixels*c.yPixel + 3 }

func depthwiseCases(r *rand.Rand) []depthwiseCase {
	var cases []depthwiseCase
	for _, channels := range []int{1, 3, 7, 8, 9, 15, 16, 17, 24, 31, 32, 40, 65} {
		for _, pixels := range []int{1, 2, 3, 4, 5, 7, 8, 13} {
			for _, taps := range []int{0, 1, 2, 3, 4, 5, 9, 14} {
				c := depthwiseCase{1 + r.IntN(3), pixels, channels, channels * r.IntN(3), channels + r.IntN(4), make([]Tap, taps)}
				for t := range c.taps {
					c.taps[t] = Tap{r.IntN(50), t * channels}
				}
				cases = append(cases, c)
			}
		}
	}
	return cases
}

// TestDepthwise compares every level with the twins; the sums are the same chains of fused
// multiply-adds, so that they differ in one of 2²⁹ roundings at most.
func TestDepthwise(t *testing.T) {
	for _, c := range depthwiseCases(newRand()) {
		r := newRand()
		x, w := random(c.rows*c.xRow()+c.channels+50, 1, r), random(len(c.taps)*c.channels, 1, r)
		bias, dy := random(c.channels, 1, r), random(c.rows*c.yRow()+c.channels, 1, r)
		if c.pixels%2 == 0 {
			bias = nil
		}
		row := func(l level) []float32 {
			y := canaried(make([]float32, c.pixels*c.yPixel+c.channels))
			at(l, func() { DepthwiseRow(c.pixels, c.channels, y, c.yPixel, x, c.xPixel, w, c.taps, bias) })
			if !intact(y) {
				t.Fatalf("%v %+v: wrote outside a slice", l, c)
			}
			return y
		}
		grad := func(l level) []float32 {
			dw := canaried(w)
			at(l, func() {
				DepthwiseGrad(c.rows, c.pixels, c.channels, dw, x, c.xRow(), c.xPixel, dy, c.yRow(), c.yPixel, c.taps)
			})
			if len(dw) > 0 && !intact(dw) {
				t.Fatalf("%v %+v: wrote outside a slice", l, c)
			}
			return dw
		}
		for _, l := range vectorLevels() {
			expectSame(t, fmt.Sprintf("%v row %+v", l, c), row(l), row(levelGeneric))
			expectSame(t, fmt.Sprintf("%v gradient %+v", l, c), grad(l), grad(levelGeneric))
		}
	}
}

// TestDepthwiseByHand computes a few sums exactly.
func TestDepthwiseByHand(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		x, w := []float32{1, 2, 3, 4, 5, 6, 7, 8}, []float32{1, 10, 100, 1000}
		taps := []Tap{{0, 0}, {2, 2}} // the pixel itself and the one behind it, of two channels
		y := make([]float32, 6)
		DepthwiseRow(3, 2, y, 2, x, 2, w, taps, []float32{0.5, 0.25})
		expectSame(t, "row", y, []float32{301.5, 4020.25, 503.5, 6040.25, 705.5, 8060.25})
		dw := []float32{1, 1, 1, 1}
		DepthwiseGrad(1, 3, 2, dw, x, 0, 2, []float32{1, 10, 2, 20, 3, 30}, 0, 2, taps)
		expectSame(t, "gradient", dw, []float32{23, 281, 35, 401})
	})
}

func TestDepthwisePanics(t *testing.T) {
	x, y := make([]float32, 10), make([]float32, 10)
	for what, f := range map[string]func(){
		"x":        func() { DepthwiseRow(5, 2, y, 2, x, 2, x, []Tap{{1, 0}}, nil) },
		"w":        func() { DepthwiseRow(5, 2, y, 2, x, 2, x, []Tap{{0, 9}}, nil) },
		"y":        func() { DepthwiseRow(6, 2, y, 2, x, 0, x, nil, nil) },
		"bias":     func() { DepthwiseRow(5, 2, y, 2, x, 2, x, nil, x[:1]) },
		"negative": func() { DepthwiseRow(5, 2, y, 2, x, 2, x, []Tap{{-1, 0}}, nil) },
		"dw":       func() { DepthwiseGrad(1, 5, 2, y, x, 0, 2, x, 0, 2, []Tap{{0, 9}}) },
		"dy":       func() { DepthwiseGrad(2, 5, 2, y, x, 0, 2, x, 1, 2, nil) },
	} {
		t.Run(what, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
