package portable

import (
	"math"
	"math/rand/v2"
)

// The ziggurat covers the upper half of the normal density with layers of one area.
const (
	layers   = 128
	baseEdge = 3.442619855899      // where the tail begins
	area     = 9.91256303526217e-3 // of a layer, and of base and tail together
)

// ziggurat holds, for each layer, the density at its right edge, what a 31-bit integer is
// multiplied by to be a place in it, and the integer below which that place is under the
// curve whatever its height.
var ziggurat = func() (z struct {
	density, unit [layers]float32
	inside        [layers]uint32
}) {
	const units = 1 << 31
	density := func(x float64) float64 { return Exp(-0.5 * float64(x*x)) }
	edge := baseEdge
	base := area / density(edge)
	z.inside[0], z.inside[1] = uint32(edge/base*units), 0
	z.unit[0], z.unit[layers-1] = float32(base/units), float32(edge/units)
	z.density[0], z.density[layers-1] = 1, float32(density(edge))
	for i := layers - 2; i >= 1; i-- {
		before := edge
		edge = math.Sqrt(-2 * Log(area/edge+density(edge)))
		z.inside[i+1] = uint32(edge / before * units)
		z.density[i], z.unit[i] = float32(density(edge)), float32(edge/units)
	}
	return z
}()

// Normal returns a standard normal number: rng.NormFloat64, whose rejections depend on
// math.Exp and math.Log (G. Marsaglia and W. W. Tsang, "The ziggurat method for generating
// random variables", 2000).
func Normal(rng *rand.Rand) float64 {
	for {
		u := rng.Uint64()
		j, layer := int32(u), u>>32&(layers-1)
		x := float64(j) * float64(ziggurat.unit[layer])
		if uint32(max(j, -j)) < ziggurat.inside[layer] {
			return x
		}
		if layer == 0 {
			return math.Copysign(tail(rng), float64(j))
		}
		low, high := ziggurat.density[layer], ziggurat.density[layer-1]
		if low+float32(float32(rng.Float64())*(high-low)) < float32(Exp(float64(-0.5*x)*x)) {
			return x
		}
	}
}

// tail returns a normal number above baseEdge (G. Marsaglia, "Generating a variable from the
// tail of the normal distribution", 1964).
func tail(rng *rand.Rand) float64 {
	for {
		x := float64(-Log(rng.Float64()) * (1.0 / baseEdge))
		y := -Log(rng.Float64())
		if y+y >= float64(x*x) {
			return baseEdge + x
		}
	}
}
