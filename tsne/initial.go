package tsne

import (
	"fmt"
	"math"
	"math/rand/v2"

	"hourglass/pca"
	"hourglass/tensor"
)

// initialStd is the standard deviation a map starts with: so small that at first
// all points attract each other alike.
const initialStd = 1e-4

// PCAInit places samples, of shape N×(code), by their first two principal
// components, scaled so that the first has standard deviation 10⁻⁴, as
// scikit-learn does. A map keeps the large-scale order it starts with, so this is
// the better choice and the default. A component in which the data do not vary
// would keep the points on a line for ever; it is drawn at random from the seed.
// The result has shape N×2.
func PCAInit(codes tensor.Tensor, seed uint64) (tensor.Tensor, error) {
	y, err := RandomInit(codes.Len(), seed)
	if err != nil {
		return tensor.Tensor{}, err
	}
	model, err := pca.Fit(codes, min(2, codes.Sample().Size(), codes.Len()))
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("tsne: initial map: %w", err)
	}
	components, err := model.Transform(codes)
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("tsne: initial map: %w", err)
	}
	first := deviation(components, 0)
	for a := range components.Shape[1] {
		if !(deviation(components, a) > 1e-6*first) {
			continue
		}
		for i := range y.Len() {
			y.Row(i)[a] = float32(float64(components.Row(i)[a]) / first * initialStd)
		}
	}
	return y, nil
}

// RandomInit places n points at random, normally distributed with standard
// deviation 10⁻⁴, in the order of the points. The result has shape n×2.
func RandomInit(n int, seed uint64) (tensor.Tensor, error) {
	shape := tensor.Shape{n, 2}
	if err := shape.Validate(); err != nil {
		return tensor.Tensor{}, fmt.Errorf("tsne: initial map: %w", err)
	}
	random, y := rand.New(rand.NewPCG(seed, 0x74736e65)), tensor.New(shape...)
	for i := range y.Data {
		y.Data[i] = float32(initialStd * random.NormFloat64())
	}
	return y, nil
}

// deviation returns the standard deviation of a column of the N×D codes.
func deviation(codes tensor.Tensor, column int) float64 {
	var mean, square float64
	n := float64(codes.Len())
	for i := range codes.Len() {
		mean += float64(codes.Row(i)[column]) / n
	}
	for i := range codes.Len() {
		d := float64(codes.Row(i)[column]) - mean
		square += d * d / n
	}
	return math.Sqrt(square)
}
