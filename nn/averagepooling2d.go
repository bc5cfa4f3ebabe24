package nn

import (
	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// AveragePooling2D takes the mean of every window, channel by channel. With padding
// Same the mean is over the pixels inside the image only, as in Keras. It takes samples
// of height×width×channels and gives height'×width'×channels, with lengths as Conv2D's.
type AveragePooling2D struct {
	Pool    Pair    `json:"pool_size,omitzero"` // rows and columns of a window, 2×2 by default
	Strides Pair    `json:"strides,omitzero"`   // from window to window, Pool by default
	Padding Padding `json:"padding"`            // Valid by default
}

// Bind accepts images of height×width×channels that a window fits into.
func (l AveragePooling2D) Bind(in tensor.Shape) (Stage, error) {
	p, err := bindPooling(in, l.Pool, l.Strides, l.Padding)
	if err != nil {
		return nil, err
	}
	return &averagePoolingStage{p, p.output()}, nil
}

// GlobalAveragePooling2D takes the mean of every channel over the whole image:
// height×width×channels → channels. As Keras'.
type GlobalAveragePooling2D struct{}

// Bind accepts images of height×width×channels.
func (GlobalAveragePooling2D) Bind(in tensor.Shape) (Stage, error) {
	if err := wantImage(in); err != nil {
		return nil, err
	}
	// One window, which may be larger than an option of a layer.
	whole := func(n int) convAxis { return convAxis{big: n, small: 1, kernel: n, stride: n, dilation: 1} }
	return &averagePoolingStage{pooling{whole(in[0]), whole(in[1]), in[2]}, tensor.Shape{in[2]}}, nil
}

type averagePoolingStage struct {
	pooling
	shape tensor.Shape
}

func (s *averagePoolingStage) Plan() Plan { return Plan{Output: s.shape, Solo: true} }

func (s *averagePoolingStage) Forward(f *Frame) {
	in, out := s.sizes()
	clear(f.Y)
	for n := range f.N {
		s.forward(rows(f.Y, n, n+1, out), rows(f.X, n, n+1, in))
	}
}

func (s *averagePoolingStage) forward(to, from []float32) {
	s.each(func(out, y0, y1, x0, x1 int) {
		mean := to[out : out+s.channels]
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				kernel.Add(mean, mean, s.pixel(from, y, x))
			}
		}
		kernel.Scale(mean, mean, 1/float32((y1-y0)*(x1-x0)))
	})
}

// Backward gives every pixel of a window an equal part of its gradient.
func (s *averagePoolingStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	in, out := s.sizes()
	clear(f.DX)
	for n := range f.N {
		s.backward(rows(f.DX, n, n+1, in), rows(f.DY, n, n+1, out))
	}
}

func (s *averagePoolingStage) backward(dx, dy []float32) {
	s.each(func(out, y0, y1, x0, x1 int) {
		part := 1 / float32((y1-y0)*(x1-x0))
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				kernel.Axpy(s.pixel(dx, y, x), part, dy[out:out+s.channels])
			}
		}
	})
}
