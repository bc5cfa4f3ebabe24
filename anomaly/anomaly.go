// Package anomaly says how unusual samples are, why, and from where on that is worth a
// look, once it has seen normal ones.
//
//	detector, err := anomaly.Learn(ctx, training, heldOut, anomaly.Options{})
//	scores, err := detector.Score(ctx, anomaly.Combined, later)
//	p, err := detector.PValues(anomaly.Combined, scores)
//	limit, err := detector.Threshold(anomaly.Combined, 0.01)
//
// It knows samples, their codes and their reconstructions as arrays ([Views]) and
// nothing of the autoencoder that they come from. There are several methods, each of
// which finds what others miss; [Combined] is what to take without a reason for another.
// Which methods carry how much is measured by bench/anomaly.
//
// The same seed gives the same detector on any number of threads. Its bits may differ
// between kinds of processors, as those of all that is drawn from codes.
package anomaly

import (
	"fmt"
	"slices"

	"hourglass/tensor"
)

// Method is a way to tell how unusual a sample is.
type Method string

// The methods. The higher a score the less a sample is like the normal ones.
const (
	// Combined is the mean of what [Masked], [Mixture], [Neighbors] and [Local] say, or of large
	// samples [Whitened] instead of the first and without the last, each as its surprise: minus
	// the logarithm of the share of normal samples that score as high.
	Combined Method = "combined"
	// Reconstruction is the mean squared difference to the autoencoder's reconstruction.
	Reconstruction Method = "reconstruction"
	// Whitened is the squared Mahalanobis length of that difference, by the covariance
	// that it has on held-out normal samples, per value: what is always badly
	// reconstructed counts less.
	Whitened Method = "whitened"
	// Masked is by how much each value differs from what small networks, an ensemble,
	// tell of it from the others; squared, in units of what is usual for that value.
	Masked Method = "masked"
	// Mixture is minus the logarithm of the density of a mixture of Gaussian
	// distributions, of the samples if they are small and of their codes otherwise.
	Mixture Method = "mixture"
	// Neighbors is the mean distance to the nearest training samples, or to their
	// codes where the samples are large.
	Neighbors Method = "neighbors"
	// Local is the score of [Neighbors] divided by the mean of what these neighbours score
	// among each other: far away for where it is. It is a local outlier factor, the simplified
	// one of Schubert et al. 2014, "Local outlier detection reconsidered".
	Local Method = "local"
)

// Methods lists the methods, the default first.
func Methods() []Method {
	return []Method{Combined, Reconstruction, Whitened, Masked, Mixture, Neighbors, Local}
}

// ByName returns a method.
func ByName(name string) (Method, error) {
	if m := Method(name); slices.Contains(Methods(), m) {
		return m, nil
	}
	return "", fmt.Errorf("anomaly: unknown method %.40q, want one of %v", name, Methods())
}

// Views are samples as the methods see them: arrays with a row for each. All values are
// in the units that the networks work in.
type Views struct {
	Samples   tensor.Tensor // N×(sample)
	Codes     tensor.Tensor // N×(code)
	Residuals tensor.Tensor // N×(sample): the reconstruction less the sample
}

// Len returns the number of samples.
func (v Views) Len() int { return v.Samples.Len() }

// check reports views that do not belong together.
func (v Views) check(doing string) error {
	for _, t := range []tensor.Tensor{v.Samples, v.Codes, v.Residuals} {
		if err := t.Shape.Validate(); err != nil {
			return fmt.Errorf("anomaly: %s: %w", doing, err)
		}
		if len(t.Shape) < 2 || len(t.Data) != t.Shape.Size() || t.Len() != v.Samples.Len() {
			return fmt.Errorf("anomaly: %s: samples, codes and residuals of shapes %v, %v and %v, want as many rows of each",
				doing, v.Samples.Shape, v.Codes.Shape, v.Residuals.Shape)
		}
	}
	if v.Samples.Sample().Size() != v.Residuals.Sample().Size() {
		return fmt.Errorf("anomaly: %s: samples of shape %v, but residuals of %v", doing, v.Samples.Shape, v.Residuals.Shape)
	}
	return nil
}

// first returns the first n samples.
func (v Views) first(n int) Views {
	return Views{v.Samples.Slice(0, n), v.Codes.Slice(0, n), v.Residuals.Slice(0, n)}
}

// pick returns rows of an array as N×values.
func pick(t tensor.Tensor, rows []int) tensor.Tensor {
	picked := tensor.New(len(rows), t.Sample().Size())
	for i, row := range rows {
		copy(picked.Row(i), t.Row(row))
	}
	return picked
}
