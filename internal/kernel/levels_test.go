package kernel

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// eachLevel runs the test once for every level that this machine has.
func eachLevel(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	before := current
	defer use(before)
	for _, l := range availableLevels() {
		use(l)
		t.Run(l.String(), test)
	}
}

// at runs f on one level.
func at(l level, f func()) {
	before := current
	defer use(before)
	use(l)
	f()
}

// vectorLevels are the levels in assembly that this machine has.
func vectorLevels() []level { return availableLevels()[1:] }

// newRand returns a generator with a fixed seed.
func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// random returns n numbers from [-scale, scale).
func random(n int, scale float32, r *rand.Rand) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = scale * (2*r.Float32() - 1)
	}
	return x
}

// special values, in which kernels go wrong.
var special = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, 1.5, 2.5,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 1e-40, -1e-40,
	minNormal, -minNormal, math.MaxFloat32, -math.MaxFloat32,
	88.72283, 88.72284, -87.33655, -103.97208, -103.97209, 104, -104, 17, -17, 25, -25, 1.0 / 3,
}

// sameBits tells whether x and y are the same number, or both none.
func sameBits(x, y float32) bool {
	return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
}

func TestChoose(t *testing.T) {
	generic, avx2 := []level{levelGeneric}, []level{levelGeneric, levelAVX2}
	avx512, neon := []level{levelGeneric, levelAVX2, levelAVX512}, []level{levelGeneric, levelNEON}
	for _, test := range []struct {
		request   string
		available []level
		want      level
		err       string
	}{
		{"", avx512, levelAVX512, ""},
		{"", neon, levelNEON, ""},
		{"", generic, levelGeneric, ""},
		{"avx2", avx512, levelAVX2, ""},
		{"neon", neon, levelNEON, ""},
		{"generic", avx512, levelGeneric, ""},
		{"generic", neon, levelGeneric, ""},
		{"avx512", avx2, levelAVX2, "not available"},
		{"neon", avx512, levelAVX512, "not available"},
		{"avx2", neon, levelNEON, "not available"},
		{"neon", generic, levelGeneric, "not available"},
		{"AVX2", avx512, levelAVX512, "unknown instruction set"},
		{"sse", avx2, levelAVX2, "unknown instruction set"},
	} {
		got, err := choose(test.request, test.available)
		if got != test.want {
			t.Errorf("choose(%q, %v): got %v, want %v", test.request, test.available, got, test.want)
		}
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("choose(%q, %v): got error %v, want %q", test.request, test.available, err, test.err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("choose(%q, %v): error of several lines: %v", test.request, test.available, err)
		}
	}
}
