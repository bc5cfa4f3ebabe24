package oip

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestAppendFloat32IsThatOfStrconv(t *testing.T) {
	check := func(v float32) {
		t.Helper()
		got, want := string(appendFloat32(nil, v)), strconv.FormatFloat(float64(v), 'g', -1, 32)
		if got != want {
			t.Errorf("%x is written as %s, want %s", math.Float32bits(v), got, want)
		}
	}
	for i := range uint32(60000) { // all exponents, and all signs
		if v := math.Float32frombits(i * 2654435761); v-v == 0 {
			check(v)
		}
		check(float32(i) / 60000)
	}
	// Where the form changes, and decimals with few digits and their neighbours.
	for exponent := -45; exponent <= 38; exponent++ {
		for _, digits := range []float64{1, 1.5, 2, 2.5, 3.25, 5, 9, 9.5, 9.9999995, 9.999999} {
			v := float32(digits * math.Pow(10, float64(exponent)))
			for _, next := range []float32{math.Nextafter32(v, 0), v, math.Nextafter32(v, math.MaxFloat32)} {
				check(next)
				check(-next)
			}
		}
	}
	// Halves of small powers of two: where two decimals are as near.
	for i := range 1 << 12 {
		check(float32(i) / (1 << 12))
		check(float32(i) + 1.0/(1<<10))
	}
}

// Numbers that are read word by word, and those that are not quite.
func TestQuickFloat32IsThatOfStrconv(t *testing.T) {
	for _, text := range []string{"0", "-0", "7", "12345678", "123456789", "0.5", "0.12345678", "0.123456789", "0.12549020349979400634", "-0.33333334326744",
		"100.25", "16777217.0", "16777219.5", "9007199254740993", "0.00000000000000000001", "1.00000005960464477539", "1.0000000596046448", "8388609.5"} {
		for _, behind := range []string{",", "]", " ", "e0,", "e-3]"} {
			body := text + behind + "                                "
			want, err := strconv.ParseFloat(strings.TrimRight(body, ",] "), 32)
			if err != nil {
				t.Fatal(err)
			}
			s := scanner{text: []byte(body)}
			if got, err := s.float32(); err != nil || math.Float32bits(got) != math.Float32bits(float32(want)) {
				t.Errorf("%s: got %v, %v, want %v", body[:len(text)+2], got, err, float32(want))
			}
			v, end := quickFloat32([]byte(body), 0)
			if end != 0 && (end != len(text) || math.Float32bits(v) != math.Float32bits(float32(want))) {
				t.Errorf("%s: got %v up to %d, want %v up to %d", body[:len(text)+2], v, end, float32(want), len(text))
			}
		}
	}
	for _, text := range []string{"01,", "1.,", ".5,", "-,", "--1,", "1.e3", "x", "00.1"} {
		if v, end := quickFloat32([]byte(text+"                                    "), 0); end != 0 {
			t.Errorf("%s: got %v up to %d, want it refused", text, v, end)
		}
	}
	// Digits that float32 does not tell apart, close to the middle between two.
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		v := rng.Float32()
		middle := (float64(v) + float64(math.Nextafter32(v, 2))) / 2
		for _, places := range []int{7, 9, 14, 16, 17, 18} {
			text := strconv.FormatFloat(middle, 'f', places, 64)
			want, _ := strconv.ParseFloat(text, 32)
			s := scanner{text: []byte(text + ",                                ")}
			if got, err := s.float32(); err != nil || got != float32(want) {
				t.Errorf("%s: got %v, %v, want %v", text, got, err, float32(want))
			}
		}
	}
}
