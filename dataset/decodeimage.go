package dataset

import (
	"fmt"

	"hourglass/tensor"
)

// DecodeImage reads a PNG or JPEG file that is in memory as one sample of a shape:
// height×width or height×width×1 for grey, height×width×3 for colours. The picture
// is treated as those of [ReadImageFolder], and scaled to that size if it has
// another. MaxPixels bounds how many pixels the file may unpack to.
func DecodeImage(file []byte, shape tensor.Shape, maxPixels int) ([]byte, error) {
	grey := len(shape) == 2 || len(shape) == 3 && shape[2] == 1
	if !grey && (len(shape) != 3 || shape[2] != 3) {
		return nil, fmt.Errorf("dataset: decode image: for samples of shape %v, want height×width, ×1 or ×3", shape)
	}
	o := ImageOptions{Height: shape[0], Width: shape[1]}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("dataset: decode image: %w", err)
	}
	p, err := newPicture(file, maxPixels)
	if err != nil {
		return nil, fmt.Errorf("dataset: decode image: it %w", err)
	}
	decoded, err := p.decode(o.Width, o.Height)
	if err != nil {
		return nil, fmt.Errorf("dataset: decode image: %w", err)
	}
	pixels := make([]byte, shape.Size())
	if grey {
		copyLuma(pixels, decoded.Pix)
	} else {
		copyRGB(pixels, decoded.Pix)
	}
	return pixels, nil
}
