package kernel

// GRU computes one step of a GRU whose reset gate acts behind the product with the state, from
// x, the products (z, r, g) of the input, and inner, those of the state, each three times as long
// as h, and the state before:
//
//	z = σ(x_z + inner_z),  r = σ(x_r + inner_r),  g = tanh(x_g + r·inner_g)
//	h = z·before + (1-z)·g
//
// It replaces x by (z, r, g).
func GRU(h, x, inner, before []float32) {
	u := len(h)
	sameLength("GRU", 3*u, len(x), len(inner))
	sameLength("GRU", u, len(before))
	layers().gru(h, x[:u], x[u:2*u], x[2*u:], inner[:u], inner[u:2*u], inner[2*u:], before)
}

// GRUGrad is the backward pass of [GRU]: from the gradient dh of h and x as GRU left it, it computes
// the gradients of x and of inner, which replace them, and sets ahead to the part of the gradient of
// the state before that does not go through inner.
func GRUGrad(ahead, x, inner, dh, before []float32) {
	u := len(dh)
	sameLength("GRUGrad", 3*u, len(x), len(inner))
	sameLength("GRUGrad", u, len(ahead), len(before))
	layers().gruGrad(dh, ahead, x[:u], x[u:2*u], x[2*u:], inner[:u], inner[u:2*u], inner[2*u:], before)
}

func gruGeneric(h, z, r, g, iz, ir, ig, before []float32) {
	for j := range h {
		z[j], r[j] = sigmoidf(z[j]+iz[j]), sigmoidf(r[j]+ir[j])
		g[j] = tanhf(g[j] + float32(r[j]*ig[j]))
		h[j] = float32(z[j]*before[j]) + float32((1-z[j])*g[j])
	}
}

func gruGradGeneric(dh, ahead, z, r, g, iz, ir, ig, before []float32) {
	for j, d := range dh {
		zj, rj, gj := z[j], r[j], g[j]
		dg := float32(d*(1-zj)) * (1 - float32(gj*gj))
		ahead[j] = d * zj
		z[j] = float32(d*(before[j]-gj)) * float32(zj*(1-zj))
		r[j] = float32(dg*ig[j]) * float32(rj*(1-rj))
		g[j] = dg
		iz[j], ir[j], ig[j] = z[j], r[j], dg*rj
	}
}
