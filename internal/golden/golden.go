// Package golden is what tests with golden files share: numbers that a script in
// another language makes alike, and the comparison with what it wrote.
package golden

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// Values returns n numbers in [lo, hi) that values(seed, n, lo, hi) of
// nn/testdata/core_golden.py gives too, bit for bit: SplitMix64 (Steele, Lea &
// Flood 2014) at counters seed·2³² + 0, 1, 2, …
func Values(seed uint64, n int, lo, hi float64) []float32 {
	list := make([]float32, n)
	for i := range list {
		x := (seed<<32 + uint64(i)) * 0x9E3779B97F4A7C15
		x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
		x = (x ^ x>>27) * 0x94D049BB133111EB
		x ^= x >> 31
		u := float64(x>>40) / (1 << 24)
		list[i] = float32(lo + float64((hi-lo)*u))
	}
	return list
}

// Load reads a golden file, an object that names its script, into v.
func Load(t testing.TB, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	delete(entries, "script")
	text, err = json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Close reports every number that differs from the wanted one by more than
// tolerance, relative to that number or to a tenth of the root mean square of all
// wanted ones, whichever is larger.
func Close(t testing.TB, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", what, len(got), len(want))
		return
	}
	var squares float64
	for _, w := range want {
		squares += w * w
	}
	floor := 0.1 * math.Sqrt(squares/float64(len(want)))
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= tolerance*max(math.Abs(w), floor)) {
			t.Errorf("%s: number %d is %.9g, want %.9g", what, i, got[i], w)
		}
	}
}
