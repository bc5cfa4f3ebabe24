package generate

import (
	"fmt"

	"hourglass/tensor"
)

// activeVariance is from which variance of its mean over samples a number of a code counts as
// active (Burda et al. 2016).
const activeVariance = 0.01

// ActiveUnits returns how many numbers of codes, the means of what an encoder draws from, say
// something about a sample: their variance over the samples is above 0.01 (Burda et al. 2016). The
// codes have shape N×(code).
func ActiveUnits(codes tensor.Tensor) int {
	active := 0
	for c := range codes.Sample().Size() {
		var sum, squares float64
		for i := range codes.Len() {
			v := float64(codes.Row(i)[c])
			sum, squares = sum+v, squares+v*v
		}
		mean := sum / float64(codes.Len())
		if squares/float64(codes.Len())-mean*mean > activeVariance {
			active++
		}
	}
	return active
}

// DescribeActive says in words how many numbers of a code are active, and what it means if
// none is.
func DescribeActive(active, numbers int) string {
	text := fmt.Sprintf("%d of %d numbers of a code are active", active, numbers)
	if active == 0 {
		text += "; the codes have collapsed to the prior: nothing of a sample is in them; a smaller weight of the divergence, or a warm-up, may help"
	}
	return text
}
