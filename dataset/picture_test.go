package dataset

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"runtime"
	"strings"
	"testing"
)

// goldenPicture is a file and what Pillow makes of it.
type goldenPicture struct {
	Name          string
	File          string
	Width, Height int
	RGB, Grey     string
	Tolerance     int
}

func (g goldenPicture) raw(t testing.TB) []byte { return unhex(t, g.File) }

func unhex(t testing.TB, s string) []byte {
	raw, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// goldenPictures returns what testdata/images.py wrote.
func goldenPictures(t testing.TB) []goldenPicture {
	text, err := os.ReadFile("testdata/images.golden")
	if err != nil {
		t.Fatal(err)
	}
	var all []goldenPicture
	for line := range strings.Lines(string(text)) {
		var g goldenPicture
		if err := json.Unmarshal([]byte(line), &g); err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	return all
}

// apart is the largest difference of two lists of bytes.
func apart(a, b []byte) int {
	if len(a) != len(b) {
		return 1 << 30
	}
	most := 0
	for i := range a {
		most = max(most, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return most
}

func TestPictureGolden(t *testing.T) {
	for _, g := range goldenPictures(t) {
		p, err := newPicture(g.raw(t), 1<<20)
		if err != nil {
			t.Errorf("%s: %v", g.Name, err)
			continue
		}
		if w, h := p.size(); !strings.Contains(g.Name, "made") && (w != g.Width || h != g.Height) {
			t.Errorf("%s: is %d×%d, want %d×%d", g.Name, w, h, g.Width, g.Height)
		}
		pixels, err := p.decode(g.Width, g.Height)
		if err != nil {
			t.Errorf("%s: %v", g.Name, err)
			continue
		}
		rgb, grey := make([]byte, 3*g.Width*g.Height), make([]byte, g.Width*g.Height)
		copyRGB(rgb, pixels.Pix)
		copyLuma(grey, pixels.Pix)
		if d := apart(rgb, unhex(t, g.RGB)); d > g.Tolerance {
			t.Errorf("%s: colours are %d apart, want at most %d", g.Name, d, g.Tolerance)
		}
		if d := apart(grey, unhex(t, g.Grey)); d > g.Tolerance {
			t.Errorf("%s: luma is %d apart, want at most %d", g.Name, d, g.Tolerance)
		}
	}
}

// A file that promises 16 thousand pixels a side must not make decoders allocate
// them.
func TestPictureBombAllocatesLittle(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 7000, 7000))); err != nil {
		t.Fatal(err)
	}
	cut := b.Bytes()[:2000]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := newPicture(cut, defaultMaxPixels)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "is cut off: 2000 bytes cannot hold 7000×7000 pixels") {
		t.Errorf("got error %v", err)
	}
	if kb := (after.TotalAlloc - before.TotalAlloc) >> 10; kb > 256 {
		t.Errorf("allocated %d KB for %d bytes", kb, len(cut))
	}
}

// FuzzPicture decodes whatever passes the checks, in its own size and another.
func FuzzPicture(f *testing.F) {
	for _, g := range goldenPictures(f) {
		f.Add(g.raw(f))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := newPicture(bytes.Clone(file), 1<<16)
		if err == nil {
			w, h := p.size()
			if _, err = p.decode(w, h); err == nil {
				_, err = p.decode(5, 3)
			}
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error of several lines: %q", err)
		}
	})
}
