package nn

import (
	"fmt"

	"hourglass/tensor"
)

// Pair is an option for the two axes of an image: rows first, then columns.
type Pair [2]int

// Square returns the pair of n and n: Kernel: nn.Square(3).
func Square(n int) Pair { return Pair{n, n} }

// maxOption bounds sizes, strides and margins, so that no product of two of them
// leaves an int of any platform.
const maxOption = 1 << 15

// check reports a value outside lo to maxOption.
func (p Pair) check(name string, lo int) error {
	return firstError(checkOption(name, p[0], lo), checkOption(name, p[1], lo))
}

func checkOption(name string, value, lo int) error {
	if value < lo || value > maxOption {
		return fmt.Errorf("%s is %d, want %d to %d", name, value, lo, maxOption)
	}
	return nil
}

// wantImage reports a shape that is not height × width × channels.
func wantImage(in tensor.Shape) error {
	if len(in) != 3 {
		return fmt.Errorf("got samples of shape %v, want height×width×channels", in)
	}
	return nil
}

// wantSequence reports a shape that is not steps × features.
func wantSequence(in tensor.Shape) error {
	if len(in) != 2 {
		return fmt.Errorf("got samples of shape %v, want steps×features", in)
	}
	return nil
}

// wantVector reports a shape that is not a single axis.
func wantVector(in tensor.Shape) error {
	if len(in) != 1 {
		return fmt.Errorf("got samples of shape %v, want a single axis", in)
	}
	return nil
}
