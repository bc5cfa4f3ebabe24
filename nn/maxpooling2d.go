package nn

import (
	"math"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// MaxPooling2D keeps the largest value of every window, channel by channel. Where
// several are equally large, the gradient goes to the first in row-major order of the
// window, as in Keras and PyTorch. It takes samples of height×width×channels and gives
// height'×width'×channels, with lengths as Conv2D's; padding is never the largest.
type MaxPooling2D struct {
	Pool    Pair    `json:"pool_size,omitzero"` // rows and columns of a window, 2×2 by default
	Strides Pair    `json:"strides,omitzero"`   // from window to window, Pool by default
	Padding Padding `json:"padding"`            // Valid by default
}

// MaxPool2D is the other name that Keras has for MaxPooling2D.
type MaxPool2D = MaxPooling2D

// Bind accepts images of height×width×channels that a window fits into.
func (l MaxPooling2D) Bind(in tensor.Shape) (Stage, error) {
	p, err := bindPooling(in, l.Pool, l.Strides, l.Padding)
	if err != nil {
		return nil, err
	}
	return &maxPoolingStage{p}, nil
}

type maxPoolingStage struct{ pooling }

func (s *maxPoolingStage) Plan() Plan { return Plan{Output: s.output(), Solo: true} }

func (s *maxPoolingStage) Forward(f *Frame) {
	in, out := s.sizes()
	for n := range f.N {
		s.forward(rows(f.Y, n, n+1, out), rows(f.X, n, n+1, in))
	}
}

// quartered tells whether the windows are 2×2 and lie side by side, as kernel.MaxPool
// takes them.
func (s *maxPoolingStage) quartered() bool {
	pair := func(a convAxis) bool { return a.kernel == 2 && a.stride == 2 && 2*a.small <= a.big }
	return pair(s.y) && pair(s.x)
}

// window returns row i of windows as its output and the two rows of its input, of
// some arrays of outputs and inputs.
func (s *maxPoolingStage) window(small, big []float32, i int) (out, top, bottom []float32) {
	row := s.x.big * s.channels
	return rows(small, i, i+1, s.x.small*s.channels), rows(big, 2*i, 2*i+1, row), rows(big, 2*i+1, 2*i+2, row)
}

func (s *maxPoolingStage) forward(to, from []float32) {
	if s.quartered() {
		for i := range s.y.small {
			y, top, bottom := s.window(to, from, i)
			kernel.MaxPool(s.x.small, s.channels, y, top, bottom)
		}
		return
	}
	s.each(func(out, y0, y1, x0, x1 int) {
		best := to[out : out+s.channels]
		for c := range best {
			best[c] = float32(math.Inf(-1))
		}
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				for c, v := range s.pixel(from, y, x) {
					if v > best[c] || v != v {
						best[c] = v
					}
				}
			}
		}
	})
}

// Backward finds the largest values again: the first that equals the output.
func (s *maxPoolingStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	in, out := s.sizes()
	if !s.quartered() || 2*s.y.small < s.y.big || 2*s.x.small < s.x.big {
		clear(f.DX) // what is not written below
	}
	for n := range f.N {
		s.backward(rows(f.DX, n, n+1, in), rows(f.DY, n, n+1, out), rows(f.X, n, n+1, in), rows(f.Y, n, n+1, out))
	}
}

func (s *maxPoolingStage) backward(dx, dy, from, to []float32) {
	if s.quartered() {
		for i := range s.y.small {
			y, top, bottom := s.window(to, from, i)
			slope, dtop, dbottom := s.window(dy, dx, i)
			kernel.MaxPoolGrad(s.x.small, s.channels, dtop, dbottom, slope, y, top, bottom)
		}
		return
	}
	s.each(func(out, y0, y1, x0, x1 int) {
		for c := range s.channels {
			if at := s.find(from, to[out+c], c, y0, y1, x0, x1); at >= 0 {
				dx[at] += dy[out+c]
			}
		}
	})
}

// find returns the place of the first value of a window that equals best, or -1
// if that is no number.
func (s *maxPoolingStage) find(from []float32, best float32, channel, y0, y1, x0, x1 int) int {
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			if at := (y*s.x.big+x)*s.channels + channel; from[at] == best {
				return at
			}
		}
	}
	return -1
}
