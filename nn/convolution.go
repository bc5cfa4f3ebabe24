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
	c.bigFrame = frame2D{height: y.big, width: x.big, channels: bigChannels, top: y.pad, left: x.pad,
		rows: y.reach(), columns: x.reach()}
	c.bigFrame.bare = y.pad == 0 && x.pad == 0 && y.reach() <= y.big && x.reach() <= x.big

	top, bottom := y.margins()
	left, right := x.margins()
	c.smallFrame = frame2D{height: y.small, width: x.small, channels: smallChannels, top: top, left: left,
		rows: top + y.small + bottom, columns: left + x.small + right}
	c.smallFrame.bare = top+bottom+left+right == 0

	for _, f := range []frame2D{c.bigFrame, c.smallFrame} {
		shape := tensor.Shape{f.rows, f.columns, f.channels}
		if shape.Validate() != nil || !f.bare && shape.Size() > maxFramed || y.kernel*x.kernel > maxTaps {
			return nil, errTooLarge
		}
	}
	c.phasesY, c.phasesX = y.phases(), x.phases()
	c.prepareScatter()
	return c, nil
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

// gather computes a small image from a big one within its margins:
// small(o) = bias + Σ_k big(o·stride + k·dilation - pad)·W(k).
func (c *convolution) gather(small, framed, w []float32, start kernel.Start, bias []float32) {
	row, taps := c.bigFrame.stride(), c.x.kernel*c.bigChannels
	for o := range c.y.small {
		to := small[o*c.x.small*c.smallChannels:]
		from := framed[o*c.y.stride*row:]
		if c.x.dilation == 1 {
			kernel.GemmSegments(c.x.small, c.smallChannels, c.y.kernel, taps, from, c.x.stride*c.bigChannels, c.y.dilation*row, 1,
				w, c.smallChannels, to, c.smallChannels, start, bias)
			continue
		}
		first := start
		for k := range c.y.kernel {
			kernel.GemmSegments(c.x.small, c.smallChannels, c.x.kernel, c.bigChannels, from[k*c.y.dilation*row:],
				c.x.stride*c.bigChannels, c.x.dilation*c.bigChannels, 1,
				w[k*taps*c.smallChannels:], c.smallChannels, to, c.smallChannels, first, bias)
			first = kernel.Accumulate
		}
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
	if x.count == 0 {
		return
	}
	channels, row := c.smallChannels, c.smallFrame.stride()
	taps := x.taps * channels
	for q := range y.count {
		to := big[((y.at+q*c.y.stride)*c.x.big+x.at)*c.bigChannels:]
		stride := c.x.stride * c.bigChannels
		if y.taps*x.taps == 0 {
			kernel.Gemm(x.count, c.bigChannels, 0, nil, 0, 0, nil, 0, to, stride, start, bias)
			continue
		}
		from := framed[(y.small+q+c.smallFrame.top)*row+(x.small+c.smallFrame.left)*channels:]
		if x.spacing == 1 || x.taps == 1 {
			kernel.GemmSegments(x.count, c.bigChannels, y.taps, taps, from, channels, y.spacing*row, 1,
				reversed, c.bigChannels, to, stride, start, bias)
			continue
		}
		first := start
		for k := range y.taps {
			kernel.GemmSegments(x.count, c.bigChannels, x.taps, channels, from[k*y.spacing*row:], channels, x.spacing*channels, 1,
				reversed[k*taps*c.bigChannels:], c.bigChannels, to, stride, first, bias)
			first = kernel.Accumulate
		}
	}
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
// within their margins.
func (c *convolution) gradient(dw, framed, small []float32, n, lo, hi int) {
	// Rows that are contiguous in a big image: those of one row of taps, or of one
	// tap if the taps are apart.
	together := c.x.kernel * c.bigChannels
	if c.x.dilation > 1 {
		together = c.bigChannels
	}
	for lo < hi {
		count := min(hi-lo, together-lo%together)
		c.gradientRows(dw[:count*c.smallChannels], framed, small, n, lo)
		dw, lo = dw[count*c.smallChannels:], lo+count
	}
}

// gradientRows computes rows of the gradient, from row on, that are contiguous in
// the big images.
func (c *convolution) gradientRows(dw, framed, small []float32, n, row int) {
	tap, channel := row/c.bigChannels, row%c.bigChannels
	stride := c.bigFrame.stride()
	at := tap/c.x.kernel*c.y.dilation*stride + tap%c.x.kernel*c.x.dilation*c.bigChannels + channel
	bigSize := c.bigFrame.size()
	if c.bigFrame.bare {
		bigSize = c.y.big * c.x.big * c.bigChannels
	}
	start := kernel.Overwrite
	for i := range n {
		kernel.GemmSegments(len(dw)/c.smallChannels, c.smallChannels, c.y.small, c.x.small,
			framed[i*bigSize+at:], 1, c.y.stride*stride, c.x.stride*c.bigChannels,
			small[i*c.y.small*c.x.small*c.smallChannels:], c.smallChannels, dw, c.smallChannels, start, nil)
		start = kernel.Accumulate
	}
}
