package digits

import "math"

const (
	box  = 20  // the canvas's height and width: MNIST's ink fills a box of this size
	edge = 1.3 // the width of the band round the outline in which ink fades out, in pixels
)

// canvas holds, for each pixel of the box, how deep the pixel's middle lies in the ink, in pixels: 0 on the outline,
// negative outside.
type canvas [box * box]float64

// draw inks the canvas along a path. Where strokes cross, the deeper counts.
func (c *canvas) draw(p *path) {
	for k := range c {
		c[k] = -edge // far enough outside to be white
	}
	for k := 1; k < p.n; k++ {
		if !p.dabs[k].starts {
			c.line(&p.dabs[k-1], &p.dabs[k])
		}
	}
}

// line inks the straight piece from a to b.
func (c *canvas) line(a, b *dab) {
	along := b.at.minus(a.at)
	perLength := 0.0
	if square := along.dot(along); square > 0 {
		perLength = 1 / square
	}
	reach := max(a.radius, b.radius) + edge/2
	left, right := pixels(a.at.x, b.at.x, reach)
	top, bottom := pixels(a.at.y, b.at.y, reach)
	for y := top; y < bottom; y++ {
		row := c[y*box : (y+1)*box]
		for x := left; x < right; x++ {
			from := vec{float64(x) + 0.5, float64(y) + 0.5}.minus(a.at)
			t := min(max(mul(from.dot(along), perLength), 0), 1)
			off := from.minus(along.times(t))
			if square := off.dot(off); square < mul(reach, reach) {
				row[x] = max(row[x], mix(a.radius, b.radius, t)-math.Sqrt(square))
			}
		}
	}
}

// pixels returns the range of pixels that may lie within reach of the interval between a and b.
func pixels(a, b, reach float64) (from, to int) {
	return int(max(min(a, b)-reach, 0)), int(min(max(a, b)+reach+1, box))
}

// develop turns depth into grey: white from half the edge outside, full ink from half the edge inside on.
func (c *canvas) develop() (grey [box * box]byte) {
	for k, depth := range c {
		grey[k] = byte(mul(min(max(depth/edge+0.5, 0), 1), 255) + 0.5)
	}
	return grey
}

// centre lays the box into an image so that the ink's centre of mass comes to lie in the image's middle, to the pixel,
// or as close to it as there is room.
func centre(grey *[box * box]byte, dst *[Side * Side]byte) {
	mass, momentX, momentY := 0, 0, 0
	for k, v := range grey {
		mass += int(v)
		momentX += int(v) * (2*(k%box) + 1)
		momentY += int(v) * (2*(k/box) + 1)
	}
	left, top := margin(momentX, mass), margin(momentY, mass)
	*dst = [Side * Side]byte{}
	for y := range box {
		copy(dst[(top+y)*Side+left:], grey[y*box:][:box])
	}
}

// margin returns how many pixels into the image the box begins, in one direction, where moment/(2·mass) is the centre
// of mass in the box: Side/2 less that, rounded.
func margin(moment, mass int) int {
	return min(max(((Side+1)*mass-moment)/(2*mass), 0), Side-box)
}
