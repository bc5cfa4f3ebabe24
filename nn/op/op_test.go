package op

import (
	"math"
	"slices"
	"testing"

	"hourglass/internal/golden"
)

// TestProducts compares all products with sums in float64.
func TestProducts(t *testing.T) {
	const m, k, n = 5, 7, 9
	at := func(x Matrix, i, j int) float64 { return float64(x.Data[i*x.Stride+j]) }
	a, b := Dense(golden.Values(1, m*k, -1, 1), m, k), Dense(golden.Values(2, k*n, -1, 1), k, n)
	y, bias := Dense(golden.Values(3, m*n, -1, 1), m, n), golden.Values(4, n, -1, 1)
	product := make([]float64, m*n)
	for i := range m {
		for j := range n {
			for p := range k {
				product[i*n+j] += at(a, i, p) * at(b, p, j)
			}
		}
	}
	c := Dense(make([]float32, m*n), m, n)
	Product(c, a, b)
	golden.Close(t, "product", c.Data, product, 1e-5)
	bt := Dense(make([]float32, n*k), n, k)
	Transpose(bt, b)
	ProductNT(c, a, bt)
	golden.Close(t, "product with a transpose", c.Data, product, 1e-5)
	for i := range product {
		product[i] += float64(bias[i%n])
	}
	ProductBias(c, a, b, bias)
	golden.Close(t, "product and bias", c.Data, product, 1e-5)

	gradient, sums := make([]float64, k*n), make([]float64, n)
	for i := range m {
		for j := range n {
			sums[j] += at(y, i, j)
			for p := range k {
				gradient[p*n+j] += at(a, i, p) * at(y, i, j)
			}
		}
	}
	whole := Dense(make([]float32, k*n), k, n)
	GradientRows(whole, a, y, 0, k)
	golden.Close(t, "gradient", whole.Data, gradient, 1e-5)
	parts := Dense(make([]float32, k*n), k, n)
	for _, cut := range [][2]int{{0, 3}, {3, 3}, {3, k}} {
		GradientRows(parts, a, y, cut[0], cut[1])
	}
	if !slices.Equal(parts.Data, whole.Data) {
		t.Error("rows of a gradient depend on where they are cut")
	}
	AddGradientRows(parts, a, y, 0, k)
	for i := range gradient {
		gradient[i] *= 2
	}
	golden.Close(t, "twice the gradient", parts.Data, gradient, 1e-5)
	bottom := make([]float32, n)
	ColumnSums(bottom[:4], y, 0, 4)
	ColumnSums(bottom[4:], y, 4, n)
	golden.Close(t, "sums", bottom, sums, 1e-5)
	if rows := a.RowsOf(2, 4); rows.Rows != 2 || rows.Data[0] != a.Data[2*k] || len(rows.Data) != 2*k || a.RowsOf(5, 5).Rows != 0 {
		t.Errorf("rows %+v", rows)
	}
}

func TestElementwise(t *testing.T) {
	x, y, dst := []float32{1, -2, 3}, []float32{4, 5, -6}, make([]float32, 3)
	Add(dst, x, y)
	Multiply(dst, dst, y)
	Scale(dst, dst, 0.5)
	if want := []float32{10, 7.5, 9}; !slices.Equal(dst, want) || Sum(x) != 2 || math.Abs(Dot(x, y)+24) > 0 {
		t.Errorf("got %v, %v, %v", dst, Sum(x), Dot(x, y))
	}
}
