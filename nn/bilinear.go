package nn

import (
	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// bilinearStage enlarges images by interpolation: first along the rows, then from row to
// row.
type bilinearStage struct {
	in, out tensor.Shape
	y, x    enlarging
}

// enlarging is an axis along which every position becomes several.
type enlarging struct {
	length int
	phases []blend
}

// blend is a mean of two neighbours, with weights u and v, which are 1 together.
type blend struct {
	from int // where the first is, counted from the position that becomes several: -1 or 0
	u, v float32
}

// enlarge returns the axis on which n positions become n·factor. Their centres lie at
// (o + 1/2)/factor - 1/2.
func enlarge(n, factor int) enlarging {
	e := enlarging{n, make([]blend, factor)}
	for k := range e.phases {
		at, from := 2*k+1-factor, 0 // in units of 1/(2·factor)
		if at < 0 {
			at, from = at+2*factor, -1
		}
		v := float32(at) / float32(2*factor)
		e.phases[k] = blend{from, 1 - v, v}
	}
	return e
}

// each calls visit for every new position o with the two it is a mean of. Before the first
// and behind the last the border goes on.
func (e enlarging) each(visit func(o, a, b int, m blend)) {
	for i := range e.length {
		for k, m := range e.phases {
			a := i + m.from
			visit(i*len(e.phases)+k, max(a, 0), min(a+1, e.length-1), m)
		}
	}
}

// Plan: the workspace holds an image with rows of full length.
func (s *bilinearStage) Plan() Plan {
	return Plan{Output: s.out, Workspace: s.in[0] * s.out[1] * s.out[2], Solo: true}
}

func (s *bilinearStage) Forward(f *Frame) {
	in, out, channels := s.in[1]*s.in[2], s.out[1]*s.out[2], s.in[2]
	for n := range f.N {
		x, y := rows(f.X, n, n+1, s.in.Size()), rows(f.Y, n, n+1, s.out.Size())
		for r := range s.in[0] {
			from, to := rows(x, r, r+1, in), rows(f.Workspace, r, r+1, out)
			s.x.each(func(o, a, b int, m blend) {
				mix(rows(to, o, o+1, channels), rows(from, a, a+1, channels), rows(from, b, b+1, channels), m)
			})
		}
		s.y.each(func(o, a, b int, m blend) {
			to := rows(y, o, o+1, out)
			kernel.Scale(to, rows(f.Workspace, a, a+1, out), m.u)
			kernel.Axpy(to, m.v, rows(f.Workspace, b, b+1, out))
		})
	}
}

// mix sets to = u·a + v·b.
func mix(to, a, b []float32, m blend) {
	for c, v := range a {
		to[c] = float32(m.u*v) + float32(m.v*b[c])
	}
}

// Backward gives the two pixels of every mean their parts of its gradient.
func (s *bilinearStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	in, out, channels := s.in[1]*s.in[2], s.out[1]*s.out[2], s.in[2]
	clear(f.DX)
	for n := range f.N {
		dx, dy := rows(f.DX, n, n+1, s.in.Size()), rows(f.DY, n, n+1, s.out.Size())
		clear(f.Workspace)
		s.y.each(func(o, a, b int, m blend) {
			from := rows(dy, o, o+1, out)
			kernel.Axpy(rows(f.Workspace, a, a+1, out), m.u, from)
			kernel.Axpy(rows(f.Workspace, b, b+1, out), m.v, from)
		})
		for r := range s.in[0] {
			from, to := rows(f.Workspace, r, r+1, out), rows(dx, r, r+1, in)
			s.x.each(func(o, a, b int, m blend) {
				slope := rows(from, o, o+1, channels)
				addPart(rows(to, a, a+1, channels), slope, m.u)
				addPart(rows(to, b, b+1, channels), slope, m.v)
			})
		}
	}
}

// addPart adds part·from to to.
func addPart(to, from []float32, part float32) {
	for c, v := range from {
		to[c] += float32(part * v)
	}
}
