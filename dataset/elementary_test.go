package dataset

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The golden file comes from testdata/elementary.py.
func TestElementaryFunctionsAreRoundedCorrectly(t *testing.T) {
	golden, err := os.ReadFile("testdata/elementary.golden")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		var v [4]float64
		for i, field := range strings.Fields(line) {
			if v[i], err = strconv.ParseFloat(field, 64); err != nil {
				t.Fatal(err)
			}
		}
		x := v[0]
		if got := [3]float64{sin(x), cos(x), log(math.Abs(x))}; got != [3]float64(v[1:]) {
			t.Errorf("sin, cos, log |x| of %x are %x, want %x", x, got, v[1:])
		}
	}
	if sin(0) != 0 || cos(0) != 1 || log(1) != 0 {
		t.Errorf("sin 0, cos 0, log 1 are %v, %v, %v, want 0, 1, 0", sin(0), cos(0), log(1))
	}
}
