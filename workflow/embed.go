package workflow

import (
	"context"
	"fmt"
	"math"

	"hourglass/dataset"
	"hourglass/pca"
	"hourglass/tensor"
	"hourglass/tsne"
)

// mapColumns are the columns of a map in a table.
var mapColumns = []string{"x", "y"}

// MapColumns names the coordinates of a map.
func MapColumns() []string { return append([]string(nil), mapColumns...) }

// Method is a way to draw a map of codes.
type Method string

// The methods of [Embed].
const (
	TSNE Method = "tsne" // t-distributed stochastic neighbour embedding
	PCA  Method = "pca"  // the first two principal components
)

// Embed places codes, or any other vectors, in the plane. The options are those of
// t-SNE. The divergence of a t-SNE map comes with it, and NaN with another.
func Embed(ctx context.Context, codes tensor.Tensor, method Method, o tsne.Options) (points tensor.Tensor, kl float64, err error) {
	switch {
	case codes.Len() < 2:
		return points, 0, fmt.Errorf("workflow: embed: a map of %d samples, want at least 2", codes.Len())
	case method == PCA && codes.Sample().Size() < 2:
		return points, 0, fmt.Errorf("workflow: embed: codes of %d number have no two principal components", codes.Sample().Size())
	case method == PCA:
		model, err := pca.Fit(codes, 2)
		if err != nil {
			return points, 0, err
		}
		points, err = model.Transform(codes)
		return points, math.NaN(), err
	case method == TSNE:
		embedding, err := tsne.Embed(ctx, codes, o)
		if err != nil {
			return points, 0, err
		}
		return embedding.Points(), embedding.KL(), nil
	}
	return points, 0, fmt.Errorf("workflow: embed: method %q, want %q or %q", method, TSNE, PCA)
}

// Vectors returns what is compared of samples: their codes by a model, or if there
// is none they themselves.
func Vectors(ctx context.Context, m *Model, in *Input, progress func(done, total int)) (tensor.Tensor, error) {
	if m == nil {
		return readAll(in.Samples)
	}
	codes, err := m.Encode(ctx, in)
	if err != nil {
		return tensor.Tensor{}, err
	}
	shape := append(tensor.Shape{in.Len()}, m.Encoder().Output()...)
	if err := shape.Validate(); err != nil {
		return tensor.Tensor{}, fmt.Errorf("workflow: the codes do not fit memory: %w", err)
	}
	all, done := tensor.New(shape...), 0
	for code, err := range codes {
		if err != nil {
			return tensor.Tensor{}, err
		}
		copy(all.Row(done), code)
		if done++; progress != nil {
			progress(done, in.Len())
		}
	}
	return all, stopped(ctx, done, in.Len())
}

// Pixels returns the samples as images, and the value that is white in them, see
// [dataset.UnitDivisor].
func Pixels(in *Input) (images tensor.Tensor, white float32, err error) {
	images, err = readAll(in.Samples)
	for _, v := range images.Data {
		white = max(white, v)
	}
	white = dataset.UnitDivisor(in.Largest, white)
	return images, max(white, math.SmallestNonzeroFloat32), err
}
