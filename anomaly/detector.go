package anomaly

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"hourglass/dataset"
	"hourglass/generate"
	"hourglass/tensor"
)

const (
	fewest       = 10   // training samples that something can be learned from
	members      = 3    // networks and mixtures of an ensemble
	learnedMost  = 5000 // training samples whose scores are learned from
	heldOutMost  = 10000
	directValues = 256 // samples larger than that are told apart by their codes, and no value from the others
	spreadFloor  = 1e-2
)

// Options are the choices of [Learn].
type Options struct {
	Seed    uint64 // of ensembles and of what is drawn
	Threads int    // 0 for all cores; the result is the same for any number
	// Dependence is how many held-out samples that follow each other say as much of how
	// normal ones score as one that is independent of all others; 0 for 1. See
	// [WindowDependence].
	Dependence float64
	// Seen says that training samples are among those held out. They score lower than new
	// ones, so that more normal samples exceed a threshold than it says.
	Seen bool
	// Features is how many values a step has of samples that are series, steps×features; 0 for
	// other samples. Values of a feature are then compared in one unit at all steps.
	Features int
}

// WindowDependence is the dependence of samples that are moving averages over so many
// rows, each a row after the one before, and score by their squares: the sum of their
// autocorrelations (1-|k|/window)², about two thirds of the window.
func WindowDependence(window int) float64 {
	w := float64(window)
	return (2*w*w + 1) / (3 * w)
}

// Detector has learned what normal samples are like. It is safe for concurrent use.
type Detector struct {
	values, codes int
	dependence    float64 // 1 for independent samples
	seen          bool    // training samples are among those held out

	center, deviation []float32 // of what samples are told apart by, see space

	whitening *whitening
	masked    []*maskedNet // none for larger samples than directValues
	spread    []float32    // variance of what the networks err by, of each value
	mixtures  []*generate.Mixture
	nearest   *nearest

	surprises map[Method]*surprise // of the methods that are combined
	heldOut   map[Method][]float64 // scores of held-out normal samples, ascending
}

// Learn learns from the views of normal samples: from those that the autoencoder was
// trained on what normal ones are like, and from those held out how they score, so that
// what is said of later ones is true. Of very many training samples it takes some.
//
// Ensembles are trained so that each sample is unseen by one of its members, which tells
// how it scores: a handful of held-out samples will do, though [Detector.Threshold]
// is as good as they are many.
func Learn(ctx context.Context, training, heldOut Views, o Options) (*Detector, error) {
	const doing = "learn"
	if err := errors.Join(training.check(doing), heldOut.check(doing)); err != nil {
		return nil, err
	}
	if training.Len() < fewest {
		return nil, fmt.Errorf("anomaly: learn from %d training samples, want at least %d", training.Len(), fewest)
	}
	d := &Detector{dependence: max(o.Dependence, 1), seen: o.Seen, values: training.Samples.Sample().Size(), codes: training.Codes.Sample().Size(),
		surprises: map[Method]*surprise{}, heldOut: map[Method][]float64{}}
	if err := d.fits(doing, heldOut); err != nil {
		return nil, err
	}
	if err := d.learn(ctx, training, o); err != nil {
		return nil, err
	}
	if heldOut.Len() > heldOutMost {
		heldOut = heldOut.first(heldOutMost)
	}
	d.whitening = newWhitening(heldOut.Residuals)
	if d.masked == nil {
		d.surprises[Whitened] = newSurprise(d.whitening.score(heldOut.Residuals))
	}
	for _, m := range d.Methods() {
		scores, err := d.Score(ctx, m, heldOut)
		if err != nil {
			return nil, err
		}
		d.heldOut[m] = kept(scores)
	}
	return d, nil
}

// learn learns all that the training samples tell.
func (d *Detector) learn(ctx context.Context, training Views, o Options) error {
	order := make([]int, training.Len())
	dataset.Permutation(o.Seed, 0, order)
	space := d.raw(training)
	d.center, d.deviation = standard(space)
	if n := d.values; o.Features > 0 && n <= directValues && n%o.Features == 0 {
		alike(d.center, d.deviation, o.Features)
	}
	space = d.space(training)
	var err error
	if d.nearest, err = newNearest(pick(space, order[:min(nearestMost, len(order))]), o.Threads); err != nil {
		return fmt.Errorf("anomaly: %w", err)
	}
	near, err := d.nearest.others(ctx)
	if err != nil {
		return fmt.Errorf("anomaly: %w", err)
	}
	d.surprises[Neighbors] = newSurprise(meanDistances(near))
	// The nearest windows of a series are those beside it, whose spacing says nothing.
	if d.values <= directValues && d.dependence == 1 {
		d.nearest.setSpacing(near)
		d.surprises[Local] = newSurprise(d.nearest.inSpacings(near))
	}
	if err := d.learnMixtures(ctx, space, order, o); err != nil {
		return err
	}
	if d.values > directValues {
		return nil
	}
	return d.learnMasked(ctx, space, order, o)
}

