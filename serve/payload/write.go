package payload

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"hourglass/dataset"
	"hourglass/dataset/npy"
	"hourglass/serve/oip"
	"hourglass/tensor"
)

// AppendRows appends n rows of values to b as a JSON array of arrays.
func AppendRows(b []byte, values []float32, n int) (_ []byte, err error) {
	b = append(b, '[')
	for i, size := 0, len(values)/n; i < n; i++ {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		if b, err = oip.AppendFloats(b, values[i*size:(i+1)*size]); err != nil {
			return nil, err
		}
		b = append(b, ']')
	}
	return append(b, ']'), nil
}

// WriteCSV returns n rows of values as a table with a header, each row with some
// text behind its values.
func WriteCSV(columns []string, values []float32, n int, text func(i int) []string) ([]byte, error) {
	var b bytes.Buffer
	w, err := dataset.NewCSVWriter(&b, columns)
	if err != nil {
		return nil, err
	}
	size := len(values) / n
	for i := range n {
		var behind []string
		if text != nil {
			behind = text(i)
		}
		if err := w.Append(values[i*size:(i+1)*size], behind...); err != nil {
			return nil, err
		}
	}
	err = w.Close()
	return b.Bytes(), err
}

// WriteNPY returns values as the bytes of a .npy file.
func WriteNPY(values []float32, shape tensor.Shape) ([]byte, error) {
	var b bytes.Buffer
	err := npy.Write(&b, tensor.Tensor{Shape: shape, Data: values})
	return b.Bytes(), err
}

// quality of JPEG pictures: little is lost.
const quality = 95

// WritePicture returns one sample as a picture, low being black and high white.
func WritePicture(kind Kind, values []float32, shape tensor.Shape, low, high float32) ([]byte, error) {
	if !(low < high) || len(shape) < 2 {
		return nil, errors.New("samples of that shape are no pictures")
	}
	height, width := shape[0], shape[1]
	channels := len(values) / (height * width)
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	grey := image.NewGray(m.Rect)
	level := func(v float32) uint8 { return uint8(min(max((v-low)/(high-low), 0), 1)*255 + 0.5) }
	for i := range height * width {
		x, y := i%width, i/width
		if channels == 3 {
			m.SetRGBA(x, y, color.RGBA{level(values[3*i]), level(values[3*i+1]), level(values[3*i+2]), 255})
		} else {
			grey.Pix[i] = level(values[i])
		}
	}
	var picture image.Image = grey
	if channels == 3 {
		picture = m
	}
	var b bytes.Buffer
	var err error
	switch kind {
	case PNG:
		err = png.Encode(&b, picture)
	case JPEG:
		err = jpeg.Encode(&b, picture, &jpeg.Options{Quality: quality})
	default:
		err = fmt.Errorf("%q is no kind of picture", kind)
	}
	return b.Bytes(), err
}
