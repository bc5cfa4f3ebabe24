package kernel

import (
	"math"
	"testing"
)

// trajectory runs an update five times on 100 weights with the gradients w-i/10 and compares with the same
// formula in float64; state slices start at zero.
func trajectory(t *testing.T, states int, update func(step int, w, g []float32, s [][]float32), want func(step int, w, g float64, s []float64) float64) {
	t.Helper()
	const n = 100
	eachLevel(t, func(t *testing.T) {
		w, g := make([]float32, n), make([]float32, n)
		w64 := make([]float64, n)
		s, s64 := make([][]float32, states), make([][]float64, n)
		for i := range s {
			s[i] = make([]float32, n)
		}
		for i := range s64 {
			s64[i] = make([]float64, states)
		}
		for step := 1; step <= 5; step++ {
			for i := range g {
				g[i] = w[i] - float32(i)/10 - 0.05
				w64[i] = want(step, w64[i], w64[i]-float64(float32(i)/10)-0.05, s64[i])
			}
			update(step, w, g, s)
		}
		for i := range w {
			if math.Abs(float64(w[i])-w64[i]) > 2e-6*math.Max(1, math.Abs(w64[i])) {
				t.Fatalf("weight %d: got %g, want %g", i, w[i], w64[i])
			}
		}
	})
}

func TestSGD(t *testing.T) {
	trajectory(t, 0,
		func(_ int, w, g []float32, _ [][]float32) { SGD(w, g, 0.1) },
		func(_ int, w, g float64, _ []float64) float64 { return w - 0.1*g })
}

func TestMomentum(t *testing.T) {
	for _, nesterov := range []bool{false, true} {
		trajectory(t, 1,
			func(_ int, w, g []float32, s [][]float32) { Momentum(w, g, s[0], 0.1, 0.9, nesterov) },
			func(_ int, w, g float64, s []float64) float64 {
				s[0] = 0.9*s[0] - 0.1*g
				if nesterov {
					return w + 0.9*s[0] - 0.1*g
				}
				return w + s[0]
			})
	}
}

// TestAdam has the formulas of both frameworks: Keras scales the rate, PyTorch the root.
func TestAdam(t *testing.T) {
	const lr, beta1, beta2, epsilon, weightDecay = 0.01, 0.9, 0.999, 1e-7, 0.1
	moments := func(g float64, s []float64) {
		s[0] = beta1*s[0] + (1-beta1)*g
		s[1] = beta2*s[1] + (1-beta2)*g*g
	}
	trajectory(t, 2,
		func(step int, w, g []float32, s [][]float32) {
			rate := lr * math.Sqrt(1-math.Pow(beta2, float64(step))) / (1 - math.Pow(beta1, float64(step)))
			Adam(w, g, s[0], s[1], AdamStep{Beta1: beta1, Beta2: beta2, Rate: float32(rate), VScale: 1, Epsilon: epsilon})
		},
		func(step int, w, g float64, s []float64) float64 {
			moments(g, s)
			rate := lr * math.Sqrt(1-math.Pow(beta2, float64(step))) / (1 - math.Pow(beta1, float64(step)))
			return w - rate*s[0]/(math.Sqrt(s[1])+epsilon)
		})
	trajectory(t, 2,
		func(step int, w, g []float32, s [][]float32) {
			Adam(w, g, s[0], s[1], AdamStep{
				Beta1: beta1, Beta2: beta2, Rate: float32(lr / (1 - math.Pow(beta1, float64(step)))),
				VScale: float32(1 / math.Sqrt(1-math.Pow(beta2, float64(step)))), Epsilon: epsilon, Decay: lr * weightDecay,
			})
		},
		func(step int, w, g float64, s []float64) float64 {
			w -= lr * weightDecay * w
			moments(g, s)
			mean := s[0] / (1 - math.Pow(beta1, float64(step)))
			root := math.Sqrt(s[1] / (1 - math.Pow(beta2, float64(step))))
			return w - lr*mean/(root+epsilon)
		})
}

func TestRMSProp(t *testing.T) {
	trajectory(t, 1,
		func(_ int, w, g []float32, s [][]float32) {
			RMSProp(w, g, s[0], RMSPropStep{Rho: 0.9, Rate: 0.01, Inside: 1e-3, Epsilon: 1e-2})
		},
		func(_ int, w, g float64, s []float64) float64 {
			s[0] = 0.9*s[0] + 0.1*g*g
			return w - 0.01*g/(math.Sqrt(s[0]+1e-3)+1e-2)
		})
}
