// Package pca is principal component analysis, exact: the linear baseline of every
// autoencoder, since no linear code of k numbers reconstructs data with a smaller
// squared error than their first k principal components.
//
//	model, err := pca.Fit(images, 30)
//	codes, err := model.Transform(images)             // N×30
//	back, err := model.InverseTransform(codes)        // N×784
//	mse, err := model.ReconstructionError(images, 30) // mean squared error
//
// # Method
//
// Of small data, and of data with fewer samples than features, the singular value
// decomposition of the centred array is taken; it loses no digits. Of other data
// the covariance matrix is accumulated, by products of blocks of rows in float32
// added up in float64, and decomposed. That squares the condition number:
// components whose variance is below about 10⁻⁷ of the first's are noise there,
// which of float32 data they are anyway. Both decompositions are gonum's. The cost
// is N·D² + D³: seconds for 60,000 images of 784 pixels.
//
// Results do not depend on the number of processors.
package pca

import (
	"fmt"
	"math"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Model is what a fit found of data with D features.
type Model struct {
	// Mean is that of each feature.
	Mean []float32
	// Components has shape K×D: orthonormal rows by descending variance. Each has
	// the sign that makes its largest element positive, as in scikit-learn since
	// version 1.5.
	Components tensor.Tensor
	// Variance is that along each component, of a sample: divided by N-1, as
	// scikit-learn's explained_variance_.
	Variance []float64
	// TotalVariance is the sum of the variances of all features.
	TotalVariance float64
}

// Fit finds the first k principal components of data of shape N×(sample), N at
// least 2; a sample of several axes is taken as one vector. k is 1 to the lesser of
// N and the features of a sample.
func Fit(data tensor.Tensor, k int) (*Model, error) {
	if err := check("fit", data); err != nil {
		return nil, err
	}
	n, dim := data.Len(), data.Sample().Size()
	if n < 2 {
		return nil, fmt.Errorf("pca: fit: got %d sample, want at least 2", n)
	}
	if k < 1 || k > min(n, dim) {
		return nil, fmt.Errorf("pca: fit data of shape %v: %d components, want 1 to %d", data.Shape, k, min(n, dim))
	}
	d := decomposeCovariance
	if n <= dim || n*dim*dim <= mostForSVD {
		d = decomposeArray
	}
	mean := meanOf(data)
	directions, variance, err := d(data, mean)
	if err != nil {
		return nil, err
	}
	m := &Model{Mean: make([]float32, dim), Components: tensor.New(k, dim), Variance: variance[:k]}
	for j, v := range mean {
		m.Mean[j] = float32(v)
	}
	for _, v := range variance {
		m.TotalVariance += v
	}
	for i := range k {
		row := m.Components.Row(i)
		for j := range row {
			row[j] = float32(directions.At(j, i))
		}
		fixSign(row)
	}
	return m, nil
}

// fixSign makes the element of largest magnitude, the first of several, positive.
func fixSign(component []float32) {
	var largest float32
	for _, v := range component {
		if math.Abs(float64(v)) > math.Abs(float64(largest)) {
			largest = v
		}
	}
	if largest < 0 {
		kernel.Scale(component, component, -1)
	}
}

// K returns the number of components.
func (m *Model) K() int { return m.Components.Len() }

// Features returns D.
func (m *Model) Features() int { return len(m.Mean) }

// Transform returns the codes (x-mean)·Componentsᵀ of samples, N×K.
func (m *Model) Transform(data tensor.Tensor) (tensor.Tensor, error) {
	if err := m.checkFeatures("transform", data); err != nil {
		return tensor.Tensor{}, err
	}
	shape := tensor.Shape{data.Len(), m.K()}
	if err := shape.Validate(); err != nil {
		return tensor.Tensor{}, fmt.Errorf("pca: transform: %w", err)
	}
	codes := tensor.New(shape...)
	err := eachBlock(data.Len(), func(_, lo, hi int) {
		m.transform(codes.Data[lo*m.K():hi*m.K()], m.centred(data.Slice(lo, hi)), m.K())
	})
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("pca: transform: %w", err)
	}
	return codes, nil
}

