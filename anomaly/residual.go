package anomaly

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"hourglass/tensor"
)

// whitenedMost is how many values a sample has at most whose residuals are whitened by
// all their covariances; those of larger samples are by the variances alone.
const whitenedMost = 512

// residualFloor is added to the variances of residuals, as a share of their mean.
const residualFloor = 1e-2

// leastVariance is the least that is divided by.
const leastVariance = 1e-12

// meanSquares returns the mean squared residual of each sample.
func meanSquares(residuals tensor.Tensor) []float64 {
	means := make([]float64, residuals.Len())
	for i := range means {
		row := residuals.Row(i)
		for _, r := range row {
			means[i] += float64(r) * float64(r) / float64(len(row))
		}
	}
	return means
}

// whitening makes residuals of normal samples uncorrelated and of variance 1: rows of the
// matrix are what to multiply a residual by.
type whitening struct {
	mean     []float32
	variance []float32     // of each value, above 0
	matrix   tensor.Tensor // values×values, or 1×values if it is diagonal
}

// newWhitening learns from residuals of normal samples that no network was trained on.
// The covariance is shrunk towards a multiple of the identity (Ledoit and Wolf 2004, "A
// well-conditioned estimator for large-dimensional covariance matrices"), so that a few
// samples are enough.
func newWhitening(residuals tensor.Tensor) *whitening {
	n, values := residuals.Len(), residuals.Sample().Size()
	w := &whitening{mean: make([]float32, values)}
	centred := mat.NewDense(n, values, nil)
	for j := range values {
		sum := 0.0
		for i := range n {
			sum += float64(residuals.Row(i)[j])
		}
		w.mean[j] = float32(sum / float64(n))
		for i := range n {
			centred.Set(i, j, float64(residuals.Row(i)[j]-w.mean[j]))
		}
	}
	w.setVariance(centred)
	if values > whitenedMost || !w.decompose(centred) {
		w.matrix = tensor.New(1, values)
		for j, v := range w.variance {
			w.matrix.Data[j] = float32(1 / math.Sqrt(float64(v)))
		}
	}
	return w
}

// setVariance sets the variance of each value, with a floor.
func (w *whitening) setVariance(centred *mat.Dense) {
	n, values := centred.Dims()
	variances, mean := make([]float64, values), 0.0
	for j := range values {
		for i := range n {
			variances[j] += centred.At(i, j) * centred.At(i, j) / float64(n)
		}
		mean += variances[j] / float64(values)
	}
	w.variance = make([]float32, values)
	for j, v := range variances {
		w.variance[j] = float32(max(v+residualFloor*mean, leastVariance))
	}
}

// decompose makes the matrix of the eigenvectors of the shrunk covariance; false if there
// are none.
func (w *whitening) decompose(centred *mat.Dense) bool {
	_, values := centred.Dims()
	covariance, mean := shrunk(centred)
	if !(mean > 0) {
		return false
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance, true) {
		return false
	}
	variances := eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	w.matrix = tensor.New(values, values)
	for k, v := range variances {
		scale := 1 / math.Sqrt(max(v, 0)+max(1e-6*mean, leastVariance))
		for j := range values {
			w.matrix.Data[k*values+j] = float32(vectors.At(j, k) * scale)
		}
	}
	return true
}

// shrunk returns Ledoit and Wolf's estimate of the covariance of centred rows and the
// mean variance.
func shrunk(centred *mat.Dense) (*mat.SymDense, float64) {
	n, values := centred.Dims()
	covariance := mat.NewSymDense(values, nil)
	covariance.SymOuterK(1/float64(n), centred.T())
	mean := mat.Trace(covariance) / float64(values)
	// δ² is the distance of the covariance from mean·I, β² what of it is chance.
	delta, beta := 0.0, 0.0
	for r := range values {
		for c := range values {
			v := covariance.At(r, c)
			beta -= v * v
			if r == c {
				v -= mean
			}
			delta += v * v
		}
	}
	for i := range n {
		row, squares := centred.RawRowView(i), 0.0
		for _, v := range row {
			squares += v * v
		}
		beta += squares * squares / float64(n)
	}
	share := 1.0
	if delta > 0 {
		share = max(0, min(beta/float64(n)/delta, 1))
	}
	for r := range values {
		for c := r; c < values; c++ {
			v := covariance.At(r, c) * (1 - share)
			if r == c {
				v += share * mean
			}
			covariance.SetSym(r, c, v)
		}
	}
	return covariance, mean
}

// score returns the mean square of the whitened residuals of each sample.
func (w *whitening) score(residuals tensor.Tensor) []float64 {
	values := len(w.mean)
	scores, centred := make([]float64, residuals.Len()), make([]float64, values)
	for i := range scores {
		for j, r := range residuals.Row(i) {
			centred[j] = float64(r - w.mean[j])
		}
		for k := range w.matrix.Len() {
			row := w.matrix.Row(k)
			if w.matrix.Len() < values { // diagonal
				for j, v := range row {
					scores[i] += float64(v) * centred[j] * float64(v) * centred[j] / float64(values)
				}
				continue
			}
			sum := 0.0
			for j, v := range row {
				sum += float64(v) * centred[j]
			}
			scores[i] += sum * sum / float64(values)
		}
	}
	return scores
}
