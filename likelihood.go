package hourglass

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"hourglass/dataset"
	"hourglass/internal/kernel"
	"hourglass/internal/parallel"
	"hourglass/internal/portable"
	"hourglass/loss"
	"hourglass/nn"
)

// Likelihood says how likely samples are under an autoencoder that draws its codes, in nats,
// the means over the samples. A sample's values have probabilities that the decoder gives where it ends in a
// sigmoid, and otherwise normal distributions of variance ½ around what it gives, whose negative
// logarithm is the squared error and a constant.
type Likelihood struct {
	Draws int `json:"draws"` // codes of each sample
	// LogLikelihood is the estimate of ln p(x): ln of the mean of p(x,z)/q(z|x) over the
	// draws, a lower bound in expectation that is the tighter the more there are (Burda et al. 2016).
	LogLikelihood float64 `json:"log_likelihood"`
	// ELBO is the bound of a single draw, which is the mean over them: Reconstruction, the
	// mean of ln p(x|z), minus KL, the mean of ln q(z|x) - ln p(z).
	ELBO           float64 `json:"elbo"`
	Reconstruction float64 `json:"reconstruction"`
	KL             float64 `json:"kl"`
}

// Draws reports whether the codes are drawn from distributions that the encoder gives, which ends
// in nn.Sampling, nn.ImportanceSampling or nn.TCSampling.
func (a *Autoencoder) Draws() bool {
	switch unnamed(a.encoderLayers[len(a.encoderLayers)-1]).(type) {
	case nn.Sampling, nn.ImportanceSampling, nn.TCSampling:
		return true
	}
	return false
}

// LogLikelihood estimates how likely samples are by importance sampling, with so many codes drawn
// for each from the distribution that the encoder gives it. The draws are a function of the seed
// and the number of the sample. It is an error if the codes are not drawn (see Draws). progress,
// unless nil, is called now and then; ctx's error ends it early.
func (a *Autoencoder) LogLikelihood(ctx context.Context, data dataset.Source, draws int, seed uint64, progress func(done, total int)) (Likelihood, error) {
	const verb = "log-likelihood"
	l := Likelihood{Draws: draws}
	switch {
	case !a.Draws():
		return l, fmt.Errorf("hourglass: %s: the encoder ends in a layer that draws no codes; want nn.Sampling or the like", verb)
	case draws < 1:
		return l, fmt.Errorf("hourglass: %s: %d draws of a sample, want at least 1", verb, draws)
	}
	if err := a.decoder.Complete(); err != nil {
		return l, fmt.Errorf("hourglass: %s: %w", verb, err)
	}
	if err := checkSource(verb, data, a.encoder.Input()); err != nil {
		return l, err
	}
	data, err := a.scaled(data)
	if err != nil {
		return l, err
	}
	threads := a.threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	labels := dataset.FaceOf(data, dataset.Labels)
	if a.Classes() > 0 && labels == nil {
		return l, fmt.Errorf("hourglass: %s: %w", verb, a.lackOfLabels())
	}
	posterior := a.whole.Slice(0, len(a.encoderLayers)-1)
	workers, results := make([]*likelihoodWorker, threads), make([][3]float64, data.Len())
	var done atomic.Int64
	err = parallel.Each(ctx, threads, data.Len(), func(worker, i int) (err error) {
		defer parallel.Catch(&err)
		if workers[worker] == nil {
			workers[worker] = a.newLikelihoodWorker(posterior, labels, draws)
		}
		results[i], err = workers[worker].estimate(ctx, data, i, seed)
		if n := done.Add(1); worker == 0 && progress != nil {
			progress(int(n), data.Len())
		}
		return err
	})
	if err != nil {
		return l, fmt.Errorf("hourglass: %s: %w", verb, err)
	}
	for _, r := range results {
		l.LogLikelihood += r[0] / float64(len(results))
		l.Reconstruction += r[1] / float64(len(results))
		l.KL += r[2] / float64(len(results))
	}
	l.ELBO = l.Reconstruction - l.KL
	return l, nil
}

// likelihoodChunk is how many codes are decoded together.
const likelihoodChunk = 256