// folds yields for each member of an ensemble the samples to learn from and those that it
// is not to see, of the latter no more than are scored.
func folds(order []int, visit func(member int, seen, unseen []int) error) error {
	for m := range members {
		var seen, unseen []int
		for i, sample := range order {
			switch {
			case i%members != m:
				seen = append(seen, sample)
			case len(unseen) < learnedMost/members:
				unseen = append(unseen, sample)
			}
		}
		if err := visit(m, seen, unseen); err != nil {
			return err
		}
	}
	return nil
}

func (d *Detector) learnMixtures(ctx context.Context, space tensor.Tensor, order []int, o Options) error {
	var scores []float64
	err := folds(order, func(m int, seen, unseen []int) error {
		mixture, err := newMixture(ctx, pick(space, seen), o.Seed+uint64(m))
		if err != nil {
			return err
		}
		d.mixtures = append(d.mixtures, mixture)
		s, err := surprisal(mixture, pick(space, unseen))
		scores = append(scores, s...)
		return err
	})
	d.surprises[Mixture] = newSurprise(scores)
	return err
}

func (d *Detector) learnMasked(ctx context.Context, samples tensor.Tensor, order []int, o Options) error {
	var all []float32
	err := folds(order, func(m int, seen, unseen []int) error {
		net, err := newMaskedNet(d.values)
		if err != nil {
			return err
		}
		if err := net.fit(ctx, pick(samples, seen), o.Seed+uint64(m), o.Threads); err != nil {
			return fmt.Errorf("anomaly: %w", err)
		}
		d.masked = append(d.masked, net)
		wrong := make([]float32, len(unseen)*d.values)
		all = append(all, wrong...)
		return net.errors(ctx, all[len(all)-len(wrong):], pick(samples, unseen))
	})
	if err != nil {
		return err
	}
	d.spread = make([]float32, d.values)
	n := len(all) / d.values
	for j := range d.spread {
		sum := 0.0
		for i := range n {
			sum += float64(all[i*d.values+j]) * float64(all[i*d.values+j]) / float64(n)
		}
		d.spread[j] = float32(sum) + spreadFloor
	}
	scores := make([]float64, n)
	for i := range scores {
		scores[i] = d.unlikely(all[i*d.values : (i+1)*d.values])
	}
	d.surprises[Masked] = newSurprise(scores)
	return nil
}

// unlikely returns the mean square of errors in units of their spread.
func (d *Detector) unlikely(wrong []float32) float64 {
	sum := 0.0
	for j, e := range wrong {
		sum += float64(e) * float64(e) / float64(d.spread[j])
	}
	return sum / float64(d.values)
}

// space returns that of samples by which they are told apart: the samples themselves, or
// the codes of large ones, each value brought to mean 0 and deviation 1.
func (d *Detector) space(v Views) tensor.Tensor {
	raw := d.raw(v)
	size := raw.Sample().Size()
	space := tensor.New(raw.Len(), size)
	for i, x := range raw.Data {
		space.Data[i] = (x - d.center[i%size]) / d.deviation[i%size]
	}
	return space
}

func (d *Detector) raw(v Views) tensor.Tensor {
	if d.values <= directValues {
		return v.Samples
	}
	return v.Codes
}

// standard returns mean and standard deviation of each value; 1 instead of a deviation of 0.
func standard(x tensor.Tensor) (center, deviation []float32) {
	n, size := x.Len(), x.Sample().Size()
	center, deviation = make([]float32, size), make([]float32, size)
	for j := range size {
		mean, variance := 0.0, 0.0
		for i := range n {
			mean += float64(x.Data[i*size+j]) / float64(n)
		}
		for i := range n {
			difference := float64(x.Data[i*size+j]) - mean
			variance += difference * difference / float64(n)
		}
		center[j], deviation[j] = float32(mean), float32(math.Sqrt(variance))
		// The deviation of equal values is what rounding leaves.
		if !(deviation[j] > 1e-6*float32(math.Abs(mean))) {
			deviation[j] = 1
		}
	}
	return center, deviation
}

