package generate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	"hourglass/tensor"
)

// Mixture is a mixture of Gaussian distributions: Σ_k Weights[k]·N(Means[k],
// Factors[k]·Factors[k]ᵀ). Fitted to the codes of an ordinary autoencoder, which keep
// to no distribution by themselves, it is where new codes can be drawn from (Ghosh et
// al. 2020, "From variational to deterministic autoencoders").
type Mixture struct {
	Weights []float64   `json:"weights"` // shares, summing to 1
	Means   [][]float64 `json:"means"`
	Factors [][]float64 `json:"factors"` // lower Cholesky factors of the covariances, row by row

	logNorms []float64 // log(weight) - D/2·log 2π - log det of the factor
}

// NewMixture returns a mixture of what is known of one, read from a file for instance.
// Weights must be above 0 and sum to 1, the diagonals of the factors be above 0.
func NewMixture(weights []float64, means, factors [][]float64) (*Mixture, error) {
	if len(weights) < 1 || len(means) != len(weights) || len(factors) != len(weights) || len(means[0]) < 1 {
		return nil, fmt.Errorf("generate: new mixture: %d weights, %d means and %d factors, want as many of each", len(weights), len(means), len(factors))
	}
	total, d := 0.0, len(means[0])
	for k, w := range weights {
		if len(means[k]) != d || len(factors[k]) != d*d {
			return nil, fmt.Errorf("generate: new mixture: component %d has %d and %d numbers, want %d and %d", k, len(means[k]), len(factors[k]), d, d*d)
		}
		for _, v := range slices.Concat(means[k], factors[k]) {
			if v-v != 0 {
				return nil, fmt.Errorf("generate: new mixture: component %d has the number %v, want finite ones", k, v)
			}
		}
		for j := range d {
			if !(factors[k][j*d+j] > 0) {
				return nil, fmt.Errorf("generate: new mixture: component %d has %v on its factor's diagonal, want numbers above 0", k, factors[k][j*d+j])
			}
		}
		if !(w > 0) {
			return nil, fmt.Errorf("generate: new mixture: component %d has the weight %v, want one above 0", k, w)
		}
		total += w
	}
	if math.Abs(total-1) > 1e-3 {
		return nil, fmt.Errorf("generate: new mixture: weights sum to %v, want 1", total)
	}
	m := &Mixture{Weights: weights, Means: means, Factors: factors}
	m.prepare()
	return m, nil
}

// MixtureOptions are the choices of [FitMixture]; a field left zero means its default.
type MixtureOptions struct {
	Components int     // 10, or as many as there are codes
	Iterations int     // of expectation and maximisation at the most; 100
	Tolerance  float64 // change of the mean log-likelihood at which they end; 1e-3
	Floor      float64 // added to the variances, as a share of the codes' mean variance, so that no component shrinks to a point; 1e-6
	Seed       uint64  // of the starting means
}

// FitMixture fits a mixture to codes, of shape N×(code), by expectation maximisation
// (Dempster, Laird and Rubin 1977) in float64, with full covariances, from means that
// k-means++ chooses. As scikit-learn's GaussianMixture but for the start.
func FitMixture(ctx context.Context, codes tensor.Tensor, o MixtureOptions) (*Mixture, error) {
	if err := checkCodes("fit a mixture", codes); err != nil {
		return nil, err
	}
	if o.Components == 0 {
		o.Components = min(10, codes.Len())
	}
	if o.Iterations == 0 {
		o.Iterations = 100
	}
	if o.Tolerance == 0 {
		o.Tolerance = 1e-3
	}
	if o.Floor == 0 {
		o.Floor = 1e-6
	}
	switch {
	case o.Components < 1 || o.Components > codes.Len():
		return nil, fmt.Errorf("generate: fit a mixture: %d components of %d codes, want 1 to %d", o.Components, codes.Len(), codes.Len())
	case o.Iterations < 1 || !(o.Tolerance > 0):
		return nil, fmt.Errorf("generate: fit a mixture: %d iterations to a tolerance of %v, want at least 1 and above 0", o.Iterations, o.Tolerance)
	case !(o.Floor > 0):
		return nil, fmt.Errorf("generate: fit a mixture: a floor of %v of the variances, want a share above 0", o.Floor)
	}
	e := newExpectation(codes, o)
	last := math.Inf(-1)
	for range o.Iterations {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("generate: fit a mixture: %w", err)
		}
		if err := e.maximize(); err != nil {
			return nil, err
		}
		likelihood := e.expect()
		if math.Abs(likelihood-last) < o.Tolerance {
			break
		}
		last = likelihood
	}
	return e.mixture, nil
}

