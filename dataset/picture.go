package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // decoders of what a folder of images may hold
	_ "image/png"
	"io"
	"io/fs"
	"os"

	"golang.org/x/image/draw"
)

// picture is a PNG or JPEG file before it is decoded.
type picture struct {
	file        []byte
	config      image.Config
	orientation orientation
}

const (
	// maxPictureFile bounds what is read of a file; a photograph of 50 million
	// pixels has about 20 MB, and as PNG at 16 bits up to 400.
	maxPictureFile = 1 << 29
	// maxPixelsPerByte is more than compression can give: deflate packs 1032
	// bytes of 8 pixels into one at most, and JPEG 512 pixels. A file that
	// promises more is cut off or a trap, and decoders allocate what is promised.
	maxPixelsPerByte = 1032 * 8
)

// openPicture reads the file at path and checks what it says of itself.
func openPicture(path string, maxPixels int) (*picture, error) {
	file, err := readBounded(path, maxPictureFile)
	if err != nil {
		return nil, err
	}
	return newPicture(file, maxPixels)
}

func newPicture(file []byte, maxPixels int) (*picture, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil || format != "png" && format != "jpeg" {
		return nil, fmt.Errorf("is damaged or neither PNG nor JPEG: %w", pictureError(err))
	}
	p := &picture{file: file, config: config, orientation: upright}
	if format == "jpeg" {
		p.orientation = jpegOrientation(file)
	}
	w, h := config.Width, config.Height
	switch {
	case w < 1 || h < 1:
		return nil, fmt.Errorf("is %d×%d pixels, want at least 1×1", w, h)
	case w > maxSide || h > maxSide || w > maxPixels/h:
		return nil, fmt.Errorf("is %d×%d pixels, want at most %d in all and %d a side", w, h, maxPixels, maxSide)
	case w*h/maxPixelsPerByte > len(file):
		return nil, fmt.Errorf("is cut off: %d bytes cannot hold %d×%d pixels", len(file), w, h)
	}
	return p, nil
}

// readBounded reads a file that is not larger than limit.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err // the caller names the file
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > limit {
		return nil, fmt.Errorf("has %d bytes, want at most %d", info.Size(), limit)
	}
	return io.ReadAll(io.LimitReader(f, limit))
}

// pictureError names the most common cause, as decoders do not.
func pictureError(err error) error {
	switch {
	case err == nil:
		return image.ErrFormat
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends too early")
	}
	return err
}

// size is that of the picture standing upright.
func (p *picture) size() (width, height int) {
	if p.orientation.swaps() {
		return p.config.Height, p.config.Width
	}
	return p.config.Width, p.config.Height
}

// decode returns the picture, upright, opaque and of the given size.
func (p *picture) decode(width, height int) (*image.RGBA, error) {
	decoded, _, err := image.Decode(bytes.NewReader(p.file))
	if err != nil {
		return nil, fmt.Errorf("is damaged: %w", pictureError(err))
	}
	pixels := onWhite(decoded)
	if pixels.Rect.Dx() != p.config.Width || pixels.Rect.Dy() != p.config.Height {
		return nil, errors.New("is damaged: it has another size than it says")
	}
	if p.orientation != upright {
		pixels = turn(pixels, p.orientation)
	}
	if pixels.Rect.Dx() == width && pixels.Rect.Dy() == height {
		return pixels, nil
	}
	scaled := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(scaled, scaled.Rect, pixels, pixels.Rect, draw.Src, nil)
	return scaled, nil
}

// onWhite draws an image on a white ground.
func onWhite(src image.Image) *image.RGBA {
	bounds := src.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	operator := draw.Src
	if opaque, ok := src.(interface{ Opaque() bool }); !ok || !opaque.Opaque() {
		draw.Draw(dst, dst.Rect, image.White, image.Point{}, draw.Src)
		operator = draw.Over
	}
	draw.Draw(dst, dst.Rect, src, bounds.Min, operator)
	return dst
}

// turn brings stored pixels into the picture's upright position.
func turn(src *image.RGBA, o orientation) *image.RGBA {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if o.swaps() {
		size = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			sx, sy := o.source(x, y, w, h)
			copy(dst.Pix[dst.PixOffset(x, y):][:4], src.Pix[src.PixOffset(sx, sy):][:4])
		}
	}
	return dst
}
