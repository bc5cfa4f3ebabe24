package nn

import "fmt"

// convAxis is one axis of a convolution. Position o of the small side and position
// b of the big side are joined by tap k of the kernel where
//
//	b + pad = o·stride + k·dilation
//
// A convolution reads the big side and writes the small one; a transposed
// convolution, and the gradient of a convolution with respect to its input, go
// the other way.
type convAxis struct {
	big, small               int // lengths
	kernel, stride, dilation int
	pad                      int // zeros in front of the big side
}

// extent returns how many positions the kernel spans.
func (a convAxis) extent() int { return (a.kernel-1)*a.dilation + 1 }

// reach returns how many positions all windows span together.
func (a convAxis) reach() int { return (a.small-1)*a.stride + a.extent() }

// inside returns the n, 0 ≤ n < count, with 0 ≤ from + n·step < length, as a range.
func inside(from, step, length, count int) (lo, hi int) {
	if from >= length {
		return 0, 0
	}
	lo = (max(-from, 0) + step - 1) / step
	hi = min((length-1-from)/step+1, count)
	return lo, max(hi, lo)
}

// bigTaps returns the taps that meet the big side at position o of the small side,
// and not the zeros around it.
func (a convAxis) bigTaps(o int) (lo, hi int) {
	return inside(o*a.stride-a.pad, a.dilation, a.big, a.kernel)
}

// smallTaps returns the reversed taps that meet the small side at the q-th position of
// a phase, and not the zeros around it.
func (a convAxis) smallTaps(p *phase, q int) (lo, hi int) {
	return inside(p.small+q, p.spacing, a.small, p.taps)
}

// meeting returns the positions of the small side that tap k joins with the big side,
// and not with the zeros around it.
func (a convAxis) meeting(k int) (lo, hi int) {
	return inside(k*a.dilation-a.pad, a.stride, a.big, a.small)
}

// newConvAxis returns the axis of a convolution on n positions.
func newConvAxis(n, kernel, stride, dilation int, padding Padding) (convAxis, error) {
	a := convAxis{big: n, kernel: kernel, stride: stride, dilation: dilation}
	if padding != Valid {
		a.small = (n + stride - 1) / stride
		a.pad = max(a.reach()-n, 0) / 2
		if padding == Causal {
			a.pad = a.extent() - 1
		}
		return a, nil
	}
	if a.extent() > n {
		return a, fmt.Errorf("a kernel that spans %d positions does not fit into %d, want less, or padding same", a.extent(), n)
	}
	a.small = (n-a.extent())/stride + 1
	return a, nil
}

// automatic stands for the output padding that Keras calls None.
const automatic = -1

// newTransposedAxis returns the axis of a transposed convolution on n positions.
// The output's length is Keras':
//
//	                     valid                          same
//	automatic padding    n·s + max(e-s, 0)              n·s
//	padding p            (n-1)·s + e + p                (n-1)·s + e + p - 2·⌊e/2⌋
//
// for stride s and a kernel that spans e positions.
func newTransposedAxis(n, kernel, stride, dilation int, padding Padding, outputPadding int) (convAxis, error) {
	a := convAxis{small: n, kernel: kernel, stride: stride, dilation: dilation}
	if outputPadding >= stride {
		return a, fmt.Errorf("output padding is %d, want less than the stride %d", outputPadding, stride)
	}
	switch {
	case outputPadding != automatic:
		a.big = a.reach() + outputPadding
		if padding == Same {
			a.big -= a.extent() / 2 * 2
		}
	case padding == Same:
		a.big = n * stride
	default:
		a.big = n*stride + max(a.extent()-stride, 0)
	}
	if padding == Same {
		if (a.big+stride-1)/stride != n {
			return a, fmt.Errorf("output padding %d with padding same would make %d positions of %d, want %d to %d",
				outputPadding, a.big, n, (n-1)*stride+1, n*stride)
		}
		a.pad = max(a.reach()-a.big, 0) / 2
	}
	return a, nil
}

// phase is a part of the big side that meets the same taps: the positions b with
// b + pad = q·stride + remainder. There, a convolution's transpose is a
// convolution of the small side with stride 1, whose taps are every step-th of
// the kernel in reverse order.
type phase struct {
	at      int // first position of the big side; the others follow in strides
	count   int // positions
	taps    int // taps it meets, perhaps none
	first   int // the first such tap
	step    int // distance between them
	small   int // position of the small side at the first of the reversed taps, may be negative
	spacing int // distance on the small side from tap to tap
}

// phases cuts the big side into its phases, one for every remainder.
func (a convAxis) phases() []phase {
	common := gcd(a.stride, a.dilation)
	step := a.stride / common
	phases := make([]phase, a.stride)
	for k := range min(step, a.kernel) {
		p := &phases[k*a.dilation%a.stride]
		p.first, p.taps = k, (a.kernel-1-k)/step+1
	}
	for r := range phases {
		p := &phases[r]
		p.step, p.spacing = step, a.dilation/common
		from := max(a.pad-r+a.stride-1, 0) / a.stride
		p.at = from*a.stride + r - a.pad
		if p.at < a.big {
			p.count = (a.big-1-p.at)/a.stride + 1
		}
		if p.taps > 0 {
			p.small = from - (p.first*a.dilation-r)/a.stride - (p.taps-1)*p.spacing
		}
	}
	return phases
}

// margins returns how many zeros the phases read in front of and behind the small
// side.
func (a convAxis) margins() (before, after int) {
	for _, p := range a.phases() {
		if p.taps == 0 || p.count == 0 {
			continue
		}
		last := p.small + p.count - 1 + (p.taps-1)*p.spacing
		before = max(before, -p.small)
		after = max(after, last-(a.small-1))
	}
	return before, after
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// checkConvolution reports options out of range, apart from the padding.
func checkConvolution(filters int, kernel, strides, dilation Pair, fn Func, inits ...Initializer) error {
	var errs []error
	for _, init := range inits {
		errs = append(errs, init.validate())
	}
	return firstError(checkFilters(filters), kernel.check("kernel", 1), strides.check("stride", 1), dilation.check("dilation", 1),
		fn.validate(), firstError(errs...))
}

// checkFilters reports too few output channels.
func checkFilters(filters int) error {
	if filters < 1 {
		return fmt.Errorf("filters is %d, want at least 1", filters)
	}
	return nil
}

// Limits on one sample within its margins, in elements, and on the taps of a kernel.
const (
	maxFramed = 1 << 26
	maxTaps   = 1 << 20
)

// errTooLarge reports a convolution beyond these limits.
var errTooLarge = fmt.Errorf("kernel, strides and dilation ask for more than %d taps or %d values a sample with its padding", maxTaps, maxFramed)
