package kernel

import (
	"flag"
	"math"
	"testing"
)

// stride tells TestULP which float32s to look at; 1, all of them, takes an hour.
var stride = flag.Uint64("stride", 4001, "test vector mathematics with every `n`th float32")

// ulpError returns the distance of got from want in units of the last place of a float32 of want's size.
func ulpError(got float32, want float64) float64 {
	if math.IsNaN(want) || math.IsInf(float64(float32(want)), 0) || math.IsInf(float64(got), 0) || got != got {
		if sameBits(got, float32(want)) {
			return 0
		}
		if math.IsInf(float64(got), 0) && math.Abs(want) > math.MaxFloat32 {
			return 0
		}
		return math.Inf(1)
	}
	_, exponent := math.Frexp(want)
	unit := math.Ldexp(1, max(exponent-24, -149))
	return math.Abs(float64(got)-want) / unit
}

func sigmoid64(x float64) float64 {
	if x < 0 {
		return math.Exp(x) / (1 + math.Exp(x))
	}
	return 1 / (1 + math.Exp(-x))
}

func softplus64(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func elu64(x, scale, alpha float64) float64 {
	if x > 0 {
		return scale * x
	}
	return alpha * math.Expm1(x)
}

// TestULP holds the stated error bounds against float64, on numbers of every sign and exponent.
func TestULP(t *testing.T) {
	for _, f := range []struct {
		name  string
		f     func(dst, x []float32)
		want  func(x float64) float64
		bound float64
	}{
		{"Exp", Exp, math.Exp, 1},
		{"Log", Log, math.Log, 1},
		{"Tanh", Tanh, math.Tanh, 3},
		{"Sigmoid", Sigmoid, sigmoid64, 3},
		{"Softplus", Softplus, softplus64, 2.5},
		{"ELU", func(dst, x []float32) { ELU(dst, x, 1) }, func(x float64) float64 { return elu64(x, 1, 1) }, 2},
		{"SELU", SELU, func(x float64) float64 {
			return elu64(x, float64(float32(seluScale)), float64(float32(seluScaleAlpha)))
		}, 2},
	} {
		t.Run(f.name, func(t *testing.T) {
			eachLevel(t, func(t *testing.T) {
				x, y := make([]float32, 4096), make([]float32, 4096)
				worst, worstX := 0.0, float32(0)
				for bits := uint64(0); bits < 1<<32; {
					n := 0
					for ; n < len(x) && bits < 1<<32; n++ {
						x[n] = math.Float32frombits(uint32(bits))
						bits += *stride
					}
					f.f(y[:n], x[:n])
					for i, v := range x[:n] {
						if e := ulpError(y[i], f.want(float64(v))); e > worst {
							worst, worstX = e, v
						}
					}
				}
				t.Logf("largest error %.3f ULP at %g (%#08x)", worst, worstX, math.Float32bits(worstX))
				if worst > f.bound {
					t.Errorf("error %.3f ULP at %g, want at most %g", worst, worstX, f.bound)
				}
			})
		})
	}
}
