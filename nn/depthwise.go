package nn

import (
	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// depthwise is the linear map of a depthwise convolution over two axes: every channel is
// convolved with kernels of its own, multiplier of them. Kernel W is (kernel y, kernel x,
// channel, multiplier), and output channel c·multiplier + m is that of kernel m of channel c.
//
// The map works on channels·multiplier channels throughout: where there are several kernels
// a channel, it is repeated as the image is copied into its margins.
type depthwise struct {
	y, x                       convAxis
	channels, multiplier, wide int
	bigFrame, smallFrame       frame2D
	taps                       []kernel.Tap // of the kernel, in a big image
	phases                     []depthPhase
	gaps                       bool // some pixels of a big image meet no tap
}

// depthPhase is a pair of phases of the two axes: pixels of the big image that meet the
// same taps.
type depthPhase struct {
	y, x phase
	taps []kernel.Tap // in a small image, in reverse order
}

// newDepthwise prepares the map of two axes.
func newDepthwise(y, x convAxis, channels, multiplier int) (*depthwise, error) {
	d := &depthwise{y: y, x: x, channels: channels, multiplier: multiplier, wide: channels * multiplier}
	var err error
	if d.bigFrame, d.smallFrame, err = frames(y, x, d.wide, d.wide); err != nil {
		return nil, err
	}
	if multiplier > 1 && d.bigFrame.bare {
		d.bigFrame.bare = false
		if d.bigFrame.size() > maxFramed {
			return nil, errTooLarge
		}
	}
	row := d.bigFrame.stride()
	for ky := range y.kernel {
		for kx := range x.kernel {
			d.taps = append(d.taps, kernel.Tap{X: ky*y.dilation*row + kx*x.dilation*d.wide, W: (ky*x.kernel + kx) * d.wide})
		}
	}
	yPhases, yGaps := y.meetings()
	xPhases, xGaps := x.meetings()
	for _, py := range yPhases {
		for _, px := range xPhases {
			d.phases = append(d.phases, d.phase(py, px))
		}
	}
	d.gaps = yGaps || xGaps
	return d, nil
}

// meetings returns the phases that have positions and meet taps, and whether there are
// positions that meet none.
func (a convAxis) meetings() (phases []phase, gaps bool) {
	for _, p := range a.phases() {
		switch {
		case p.count == 0:
		case p.taps == 0:
			gaps = true
		default:
			phases = append(phases, p)
		}
	}
	return phases, gaps
}

// phase lays out the taps of a pair of phases.
func (d *depthwise) phase(y, x phase) depthPhase {
	p := depthPhase{y: y, x: x}
	row := d.smallFrame.stride()
	for j := range y.taps {
		for i := range x.taps {
			ky, kx := y.first+(y.taps-1-j)*y.step, x.first+(x.taps-1-i)*x.step
			p.taps = append(p.taps, kernel.Tap{
				X: (y.small+d.smallFrame.top+j*y.spacing)*row + (x.small+d.smallFrame.left+i*x.spacing)*d.wide,
				W: (ky*d.x.kernel + kx) * d.wide})
		}
	}
	return p
}

// fill copies an image into its margins, which are zero already, with every channel as
// often as it has kernels, and returns it with them.
func (d *depthwise) fill(framed, image []float32) []float32 {
	if d.multiplier == 1 {
		return d.bigFrame.fill(framed, image)
	}
	b := d.bigFrame
	height, width := min(b.height, b.rows-b.top), min(b.width, b.columns-b.left)
	for r := range height {
		from := image[r*b.width*d.channels:]
		to := framed[((r+b.top)*b.columns+b.left)*d.wide:]
		for i, v := range from[:width*d.channels] {
			copies := to[i*d.multiplier : (i+1)*d.multiplier]
			for m := range copies {
				copies[m] = v
			}
		}
	}
	return framed
}

// gather computes a small image from a big one within its margins.
func (d *depthwise) gather(small, framed, w, bias []float32) {
	row, width := d.bigFrame.stride(), d.x.small*d.wide
	for r := range d.y.small {
		kernel.DepthwiseRow(d.x.small, d.wide, rows(small, r, r+1, width), d.wide,
			framed[r*d.y.stride*row:], d.x.stride*d.wide, w, d.taps, bias)
	}
}

// scatterWork returns how much scratch memory scatter needs: for a small image within its
// margins, and for a big one with all channels.
func (d *depthwise) scatterWork() int {
	work := d.smallFrame.size()
	if d.multiplier > 1 {
		work += d.y.big * d.x.big * d.wide
	}
	return work
}

// scatter computes a big image from a small one, the transpose of gather.
func (d *depthwise) scatter(big, small, w, work []float32) {
	framed := d.smallFrame.fill(work, small)
	repeated := big
	if d.multiplier > 1 {
		repeated = work[d.smallFrame.size():d.scatterWork()]
	}
	if d.gaps {
		clear(repeated)
	}
	row, width := d.smallFrame.stride(), d.x.big*d.wide
	for _, p := range d.phases {
		for r := range p.y.count {
			kernel.DepthwiseRow(p.x.count, d.wide, repeated[(p.y.at+r*d.y.stride)*width+p.x.at*d.wide:], d.x.stride*d.wide,
				framed[r*row:], d.wide, w, p.taps, nil)
		}
	}
	if d.multiplier > 1 {
		sumRuns(big, repeated, d.multiplier)
	}
}

// sumRuns sets dst to the sums of runs of so many values of src.
func sumRuns(dst, src []float32, length int) {
	for i := range dst {
		var sum float32
		for _, v := range src[i*length : (i+1)*length] {
			sum += v
		}
		dst[i] = sum
	}
}

// gradient computes rows lo to hi of the kernel's gradient dw over n samples, a row being the
// weights of a tap and a channel: dW(k, c) = Σ big(o·stride + k·dilation - pad, c)·small(o, c).
// The big images stand within their margins.
func (d *depthwise) gradient(dw, framed, small []float32, n, lo, hi int) {
	clear(dw[lo*d.multiplier : hi*d.multiplier])
	for lo < hi {
		tap, channel := lo/d.channels, lo%d.channels
		taps, channels := (hi-lo)/d.channels, d.channels
		if channel > 0 || taps == 0 {
			taps, channels = 1, min(hi-lo, d.channels-channel)
		}
		d.addGradient(dw, framed, small, n, d.taps[tap:tap+taps], channel*d.multiplier, channels*d.multiplier)
		lo += taps * channels
	}
}

// addGradient adds the gradient of some taps, for so many channels from first on.
func (d *depthwise) addGradient(dw, framed, small []float32, n int, taps []kernel.Tap, first, channels int) {
	bigSize := d.bigFrame.size()
	if d.bigFrame.bare {
		bigSize = d.y.big * d.x.big * d.wide
	}
	for i := range n {
		kernel.DepthwiseGrad(d.y.small, d.x.small, channels, dw[first:], framed[i*bigSize+first:], d.y.stride*d.bigFrame.stride(), d.x.stride*d.wide,
			small[i*d.outputs()+first:], d.x.small*d.wide, d.wide, taps)
	}
}

// outputs returns the values of an output sample.
func (d *depthwise) outputs() int { return d.y.small * d.x.small * d.wide }

// checkDepthwise reports options out of range.
func checkDepthwise(multiplier int, kernel, strides, dilation Pair, fn Func, inits ...Initializer) error {
	if err := checkOption("depth multiplier", multiplier, 1); err != nil {
		return err
	}
	return checkConvolution(1, kernel, strides, dilation, fn, inits...)
}

// depthShape is the shape of a kernel with taps of this shape.
func depthShape(taps tensor.Shape, channels, multiplier int) tensor.Shape {
	return append(taps.Clone(), channels, multiplier)
}
