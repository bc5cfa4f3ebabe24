package figure

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"math"
)

// headerSize is the length of what every PNG begins with: the signature (8
// bytes) and the IHDR chunk (length 4, type 4, data 13, checksum 4).
const headerSize = 8 + 4 + 4 + 13 + 4

const metresPerInch = 0.0254

// WritePNG writes img as PNG with a pHYs chunk that gives its resolution in
// dots per inch, so that viewers and typesetters know its size on paper.
// Package image/png writes no such chunk; PNG (second edition, 11.3.5.3) wants
// it anywhere before the image data, and it is put right behind the header.
func WritePNG(w io.Writer, img image.Image, dpi float64) error {
	if img == nil {
		return errors.New("figure: encode PNG: there is no image")
	}
	perMetre := math.Round(dpi / metresPerInch)
	if !(perMetre >= 1 && perMetre <= math.MaxInt32) {
		return fmt.Errorf("figure: encode PNG: resolution is %v dpi, want a positive number", dpi)
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return fmt.Errorf("figure: encode PNG: %w", err)
	}
	encoded := buf.Bytes()
	for _, part := range [][]byte{encoded[:headerSize], resolutionChunk(uint32(perMetre)), encoded[headerSize:]} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// resolutionChunk returns a whole pHYs chunk: pixels per metre in x and in y,
// then 1, which says that the unit is the metre.
func resolutionChunk(perMetre uint32) []byte {
	body := []byte("pHYs")
	body = binary.BigEndian.AppendUint32(body, perMetre)
	body = binary.BigEndian.AppendUint32(body, perMetre)
	body = append(body, 1)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-len("pHYs")))
	chunk = append(chunk, body...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
}
