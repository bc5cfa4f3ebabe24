package kernel

// LSTM computes one step of an LSTM from its gates z = (i, f, g, o) before their functions, each as
// long as h, and the cell before:
//
//	c = σ(f)·before + σ(i)·tanh(g),  h = σ(o)·tanh(c)
//
// It leaves tanh(c) in tanhC and replaces z by (σ(i), σ(f), tanh(g), σ(o)).
func LSTM(h, c, tanhC, z, before []float32) {
	u := len(h)
	sameLength("LSTM", 4*u, len(z))
	sameLength("LSTM", u, len(c), len(tanhC), len(before))
	layers().lstm(h, c, tanhC, z[:u], z[u:2*u], z[2*u:3*u], z[3*u:], before)
}

// LSTMGrad is the backward pass of [LSTM]: from the gradient dh of h, the gradient dc of c that comes
// from the step after, and z as LSTM left it, it computes the gradient of the gates, which replaces z, and
// that of the cell before, which replaces dc.
func LSTMGrad(z, dc, dh, tanhC, before []float32) {
	u := len(dh)
	sameLength("LSTMGrad", 4*u, len(z))
	sameLength("LSTMGrad", u, len(dc), len(tanhC), len(before))
	layers().lstmGrad(dh, dc, tanhC, z[:u], z[u:2*u], z[2*u:3*u], z[3*u:], before)
}

func lstmGeneric(h, c, t, i, f, g, o, before []float32) {
	for j := range h {
		i[j], f[j], g[j], o[j] = sigmoidf(i[j]), sigmoidf(f[j]), tanhf(g[j]), sigmoidf(o[j])
		c[j] = fma32(f[j], before[j], float32(i[j]*g[j]))
		t[j] = tanhf(c[j])
		h[j] = o[j] * t[j]
	}
}

func lstmGradGeneric(dh, dc, t, i, f, g, o, before []float32) {
	for j, d := range dh {
		do := float32(d*t[j]) * float32(o[j]*(1-o[j]))
		d = fma32(float32(d*o[j]), fma32(-t[j], t[j], 1), dc[j])
		di := float32(d*g[j]) * float32(i[j]*(1-i[j]))
		dg := float32(d*i[j]) * fma32(-g[j], g[j], 1)
		df := float32(d*before[j]) * float32(f[j]*(1-f[j]))
		dc[j] = d * f[j]
		i[j], f[j], g[j], o[j] = di, df, dg, do
	}
}
