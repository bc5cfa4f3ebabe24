package nn

import (
	"cmp"
	"fmt"

	"hourglass/tensor"
)

// pooling are the windows that a pooling layer draws together.
type pooling struct {
	y, x     convAxis
	channels int
}

// bindPooling fixes the options of a pooling layer to images of shape in. The
// strides are those of the windows by default.
func bindPooling(in tensor.Shape, pool, strides Pair, padding Padding) (pooling, error) {
	pool = cmp.Or(pool, Square(2))
	strides = cmp.Or(strides, pool)
	if err := firstError(pool.check("pool size", 1), strides.check("stride", 1), padding.validateImage(), wantImage(in)); err != nil {
		return pooling{}, err
	}
	y, err := newConvAxis(in[0], pool[0], strides[0], 1, padding)
	if err != nil {
		return pooling{}, fmt.Errorf("height: %w", err)
	}
	x, err := newConvAxis(in[1], pool[1], strides[1], 1, padding)
	if err != nil {
		return pooling{}, fmt.Errorf("width: %w", err)
	}
	return pooling{y, x, in[2]}, nil
}

func (p *pooling) output() tensor.Shape { return tensor.Shape{p.y.small, p.x.small, p.channels} }

// sizes returns the numbers of elements of an input and an output sample.
func (p *pooling) sizes() (in, out int) {
	return p.y.big * p.x.big * p.channels, p.y.small * p.x.small * p.channels
}

// span returns the part of window o that lies inside the image.
func (a convAxis) span(o int) (lo, hi int) {
	at := o*a.stride - a.pad
	return max(at, 0), min(at+a.kernel, a.big)
}

// each calls visit for every window, in order: out is the place of its output
// pixel, and its input pixels are columns x0 to x1 of rows y0 to y1.
func (p *pooling) each(visit func(out, y0, y1, x0, x1 int)) {
	for i := range p.y.small {
		y0, y1 := p.y.span(i)
		for j := range p.x.small {
			x0, x1 := p.x.span(j)
			visit((i*p.x.small+j)*p.channels, y0, y1, x0, x1)
		}
	}
}

// pixel returns the channels of the input pixel at (y, x).
func (p *pooling) pixel(image []float32, y, x int) []float32 {
	at := (y*p.x.big + x) * p.channels
	return image[at : at+p.channels : at+p.channels]
}
