package tsne

const rowBlock = 16 // rows of nodes that make a block of work

// interpolatedRepulsion finds the forces at a cost that grows with the number of
// points and with the map's area, not with the number of pairs. The potential
//
//	φ(y) = Σ_j q(y-y_j)    Z = Σ_i (φ(y_i) - q(0))    force_i = -½·∇φ(y_i)
//
// is a convolution. Every point is put on the nodes of a lattice around it, the
// nodes are convolved by fast Fourier transform, and φ and its slope are read off
// at each point, both ways by B-splines. The forces are so the exact gradient of
// the approximate Z.
//
// FIt-SNE (Linderman et al. 2019) interpolates by polynomials over intervals,
// which have no slope from one to the next, and convolves four times, for Z and
// for the parts of the force. Smooth splines, as in particle-mesh Ewald summation
// (Essmann et al. 1995), need one convolution.
type interpolatedRepulsion struct {
	convolution convolution
	values      []float64 // at the nodes, row by row
	order       []int32   // the points, by row of their cells
	starts      []int32   // where each row's begin in order
	z           []float64
}

func (p *interpolatedRepulsion) forces(c *crew, points, force []point) float64 {
	l := newLattice(bounds(points))
	p.values = grow(p.values, l.nx*l.ny)
	p.sortByRow(l, points)
	c.each(blocksOf(l.ny, rowBlock), func(_, b int) { p.spread(l, points, b*rowBlock, min((b+1)*rowBlock, l.ny)) })
	near := p.convolution.apply(c, l, p.values)
	blocks := blocksOf(len(points), pointBlock)
	p.z = grow(p.z, blocks)
	c.each(blocks, func(_, b int) {
		p.z[b] = p.read(l, near, points, force, p.order[b*pointBlock:min((b+1)*pointBlock, len(points))])
	})
	return sum(p.z)
}

// bounds returns the least and the largest coordinates.
func bounds(points []point) (lo, hi point) {
	lo, hi = points[0], points[0]
	for _, y := range points {
		for a := range y {
			lo[a], hi[a] = min(lo[a], y[a]), max(hi[a], y[a])
		}
	}
	return lo, hi
}

// sortByRow lists the points by the row of their cells, and those of one row by
// number.
func (p *interpolatedRepulsion) sortByRow(l lattice, points []point) {
	p.order = grow(p.order, len(points))
	p.starts = grow(p.starts, l.ny+2)
	clear(p.starts)
	for _, y := range points {
		p.starts[l.cell(y)[1]+2]++
	}
	for r := 2; r < len(p.starts); r++ {
		p.starts[r] += p.starts[r-1]
	}
	for i, y := range points {
		start := &p.starts[l.cell(y)[1]+1]
		p.order[*start] = int32(i)
		*start++
	}
}

// spread puts on rows lo to hi of nodes what the points around them weigh there.
func (p *interpolatedRepulsion) spread(l lattice, points []point, lo, hi int) {
	clear(p.values[lo*l.nx : hi*l.nx])
	first := max(lo-splineOrder+1, 0)
	for _, i := range p.order[p.starts[first]:p.starts[hi]] {
		column, row, tx, ty := l.place(points[i])
		wx, wy := splineWeights(tx), splineWeights(ty)
		for r := max(row, lo); r < min(row+splineOrder, hi); r++ {
			nodes, weight := (*weights)(p.values[r*l.nx+column:]), wy[r-row]
			for a, w := range wx {
				nodes[a] += weight * w
			}
		}
	}
}

// read takes the force on each of the listed points from the potential at the
// nodes, and returns their part of Z.
func (p *interpolatedRepulsion) read(l lattice, near *nearPotential, points, force []point, list []int32) (z float64) {
	for _, i := range list {
		column, row, tx, ty := l.place(points[i])
		wx, dx := splineWeights(tx), splineSlopes(tx)
		wy, dy := splineWeights(ty), splineSlopes(ty)
		var phi, slopeX, slopeY float64
		for r := range splineOrder {
			nodes := (*weights)(p.values[(row+r)*l.nx+column:])
			across := wx.dot(nodes)
			phi += wy[r] * across
			slopeX += wy[r] * dx.dot(nodes)
			slopeY += dy[r] * across
		}
		own, ownX, ownY := near.ofItself(&wx, &dx, &wy, &dy)
		z += phi - own
		force[i] = point{(ownX - slopeX) / (2 * l.spacing), (ownY - slopeY) / (2 * l.spacing)}
	}
	return z
}

// ofItself returns the potential that a point, by its weights and their
// derivatives along x and y, has of itself, and the slopes. Interpolated it varies
// with the place between the nodes, and would pull every point to the same place of
// its cell.
func (n *nearPotential) ofItself(wx, dx, wy, dy *weights) (phi, slopeX, slopeY float64) {
	ax, bx := autocorrelation(wx, dx)
	ay, by := autocorrelation(wy, dy)
	for i := range n {
		across := n[i].dot(&ay)
		phi += ax[i] * across
		slopeX += bx[i] * across
		slopeY += ax[i] * n[i].dot(&by)
	}
	return phi, slopeX, slopeY
}