// InverseTransform returns the samples codes·Components + mean, N×D, that codes of
// shape N×K stand for.
func (m *Model) InverseTransform(codes tensor.Tensor) (tensor.Tensor, error) {
	const doing = "inverse transform"
	if err := check(doing, codes); err != nil {
		return tensor.Tensor{}, err
	}
	if k := codes.Sample().Size(); k != m.K() {
		return tensor.Tensor{}, fmt.Errorf("pca: %s of codes of shape %v: %d numbers a code, want %d", doing, codes.Shape, k, m.K())
	}
	shape := tensor.Shape{codes.Len(), m.Features()}
	if err := shape.Validate(); err != nil {
		return tensor.Tensor{}, fmt.Errorf("pca: %s: %w", doing, err)
	}
	data := tensor.New(shape...)
	err := eachBlock(codes.Len(), func(_, lo, hi int) {
		m.reconstruct(data.Slice(lo, hi).Data, codes.Slice(lo, hi).Data, m.K(), m.Mean)
	})
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("pca: %s: %w", doing, err)
	}
	return data, nil
}

// ReconstructionError returns the mean squared error, over all samples and
// features, of data reconstructed from their first k components, 0 to K. No linear
// autoencoder with a code of k numbers does better on the data of the fit.
func (m *Model) ReconstructionError(data tensor.Tensor, k int) (float64, error) {
	const doing = "reconstruction error"
	if err := m.checkFeatures(doing, data); err != nil {
		return 0, err
	}
	if k < 0 || k > m.K() {
		return 0, fmt.Errorf("pca: %s: %d components, want 0 to %d", doing, k, m.K())
	}
	sums := make([]float64, blocks(data.Len()))
	zero := make([]float32, m.Features())
	err := eachBlock(data.Len(), func(b, lo, hi int) {
		centred, codes := m.centred(data.Slice(lo, hi)), make([]float32, (hi-lo)*k)
		back := make([]float32, len(centred))
		m.transform(codes, centred, k)
		m.reconstruct(back, codes, k, zero)
		for i, v := range centred {
			d := float64(v) - float64(back[i])
			sums[b] += float64(d * d)
		}
	})
	if err != nil {
		return 0, fmt.Errorf("pca: %s: %w", doing, err)
	}
	var total float64
	for _, s := range sums {
		total += s
	}
	return total / float64(len(data.Data)), nil
}

// centred returns data less the mean.
func (m *Model) centred(data tensor.Tensor) []float32 {
	centred := make([]float32, len(data.Data))
	dim := m.Features()
	for i, v := range data.Data {
		centred[i] = v - m.Mean[i%dim]
	}
	return centred
}

// transform writes the first k numbers of the codes of centred samples.
func (m *Model) transform(codes, centred []float32, k int) {
	if k > 0 {
		dim := m.Features()
		kernel.GemmNT(len(centred)/dim, k, dim, centred, dim, 1, m.Components.Data, dim, codes, k, kernel.Overwrite, nil)
	}
}

// reconstruct writes the samples that codes of k numbers about the mean stand for.
func (m *Model) reconstruct(data, codes []float32, k int, mean []float32) {
	dim := m.Features()
	kernel.Gemm(len(data)/dim, dim, k, codes, k, 1, m.Components.Data, dim, data, dim, kernel.Bias, mean)
}

func (m *Model) checkFeatures(doing string, data tensor.Tensor) error {
	if err := check(doing, data); err != nil {
		return err
	}
	if d := data.Sample().Size(); d != m.Features() {
		return fmt.Errorf("pca: %s of data of shape %v: %d features, want the model's %d", doing, data.Shape, d, m.Features())
	}
	return nil
}

// check reports data without a variance.
func check(doing string, data tensor.Tensor) error {
	if err := data.Shape.Validate(); err != nil {
		return fmt.Errorf("pca: %s: %w", doing, err)
	}
	if len(data.Shape) == 0 || len(data.Data) != data.Shape.Size() {
		return fmt.Errorf("pca: %s: %d numbers of shape %v, want a shape of at least one axis that they fill",
			doing, len(data.Data), data.Shape)
	}
	// Squares of differences, summed over a sample, must stay within float32.
	limit := math.Sqrt(math.MaxFloat32/16) / math.Sqrt(float64(data.Sample().Size()))
	for i, v := range data.Data {
		if !(math.Abs(float64(v)) <= limit) {
			return fmt.Errorf("pca: %s: sample %d holds %v, want finite numbers of magnitude up to %.1e",
				doing, i/data.Sample().Size(), v, limit)
		}
	}
	return nil
}
