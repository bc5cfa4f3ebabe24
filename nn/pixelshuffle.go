package nn

import (
	"fmt"

	"hourglass/tensor"
)

// PixelShuffle makes pixels of channels (Shi et al. 2016): for a factor r it turns images
// of height×width×(r²·channels) into (r·height)×(r·width)×channels,
//
//	y(r·i + k, r·j + l, c) = x(i, j, (k·r + l)·channels + c)
//
// which is TensorFlow's depth_to_space. PyTorch's PixelShuffle reads channel c·r² + k·r + l
// instead: to take over its weights, reorder the filters of the convolution in front.
type PixelShuffle struct {
	Factor int `json:"upscale_factor"` // r, at least 1
}

// Bind accepts images of height×width×channels, the channels a multiple of Factor².
func (l PixelShuffle) Bind(in tensor.Shape) (Stage, error) {
	if err := firstError(checkOption("upscale factor", l.Factor, 1), wantImage(in)); err != nil {
		return nil, err
	}
	if in[2]%(l.Factor*l.Factor) != 0 {
		return nil, fmt.Errorf("cannot make %d×%d pixels of %d channels, want a multiple of %d", l.Factor, l.Factor, in[2], l.Factor*l.Factor)
	}
	out := tensor.Shape{in[0] * l.Factor, in[1] * l.Factor, in[2] / (l.Factor * l.Factor)}
	return &pixelShuffleStage{factor: l.Factor, in: in.Clone(), out: out}, nil
}

type pixelShuffleStage struct {
	factor  int
	in, out tensor.Shape
}

func (s *pixelShuffleStage) Plan() Plan { return Plan{Output: s.out, Solo: true} }

func (s *pixelShuffleStage) Forward(f *Frame) {
	s.each(f.N, func(in, out, length int) { copy(f.Y[out:out+length], f.X[in:in+length]) })
}

func (s *pixelShuffleStage) Backward(f *Frame) {
	if f.DX != nil {
		s.each(f.N, func(in, out, length int) { copy(f.DX[in:in+length], f.DY[out:out+length]) })
	}
}

// each calls visit for every stretch of values that stay together: the channels of a pixel
// that become neighbours in one row. The samples of a batch are so many more rows.
func (s *pixelShuffleStage) each(n int, visit func(in, out, length int)) {
	length, width := s.factor*s.out[2], s.in[1]
	for row := range n * s.in[0] {
		for column := range width {
			for k := range s.factor {
				visit(((row*width+column)*s.factor+k)*length, ((row*s.factor+k)*width+column)*length, length)
			}
		}
	}
}
