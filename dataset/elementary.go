package dataset

import (
	"math"
	"math/big"
)

// Sine, cosine and logarithm rounded correctly: the float64 nearest to the true
// value. The functions of package math may miss it by one unit in the last
// place and differ between processors; these give the same bits everywhere, in
// tens of microseconds, by summing series with far more digits than needed.

// seriesPrec is the precision of the sums in bits. A float64 has 53; the true
// value would have to agree with the midpoint of two of them for another
// hundred bits to be rounded wrongly.
const seriesPrec = 200

func newBig(x float64) *big.Float { return new(big.Float).SetPrec(seriesPrec).SetFloat64(x) }

// negligible reports whether adding term no longer changes sum.
func negligible(term, sum *big.Float) bool {
	return term.Sign() == 0 || term.MantExp(nil) < sum.MantExp(nil)-seriesPrec
}

// sin returns sin(x) by its Taylor series, for |x| of a few periods at most.
func sin(x float64) float64 { return alternating(x, newBig(x), 1) }

// cos returns cos(x) by its Taylor series, for |x| of a few periods at most.
func cos(x float64) float64 { return alternating(x, newBig(1), 0) }

// alternating sums first - first·x²/((n+1)(n+2)) + …, of which n is the power
// of x in the first term: the Taylor series of sine (n = 1) and cosine (n = 0).
func alternating(x float64, first *big.Float, n int) float64 {
	minusSquare := newBig(x)
	minusSquare.Mul(minusSquare, minusSquare).Neg(minusSquare)
	sum, term := new(big.Float).Copy(first), first
	for !negligible(term, sum) {
		term.Mul(term, minusSquare)
		term.Quo(term, newBig(float64((n+1)*(n+2))))
		sum.Add(sum, term)
		n += 2
	}
	nearest, _ := sum.Float64()
	return nearest
}

// log returns the natural logarithm of x > 0, as e·log 2 + log m with
// x = m·2^e and m between √½ and √2.
func log(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	sum := newBig(float64(e))
	sum.Mul(sum, bigLog(2))
	sum.Add(sum, bigLog(m))
	nearest, _ := sum.Float64()
	return nearest
}

// bigLog returns log x = 2 artanh t = 2 (t + t³/3 + t⁵/5 + …), t = (x-1)/(x+1),
// which converges fast for x near 1.
func bigLog(x float64) *big.Float {
	t := newBig(x)
	t.Quo(t.Sub(t, newBig(1)), newBig(x).Add(newBig(x), newBig(1)))
	square := new(big.Float).Mul(t, t)
	sum, power := new(big.Float).Copy(t), t
	for n := 3.0; !negligible(power, sum); n += 2 {
		power.Mul(power, square)
		sum.Add(sum, new(big.Float).Quo(power, newBig(n)))
	}
	return sum.Mul(sum, newBig(2))
}
