package kernel

import (
	"math"
	"slices"
	"testing"
)

// TestPhilox holds the known answers that come with Random123 (kat_vectors, philox4x32 10).
func TestPhilox(t *testing.T) {
	for _, test := range []struct {
		counter Counter
		key     Key
		want    [4]uint32
	}{
		{Counter{}, Key{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{
			Counter{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, Key{0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			Counter{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, Key{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		eachLevel(t, func(t *testing.T) {
			words := make([]uint32, randomGroup)
			Uint32s(words, test.key, test.counter)
			got := [4]uint32{words[0], words[16], words[32], words[48]}
			if got != test.want {
				t.Errorf("counter %08x, key %08x: got %08x, want %08x", test.counter, test.key, got, test.want)
			}
		})
	}
}

// TestUint32s holds the documented order of elements, at every length up to three groups and across the
// wrap-around of the counter.
func TestUint32s(t *testing.T) {
	want := make([]uint32, 3*randomGroup)
	for i := range want {
		c := testCounter
		c[0] += uint32(i/randomGroup*lanes + i%lanes)
		want[i] = philox(testKey, c)[i%randomGroup/lanes]
	}
	eachLevel(t, func(t *testing.T) {
		for n := range want {
			got := make([]uint32, len(want))
			Uint32s(got[:n], testKey, testCounter)
			if !slices.Equal(got[:n], want[:n]) {
				t.Fatalf("n=%d: wrong words", n)
			}
			if slices.Max(got[n:]) != 0 {
				t.Fatalf("n=%d: wrote past the end", n)
			}
		}
	})
}

func TestUniformDropout(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for _, n := range []int{1, 63, 64, 65, 784, 10000} {
			words, u, y := make([]uint32, n), make([]float32, n), make([]float32, n)
			x := random(n, 1, r)
			Uint32s(words, testKey, testCounter)
			Uniform(u, testKey, testCounter)
			Dropout(y, x, 0.7, 1/0.7, testKey, testCounter)
			for i := range u {
				if want := float32(words[i]>>8) / (1 << 24); u[i] != want {
					t.Fatalf("n=%d: uniform %d: got %g, want %g", n, i, u[i], want)
				}
				var want float32
				if u[i] < 0.7 {
					want = x[i] * float32(1/0.7)
				}
				if y[i] != want {
					t.Fatalf("n=%d: dropout %d: got %g, want %g", n, i, y[i], want)
				}
			}
		}
	})
}

// TestNormal compares with Box and Muller's formula in float64, and the distribution with the normal one by
// Kolmogorov and Smirnov's test.
func TestNormal(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const n = 1 << 16
		words, z := make([]uint32, n), make([]float32, n)
		Uint32s(words, testKey, testCounter)
		Normal(z, testKey, testCounter)
		for i := range z {
			if i/lanes%2 == 1 {
				continue
			}
			u := (float64(words[i]>>1) + 0.5) / (1 << 31)
			radius := math.Sqrt(-2 * math.Log(u))
			sin, cos := math.Sincos(math.Pi * float64(int32(words[i+lanes])) / (1 << 31))
			// The error of u is that of a float32; near 1 it dominates.
			tolerance := 1e-6*radius + 6e-8/math.Max(radius, 1e-4)
			if math.Abs(float64(z[i])-radius*cos) > tolerance || math.Abs(float64(z[i+lanes])-radius*sin) > tolerance {
				t.Fatalf("pair %d: got %g, %g, want %g, %g", i, z[i], z[i+lanes], radius*cos, radius*sin)
			}
		}
		slices.Sort(z)
		var distance float64
		for i, v := range z {
			cdf := math.Erfc(-float64(v)/math.Sqrt2) / 2
			distance = max(distance, math.Abs(cdf-(float64(i)+0.5)/n))
		}
		if limit := 1.63 / math.Sqrt(n); distance > limit { // 1 % of good generators fail
			t.Errorf("Kolmogorov-Smirnov distance %g, want at most %g", distance, limit)
		}
	})
}

func TestAddNormal(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const n = 777
		x, z, y := random(n, 1, newRand()), make([]float32, n), make([]float32, n)
		Normal(z, testKey, testCounter)
		AddNormal(y, x, 0.2, testKey, testCounter)
		for i := range y {
			if y[i] != exactFMA(0.2, z[i], x[i]) {
				t.Fatalf("element %d: got %g, want %g + 0.2·%g", i, y[i], x[i], z[i])
			}
		}
	})
}

func TestSkip(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const n, cut = 1000, 5 * randomGroup
		whole, parts := make([]float32, n), make([]float32, n)
		Normal(whole, testKey, testCounter)
		Normal(parts[:cut], testKey, testCounter)
		Normal(parts[cut:], testKey, testCounter.Skip(cut))
		expectSame(t, "parts", parts, whole)
	})
}
