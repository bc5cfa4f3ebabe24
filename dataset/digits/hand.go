package digits

// How much hands differ: standard deviations, of lengths in halves of the skeleton's box.
const (
	tremble    = 0.055 // of a point of the skeleton, in either direction
	pressing   = 0.14  // of the pen's radius at a point, relative
	bending    = 0.09  // of the coefficients of the bend
	stretching = 0.15  // of width over height, relative
	turning    = 0.05  // of the tangent of half the angle of rotation
	slanting   = 0.25  // of the slant (how far right an upright stroke leads per height),
	slope      = 0.15  // whose mean is this: most hands lean to the right
)

// How much pens differ, in pixels.
const (
	penRadius = 1.33 // mean
	penSpread = 0.36 // standard deviation
	thinnest  = 0.6
)

// hand is how a skeleton is written this time: everything that makes a digit out of it, but for the pen.
type hand struct {
	key          uint64 // decides what happens to each point
	bendX, bendY [5]float64
	width, slant float64
	cos, sin     float64
}

// newHand returns a random hand.
func newHand(r *random) hand {
	h := hand{key: r.pcg.Uint64()}
	for k := range h.bendX {
		h.bendX[k] = r.around(0, bending)
		h.bendY[k] = r.around(0, bending)
	}
	h.width = r.around(1, stretching)
	h.slant = r.around(slope, slanting)
	t := r.around(0, turning)
	h.cos, h.sin = (1-mul(t, t))/(1+mul(t, t)), 2*t/(1+mul(t, t))
	return h
}

// newPen returns the radius of a random pen, in pixels.
func newPen(r *random) float64 { return max(r.around(penRadius, penSpread), thinnest) }

// knot is a place on the paper and the radius of the ink there.
type knot struct {
	at     vec
	radius float64
}

// place maps a point of the skeleton's box of 100×100 to [-1, 1]², displaces it a little, and decides how hard the pen
// is pressed there: the radius, relative to the pen's. All of it depends on the hand and the point alone, so that a
// point which a skeleton passes twice stays one point: corners stay sharp, loops closed.
func (h *hand) place(p point) knot {
	r := newRandom(h.key, forPoints, uint64(p.x)<<8|uint64(p.y))
	x := r.around(float64(p.x)/50-1, tremble)
	y := r.around(float64(p.y)/50-1, tremble)
	return knot{vec{x, y}, r.around(1, pressing)}
}

// deform bends the paper smoothly, each coordinate by a polynomial of degree three, then stretches, slants and turns it.
func (h *hand) deform(p vec) vec {
	xx, xy, yy := mul(p.x, p.x), mul(p.x, p.y), mul(p.y, p.y)
	for k, term := range [...]float64{xx, xy, yy, mul(xx, p.y), mul(yy, p.y)} {
		p.x += mul(h.bendX[k], term)
		p.y += mul(h.bendY[k], term)
	}
	x, y := mul(h.width, p.x)-mul(h.slant, p.y), p.y
	return vec{mul(h.cos, x) - mul(h.sin, y), mul(h.sin, x) + mul(h.cos, y)}
}
