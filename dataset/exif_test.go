package dataset

import (
	"fmt"
	"strings"
	"testing"
)

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