// alike gives all steps of a feature the deviation of all its values over the steps.
func alike(center, deviation []float32, features int) {
	steps := float64(len(center) / features)
	for f := range features {
		mean, squares := 0.0, 0.0
		for j := f; j < len(center); j += features {
			c, s := float64(center[j]), float64(deviation[j])
			mean += c / steps
			squares += (float64(c*c) + float64(s*s)) / steps // never fused: the same bits on all processors
		}
		common := float32(math.Sqrt(max(squares-float64(mean*mean), 0)))
		if !(common > 1e-6*float32(math.Abs(mean))) {
			common = 1
		}
		for j := f; j < len(center); j += features {
			deviation[j] = common
		}
	}
}

// fits reports views of other samples than the detector's.
func (d *Detector) fits(doing string, v Views) error {
	if err := v.check(doing); err != nil {
		return err
	}
	if values, codes := v.Samples.Sample().Size(), v.Codes.Sample().Size(); values != d.values || codes != d.codes {
		return fmt.Errorf("anomaly: %s: samples of %d values and codes of %d, want %d and %d", doing, values, codes, d.values, d.codes)
	}
	return nil
}

// Score returns how unusual samples are by a method.
func (d *Detector) Score(ctx context.Context, m Method, v Views) ([]float64, error) {
	if err := d.fits("score", v); err != nil {
		return nil, err
	}
	switch m {
	case Combined:
		return d.combine(ctx, v)
	case Reconstruction:
		return meanSquares(v.Residuals), nil
	case Whitened:
		return d.whitening.score(v.Residuals), nil
	case Masked:
		return d.scoreMasked(ctx, d.space(v))
	case Mixture:
		return d.scoreMixtures(d.space(v))
	case Neighbors:
		return d.nearest.score(ctx, d.space(v))
	case Local:
		return d.nearest.scoreLocally(ctx, d.space(v))
	}
	return nil, fmt.Errorf("anomaly: score: unknown method %.40q, want one of %v", m, Methods())
}

// Methods lists the methods that there are for such samples, the default first.
func (d *Detector) Methods() []Method {
	return slices.DeleteFunc(Methods(), func(m Method) bool { return m == Masked && d.masked == nil || m == Local && d.nearest.spacing == nil })
}

// parts are the methods that are combined: what there is of reconstruction, density and
// distance for such samples.
func (d *Detector) parts() []Method {
	if d.masked == nil {
		return []Method{Whitened, Mixture, Neighbors}
	}
	parts := []Method{Masked, Mixture, Neighbors}
	if d.nearest.spacing != nil {
		parts = append(parts, Local)
	}
	return parts
}

// combine returns the mean surprise of the parts.
func (d *Detector) combine(ctx context.Context, v Views) ([]float64, error) {
	total := make([]float64, v.Len())
	parts := d.parts()
	for _, m := range parts {
		scores, err := d.Score(ctx, m, v)
		if err != nil {
			return nil, err
		}
		for i, s := range scores {
			total[i] += d.surprises[m].of(s) / float64(len(parts))
		}
	}
	return total, nil
}

// scoreMasked returns the mean over the members, of which there are none for large samples.
func (d *Detector) scoreMasked(ctx context.Context, samples tensor.Tensor) ([]float64, error) {
	if d.masked == nil {
		return nil, fmt.Errorf("anomaly: the method %s is for samples of up to %d values, these have %d", Masked, directValues, d.values)
	}
	total, wrong := make([]float64, samples.Len()), make([]float32, len(samples.Data))
	for _, net := range d.masked {
		clear(wrong)
		if err := net.errors(ctx, wrong, samples); err != nil {
			return nil, err
		}
		for i := range total {
			total[i] += d.unlikely(wrong[i*d.values:(i+1)*d.values]) / float64(len(d.masked))
		}
	}
	return total, nil
}

func (d *Detector) scoreMixtures(x tensor.Tensor) ([]float64, error) {
	total := make([]float64, x.Len())
	for _, m := range d.mixtures {
		scores, err := surprisal(m, x)
		if err != nil {
			return nil, fmt.Errorf("anomaly: %w", err)
		}
		for i, s := range scores {
			total[i] += s / float64(len(d.mixtures))
		}
	}
	return total, nil
}
