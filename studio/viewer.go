package studio

import (
	"fmt"
	"image/color"
	"path/filepath"

	"hourglass/figure"
	"hourglass/workflow"
)

// viewer says how samples are shown, and turns their values into what the page draws: bytes
// of pixels from black to white, or numbers.
type viewer struct {
	As       string   `json:"as"` // "image", "series" or "values"
	Width    int      `json:"width"`
	Height   int      `json:"height"`
	Channels int      `json:"channels"`
	Features []string `json:"features"` // names of the values of a table

	size  int
	black float32
	scale float32 // of values to bytes
}

// newViewer returns how samples of data are shown, whose values for black and white are
// those of a range.
func newViewer(in *workflow.Input, r figure.Range) viewer {
	shape := in.Shape()
	v := viewer{As: "values", Width: shape.Size(), Height: 1, Channels: 1, Features: in.Features, size: shape.Size()}
	switch {
	case workflow.IsSeries(in.Data):
		v.As, v.Width = "series", shape[0]
		v.Channels = v.size / v.Width
	case workflow.IsImage(shape):
		v.As, v.Height, v.Width = "image", shape[0], shape[1]
		v.Channels = v.size / (v.Width * v.Height)
	}
	if in.Series != nil {
		v.Features = nil // which are those of a step
	}
	v.black, v.scale = r.Low, 255/(r.High-r.Low)
	return v
}

// isImage reports whether samples are pictures.
func (v *viewer) isImage() bool { return v.As == "image" }

// bytes appends the samples' bytes for the page: one for each value of a picture, four for
// any other.
func (v *viewer) bytes(dst []byte, values []float32) []byte {
	if !v.isImage() {
		return appendFloats(dst, values)
	}
	for _, x := range values {
		dst = append(dst, byte(min(max((x-v.black)*v.scale+0.5, 0), 255)))
	}
	return dst
}

// values is the way back, for pictures that the page has drawn.
func (v *viewer) values(pixels []byte) []float32 {
	values := make([]float32, len(pixels))
	for i, b := range pixels {
		values[i] = float32(b)/v.scale + v.black
	}
	return values
}

// baseName is the last part of a path.
func baseName(path string) string { return filepath.Base(filepath.Clean(path)) }

// cssColor writes a colour as style sheets have it.
func cssColor(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
