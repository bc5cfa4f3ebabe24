package nn

import (
	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// UpSampling2D repeats every pixel: height×width×channels → (height·Size[0]) ×
// (width·Size[1]) × channels. As Keras' with interpolation "nearest", its default.
type UpSampling2D struct {
	Size Pair `json:"size,omitzero"` // how often rows and columns are repeated, 2×2 by default
}

// Bind accepts images of height×width×channels.
func (l UpSampling2D) Bind(in tensor.Shape) (Stage, error) {
	size := l.Size.or(Square(2))
	if err := firstError(size.check("size", 1), wantImage(in)); err != nil {
		return nil, err
	}
	rows := tensor.Shape{in[0], size[0]}
	columns := tensor.Shape{in[1], size[1], in[2]}
	if err := firstError(rows.Validate(), columns.Validate()); err != nil {
		return nil, err
	}
	return &upSamplingStage{size, in.Clone(), tensor.Shape{rows.Size(), in[1] * size[1], in[2]}}, nil
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
