package nn

import (
	"slices"
	"strings"
	"testing"

	"hourglass/tensor"
)

// So many patches of each image are masked, whole ones, others in each image, and the gradient
// with them; outside of training none is.
func TestPatchMasking(t *testing.T) {
	const n = 6
	for _, shape := range []tensor.Shape{{6, 8}, {6, 8, 3}} {
		d := draws(t, PatchMasking{Size: Pair{3, 2}, Rate: 0.6}, n, shape, 0.25, 0.75)
		channels, size := shape.Size()/48, shape.Size()
		var first []bool
		for i := range n {
			masked := make([]bool, 8)
			for p := range masked {
				zeros := 0
				for r := range 3 {
					for c := range 2 * channels {
						at := i*size + (p/4*3+r)*8*channels + p%4*2*channels + c
						if d.frame.Y[at] == 0 && d.frame.DX[at] == 0 {
							zeros++
						} else if d.frame.Y[at] != d.frame.X[at] || d.frame.DX[at] != d.frame.DY[at] {
							t.Fatalf("value %d: %v became %v", at, d.frame.X[at], d.frame.Y[at])
						}
					}
				}
				if masked[p] = zeros > 0; zeros != 0 && zeros != 6*channels {
					t.Errorf("%d values of patch %d are masked", zeros, p)
				}
			}
			if count := len(slices.DeleteFunc(slices.Clone(masked), func(m bool) bool { return !m })); count != 4 {
				t.Errorf("%d of 8 patches are masked, want 4", count)
			}
			if i == 0 {
				first = masked
			}
			if i == n-1 && slices.Equal(first, masked) {
				t.Error("the same patches are masked everywhere")
			}
		}
		d.frame.Training = false
		d.run()
		if !slices.Equal(d.frame.X, d.frame.Y) || !slices.Equal(d.frame.DX, d.frame.DY) {
			t.Error("masks outside of training")
		}
	}
	for want, c := range map[string]struct {
		l  PatchMasking
		in tensor.Shape
	}{
		"do not cover": {PatchMasking{Size: Square(3)}, tensor.Shape{6, 8}}, "rate is 1": {PatchMasking{Size: Square(2), Rate: 1}, tensor.Shape{6, 8}},
		"patch size is 0": {PatchMasking{}, tensor.Shape{6, 8}}, "height×width": {PatchMasking{Size: Square(1)}, tensor.Shape{6}},
	} {
		if _, err := c.l.Bind(c.in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
