package anomaly

import (
	"context"
	"fmt"
	"slices"

	"hourglass/generate"
	"hourglass/nn"
	"hourglass/tensor"
)

const (
	mixtureComponents = 10   // at most
	mixtureSamples    = 2000 // it is fitted to at most
	mixtureIterations = 30
	mixtureFloor      = 1e-2 // of the variances
)

// newMixture fits a mixture to samples, with as many components as they are enough for,
// in float32, as it is kept.
func newMixture(ctx context.Context, x tensor.Tensor, seed uint64) (*generate.Mixture, error) {
	n, values := min(x.Len(), mixtureSamples), x.Sample().Size()
	m, err := generate.FitMixture(ctx, x.Slice(0, n), generate.MixtureOptions{Components: max(1, min(mixtureComponents, n/(2*values+5))),
		Iterations: mixtureIterations, Floor: mixtureFloor, Seed: seed})
	if err != nil {
		return nil, fmt.Errorf("anomaly: %w", err)
	}
	return mixtureOf(mixtureArray("", m), values)
}

// surprisal returns minus the logarithm of a mixture's density.
func surprisal(m *generate.Mixture, x tensor.Tensor) ([]float64, error) {
	logs, err := m.LogDensity(x)
	for i := range logs {
		logs[i] = -logs[i]
	}
	return logs, err
}

// mixtureArray returns a mixture as an array: a row for each component, which is its
// weight, its mean and the lower triangle of its factor.
func mixtureArray(name string, m *generate.Mixture) nn.Array {
	values := len(m.Means[0])
	a := nn.Array{Name: name, Shape: tensor.Shape{len(m.Weights), mixtureSize(values)}}
	for k, weight := range m.Weights {
		a.Values = append(a.Values, float32(weight))
		for _, v := range m.Means[k] {
			a.Values = append(a.Values, float32(v))
		}
		for r := range values {
			for _, v := range m.Factors[k][r*values : r*values+r+1] {
				a.Values = append(a.Values, float32(v))
			}
		}
	}
	return a
}

// mixtureSize is how many numbers a component of so many values takes.
func mixtureSize(values int) int { return 1 + values + values*(values+1)/2 }

// mixtureOf returns the mixture of so many values that an array holds.
func mixtureOf(a nn.Array, values int) (*generate.Mixture, error) {
	var weights []float64
	var means, factors [][]float64
	for row := range slices.Chunk(a.Values, mixtureSize(values)) {
		weights = append(weights, float64(row[0]))
		means = append(means, widen(row[1:1+values]))
		factor, triangle := make([]float64, values*values), row[1+values:]
		for r := range values {
			copy(factor[r*values:], widen(triangle[:r+1]))
			triangle = triangle[r+1:]
		}
		factors = append(factors, factor)
	}
	return generate.NewMixture(weights, means, factors)
}