// likelihoodWorker is what a goroutine needs to estimate likelihoods.
type likelihoodWorker struct {
	encoding, decoding *nn.Pass
	labels             dataset.Source // nil where no layer asks for some
	classes            int
	logits             bool
	x, codes, noise    []float32
	weights            []float64 // ln of p(x,z)/q(z|x) of each draw
	size, width, row   int       // values of a sample, numbers of a code and of a row of it
}

func (a *Autoencoder) newLikelihoodWorker(posterior *nn.Network, labels dataset.Source, draws int) *likelihoodWorker {
	w := &likelihoodWorker{
		encoding: posterior.NewPass(1), labels: labels, classes: a.Classes(), logits: a.decoder.EndsInSigmoid(),
		size: a.whole.Input().Size(), width: a.encoder.Output().Size(), row: posterior.Output()[len(posterior.Output())-1] / 2, weights: make([]float64, draws),
	}
	chunk := min(likelihoodChunk, draws)
	w.decoding = a.decoder.NewTrainingPass(chunk, nn.PassOptions{Logits: w.logits})
	w.x, w.codes, w.noise = make([]float32, w.size), make([]float32, chunk*w.width), make([]float32, draws*w.width)
	return w
}

// estimate returns ln p(x), and the means of ln p(x|z) and ln q(z|x) - ln p(z), of a sample.
func (w *likelihoodWorker) estimate(ctx context.Context, data dataset.Source, i int, seed uint64) (r [3]float64, err error) {
	if err := data.Read(w.x, []int{i}); err != nil {
		return r, err
	}
	if err := checkFinite(w.x, i, 1); err != nil {
		return r, err
	}
	if err := w.readLabel(i); err != nil {
		return r, err
	}
	distribution := w.encoding.Forward(w.x, 1)
	nn.Random{Seed: seed, Step: uint64(i)}.Normal(w.noise, 0)
	most := math.Inf(-1)
	for at := 0; at < len(w.weights); at += likelihoodChunk {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		n := min(likelihoodChunk, len(w.weights)-at)
		for k := range n {
			w.weights[at+k] = -w.draw(distribution, at+k, w.codes[k*w.width:(k+1)*w.width])
			r[2] -= w.weights[at+k] / float64(len(w.weights))
		}
		outputs := w.decoding.Forward(w.codes, n)
		for k := range n {
			p := -w.negative(outputs[k*w.size : (k+1)*w.size])
			r[1] += p / float64(len(w.weights))
			w.weights[at+k] += p
			most = max(most, w.weights[at+k])
		}
	}
	var sum float64
	for _, v := range w.weights {
		sum += portable.Exp(v - most)
	}
	r[0] = most + portable.Log(sum/float64(len(w.weights)))
	return r, nil
}

// readLabel tells the networks the class of a sample, if a layer asks for it.
func (w *likelihoodWorker) readLabel(sample int) error {
	if w.classes == 0 {
		return nil
	}
	var label [1]float32
	if err := w.labels.Read(label[:], []int{sample}); err != nil {
		return err
	}
	if err := nn.CheckLabel(label[0], w.classes); err != nil {
		return fmt.Errorf("sample %d has the %w", sample, err)
	}
	for _, rows := range [][]float32{w.encoding.LabelRows(0, 1), w.decoding.LabelRows(0, min(likelihoodChunk, len(w.weights)))} {
		for i := range rows {
			rows[i] = label[0]
		}
	}
	return nil
}

// draw writes the k-th code of a distribution and returns ln q(z|x) - ln p(z). The means and
// log-variances are the halves of each row of the last axis, of which there may be several.
func (w *likelihoodWorker) draw(distribution []float32, k int, code []float32) (divergence float64) {
	for c := range code {
		at := c/w.row*2*w.row + c%w.row
		mean, logVariance, e := distribution[at], float64(distribution[at+w.row]), float64(w.noise[k*w.width+c])
		z := float64(mean) + float64(portable.Exp(logVariance/2)*e)
		code[c] = float32(z)
		divergence += float64((float64(z*z) - float64(e*e) - logVariance) / 2)
	}
	return divergence
}

// negative returns -ln p(x|z) of an output.
func (w *likelihoodWorker) negative(output []float32) float64 {
	if w.logits {
		return kernel.BCELogitsLoss(output, w.x)
	}
	return loss.MeanSquaredError{}.Eval(nil, output, w.x, 0) + float64(float64(w.size)*portable.Log(math.Pi)/2)
}
