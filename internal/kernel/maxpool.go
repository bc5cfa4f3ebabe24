package kernel

import "fmt"

// MaxPool writes the maxima of windows of 2×2 pixels to y, for a row of windows: window j is pixels 2j and
// 2j+1 of the rows top and bottom, each of the given number of channels. NaN counts as the largest.
func MaxPool(pixels, channels int, y, top, bottom []float32) {
	if pixels <= 0 || channels <= 0 {
		return
	}
	checkPool("MaxPool", pixels*channels, [][2]int{{len(y), 1}, {len(top), 2}, {len(bottom), 2}})
	layers().maxPool(pixels, channels, y, top, bottom)
}

// MaxPoolGrad is the backward pass of [MaxPool]: it writes dy to the place of the first value in each window that
// equals y, in the order of rows, and zeros to the others.
func MaxPoolGrad(pixels, channels int, dtop, dbottom, dy, y, top, bottom []float32) {
	if pixels <= 0 || channels <= 0 {
		return
	}
	checkPool("MaxPoolGrad", pixels*channels, [][2]int{{len(dtop), 2}, {len(dbottom), 2}, {len(dy), 1}, {len(y), 1}, {len(top), 2}, {len(bottom), 2}})
	layers().maxPoolGrad(pixels, channels, dtop, dbottom, dy, y, top, bottom)
}

// checkPool panics where a slice is shorter than its multiple of n values.
func checkPool(function string, n int, slices [][2]int) {
	for i, s := range slices {
		if s[0] < s[1]*n {
			panic(fmt.Sprintf("kernel: %s: slice %d has %d elements, want %d", function, i+1, s[0], s[1]*n))
		}
	}
}

func maxPoolGeneric(pixels, channels int, y, top, bottom []float32) {
	for p := range pixels {
		for c := range channels {
			left := 2*p*channels + c
			right := left + channels
			best := top[left]
			for _, x := range [...]float32{top[right], bottom[left], bottom[right]} {
				if x > best || x != x {
					best = x
				}
			}
			y[p*channels+c] = best
		}
	}
}

func maxPoolGradGeneric(pixels, channels int, dtop, dbottom, dy, y, top, bottom []float32) {
	for p := range pixels {
		for c := range channels {
			left := 2*p*channels + c
			right := left + channels
			best, d := y[p*channels+c], dy[p*channels+c]
			dtop[left], d = share(top[left] == best, d)
			dtop[right], d = share(top[right] == best, d)
			dbottom[left], d = share(bottom[left] == best, d)
			dbottom[right], _ = share(bottom[right] == best, d)
		}
	}
}

// share returns what a value gets of d and what is left of it.
func share(all bool, d float32) (gets, left float32) {
	if all {
		return d, 0
	}
	return 0, d
}
