package nn

import (
	"math"
	"math/rand/v2"

	"hourglass/internal/portable"
)

// fillOrthogonal makes the columns of the rows×cols matrix w orthonormal, or its
// rows where there are fewer of them: Q of the QR decomposition of a normal
// matrix, with the signs that make the diagonal of R positive, so that Q is
// uniformly distributed (Mezzadri 2007).
func fillOrthogonal(w []float32, rows, cols int, rng *rand.Rand) {
	tall, thin := max(rows, cols), min(rows, cols)
	columns := make([][]float64, thin)
	for c := range columns {
		columns[c] = make([]float64, tall)
	}
	for r := range tall {
		for c := range thin {
			columns[c][r] = portable.Normal(rng)
		}
	}
	orthonormalise(columns)
	for i := range rows {
		for j := range cols {
			t, c := i, j // tall and thin coordinates
			if rows < cols {
				t, c = j, i
			}
			w[i*cols+j] = float32(columns[c][t])
		}
	}
}

// orthonormalise replaces independent columns by Q of their QR decomposition with a
// positive diagonal of R, by Gram and Schmidt's method: from each column the part along
// those before it is taken away twice, which leaves it orthogonal to working precision
// (Giraud, Langou & Rozložník 2005).
func orthonormalise(columns [][]float64) {
	for c, column := range columns {
		for range 2 {
			for _, before := range columns[:c] {
				along := innerProduct(before, column)
				for i, v := range before {
					column[i] -= float64(along * v)
				}
			}
		}
		length := math.Sqrt(innerProduct(column, column))
		for i := range column {
			column[i] /= length
		}
	}
}

// innerProduct returns Σ x·y in four partial sums, which a processor adds side by side, and then
// ((s0+s2)+(s1+s3)).
func innerProduct(x, y []float64) float64 {
	var s0, s1, s2, s3 float64
	y = y[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += float64(x[i] * y[i])
		s1 += float64(x[i+1] * y[i+1])
		s2 += float64(x[i+2] * y[i+2])
		s3 += float64(x[i+3] * y[i+3])
	}
	for ; i < len(x); i++ {
		s0 += float64(x[i] * y[i])
	}
	return (s0 + s2) + (s1 + s3)
}
