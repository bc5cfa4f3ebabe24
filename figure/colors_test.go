package figure

import (
	"image/color"
	"testing"
)

// The colours are matplotlib 3.6's: plt.cm.tab10(k), plt.cm.tab20(2k+1).
func TestClassColorIsMatplotlibs(t *testing.T) {
	for class, want := range map[int]color.RGBA{
		0: {0x1f, 0x77, 0xb4, 255}, 1: {0xff, 0x7f, 0x0e, 255}, 2: {0x2c, 0xa0, 0x2c, 255}, 3: {0xd6, 0x27, 0x28, 255},
		4: {0x94, 0x67, 0xbd, 255}, 5: {0x8c, 0x56, 0x4b, 255}, 6: {0xe3, 0x77, 0xc2, 255}, 7: {0x7f, 0x7f, 0x7f, 255},
		8: {0xbc, 0xbd, 0x22, 255}, 9: {0x17, 0xbe, 0xcf, 255},
		10: {0xae, 0xc7, 0xe8, 255}, 19: {0x9e, 0xda, 0xe5, 255},
	} {
		if got := ClassColor(class); got != want {
			t.Errorf("class %d is %v, want %v", class, got, want)
		}
	}
}

func TestClassColorsDiffer(t *testing.T) {
	seen := map[color.RGBA]int{}
	for class := -1; class < 100; class++ {
		c := ClassColor(class)
		if other, ok := seen[c]; ok {
			t.Errorf("classes %d and %d are both %v", other, class, c)
		}
		seen[c] = class
	}
	if got := ClassColor(1 << 40); got.A != 255 {
		t.Errorf("a very large class is %v, want an opaque colour", got)
	}
}

// Values of matplotlib 3.6's plt.cm.Blues, which is not linear between the
// eleven kept here: within 3 of 255.
func TestBlueShade(t *testing.T) {
	for x, want := range map[float64]color.RGBA{
		-1: {247, 251, 255, 255}, 0: {247, 251, 255, 255}, 0.5: {106, 174, 214, 255}, 1: {8, 48, 107, 255}, 2: {8, 48, 107, 255},
		0.25: {198, 219, 239, 255}, 0.75: {33, 113, 181, 255},
	} {
		got := blueShade(x)
		near := func(a, b uint8) bool { return max(a, b)-min(a, b) <= 3 }
		if !near(got.R, want.R) || !near(got.G, want.G) || !near(got.B, want.B) {
			t.Errorf("shade %v is %v, want %v", x, got, want)
		}
	}
}
