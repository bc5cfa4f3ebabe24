package dataset

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
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

func TestJPEGOrientation(t *testing.T) {
	for _, g := range goldenPictures(t) {
		want := upright
		fmt.Sscanf(g.Name, "jpeg, orientation %d", &want)
		if got := jpegOrientation(g.raw(t)); got != want {
			t.Errorf("%s: orientation %d, want %d", g.Name, got, want)
		}
	}
}

// exifSegment is a JPEG file of nothing but an Exif segment.
func exifSegment(tiff string) []byte {
	body := "Exif\x00\x00" + tiff
	return append([]byte{0xff, 0xd8, 0xff, 0xff, 0xe1, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
}

func TestTIFFOrientation(t *testing.T) {
	big := "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
	for _, c := range []struct {
		name, tiff string
		want       orientation
	}{
		{"big-endian", big, 6},
		{"little-endian", "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00", 8},
		{"after another entry", "MM\x00*\x00\x00\x00\x08\x00\x02\x01\x0f\x00\x02\x00\x00\x00\x01A\x00\x00\x00" + big[10:], 6},
		{"9 of 8", strings.Replace(big, "\x00\x06\x00\x00", "\x00\x09\x00\x00", 1), upright},
		{"0", strings.Replace(big, "\x00\x06\x00\x00", "\x00\x00\x00\x00", 1), upright},
		{"another type", strings.Replace(big, "\x00\x03", "\x00\x04", 1), upright},
		{"no byte order", "XX" + big[2:], upright},
		{"offset beyond the end", "MM\x00*\xff\xff\xff\xff" + big[8:], upright},
		{"more entries than bytes", "MM\x00*\x00\x00\x00\x08\xff\xff", upright},
		{"cut off", big[:15], upright},
		{"empty", "", upright},
	} {
		if got := jpegOrientation(exifSegment(c.tiff)); got != c.want {
			t.Errorf("%s: orientation %d, want %d", c.name, got, c.want)
		}
	}
	// What comes after the image data begins is not looked at.
	late := append([]byte{0xff, 0xd8, 0xff, 0xda, 0, 2}, exifSegment(big)[2:]...)
	if got := jpegOrientation(late); got != upright {
		t.Errorf("after the image data: orientation %d, want 1", got)
	}
}

func FuzzEXIF(f *testing.F) {
	for _, g := range goldenPictures(f) {
		f.Add(g.raw(f))
	}
	f.Add(exifSegment("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if o := jpegOrientation(file); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
		if o := tiffOrientation(file); o < 1 || o > 8 {
			t.Errorf("orientation %d of a directory", o)
		}
	})
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
