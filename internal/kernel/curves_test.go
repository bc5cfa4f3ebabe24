package kernel

import (
	"math"
	"testing"
)

func init() {
	vectorKernels = append(vectorKernels,
		unaryFunction("GELU", GELU),
		unaryFunction("GELUTanh", GELUTanh),
		unaryFunction("SiLU", SiLU),
		unaryFunction("Mish", Mish),
		unaryFunction("HardSigmoid", HardSigmoid),
		unaryFunction("HardSiLU", HardSiLU),
		unaryFunction("ReLU6", ReLU6),
		binaryFunction("GELUGrad", GELUGrad),
		binaryFunction("GELUTanhGrad", GELUTanhGrad),
		binaryFunction("SiLUGrad", SiLUGrad),
		binaryFunction("MishGrad", MishGrad),
		binaryFunction("HardSigmoidGrad", HardSigmoidGrad),
		binaryFunction("HardSiLUGrad", HardSiLUGrad),
		binaryFunction("ReLU6Grad", ReLU6Grad),
	)
}

// slopesAt adapts a gradient to one of dy = 1.
func slopesAt(grad func(dz, dy, x []float32)) func(dst, x []float32) {
	ones := make([]float32, 4096)
	for i := range ones {
		ones[i] = 1
	}
	return func(dst, x []float32) { grad(dst, ones[:len(x)], x) }
}

// derivative returns the central difference of f.
func derivative(f func(float64) float64) func(float64) float64 {
	return func(x float64) float64 {
		const h = 1e-5
		return (f(x+h) - f(x-h)) / (2 * h)
	}
}

func gelu64(x float64) float64 { return x * math.Erfc(-x*math.Sqrt2/2) / 2 }

func geluTanh64(x float64) float64 {
	return x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) / 2
}

func silu64(x float64) float64 { return x * sigmoid64(x) }

func mish64(x float64) float64 { return x * math.Tanh(softplus64(x)) }

func hardSigmoid64(x float64) float64 { return math.Min(math.Max(x+3, 0), 6) / 6 }

// TestCurves holds functions and slopes against float64 where floats are dense and where they are large,
// with errors in proportion to max(1, |x|).
func TestCurves(t *testing.T) {
	const ulp = 1.0 / (1 << 23)
	for _, f := range []struct {
		name  string
		f     func(dst, x []float32)
		want  func(float64) float64
		bound float64
	}{
		{"GELU", GELU, gelu64, ulp},
		{"GELUTanh", GELUTanh, geluTanh64, 2 * ulp},
		{"SiLU", SiLU, silu64, 2 * ulp},
		{"Mish", Mish, mish64, 2 * ulp},
		{"HardSigmoid", HardSigmoid, hardSigmoid64, ulp},
		{"HardSiLU", HardSiLU, func(x float64) float64 { return x * hardSigmoid64(x) }, 2 * ulp},
		{"ReLU6", ReLU6, func(x float64) float64 { return math.Min(math.Max(x, 0), 6) }, 0},
		{"GELUGrad", slopesAt(GELUGrad), derivative(gelu64), 4 * ulp},
		{"GELUTanhGrad", slopesAt(GELUTanhGrad), derivative(geluTanh64), 4 * ulp},
		{"SiLUGrad", slopesAt(SiLUGrad), derivative(silu64), 4 * ulp},
		{"MishGrad", slopesAt(MishGrad), derivative(mish64), 4 * ulp},
		{"HardSiLUGrad", slopesAt(HardSiLUGrad), derivative(func(x float64) float64 { return x * hardSigmoid64(x) }), ulp},
	} {
		t.Run(f.name, func(t *testing.T) {
			eachLevel(t, func(t *testing.T) {
				x, y := make([]float32, 4096), make([]float32, 4096)
				worst := 0.0
				for _, reach := range []float64{1, 2.999, 6, 20, 1e4} {
					for i := range x {
						x[i] = float32(reach * (2*(float64(i)+0.5)/4096 - 1))
					}
					f.f(y, x)
					for i, v := range x {
						want := f.want(float64(v))
						e := math.Abs(float64(y[i])-want) / max(1, math.Abs(float64(v)))
						worst = max(worst, e)
						if !(e <= f.bound+1e-10) {
							t.Fatalf("got %v at %v, want %v", y[i], v, want)
						}
					}
				}
				t.Logf("largest error %.3f of 2⁻²³", worst/ulp)
			})
		})
	}
}

// TestCurvesULP holds the bounds in units of the last place, where the result is not denormal.
func TestCurvesULP(t *testing.T) {
	const bound = 4
	for name, f := range map[string]struct {
		f    func(dst, x []float32)
		want func(float64) float64
	}{"SiLU": {SiLU, silu64}, "Mish": {Mish, mish64}} {
		t.Run(name, func(t *testing.T) {
			eachLevel(t, func(t *testing.T) {
				worst := 0.0
				for v := float32(-80); v < 80; v += 1.0 / 64 {
					var y [1]float32
					f.f(y[:], []float32{v})
					if e := ulpError(y[0], f.want(float64(v))); e > worst {
						worst = e
						if e > bound {
							t.Fatalf("error %.3f ULP at %g", e, v)
						}
					}
				}
				t.Logf("largest error %.3f ULP", worst)
			})
		})
	}
}
