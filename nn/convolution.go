package nn

import (
	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// convolution is the linear map of a convolution and of its transpose, over two
// axes. It joins a big image, which a convolution reads, with a small one, which
// it writes; kernel W has a row of smallChannels values for every tap and every
// channel of the big image: (kernel y, kernel x, big channel) × small channel.
// That is how Keras stores the weights of Conv2D as well as of Conv2DTranspose.
//
// Nothing is unrolled in memory. Images get margins of zeros; then the pixels that
// one row of taps reads for one output pixel are contiguous, those for the next
// pixel overlap them, and a row of output is a matrix product of rows that overlap.
type convolution struct {
	y, x                       convAxis
	bigChannels, smallChannels int

	bigFrame, smallFrame frame2D // with margins
	phasesY, phasesX     []phase
	offsets              []int // where in the reversed kernel the weights of each tap begin
	columns              bool  // scatter goes by columns
}

// frame2D is an image within margins of zeros.
type frame2D struct {
	height, width, channels int  // of the image
	top, left               int  // margins
	rows, columns           int  // margins included; fewer than the image has if the rest is not read
	bare                    bool // the image needs no margins and is read where it is
}

func (f frame2D) size() int {
	if f.bare {
		return 0
	}
	return f.rows * f.columns * f.channels
}

// stride returns the distance between the rows.
func (f frame2D) stride() int {
	if f.bare {
		return f.width * f.channels
	}
	return f.columns * f.channels
}

// fill copies an image into its margins, which are zero already, and returns it
// with them.
func (f frame2D) fill(framed, image []float32) []float32 {
	if f.bare {
		return image
	}
	height, width := min(f.height, f.rows-f.top), min(f.width, f.columns-f.left)*f.channels
	for r := range height {
		to := ((r+f.top)*f.columns + f.left) * f.channels
		from := r * f.width * f.channels
		copy(framed[to:to+width], image[from:from+width])
	}
	return framed
}

// newConvolution prepares the map of two axes.
func newConvolution(y, x convAxis, bigChannels, smallChannels int) (*convolution, error) {
	c := &convolution{y: y, x: x, bigChannels: bigChannels, smallChannels: smallChannels}
	var err error
	if c.bigFrame, c.smallFrame, err = frames(y, x, bigChannels, smallChannels); err != nil {
		return nil, err
	}
	c.phasesY, c.phasesX = y.phases(), x.phases()
	c.prepareScatter()
	return c, nil
}

// frames returns the margins of the big and of the small image.
func frames(y, x convAxis, bigChannels, smallChannels int) (big, small frame2D, err error) {
	big = frame2D{height: y.big, width: x.big, channels: bigChannels, top: y.pad, left: x.pad,
		rows: y.reach(), columns: x.reach()}
	big.bare = y.pad == 0 && x.pad == 0 && y.reach() <= y.big && x.reach() <= x.big

	top, bottom := y.margins()
	left, right := x.margins()
	small = frame2D{height: y.small, width: x.small, channels: smallChannels, top: top, left: left,
		rows: top + y.small + bottom, columns: left + x.small + right}
	small.bare = top+bottom+left+right == 0

	for _, f := range []frame2D{big, small} {
		shape := tensor.Shape{f.rows, f.columns, f.channels}
		if shape.Validate() != nil || !f.bare && shape.Size() > maxFramed || y.kernel*x.kernel > maxTaps {
			return big, small, errTooLarge
		}
	}
	return big, small, nil
}

// weights returns how many values the kernel has.
func (c *convolution) weights() int {
	return c.y.kernel * c.x.kernel * c.bigChannels * c.smallChannels
}

// prepareScatter lays out the reversed kernel.
func (c *convolution) prepareScatter() {
	// With hardly any big channels the vectors of a product would be empty: the
	// taps are made its columns instead.
	const narrow, widest = 4, 128
	taps := c.y.kernel * c.x.kernel
	c.columns = c.bigChannels <= narrow && taps > 1 && taps*c.bigChannels <= widest
	if c.columns {
		return
	}
	c.offsets = make([]int, taps)
	at := 0
	for py := range c.phasesY {
		if c.phasesY[py].taps == 0 {
			continue // large strides have very many such phases
		}
		for px := range c.phasesX {
			at = c.placeTaps(at, py, px)
		}
	}
}

// placeTaps lays out the taps of a pair of phases from at on and returns the end.
func (c *convolution) placeTaps(at, py, px int) int {
	y, x := &c.phasesY[py], &c.phasesX[px]
	block := c.bigChannels * c.smallChannels
	for j := range y.taps {
		for i := range x.taps {
			ky := y.first + (y.taps-1-j)*y.step
			kx := x.first + (x.taps-1-i)*x.step
			c.offsets[ky*c.x.kernel+kx] = at + (j*x.taps+i)*block
		}
	}
	return at + y.taps*x.taps*block
}

// reverse brings the reversed kernel up to date after rows lo to hi of W changed.
func (c *convolution) reverse(reversed, w []float32, lo, hi int) {
	if c.columns {
		kernel.Transpose(reversed[lo:], c.y.kernel*c.x.kernel*c.bigChannels,
			w[lo*c.smallChannels:hi*c.smallChannels], c.smallChannels, hi-lo, c.smallChannels)
		return
	}
	for lo < hi {
		tap, channel := lo/c.bigChannels, lo%c.bigChannels
		count := min(hi-lo, c.bigChannels-channel)
		kernel.Transpose(reversed[c.offsets[tap]+channel:], c.bigChannels,
			w[lo*c.smallChannels:(lo+count)*c.smallChannels], c.smallChannels, count, c.smallChannels)
		lo += count
	}
}

// reversed returns the reversed kernel: the one that a pass keeps, if it keeps one, or else
// made in work, behind what scatter needs of it.
func (c *convolution) reversed(kept, w, work []float32) []float32 {
	if kept != nil {
		return kept
	}
	made := work[c.scatterWork():][:c.weights()]
	c.reverse(made, w, 0, c.weights()/c.smallChannels)
	return made
}

// gather computes a small image from a big one within its margins:
// small(o) = bias + Σ_k big(o·stride + k·dilation - pad)·W(k).
func (c *convolution) gather(small, framed, w []float32, start kernel.Start, bias []float32) {
	row := c.bigFrame.stride()
	p := tapProduct{
		SegmentedProduct: kernel.SegmentedProduct{
			Blocks: c.y.small, M: c.x.small, N: c.smallChannels,
			Segments: c.y.kernel, K: c.x.kernel * c.bigChannels,
			ABlock: c.y.stride * row, ASegment: c.y.dilation * row, ARow: c.x.stride * c.bigChannels, AColumn: 1,
			BRow: c.smallChannels, CBlock: c.x.small * c.smallChannels, CRow: c.smallChannels,
		},
		taps: c.x.kernel, spacing: c.x.dilation * c.bigChannels,
	}
	p.multiply(c.y.bigTaps, framed, w, small, start, bias)
}

// tapProduct is the product of the rows of an image, its blocks, with the rows of taps
// of a kernel, its segments.
type tapProduct struct {
	kernel.SegmentedProduct
	taps    int // in a row
	spacing int // values of A from one tap to the next
}

// multiply computes p without the products with zeros above and below the image: tapsOf
// returns which rows of taps meet the image at a block.
func (p tapProduct) multiply(tapsOf func(block int) (lo, hi int), a, b, c []float32, start kernel.Start, bias []float32) {
	for r := 0; r < p.Blocks; {
		lo, hi := tapsOf(r)
		part := p
		part.Segments = hi - lo
		part.Blocks = 1
		for r+part.Blocks < p.Blocks {
			if l, h := tapsOf(r + part.Blocks); l != lo || h != hi {
				break
			}
			part.Blocks++
		}
		to := c[r*p.CBlock:]
		if part.Segments*p.K == 0 {
			kernel.GemmSegments(part.SegmentedProduct, nil, nil, to, start, bias)
		} else {
			part.multiplyTaps(a[r*p.ABlock+lo*p.ASegment:], b[lo*p.K*p.BRow:], to, start, bias)
		}
		r += part.Blocks
	}
}

// multiplyTaps computes p with all its taps. Where those of a row are apart, each is a
// segment of its own, and row comes after row.
func (p tapProduct) multiplyTaps(a, b, c []float32, start kernel.Start, bias []float32) {
	channels := p.K / p.taps
	if p.taps == 1 || p.spacing == channels {
		kernel.GemmSegments(p.SegmentedProduct, a, b, c, start, bias)
		return
	}
	row := p.SegmentedProduct
	row.Segments, row.K, row.ASegment = p.taps, channels, p.spacing
	for k := range p.Segments {
		kernel.GemmSegments(row, a[k*p.ASegment:], b[k*p.K*p.BRow:], c, start, bias)
		start = kernel.Accumulate
	}
}

// scatter computes a big image from a small one, the transpose of gather:
// big(b) = bias + Σ small(o)·W(k)ᵀ over all o and k that meet b. work holds
// scatterWork values.
func (c *convolution) scatter(big, small, reversed []float32, start kernel.Start, bias, work []float32) {
	if c.columns {
		c.scatterColumns(big, small, reversed, start, bias, work)
		return
	}
	framed := c.smallFrame.fill(work, small)
	at := 0
	for i := range c.phasesY {
		for j := range c.phasesX {
			y, x := &c.phasesY[i], &c.phasesX[j]
			c.scatterPhases(big, framed, reversed[at:], y, x, start, bias)
			at += y.taps * x.taps * c.bigChannels * c.smallChannels
		}
	}
}

// scatterWork returns how much scratch memory scatter needs.
func (c *convolution) scatterWork() int {
	if c.columns {
		return c.y.small * c.x.small * c.y.kernel * c.x.kernel * c.bigChannels
	}
	return c.smallFrame.size()
}

// scatterPhases computes the pixels of a pair of phases.
func (c *convolution) scatterPhases(big, framed, reversed []float32, y, x *phase, start kernel.Start, bias []float32) {
	if x.count == 0 || y.count == 0 {
		return
	}
	row := c.smallFrame.stride()
	p := tapProduct{
		SegmentedProduct: kernel.SegmentedProduct{
			Blocks: y.count, M: x.count, N: c.bigChannels,
			Segments: y.taps, K: x.taps * c.smallChannels,
			ABlock: row, ASegment: y.spacing * row, ARow: c.smallChannels, AColumn: 1,
			BRow: c.bigChannels, CBlock: c.y.stride * c.x.big * c.bigChannels, CRow: c.x.stride * c.bigChannels,
		},
		taps: x.taps, spacing: x.spacing * c.smallChannels,
	}
	from := 0
	if y.taps*x.taps > 0 {
		from = (y.small+c.smallFrame.top)*row + (x.small+c.smallFrame.left)*c.smallChannels
	}
	tapsOf := func(q int) (lo, hi int) { return c.y.smallTaps(y, q) }
	p.multiply(tapsOf, framed[from:], reversed, big[(y.at*c.x.big+x.at)*c.bigChannels:], start, bias)
}

// scatterColumns multiplies every pixel of the small image with all taps at once
// and adds the products up where they belong.
func (c *convolution) scatterColumns(big, small, reversed []float32, start kernel.Start, bias, work []float32) {
	pixels, columns := c.y.small*c.x.small, c.y.kernel*c.x.kernel*c.bigChannels
	kernel.Gemm(pixels, columns, c.smallChannels, small, c.smallChannels, 1, reversed, columns, work, columns, kernel.Overwrite, nil)
	kernel.Gemm(c.y.big*c.x.big, c.bigChannels, 0, nil, 0, 0, nil, 0, big, c.bigChannels, start, bias)
	for oy := range c.y.small {
		products := work[oy*c.x.small*columns:]
		for ky := range c.y.kernel {
			if b := oy*c.y.stride + ky*c.y.dilation - c.y.pad; 0 <= b && b < c.y.big {
				c.addRow(big[b*c.x.big*c.bigChannels:], products[ky*c.x.kernel*c.bigChannels:], columns)
			}
		}
	}
}

// addRow adds the products of one row of pixels with one row of taps.
func (c *convolution) addRow(big, products []float32, columns int) {
	for k := range c.x.kernel {
		at := k*c.x.dilation - c.x.pad
		// Pixels o with 0 ≤ o·stride + at < big.
		lo := max(-at+c.x.stride-1, 0) / c.x.stride
		hi := min((c.x.big-1-at+c.x.stride)/c.x.stride, c.x.small)
		for o := lo; o < hi; o++ {
			to := big[(o*c.x.stride+at)*c.bigChannels:][:c.bigChannels]
			from := products[o*columns+k*c.bigChannels:][:c.bigChannels]
			for i, v := range from {
				to[i] += v
			}
		}
	}
}

// gradient computes rows lo to hi of the kernel's gradient over n samples:
// dW(k) = Σ big(o·stride + k·dilation - pad)ᵀ·small(o). The big images stand
// within their margins. It is added to what dw has, if it is to start with that.
func (c *convolution) gradient(dw, framed, small []float32, n, lo, hi int, start kernel.Start) {
	// Rows that are contiguous in a big image: those of one row of taps, or of one
	// tap if the taps are apart.
	together := c.x.kernel * c.bigChannels
	if c.x.dilation > 1 {
		together = c.bigChannels
	}
	for lo < hi {
		count := min(hi-lo, together-lo%together)
		c.gradientRows(dw[:count*c.smallChannels], framed, small, n, lo, start)
		dw, lo = dw[count*c.smallChannels:], lo+count
	}
}

// gradientRows computes rows of the gradient, from row on, that are contiguous in
// the big images.
func (c *convolution) gradientRows(dw, framed, small []float32, n, row int, start kernel.Start) {
	tap, channel := row/c.bigChannels, row%c.bigChannels
	ky, kx := tap/c.x.kernel, tap%c.x.kernel
	stride, bigSize := c.bigFrame.stride(), c.bigFrame.size()
	if c.bigFrame.bare {
		bigSize = c.y.big * c.x.big * c.bigChannels
	}
	lo, hi := c.y.meeting(ky)
	if lo == hi {
		if start == kernel.Overwrite {
			clear(dw)
		}
		return
	}
	p := kernel.SegmentedProduct{
		Blocks: 1, M: len(dw) / c.smallChannels, N: c.smallChannels,
		Segments: hi - lo, K: c.x.small,
		ASegment: c.y.stride * stride, ARow: 1, AColumn: c.x.stride * c.bigChannels,
		BRow: c.smallChannels, CRow: c.smallChannels,
	}
	at := ky*c.y.dilation*stride + kx*c.x.dilation*c.bigChannels + channel + lo*p.ASegment
	size, from := c.y.small*c.x.small*c.smallChannels, lo*c.x.small*c.smallChannels
	for i := range n {
		kernel.GemmSegments(p, framed[i*bigSize+at:], small[i*size+from:], dw, start, nil)
		start = kernel.Accumulate
	}
}

// sumWork is how much scratch memory channelSums needs.
const sumWork = 128

// channelSums sets sums to the sums of an image's channels over its pixels. They are
// summed up side by side, every so many pixels, as far as vectors and scratch memory go.
func channelSums(sums, image, work []float32) {
	channels := len(sums)
	together, pixels := 1, len(image)/channels
	for 2*together*channels <= len(work) && pixels%(2*together) == 0 {
		together *= 2
	}
	if together == 1 {
		kernel.ColumnSums(sums, image, pixels, channels, channels, false)
		return
	}
	work = work[:together*channels]
	kernel.ColumnSums(work, image, pixels/together, len(work), len(work), false)
	copy(sums, work)
	for j := 1; j < together; j++ {
		kernel.Add(sums, sums, rows(work, j, j+1, channels))
	}
}
