package kernel

import "math"

// The optimisers' updates of weights w from gradients g, element by element.
// Whatever depends on the step's number alone, a bias correction for example, the caller
// computes once per step and passes as a number.

// SGD updates w -= lr·g.
func SGD(w, g []float32, lr float32) {
	sameLength("SGD", len(w), len(g))
	active.sgd(w, g, lr)
}

// Momentum updates the velocity v = mu·v - lr·g and then w += v or, with nesterov, w += mu·v - lr·g.
func Momentum(w, g, v []float32, lr, mu float32, nesterov bool) {
	sameLength("Momentum", len(w), len(g), len(v))
	if nesterov {
		active.nesterov(w, g, v, lr, mu)
		return
	}
	active.momentum(w, g, v, lr, mu)
}

// AdamStep holds the numbers of one step of Adam (Kingma and Ba 2015). With step number t from 1,
//
//	Keras:   Rate = lr·√(1-β₂ᵗ)/(1-β₁ᵗ), VScale = 1
//	PyTorch: Rate = lr/(1-β₁ᵗ),          VScale = 1/√(1-β₂ᵗ)
//
// and Decay = lr·weightDecay makes it AdamW (Loshchilov and Hutter 2019).
type AdamStep struct {
	Beta1, Beta2 float64 // decay of the two moments
	Rate         float32
	VScale       float32
	Epsilon      float32
	Decay        float32
}

// Adam updates m = β₁m + (1-β₁)g, v = β₂v + (1-β₂)g² and
// w = w - Decay·w - Rate·m/(VScale·√v + Epsilon).
func Adam(w, g, m, v []float32, s AdamStep) {
	sameLength("Adam", len(w), len(g), len(m), len(v))
	active.adam(w, g, m, v,
		float32(s.Beta1), float32(1-s.Beta1), float32(s.Beta2), float32(1-s.Beta2),
		s.Rate, s.VScale, s.Epsilon, s.Decay)
}

// RMSPropStep holds the numbers of RMSProp. Keras adds its ε Inside the square root,
// PyTorch outside (Epsilon).
type RMSPropStep struct {
	Rho     float64 // decay of the mean square
	Rate    float32
	Inside  float32
	Epsilon float32
}

// RMSProp updates v = ρv + (1-ρ)g² and w -= Rate·g/(√(v + Inside) + Epsilon).
func RMSProp(w, g, v []float32, s RMSPropStep) {
	sameLength("RMSProp", len(w), len(g), len(v))
	active.rmsprop(w, g, v, float32(s.Rho), float32(1-s.Rho), s.Rate, s.Inside, s.Epsilon)
}

// sqrtf returns the correctly rounded square root.
func sqrtf(x float32) float32 { return float32(math.Sqrt(float64(x))) }

func sgdGeneric(w, g []float32, lr float32) {
	for i, gi := range g {
		w[i] = fma32(-lr, gi, w[i])
	}
}

func momentumGeneric(w, g, v []float32, lr, mu float32) {
	for i, gi := range g {
		v[i] = fma32(mu, v[i], -float32(lr*gi))
		w[i] += v[i]
	}
}

func nesterovGeneric(w, g, v []float32, lr, mu float32) {
	for i, gi := range g {
		step := float32(lr * gi)
		v[i] = fma32(mu, v[i], -step)
		w[i] += fma32(mu, v[i], -step)
	}
}

func adamGeneric(w, g, m, v []float32, beta1, gain1, beta2, gain2, rate, vscale, epsilon, decay float32) {
	for i, gi := range g {
		m[i] = fma32(gain1, gi, float32(beta1*m[i]))
		v[i] = fma32(float32(gain2*gi), gi, float32(beta2*v[i]))
		denominator := fma32(vscale, sqrtf(v[i]), epsilon)
		w[i] = fma32(-decay, w[i], w[i]) - float32(rate*m[i])/denominator
	}
}

func rmspropGeneric(w, g, v []float32, rho, gain, rate, inside, epsilon float32) {
	for i, gi := range g {
		v[i] = fma32(float32(gain*gi), gi, float32(rho*v[i]))
		w[i] -= float32(rate*gi) / float32(sqrtf(v[i]+inside)+epsilon)
	}
}
