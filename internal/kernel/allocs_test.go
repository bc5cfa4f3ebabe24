package kernel

import (
	"testing"

	"hourglass/internal/race"
)

// TestAllocs holds every kernel to allocating nothing once it has run.
func TestAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("pools keep nothing under the race detector")
	}
	eachLevel(t, func(t *testing.T) {
		for _, k := range vectorKernels {
			s := k.inputs(newRand(), 100, false)
			expectNoAllocs(t, k.name, func() { k.run(s) })
		}
		const n = 280
		a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
		expectNoAllocs(t, "small Gemm", func() { Gemm(16, 100, 30, a, 30, 1, b, 100, c, 100, Bias, b) })
		expectNoAllocs(t, "small GemmNT", func() { GemmNT(16, 100, 30, a, 30, 1, b, 30, c, 100, Bias, b) })
		expectNoAllocs(t, "large Gemm", func() { Gemm(n, n, n, a, n, 1, b, n, c, n, Overwrite, nil) })
		expectNoAllocs(t, "large GemmNT", func() { GemmNT(n, n, n, a, n, 1, b, n, c, n, Overwrite, nil) })
	})
}

func expectNoAllocs(t *testing.T, what string, f func()) {
	t.Helper()
	f()
	if got := testing.AllocsPerRun(10, f); got != 0 {
		t.Errorf("%s: %g allocations, want none", what, got)
	}
}
