package kernel

import "testing"

// TestBytes holds every byte at every place in a vector to the division in float32.
func TestBytes(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, test := range []struct{ mean, std float32 }{{0, 1}, {0.5, 0.5}, {0.1307, 0.3081}, {0.2860, 0.3530}, {-3, 7}} {
			for offset := range 33 {
				src := make([]byte, 256+offset)
				want := make([]float32, len(src)+2)
				for i := range src {
					src[i] = byte(i - offset)
					x := float32(src[i]) / 255
					want[i+1] = (x - test.mean) / test.std
				}
				got := make([]float32, len(want))
				BytesNormalize(got[1:len(got)-1], src, test.mean, test.std)
				expectSame(t, "BytesNormalize", got, want)
				if test.mean == 0 && test.std == 1 {
					BytesToFloat(got[1:len(got)-1], src)
					expectSame(t, "BytesToFloat", got, want)
				}
			}
		}
	})
}