// expectation is the state of a fit.
type expectation struct {
	x       *mat.Dense // the codes, N×D
	shares  [][]float64
	floor   float64 // what is added to the variances
	mixture *Mixture
}

// newExpectation shares the codes out to the nearest of the starting means.
func newExpectation(codes tensor.Tensor, o MixtureOptions) *expectation {
	n, d := codes.Len(), codes.Sample().Size()
	x := mat.NewDense(n, d, nil)
	for i := range n {
		for j, v := range codes.Row(i) {
			x.Set(i, j, float64(v))
		}
	}
	e := &expectation{x: x, mixture: &Mixture{}, floor: o.Floor * meanVariance(x)}
	nearest := plusPlus(x, o.Components, generator(o.Seed))
	e.shares = make([][]float64, o.Components)
	for k := range e.shares {
		e.shares[k] = make([]float64, n)
	}
	for i, k := range nearest {
		e.shares[k][i] = 1
	}
	return e
}

// meanVariance returns the mean over the columns of their variances.
func meanVariance(x *mat.Dense) float64 {
	n, d := x.Dims()
	total := 0.0
	for j := range d {
		var sum, squares float64
		for i := range n {
			sum += x.At(i, j)
		}
		for i := range n {
			squares += (x.At(i, j) - sum/float64(n)) * (x.At(i, j) - sum/float64(n))
		}
		total += squares / float64(n)
	}
	return max(total/float64(d), 1e-6) // of codes that are all alike
}

// plusPlus chooses k rows, each with a chance in proportion to its squared distance
// from those before (Arthur and Vassilvitskii 2007), and returns which of them is
// nearest to each row.
func plusPlus(x *mat.Dense, k int, rng *rand.Rand) []int {
	n, _ := x.Dims()
	nearest, distance := make([]int, n), make([]float64, n)
	for i := range distance {
		distance[i] = math.Inf(1)
	}
	chosen := rng.IntN(n)
	for c := range k {
		total := 0.0
		for i := range n {
			if d := squared(x.RawRowView(i), x.RawRowView(chosen)); d < distance[i] {
				distance[i], nearest[i] = d, c
			}
			total += distance[i]
		}
		at := rng.Float64() * total
		for chosen = 0; chosen < n-1 && at >= distance[chosen]; chosen++ {
			at -= distance[chosen]
		}
	}
	return nearest
}

func squared(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return sum
}

// maximize sets weights, means and covariances to those of the codes' shares.
func (e *expectation) maximize() error {
	n, d := e.x.Dims()
	m := &Mixture{}
	weighted := mat.NewDense(n, d, nil)
	for _, share := range e.shares {
		total, mean := 1e-12, make([]float64, d)
		for i, s := range share {
			total += s
			for j, v := range e.x.RawRowView(i) {
				mean[j] += s * v
			}
		}
		for j := range mean {
			mean[j] /= total
		}
		for i, s := range share {
			row, scale := weighted.RawRowView(i), math.Sqrt(s/total)
			for j, v := range e.x.RawRowView(i) {
				row[j] = scale * (v - mean[j])
			}
		}
		var covariance mat.SymDense
		covariance.SymOuterK(1, weighted.T())
		for j := range d {
			covariance.SetSym(j, j, covariance.At(j, j)+e.floor)
		}
		var cholesky mat.Cholesky
		if !cholesky.Factorize(&covariance) {
			return errors.New("generate: fit a mixture: a component has no covariance matrix that can be inverted; fewer components may help")
		}
		var lower mat.TriDense
		cholesky.LTo(&lower)
		factor := make([]float64, d*d)
		for r := range d {
			for c := range r + 1 {
				factor[r*d+c] = lower.At(r, c)
			}
		}
		m.Weights = append(m.Weights, total/float64(n))
		m.Means, m.Factors = append(m.Means, mean), append(m.Factors, factor)
	}
	m.prepare()
	e.mixture = m
	return nil
}

