// Package digits draws handwritten-looking digits, so that everything works without a download.
//
// An image comes about as a written digit does. There are a few ways of writing each digit, the skeletons; a hand
// displaces a skeleton's points, bends, stretches, slants and turns the whole; a pen, thick or thin, follows. The ink
// is then scaled, rendered and placed by the conventions of MNIST: it fills a box of 20×20 pixels, and its centre of
// mass lies in the middle of the 28×28 image.
//
// Nothing is stored and nothing was learnt from data: sample i of a seed is a pure function of the two, the same
// bytes on every machine. For this the package avoids the floating-point operations whose last bit differs between
// platforms: products are rounded before anything is added to them (see mul), and of package math it calls only
// Sqrt, which is exact.
package digits

// Side is the height and the width of an image, in pixels.
const Side = 28

// Train and Test are the sizes of the customary sets, those of MNIST: samples 0 to Train-1 train, the Test samples
// from Train on test. Draw itself knows no end.
const (
	Train = 60000
	Test  = 10000
)

// classes is the number of digits.
const classes = 10

// Draw renders sample i of the set that belongs to seed into dst[:Side*Side], row by row, 0 the background and 255
// full ink, and returns the digit it shows, 0 to 9. Every ten samples from a multiple of ten on hold each digit once,
// in an order of their own.
//
// Draw is a pure function of seed and i, allocates nothing, and may be called by many goroutines at once. A dst
// shorter than Side*Side panics, as an index out of range does.
func Draw(seed uint64, i int, dst []byte) uint8 {
	label := labelOf(seed, uint64(i))
	r := newRandom(seed, forDrawing, uint64(i))
	s := choose(skeletons[label], &r)
	h := newHand(&r)

	var way path
	way.write(s, &h)
	way.fit(newPen(&r))

	var ink canvas
	ink.draw(&way)
	grey := ink.develop()
	centre(&grey, (*[Side * Side]byte)(dst))
	return label
}

// labelOf deals the digits out in tens: sample i takes its place in the shuffled ten it belongs to.
func labelOf(seed, i uint64) uint8 {
	r := newRandom(seed, forLabels, i/classes)
	ten := [classes]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for k := classes - 1; k > 0; k-- {
		j := r.below(k + 1)
		ten[k], ten[j] = ten[j], ten[k]
	}
	return ten[i%classes]
}

// choose draws a style by how often it is written.
func choose(styles []style, r *random) *style {
	total := 0
	for k := range styles {
		total += styles[k].often
	}
	left := r.below(total)
	k := 0
	for left >= styles[k].often {
		left -= styles[k].often
		k++
	}
	return &styles[k]
}
