package nn

// ConvolutionMargins returns how many zeros a convolution or pooling puts in front of an
// axis of n positions and behind it, for windows that span kernel taps, dilation apart,
// and lie stride apart. Other tools want them as numbers. What follows the last window is
// not counted.
func ConvolutionMargins(n, kernel, stride, dilation int, padding Padding) (before, after int, err error) {
	a, err := newConvAxis(n, kernel, stride, dilation, padding)
	if err != nil {
		return 0, 0, err
	}
	return a.pad, max(a.reach()-a.pad-n, 0), nil
}

// TransposedMargins returns how many positions a transposed convolution of an axis of n
// positions leaves out of the (n-1)·stride + (kernel-1)·dilation + 1 that it could make, in
// front and behind. A negative number behind are positions that it makes in addition. A nil
// outputPadding chooses the length as Conv2DTranspose does.
func TransposedMargins(n, kernel, stride, dilation int, padding Padding, outputPadding *int) (before, after int, err error) {
	extra := automatic
	if outputPadding != nil {
		extra = *outputPadding
	}
	a, err := newTransposedAxis(n, kernel, stride, dilation, padding, extra)
	if err != nil {
		return 0, 0, err
	}
	return a.pad, a.reach() - a.pad - a.big, nil
}
