package tsne

import "math"

// The interpolation between nodes is by quintic B-splines: a point touches the
// splineOrder nodes nearest to it in each direction.
const splineOrder = 6

// weights are what each of the nodes around a point counts.
type weights [splineOrder]float64

// splineWeights returns the B-spline's values at the nodes around a point that
// lies the fraction t of the spacing beyond the third of them.
func splineWeights(t float64) (w weights) {
	u := 1 - t
	w[0] = u * u * u * u * u / 120
	w[1], _ = splineOuter(1 + t)
	w[2], _ = splineInner(t)
	w[3], _ = splineInner(u)
	w[4], _ = splineOuter(1 + u)
	w[5] = t * t * t * t * t / 120
	return w
}

// splineSlopes returns the derivatives of the weights with respect to t.
func splineSlopes(t float64) (dw weights) {
	u := 1 - t
	dw[0] = -u * u * u * u / 24
	_, dw[1] = splineOuter(1 + t)
	_, dw[2] = splineInner(t)
	_, dw[3] = splineInner(u)
	_, dw[4] = splineOuter(1 + u)
	dw[5] = t * t * t * t / 24
	dw[3], dw[4] = -dw[3], -dw[4]
	return dw
}

// splineInner is the quintic B-spline and its slope at 0 ≤ x ≤ 1 from its centre.
func splineInner(x float64) (b, db float64) {
	return 11./20 + x*x*(-1./2+x*x*(1./4-x/12)), x * (-1 + x*x*(1-x*5/12))
}

// splineOuter is the same at 1 ≤ x ≤ 2.
func splineOuter(x float64) (b, db float64) {
	return 17./40 + x*(5./8+x*(-7./4+x*(5./4+x*(-3./8+x/24)))), 5./8 + x*(-7./2+x*(15./4+x*(-3./2+x*5/24)))
}

// splineSpectrum is the transform of the B-spline's values at the nodes, at
// frequency k of n: Σ_j B(j)·exp(-2πi·jk/n).
func splineSpectrum(k, n int) float64 {
	angle := 2 * math.Pi * float64(k) / float64(n)
	return (33 + 26*math.Cos(angle) + math.Cos(2*angle)) / 60
}

// dot returns the weighted sum of values at as many nodes.
func (w *weights) dot(nodes *weights) float64 {
	return w[0]*nodes[0] + w[1]*nodes[1] + w[2]*nodes[2] + w[3]*nodes[3] + w[4]*nodes[4] + w[5]*nodes[5]
}

// autocorrelation returns, for nodes i apart to either side, the sums of the
// products w·w' and of the products dw·w'.
func autocorrelation(w, dw *weights) (ww, dww weights) {
	for i := range splineOrder {
		for a := range splineOrder - i {
			ww[i] += 2 * w[a] * w[a+i]
			dww[i] += dw[a]*w[a+i] + w[a]*dw[a+i]
		}
	}
	ww[0] /= 2
	dww[0] /= 2
	return ww, dww
}
