package nn

import (
	"fmt"

	"hourglass/tensor"
)

// Margins are rows and columns around an image.
type Margins struct {
	Top    int `json:"top"`
	Bottom int `json:"bottom"`
	Left   int `json:"left"`
	Right  int `json:"right"`
}

// Around returns margins of n on every side.
func Around(n int) Margins { return Margins{n, n, n, n} }

func (m Margins) check() error {
	return firstError(checkOption("top", m.Top, 0), checkOption("bottom", m.Bottom, 0),
		checkOption("left", m.Left, 0), checkOption("right", m.Right, 0))
}

// ZeroPadding2D puts zeros around an image: height×width×channels →
// (Top + height + Bottom)×(Left + width + Right)×channels. As Keras'.
type ZeroPadding2D struct {
	Padding Margins `json:"padding"` // each at least 0
}

// Bind accepts images of height×width×channels.
func (l ZeroPadding2D) Bind(in tensor.Shape) (Stage, error) {
	if err := firstError(l.Padding.check(), wantImage(in)); err != nil {
		return nil, err
	}
	out := tensor.Shape{in[0] + l.Padding.Top + l.Padding.Bottom, in[1] + l.Padding.Left + l.Padding.Right, in[2]}
	return &marginStage{large: out, small: in.Clone(), at: l.Padding, grows: true}, nil
}

// Cropping2D cuts rows and columns off an image: height×width×channels →
// (height - Top - Bottom)×(width - Left - Right)×channels. As Keras'.
type Cropping2D struct {
	Cropping Margins `json:"cropping"` // each at least 0
}

// Bind accepts images of height×width×channels of which something is left.
func (l Cropping2D) Bind(in tensor.Shape) (Stage, error) {
	if err := firstError(l.Cropping.check(), wantImage(in)); err != nil {
		return nil, err
	}
	out := tensor.Shape{in[0] - l.Cropping.Top - l.Cropping.Bottom, in[1] - l.Cropping.Left - l.Cropping.Right, in[2]}
	if out[0] < 1 || out[1] < 1 {
		return nil, fmt.Errorf("cropping %+v leaves nothing, want less than the image", l.Cropping)
	}
	return &marginStage{large: in.Clone(), small: out, at: l.Cropping}, nil
}

// marginStage copies an image into a larger one, or a part of it into a smaller
// one; the gradient goes the other way.
type marginStage struct {
	large, small tensor.Shape
	at           Margins
	grows        bool
}

func (s *marginStage) Plan() Plan {
	if s.grows {
		return Plan{Output: s.large, Solo: true}
	}
	return Plan{Output: s.small, Solo: true}
}

func (s *marginStage) Forward(f *Frame) {
	if s.grows {
		s.enlarge(f.N, f.Y, f.X)
	} else {
		s.cut(f.N, f.Y, f.X)
	}
}

func (s *marginStage) Backward(f *Frame) {
	switch {
	case f.DX == nil:
	case s.grows:
		s.cut(f.N, f.DX, f.DY)
	default:
		s.enlarge(f.N, f.DX, f.DY)
	}
}

func (s *marginStage) enlarge(n int, large, small []float32) {
	clear(large)
	s.each(n, func(from, to, length int) { copy(large[to:to+length], small[from:from+length]) })
}

func (s *marginStage) cut(n int, small, large []float32) {
	s.each(n, func(to, from, length int) { copy(small[to:to+length], large[from:from+length]) })
}

// each calls visit with the places of every row that both images have.
func (s *marginStage) each(n int, visit func(small, large, length int)) {
	length, stride := s.small[1]*s.small[2], s.large[1]*s.large[2]
	for i := range n {
		for r := range s.small[0] {
			visit((i*s.small[0]+r)*length, (i*s.large[0]+r+s.at.Top)*stride+s.at.Left*s.large[2], length)
		}
	}
}
