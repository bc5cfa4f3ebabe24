package kernel

import "math"

// Within reports whether low ≤ x ≤ high for every element of x; a NaN is nowhere.
func Within(x []float32, low, high float32) bool { return active.within(x, low, high) == len(x) }

// Finite reports whether no element of x is NaN or infinite.
func Finite(x []float32) bool { return active.magnitude(x) < infinityBits }

// infinityBits are the bits of +Inf.
const infinityBits = 0x7f800000

func withinGeneric(x []float32, low, high float32) int {
	count := 0
	for _, v := range x {
		if low <= v && v <= high {
			count++
		}
	}
	return count
}

func magnitudeGeneric(x []float32) int {
	var largest uint32
	for _, v := range x {
		largest = max(largest, math.Float32bits(v)&(1<<31-1))
	}
	return int(largest)
}
