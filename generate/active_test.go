package generate

import (
	"strings"
	"testing"

	"hourglass/tensor"
)

func TestActiveUnits(t *testing.T) {
	codes := tensor.New(4, 3)
	for i := range 4 {
		copy(codes.Row(i), []float32{float32(i), 5, 0.1 * float32(i%2)}) // variances 1.25, 0 and 0.0025
	}
	if n := ActiveUnits(codes); n != 1 {
		t.Errorf("%d are active, want 1", n)
	}
	if text := DescribeActive(0, 3); !strings.Contains(text, "collapsed") {
		t.Errorf("%q does not tell of the collapse", text)
	}
	if text := DescribeActive(1, 3); text != "1 of 3 numbers of a code are active" {
		t.Errorf("%q", text)
	}
}
