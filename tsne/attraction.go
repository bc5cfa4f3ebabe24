package tsne

// attract returns what holds a point at y and those it belongs with together,
//
//	force_i = Σ_j P_ij·q(y_i-y_j)·(y_i-y_j)
//
// for a row of P. Of a large map this and not the repulsion takes most of the
// time: an entry costs one read of eight bytes in order, one of a point out of
// order, and a division.
func attract(y point, points []point, row []affinity) (force point) {
	var fx, fy float64
	for _, e := range row {
		other := &points[e.j]
		dx, dy := y[0]-other[0], y[1]-other[1]
		w := float64(e.p) / (1 + dx*dx + dy*dy)
		fx += w * dx
		fy += w * dy
	}
	return point{fx, fy}
}
