package digits

// mul returns x·y rounded to float64. The conversion forbids the compiler to fuse the product with an addition, as
// it does on arm64 and elsewhere, which would change last bits; every product but those by 2, which are exact, goes
// through here.
func mul(x, y float64) float64 { return float64(x * y) }

// mix returns a at t = 0, b at t = 1, and goes straight in between.
func mix(a, b, t float64) float64 { return a + mul(b-a, t) }

// vec is a point or a displacement in the plane, x to the right and y down.
type vec struct{ x, y float64 }

func (a vec) plus(b vec) vec      { return vec{a.x + b.x, a.y + b.y} }
func (a vec) minus(b vec) vec     { return vec{a.x - b.x, a.y - b.y} }
func (a vec) times(k float64) vec { return vec{mul(a.x, k), mul(a.y, k)} }
func (a vec) dot(b vec) float64   { return mul(a.x, b.x) + mul(a.y, b.y) }
