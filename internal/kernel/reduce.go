package kernel

// lanes is the number of partial sums of a reduction: within a block, element i goes to sum
// i mod 16, and the sixteen are then added as a tree, halves upon halves.
const lanes = 16

// reduceBlock is the number of elements that are summed in float32 before the
// block's sum is added to a float64; it bounds the error of long sums.
const reduceBlock = 4096

// Sum returns the sum of x. Like all sums here it depends on the values and their number only:
// blocks of 4096 elements in sixteen float32 partial sums each, then float64.
func Sum(x []float32) float64 {
	var sum float64
	for i := 0; i < len(x); i += reduceBlock {
		sum += float64(active.sum(x[i:min(i+reduceBlock, len(x))]))
	}
	return sum
}

// SumSquares returns the sum of the squares of x, ordered as in [Sum].
func SumSquares(x []float32) float64 {
	var sum float64
	for i := 0; i < len(x); i += reduceBlock {
		sum += float64(active.sumSquares(x[i:min(i+reduceBlock, len(x))]))
	}
	return sum
}

// Dot returns the sum of the products of x and y, ordered as in [Sum].
func Dot(x, y []float32) float64 {
	sameLength("Dot", len(x), len(y))
	var sum float64
	for i := 0; i < len(x); i += reduceBlock {
		end := min(i+reduceBlock, len(x))
		sum += float64(active.dot(x[i:end], y[i:end]))
	}
	return sum
}

// laneSums are the partial sums of one block.
type laneSums [lanes]float32

// tree adds the partial sums.
func (s *laneSums) tree() float32 {
	for width := lanes / 2; width > 0; width /= 2 {
		for i := range width {
			s[i] += s[i+width]
		}
	}
	return s[0]
}

func sumGeneric(x []float32) float32 {
	var s laneSums
	for i, v := range x {
		s[i%lanes] += v
	}
	return s.tree()
}

func sumSquaresGeneric(x []float32) float32 {
	var s laneSums
	for i, v := range x {
		s[i%lanes] = fma32(v, v, s[i%lanes])
	}
	return s.tree()
}

func dotGeneric(x, y []float32) float32 {
	var s laneSums
	for i, v := range x {
		s[i%lanes] = fma32(v, y[i], s[i%lanes])
	}
	return s.tree()
}
