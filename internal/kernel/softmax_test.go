package kernel

import (
	"math"
	"testing"
)

func init() {
	vectorKernels = append(vectorKernels,
		unaryFunction("Softmax", func(dst, x []float32) { Softmax(dst, x, 0.7) }),
		binaryFunction("SoftmaxGrad", func(dx, dy, y []float32) { SoftmaxGrad(dx, dy, y, 0.7) }))
}

// TestSoftmax compares with float64, for values whose exponentials overflow as well.
func TestSoftmax(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for _, n := range []int{1, 2, 7, 8, 17, 100} {
			for _, scale := range []float32{1, 0.125, 300} {
				x, dy, y, dx := random(n, 4, r), random(n, 1, r), make([]float32, n), make([]float32, n)
				Softmax(y, x, scale)
				SoftmaxGrad(dx, dy, y, scale)
				var sum, product float64
				for _, v := range x {
					sum += math.Exp(float64(scale) * float64(v-x[0]))
				}
				p := func(i int) float64 { return math.Exp(float64(scale)*float64(x[i]-x[0])) / sum }
				for i := range x {
					product += float64(dy[i]) * p(i)
				}
				for i := range x {
					tolerance := 1e-6 * max(1, 4*float64(scale))
					if math.Abs(float64(y[i])-p(i)) > tolerance {
						t.Fatalf("n=%d scale=%g: got %v, want %v", n, scale, y[i], p(i))
					}
					want := float64(scale) * p(i) * (float64(dy[i]) - product)
					if math.Abs(float64(dx[i])-want) > tolerance*float64(scale) {
						t.Fatalf("n=%d scale=%g: gradient %v, want %v", n, scale, dx[i], want)
					}
				}
			}
		}
	})
}
