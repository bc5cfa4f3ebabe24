package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// TestOrthonormalise compares with LAPACK's way to QR, in gonum's translation: it gives
// the same columns, but for their signs.
func TestOrthonormalise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, shape := range [][2]int{{1, 1}, {2, 2}, {7, 3}, {40, 40}, {130, 50}} {
		tall, thin := shape[0], shape[1]
		a, columns := mat.NewDense(tall, thin, nil), make([][]float64, thin)
		for c := range columns {
			columns[c] = make([]float64, tall)
			for r := range columns[c] {
				columns[c][r] = rng.NormFloat64()
				a.Set(r, c, columns[c][r])
			}
		}
		orthonormalise(columns)
		var qr mat.QR
		var q, r mat.Dense
		qr.Factorize(a)
		qr.QTo(&q)
		qr.RTo(&r)
		for c, column := range columns {
			for i, got := range column {
				if want := q.At(i, c) * math.Copysign(1, r.At(c, c)); math.Abs(got-want) > 1e-11 {
					t.Fatalf("%d×%d: column %d, row %d: got %v, want %v", tall, thin, c, i, got, want)
				}
			}
			for _, other := range columns[:c] {
				if d := math.Abs(innerProduct(column, other)); d > 1e-14 {
					t.Fatalf("%d×%d: columns have a product of %g, want 0", tall, thin, d)
				}
			}
		}
	}
}
