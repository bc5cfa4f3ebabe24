package kernel

import (
	"fmt"
	"math"
	"testing"
)

// lstmSlices are the arguments of a step: gates of four times the length, then as many as needed.
func lstmSlices(u int) [][]float32 {
	r := newRand()
	return [][]float32{random(4*u, 4, r), random(u, 2, r), random(u, 2, r), random(u, 1, r), random(u, 2, r)}
}

var lstmKernels = []vectorKernel{
	{"LSTM", 5, void(func(s [][]float32) { LSTM(s[1], s[2], s[3], s[0], s[4]) })},
	{"LSTMGrad", 5, void(func(s [][]float32) {
		for i, v := range s[0] {
			s[0][i] = sigmoidf(v) // as LSTM leaves them
		}
		LSTMGrad(s[0], s[1], s[2], s[3], s[4])
	})},
}

// TestLSTMLevels holds assembly and twin together, to the last bit.
func TestLSTMLevels(t *testing.T) {
	for _, k := range lstmKernels {
		for u := range 70 {
			s := lstmSlices(u)
			want, _ := k.on(levelGeneric, s)
			for _, l := range vectorLevels() {
				got, _ := k.on(l, s)
				compareExactly(t, fmt.Sprintf("%s %v units=%d", k.name, l, u), got, want, 0, 0)
			}
		}
	}
}

// TestLSTM compares a step with its definition in float64.
func TestLSTM(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const u = 21
		s := lstmSlices(u)
		z, before := s[0], s[4]
		given := append([]float32(nil), z...)
		LSTM(s[1], s[2], s[3], z, before)
		sigmoid := func(x float32) float64 { return 1 / (1 + math.Exp(-float64(x))) }
		for j := range u {
			i, f, g, o := sigmoid(given[j]), sigmoid(given[u+j]), math.Tanh(float64(given[2*u+j])), sigmoid(given[3*u+j])
			c := f*float64(before[j]) + i*g
			for k, want := range []float64{i, f, g, o, c, math.Tanh(c), o * math.Tanh(c)} {
				got := [...]float32{z[j], z[u+j], z[2*u+j], z[3*u+j], s[2][j], s[3][j], s[1][j]}[k]
				if math.Abs(float64(got)-want) > 5e-7 {
					t.Fatalf("unit %d, value %d: got %g, want %g", j, k, got, want)
				}
			}
		}
	})
}

func BenchmarkLSTM(b *testing.B) {
	s := lstmSlices(100)
	for b.Loop() {
		LSTM(s[1], s[2], s[3], s[0], s[4])
	}
}

func BenchmarkLSTMGrad(b *testing.B) {
	s := lstmSlices(100)
	for b.Loop() {
		LSTMGrad(s[0], s[1], s[2], s[3], s[4])
		clear(s[1])
	}
}
