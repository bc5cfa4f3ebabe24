package kernel

import (
	"fmt"
	"math"
	"testing"
)

// gruSlices are the arguments of a step: x and inner of three times the length, then as many
// as needed.
func gruSlices(u int) [][]float32 {
	r := newRand()
	return [][]float32{random(3*u, 4, r), random(3*u, 4, r), random(u, 2, r), random(u, 2, r), random(u, 2, r)}
}

var gruKernels = []vectorKernel{
	{"GRU", 5, void(func(s [][]float32) { GRU(s[2], s[0], s[1], s[3]) })},
	{"GRUGrad", 5, void(func(s [][]float32) {
		for i, v := range s[0] {
			s[0][i] = sigmoidf(v) // as GRU leaves them
		}
		GRUGrad(s[2], s[0], s[1], s[4], s[3])
	})},
}

// TestGRULevels holds assembly and twin together, to the last bit.
func TestGRULevels(t *testing.T) {
	for _, k := range gruKernels {
		for u := range 70 {
			s := gruSlices(u)
			want, _ := k.on(levelGeneric, s)
			for _, l := range vectorLevels() {
				got, _ := k.on(l, s)
				compareExactly(t, fmt.Sprintf("%s %v units=%d", k.name, l, u), got, want, 0, 0)
			}
		}
	}
}

// TestGRU compares a step with its definition in float64, and its gradient with differences.
func TestGRU(t *testing.T) {
	step := func(x, inner []float64, before float64) (z, r, g, h float64) {
		sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
		z, r = sigmoid(x[0]+inner[0]), sigmoid(x[1]+inner[1])
		g = math.Tanh(x[2] + r*inner[2])
		return z, r, g, z*before + (1-z)*g
	}
	eachLevel(t, func(t *testing.T) {
		const u = 21
		s := gruSlices(u)
		x, inner, h, before, dh := s[0], s[1], s[2], s[3], s[4]
		wide := func(v []float32, j int) []float64 {
			return []float64{float64(v[j]), float64(v[u+j]), float64(v[2*u+j])}
		}
		var xs, inners [u][]float64
		for j := range u {
			xs[j], inners[j] = wide(x, j), wide(inner, j)
		}
		GRU(h, x, inner, before)
		for j := range u {
			z, r, g, want := step(xs[j], inners[j], float64(before[j]))
			for k, w := range []float64{z, r, g, want} {
				if got := [...]float32{x[j], x[u+j], x[2*u+j], h[j]}[k]; math.Abs(float64(got)-w) > 1e-6 {
					t.Fatalf("unit %d, value %d: got %g, want %g", j, k, got, w)
				}
			}
		}
		ahead := make([]float32, u)
		GRUGrad(ahead, x, inner, dh, before)
		for j := range u {
			const d = 1e-5
			for k := range 3 {
				for _, c := range []struct {
					what string
					of   []float64
					got  float32
				}{{"x", xs[j], x[k*u+j]}, {"inner", inners[j], inner[k*u+j]}} {
					value := c.of[k]
					c.of[k] = value + d
					_, _, _, above := step(xs[j], inners[j], float64(before[j]))
					c.of[k] = value - d
					_, _, _, below := step(xs[j], inners[j], float64(before[j]))
					c.of[k] = value
					if want := float64(dh[j]) * (above - below) / (2 * d); math.Abs(float64(c.got)-want) > 1e-5 {
						t.Fatalf("unit %d: gradient of %s %d: got %g, want %g", j, c.what, k, c.got, want)
					}
				}
			}
			z, _, _, _ := step(xs[j], inners[j], 0)
			if want := float64(dh[j]) * z; math.Abs(float64(ahead[j])-want) > 1e-5 {
				t.Fatalf("unit %d: gradient of the state before: got %g, want %g", j, ahead[j], want)
			}
		}
	})
}

func BenchmarkGRU(b *testing.B) {
	s := gruSlices(100)
	for b.Loop() {
		GRU(s[2], s[0], s[1], s[3])
	}
}
