package dataset

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"hourglass/tensor"
)

// encodedPNG is a picture of 3×2 pixels, red but for a white one.
func encodedPNG(t testing.TB) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i := range 6 {
		m.Set(i%3, i/3, color.NRGBA{255, 0, 0, 255})
	}
	m.Set(1, 0, color.NRGBA{0, 0, 0, 0}) // transparent, so shown as white
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDecodeImage(t *testing.T) {
	file := encodedPNG(t)
	grey, err := DecodeImage(file, tensor.Shape{2, 3}, 100)
	// The luma of red is 0.299·255 = 76.245.
	if want := []byte{76, 255, 76, 76, 76, 76}; err != nil || !bytes.Equal(grey, want) {
		t.Errorf("got %v, %v, want %v", grey, err, want)
	}
	rgb, err := DecodeImage(file, tensor.Shape{2, 3, 3}, 100)
	if err != nil || !bytes.Equal(rgb[:6], []byte{255, 0, 0, 255, 255, 255}) {
		t.Errorf("got %v, %v", rgb, err)
	}
	if scaled, err := DecodeImage(file, tensor.Shape{4, 6, 1}, 100); err != nil || len(scaled) != 24 {
		t.Errorf("scaled: %v, %v", scaled, err)
	}
	for _, c := range []struct {
		file  []byte
		shape tensor.Shape
		most  int
		want  string
	}{
		{file, tensor.Shape{6}, 100, "want height×width"},
		{file, tensor.Shape{2, 3, 2}, 100, "want height×width"},
		{file, tensor.Shape{2, 3}, 5, "at most 5"},
		{file[:30], tensor.Shape{2, 3}, 100, "ends too early"},
		{[]byte("GIF89a"), tensor.Shape{2, 3}, 100, "neither PNG nor JPEG"},
		{nil, tensor.Shape{2, 3}, 100, "neither PNG nor JPEG"},
	} {
		if _, err := DecodeImage(c.file, c.shape, c.most); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("shape %v: %v, want an error with %q", c.shape, err, c.want)
		}
	}
}

func FuzzDecodeImage(f *testing.F) {
	f.Add(encodedPNG(f))
	f.Fuzz(func(t *testing.T, file []byte) {
		if pixels, err := DecodeImage(file, tensor.Shape{4, 4, 3}, 10000); err == nil && len(pixels) != 48 {
			t.Errorf("%d values, want 48", len(pixels))
		}
	})
}
