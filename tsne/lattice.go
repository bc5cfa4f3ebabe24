package tsne

import "math"

const (
	// spacing is the distance of the nodes, in units of the map: the kernel q has
	// a width of one.
	spacing = 0.5
	// maxNodes bounds the nodes along a side; a larger map has wider spacing.
	maxNodes = 1000
)

// lattice is the square grid of nodes that lies under a map.
type lattice struct {
	origin  point   // where node (2, 2) is: splines reach two nodes beyond the points
	spacing float64 // a power of two times the constant
	nx, ny  int     // nodes along either side; nx is even
}

// newLattice covers the points from lo to hi and what their splines touch.
// Origins are multiples of the spacing, so that nodes stay where they are while
// the map grows around them.
func newLattice(lo, hi point) lattice {
	l := lattice{spacing: spacing}
	for math.Max(hi[0]-lo[0], hi[1]-lo[1]) > (maxNodes-splineOrder-1)*l.spacing {
		l.spacing *= 2
	}
	for a := range lo {
		l.origin[a] = math.Floor(lo[a]/l.spacing) * l.spacing
	}
	last := l.cell(hi)
	l.nx, l.ny = last[0]+splineOrder, last[1]+splineOrder
	l.nx += l.nx % 2
	return l
}

// cell returns the column and row of the first node that a point touches.
func (l *lattice) cell(p point) [2]int {
	return [2]int{int((p[0] - l.origin[0]) / l.spacing), int((p[1] - l.origin[1]) / l.spacing)}
}

// place returns the cell of a point and how far, in spacings, the point lies
// beyond the cell's third node.
func (l *lattice) place(p point) (column, row int, tx, ty float64) {
	x, y := (p[0]-l.origin[0])/l.spacing, (p[1]-l.origin[1])/l.spacing
	column, row = int(x), int(y)
	return column, row, x - float64(column), y - float64(row)
}
