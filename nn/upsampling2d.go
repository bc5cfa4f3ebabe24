package nn

import (
	"cmp"
	"fmt"
	"slices"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// UpSampling2D enlarges images: height×width×channels → (height·Size[0]) ×
// (width·Size[1]) × channels. It repeats every pixel, or interpolates between the centres
// of pixels, beyond which the border goes on. As Keras' UpSampling2D, and PyTorch's Upsample
// with align_corners=False.
type UpSampling2D struct {
	Size          Pair          `json:"size,omitzero"`           // how many times as many rows and columns, 2×2 by default
	Interpolation Interpolation `json:"interpolation,omitempty"` // Nearest by default
}

// Interpolation says where the pixels of an enlarged image come from.
type Interpolation uint8

const (
	Nearest  Interpolation = iota // the nearest pixel
	Bilinear                      // the four nearest, the nearer the more
)

var interpolationNames = []string{"nearest", "bilinear"}

// String returns Keras' name of the interpolation.
func (i Interpolation) String() string {
	if int(i) >= len(interpolationNames) {
		return fmt.Sprintf("Interpolation(%d)", i)
	}
	return interpolationNames[i]
}

// MarshalText writes Keras' name of the interpolation.
func (i Interpolation) MarshalText() ([]byte, error) {
	if err := i.validate(); err != nil {
		return nil, err
	}
	return []byte(i.String()), nil
}

// UnmarshalText reads Keras' name of an interpolation.
func (i *Interpolation) UnmarshalText(text []byte) error {
	n := slices.Index(interpolationNames, string(text))
	if n < 0 {
		return fmt.Errorf("unknown interpolation %q, want one of %v", text, interpolationNames)
	}
	*i = Interpolation(n)
	return nil
}

func (i Interpolation) validate() error {
	if int(i) >= len(interpolationNames) {
		return fmt.Errorf("unknown interpolation %d, want one of %v", i, interpolationNames)
	}
	return nil
}

// Bind accepts images of height×width×channels.
func (l UpSampling2D) Bind(in tensor.Shape) (Stage, error) {
	size := cmp.Or(l.Size, Square(2))
	if err := firstError(size.check("size", 1), l.Interpolation.validate(), wantImage(in)); err != nil {
		return nil, err
	}
	rows := tensor.Shape{in[0], size[0]}
	columns := tensor.Shape{in[1], size[1], in[2]}
	if err := firstError(rows.Validate(), columns.Validate()); err != nil {
		return nil, err
	}
	out := tensor.Shape{rows.Size(), in[1] * size[1], in[2]}
	if l.Interpolation == Bilinear {
		return &bilinearStage{in.Clone(), out, enlarge(in[0], size[0]), enlarge(in[1], size[1])}, nil
	}
	return &upSamplingStage{size, in.Clone(), out}, nil
}

type upSamplingStage struct {
	size    Pair
	in, out tensor.Shape
}

func (s *upSamplingStage) Plan() Plan { return Plan{Output: s.out, Solo: true} }

// Forward repeats the pixels of a row, and then the row. The samples of a batch
// are so many more rows.
func (s *upSamplingStage) Forward(f *Frame) {
	in, out, channels := s.in[1]*s.in[2], s.out[1]*s.out[2], s.in[2]
	for r := range f.N * s.in[0] {
		first := rows(f.Y, r*s.size[0], r*s.size[0]+1, out)
		for p := range s.in[1] {
			pixel := rows(f.X[r*in:], p, p+1, channels)
			for k := range s.size[1] {
				copy(first[(p*s.size[1]+k)*channels:], pixel)
			}
		}
		for k := 1; k < s.size[0]; k++ {
			copy(rows(f.Y, r*s.size[0]+k, r*s.size[0]+k+1, out), first)
		}
	}
}

// Backward adds up the gradients of a pixel's copies.
func (s *upSamplingStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	in, out, channels := s.in[1]*s.in[2], s.out[1]*s.out[2], s.in[2]
	clear(f.DX)
	for r := range f.N * s.in[0] {
		for k := range s.size[0] {
			copies := rows(f.DY, r*s.size[0]+k, r*s.size[0]+k+1, out)
			for p := range s.out[1] {
				pixel := rows(f.DX[r*in:], p/s.size[1], p/s.size[1]+1, channels)
				kernel.Add(pixel, pixel, rows(copies, p, p+1, channels))
			}
		}
	}
}
