package golden

import (
	"fmt"
	"testing"
)

// The numbers are those of values(3, 4, -2, 2) in nn/testdata/core_golden.py.
func TestValues(t *testing.T) {
	got := fmt.Sprintf("%.9g", Values(3, 4, -2, 2))
	if want := "[-0.977661133 1.03307652 0.738778353 0.102310658]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// recorder counts the errors that Close reports.
type recorder struct {
	testing.TB
	errors int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.errors++ }

func TestClose(t *testing.T) {
	want := []float64{1, -1, 1e-9}
	for _, c := range []struct {
		got    []float32
		errors int
	}{
		{[]float32{1, -1, 0}, 0},
		{[]float32{1 + 5e-6, -1 - 5e-6, 5e-7}, 0},
		{[]float32{1 + 2e-5, -1, 0}, 1},
		{[]float32{1, 1, 1e-5}, 2},
		{[]float32{1, -1}, 1},
	} {
		r := &recorder{TB: t}
		if Close(r, "list", c.got, want, 1e-5); r.errors != c.errors {
			t.Errorf("%v: %d errors, want %d", c.got, r.errors, c.errors)
		}
	}
}
