package figure_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"

	"hourglass/figure"
)

// chunk is one chunk of a PNG file.
type chunk struct {
	kind string
	data []byte
}

// chunks splits a PNG file, checking signature, lengths and checksums.
func chunks(t *testing.T, file []byte) []chunk {
	t.Helper()
	rest, ok := bytes.CutPrefix(file, []byte("\x89PNG\r\n\x1a\n"))
	if !ok {
		t.Fatalf("file begins with % x, want the PNG signature", file[:8])
	}
	var found []chunk
	for len(rest) > 0 {
		n := int(binary.BigEndian.Uint32(rest))
		body, sum := rest[4:8+n], binary.BigEndian.Uint32(rest[8+n:])
		if want := crc32.ChecksumIEEE(body); sum != want {
			t.Errorf("chunk %q has checksum %08x, want %08x", body[:4], sum, want)
		}
		found = append(found, chunk{string(body[:4]), body[4:]})
		rest = rest[12+n:]
	}
	return found
}

func TestWritePNGStatesResolution(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 3, 2))
	img.Set(1, 1, color.RGBA{200, 100, 50, 255})
	for _, c := range []struct {
		dpi      float64
		perMetre uint32
	}{{300, 11811}, {72, 2835}, {0.0254, 1}} {
		var buf bytes.Buffer
		if err := figure.WritePNG(&buf, img, c.dpi); err != nil {
			t.Fatal(err)
		}
		found := chunks(t, buf.Bytes())
		if found[0].kind != "IHDR" || found[1].kind != "pHYs" {
			t.Fatalf("%v dpi: chunks begin with %s, %s, want IHDR, pHYs", c.dpi, found[0].kind, found[1].kind)
		}
		want := binary.BigEndian.AppendUint32(nil, c.perMetre)
		want = append(append(want, want...), 1)
		if !bytes.Equal(found[1].data, want) {
			t.Errorf("%v dpi: pHYs is % x, want % x", c.dpi, found[1].data, want)
		}
		back, err := png.Decode(&buf)
		if err != nil {
			t.Fatal(err)
		}
		if got := color.RGBAModel.Convert(back.At(1, 1)); got != (color.RGBA{200, 100, 50, 255}) {
			t.Errorf("%v dpi: pixel (1, 1) came back as %v", c.dpi, got)
		}
	}
}

// failing is a writer on a full disk.
type failing struct{ room int }

var errFull = errors.New("no space left")

func (f *failing) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWritePNGErrors(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 3, 2))
	for _, dpi := range []float64{0, -300, math.NaN(), math.Inf(1)} {
		if err := figure.WritePNG(&bytes.Buffer{}, img, dpi); err == nil {
			t.Errorf("%v dpi were accepted", dpi)
		}
	}
	if err := figure.WritePNG(&bytes.Buffer{}, nil, 300); err == nil {
		t.Error("a nil image was accepted")
	}
	if err := figure.WritePNG(&bytes.Buffer{}, image.NewRGBA(image.Rectangle{}), 300); err == nil {
		t.Error("an image without pixels was accepted")
	}
	for _, room := range []int{0, 20, 40} {
		if err := figure.WritePNG(&failing{room}, img, 300); !errors.Is(err, errFull) {
			t.Errorf("with room for %d bytes: got error %v, want %v", room, err, errFull)
		}
	}
}