// expect shares every code out to the components by their densities there, and returns
// the mean log-likelihood of the codes.
func (e *expectation) expect() float64 {
	n, d := e.x.Dims()
	logs, scratch, total := make([]float64, len(e.shares)), make([]float64, d), 0.0
	for i := range n {
		sum := e.mixture.logTerms(logs, e.x.RawRowView(i), scratch)
		for k, l := range logs {
			e.shares[k][i] = math.Exp(l - sum)
		}
		total += sum
	}
	return total / float64(n)
}

// prepare computes what of a density does not depend on where it is taken.
func (m *Mixture) prepare() {
	m.logNorms = make([]float64, len(m.Weights))
	for k, w := range m.Weights {
		d := len(m.Means[k])
		m.logNorms[k] = math.Log(w) - float64(d)/2*math.Log(2*math.Pi)
		for j := range d {
			m.logNorms[k] -= math.Log(m.Factors[k][j*d+j])
		}
	}
}

// logTerms writes the log densities of the components at x, weights included, and
// returns that of their sum.
func (m *Mixture) logTerms(logs, x, scratch []float64) float64 {
	largest := math.Inf(-1)
	for k, factor := range m.Factors {
		// |z|² for the z with factor·z = x - mean, by forward substitution.
		d, squares := len(x), 0.0
		for r := range d {
			v := x[r] - m.Means[k][r]
			for c, f := range factor[r*d : r*d+r] {
				v -= f * scratch[c]
			}
			scratch[r] = v / factor[r*d+r]
			squares += scratch[r] * scratch[r]
		}
		logs[k] = m.logNorms[k] - squares/2
		largest = max(largest, logs[k])
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - largest)
	}
	return largest + math.Log(sum)
}

// LogDensity returns the natural logarithm of the mixture's density at every code.
func (m *Mixture) LogDensity(codes tensor.Tensor) ([]float64, error) {
	if err := checkCodes("log density", codes); err != nil {
		return nil, err
	}
	d := len(m.Means[0])
	if codes.Sample().Size() != d {
		return nil, fmt.Errorf("generate: log density of codes of %d numbers, want %d", codes.Sample().Size(), d)
	}
	densities, x := make([]float64, codes.Len()), make([]float64, d)
	logs, scratch := make([]float64, len(m.Weights)), make([]float64, d)
	for i := range densities {
		for j, v := range codes.Row(i) {
			x[j] = float64(v)
		}
		densities[i] = m.logTerms(logs, x, scratch)
	}
	return densities, nil
}

// Sample draws codes: a component by the weights, then mean + factor·z.
func (m *Mixture) Sample(n int, seed uint64) tensor.Tensor {
	d, rng := len(m.Means[0]), generator(seed)
	codes, z := tensor.New(n, d), make([]float64, d)
	for i := range n {
		k, u := 0, rng.Float64()
		for ; k < len(m.Weights)-1 && u >= m.Weights[k]; k++ {
			u -= m.Weights[k]
		}
		for j := range z {
			z[j] = rng.NormFloat64()
		}
		code := codes.Row(i)
		for r := range d {
			v := m.Means[k][r]
			for c, f := range m.Factors[k][r*d : r*d+r+1] {
				v += f * z[c]
			}
			code[r] = float32(v)
		}
	}
	return codes
}
