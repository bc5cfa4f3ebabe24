package kernel

import (
	"fmt"
	"math"
	"testing"
)

// TestMaxPool compares with the definition: the largest of four, and the gradient for the first that is as
// large. Values are few, so that many are equal.
func TestMaxPool(t *testing.T) {
	values := []float32{-2, -1, 1, 3, float32(math.Inf(-1)), float32(math.Inf(1)), float32(math.NaN())}
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for pixels := 1; pixels < 5; pixels++ {
			for channels := 1; channels < 40; channels++ {
				n := pixels * channels
				top, bottom, dy := make([]float32, 2*n), make([]float32, 2*n), random(n, 1, r)
				for _, row := range [][]float32{top, bottom} {
					for i := range row {
						row[i] = values[r.IntN(len(values))]
					}
				}
				y, dtop, dbottom := canaried(make([]float32, n)), canaried(top), canaried(bottom)
				MaxPool(pixels, channels, y, top, bottom)
				MaxPoolGrad(pixels, channels, dtop, dbottom, dy, y, top, bottom)
				for _, s := range [][]float32{y, dtop, dbottom} {
					if !intact(s) {
						t.Fatal("wrote outside a slice")
					}
				}
				for i := range n {
					checkWindow(t, i/channels, i%channels, channels, y[i], dy[i], top, bottom, dtop, dbottom)
				}
			}
		}
	})
}

// checkWindow checks one channel of one window.
func checkWindow(t *testing.T, pixel, channel, channels int, y, dy float32, top, bottom, dtop, dbottom []float32) {
	t.Helper()
	left := 2*pixel*channels + channel
	x := [...]float32{top[left], top[left+channels], bottom[left], bottom[left+channels]}
	d := [...]float32{dtop[left], dtop[left+channels], dbottom[left], dbottom[left+channels]}
	best, first := x[0], 0
	for i, v := range x {
		if v > best || v != v && best == best {
			best, first = v, i
		}
	}
	what := fmt.Sprintf("pixel %d, channel %d of %d, window %v", pixel, channel, channels, x)
	if !sameBits(y, best) {
		t.Fatalf("%s: maximum is %g, want %g", what, y, best)
	}
	for i, got := range d {
		want := float32(0)
		if i == first && best == best {
			want = dy
		}
		if got != want {
			t.Fatalf("%s: gradients are %v, want all of %g at %d", what, d, dy, first)
		}
	}
}
