package digits

const (
	steps   = 6   // straight pieces between two points of a skeleton
	maxPath = 160 // dabs of a path, enough for every skeleton
)

// dab is a point of the pen's way.
type dab struct {
	knot
	starts bool // the pen comes down here: no line leads to it
}

// path is the way of the pen, straight from dab to dab.
type path struct {
	dabs [maxPath]dab
	n    int
}

// write follows the strokes of a style with hand h.
func (p *path) write(s *style, h *hand) {
	for _, line := range s.strokes {
		p.follow(line, h)
	}
}

// follow adds one stroke: a Catmull-Rom spline through the points as the hand places them, deformed as a whole.
func (p *path) follow(line stroke, h *hand) {
	start := h.place(line[0])
	p.add(dab{knot{h.deform(start.at), start.radius}, true})
	for k := range len(line) - 1 {
		if line[k] == line[k+1] {
			continue // a corner has no length
		}
		from, to := h.place(line[k]), h.place(line[k+1])
		before, after := h.place(line.around(k-1)), h.place(line.around(k+2))
		for s := 1; s <= steps; s++ {
			t := float64(s) / steps
			at := catmullRom(before.at, from.at, to.at, after.at, t)
			p.add(dab{knot{h.deform(at), mix(from.radius, to.radius, t)}, false})
		}
	}
}

func (p *path) add(d dab) {
	p.dabs[p.n] = d
	p.n++
}

// catmullRom is the cubic from p1 (t = 0) to p2 (t = 1) whose tangents there are (p2-p0)/2 and (p3-p1)/2.
func catmullRom(p0, p1, p2, p3 vec, t float64) vec {
	chord, m1, m2 := p2.minus(p1), p2.minus(p0).times(0.5), p3.minus(p1).times(0.5)
	cubic := m1.plus(m2).minus(chord.times(2))
	square := chord.minus(m1).minus(cubic)
	return p1.plus(m1.plus(square.plus(cubic.times(t)).times(t)).times(t))
}

// fit scales the path from the hand's units to pixels, so that the ink of a pen of the given radius just fills the
// canvas in one direction and lies in the middle of it in the other.
func (p *path) fit(pen float64) {
	dabs := p.dabs[:p.n]
	lo, hi, thickest := dabs[0].at, dabs[0].at, 0.0
	for _, d := range dabs {
		lo.x, lo.y = min(lo.x, d.at.x), min(lo.y, d.at.y)
		hi.x, hi.y = max(hi.x, d.at.x), max(hi.y, d.at.y)
		thickest = max(thickest, d.radius)
	}
	size := hi.minus(lo)
	middle := lo.plus(size.times(0.5))
	scale := (box - edge - 2*mul(pen, thickest)) / max(size.x, size.y)
	for k := range dabs {
		d := &dabs[k]
		d.at = d.at.minus(middle).times(scale).plus(vec{box / 2, box / 2})
		d.radius = mul(d.radius, pen)
	}
}
