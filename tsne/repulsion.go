package tsne

// point is a place on the map, or a force.
type point [2]float64

// repulsion finds what drives the points of a map apart: with the kernel of
// Student's t distribution, q(d) = 1/(1+|d|²),
//
//	force_i = Σ_{j≠i} q(y_i-y_j)²·(y_i-y_j)    Z = Σ_i Σ_{j≠i} q(y_i-y_j)
type repulsion interface {
	// forces writes force_i for each of the points and returns Z.
	forces(c *crew, points, force []point) float64
}

// pointBlock is how many points make a block of work; sums over points are made
// block by block.
const pointBlock = 64

// exactRepulsion adds up all pairs, at a cost of N².
type exactRepulsion struct{ z []float64 }

func (e *exactRepulsion) forces(c *crew, points, force []point) float64 {
	blocks := blocksOf(len(points), pointBlock)
	e.z = append(e.z[:0], make([]float64, blocks)...)
	c.each(blocks, func(_, b int) {
		for i := b * pointBlock; i < min((b+1)*pointBlock, len(points)); i++ {
			f, z := repel(points[i], points)
			force[i] = f
			e.z[b] += z - 1 // less that of the point with itself
		}
	})
	return sum(e.z)
}

// repel returns the force of all points on y and their sum of kernels.
func repel(y point, points []point) (force point, z float64) {
	for _, other := range points {
		dx, dy := y[0]-other[0], y[1]-other[1]
		q := 1 / (1 + dx*dx + dy*dy)
		z += q
		force[0] += q * q * dx
		force[1] += q * q * dy
	}
	return force, z
}

func sum(x []float64) float64 {
	var s float64
	for _, v := range x {
		s += v
	}
	return s
}
