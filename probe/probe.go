// Package probe tells classes apart by codes: a linear classifier, trained in an
// instant on the few samples that have labels, which also says how much of the classes
// an autoencoder's codes have kept without ever having seen a label.
//
//	p, err := probe.Fit(ctx, codes, labels, classes, probe.Options{})
//	predicted, err := p.Predict(codes)
//	err = p.Save("probe.json")
package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"

	"hourglass/internal/atomicfile"
	"hourglass/tensor"
)

// Probe is a multinomial logistic regression on standardised codes: class k of a code x
// has the probability softmax(W·(x - Mean)/Scale + b)_k.
type Probe struct {
	Classes []string    `json:"classes"`
	Mean    []float64   `json:"mean"`    // of the codes it was fitted to
	Scale   []float64   `json:"scale"`   // their standard deviations; 1 where a number never changes
	Weights [][]float64 `json:"weights"` // W, a row for every class
	Bias    []float64   `json:"bias"`    // b
}

// Options are the choices of [Fit].
type Options struct {
	// L2 is the weight λ of the penalty λ/2·Σ W²; 0 means 1, scikit-learn's default
	// (LogisticRegression(C=1/λ)). It is compared with a sum over samples, so that it
	// counts the less the more there are.
	L2 float64
}

// Fit minimises Σ_i -log p(label_i | code_i) + λ/2·Σ W² by L-BFGS (Liu and Nocedal
// 1989; gonum's). The codes have shape N×(code); labels[i] is the class of code i,
// below len(classes).
func Fit(ctx context.Context, codes tensor.Tensor, labels []int, classes []string, o Options) (*Probe, error) {
	if o.L2 == 0 {
		o.L2 = 1
	}
	if err := check(codes, labels, classes, o); err != nil {
		return nil, err
	}
	p := &Probe{Classes: classes}
	p.standardize(codes)
	f := &objective{probe: p, labels: labels, l2: o.L2, gradients: make([]float64, len(classes)*(p.size()+1))}
	for i := range codes.Len() {
		f.samples = append(f.samples, p.standard(codes.Row(i)))
	}
	problem := optimize.Problem{Func: f.value, Grad: f.gradient,
		Status: func() (optimize.Status, error) {
			if err := ctx.Err(); err != nil {
				return optimize.Failure, err
			}
			return optimize.NotTerminated, nil
		}}
	const iterations = 1000
	result, err := optimize.Minimize(problem, make([]float64, len(f.gradients)),
		&optimize.Settings{GradientThreshold: 1e-5 * float64(codes.Len()), MajorIterations: iterations}, &optimize.LBFGS{})
	// A line search that finds no better point has arrived as near as float64 allows.
	if err != nil && (ctx.Err() != nil || result == nil) {
		return nil, fmt.Errorf("probe: fit: %w", err)
	}
	p.Weights, p.Bias = f.split(result.X)
	return p, nil
}

func check(codes tensor.Tensor, labels []int, classes []string, o Options) error {
	switch {
	case len(codes.Shape) == 0 || codes.Shape.Validate() != nil || len(codes.Data) != codes.Shape.Size():
		return fmt.Errorf("probe: fit: %d numbers of shape %v, want N×(code) that they fill", len(codes.Data), codes.Shape)
	case len(labels) != codes.Len():
		return fmt.Errorf("probe: fit: %d labels for %d codes, want one each", len(labels), codes.Len())
	case len(classes) < 2:
		return fmt.Errorf("probe: fit: %d classes, want at least 2", len(classes))
	case !(o.L2 > 0) || math.IsInf(o.L2, 1):
		return fmt.Errorf("probe: fit: the penalty's weight is %v, want a finite number above 0", o.L2)
	}
	for i, label := range labels {
		if label < 0 || label >= len(classes) {
			return fmt.Errorf("probe: fit: label %d is %d, want 0 to %d", i, label, len(classes)-1)
		}
	}
	return finite("fit", codes)
}

func finite(doing string, codes tensor.Tensor) error {
	for i, v := range codes.Data {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("probe: %s: code %d holds %v, want finite numbers", doing, i/codes.Sample().Size(), v)
		}
	}
	return nil
}

// size returns the numbers in a code.
func (p *Probe) size() int { return len(p.Mean) }

// standardize learns the means and deviations of codes.
func (p *Probe) standardize(codes tensor.Tensor) {
	n, d := float64(codes.Len()), codes.Sample().Size()
	p.Mean, p.Scale = make([]float64, d), make([]float64, d)
	for i := range codes.Len() {
		for j, v := range codes.Row(i) {
			p.Mean[j] += float64(v) / n
		}
	}
	for i := range codes.Len() {
		for j, v := range codes.Row(i) {
			p.Scale[j] += (float64(v) - p.Mean[j]) * (float64(v) - p.Mean[j]) / n
		}
	}
	for j := range p.Scale {
		if p.Scale[j] = math.Sqrt(p.Scale[j]); !(p.Scale[j] > 1e-12*math.Abs(p.Mean[j])) {
			p.Scale[j] = 1
		}
	}
}

// standard returns a code as the classifier sees it.
func (p *Probe) standard(code []float32) []float64 {
	x := make([]float64, len(code))
	for j, v := range code {
		x[j] = (float64(v) - p.Mean[j]) / p.Scale[j]
	}
	return x
}

// objective is what Fit minimises, a function of all weights, class by class, each
// class' bias behind them.
type objective struct {
	probe     *Probe
	samples   [][]float64
	labels    []int
	l2        float64
	gradients []float64
	at        []float64 // where gradients are those of
	loss      float64
}

func (f *objective) split(x []float64) (weights [][]float64, bias []float64) {
	d := f.probe.size()
	for k := range f.probe.Classes {
		row := x[k*(d+1) : (k+1)*(d+1)]
		weights, bias = append(weights, row[:d:d]), append(bias, row[d])
	}
	return weights, bias
}

func (f *objective) value(x []float64) float64 {
	f.evaluate(x)
	return f.loss
}

func (f *objective) gradient(gradient, x []float64) {
	f.evaluate(x)
	copy(gradient, f.gradients)
}

// evaluate computes loss and gradient at x unless it just did.
func (f *objective) evaluate(x []float64) {
	if f.at != nil && floats.Equal(f.at, x) {
		return
	}
	f.at = append(f.at[:0], x...)
	weights, bias := f.split(x)
	for k := range f.gradients {
		f.gradients[k] = 0
	}
	d, p := f.probe.size(), make([]float64, len(weights))
	f.loss = 0
	for i, sample := range f.samples {
		softmax(p, weights, bias, sample)
		f.loss -= math.Log(max(p[f.labels[i]], math.SmallestNonzeroFloat64))
		p[f.labels[i]]--
		for k, slope := range p {
			row := f.gradients[k*(d+1) : (k+1)*(d+1)]
			floats.AddScaled(row[:d], slope, sample)
			row[d] += slope
		}
	}
	for k, row := range weights {
		f.loss += f.l2 / 2 * floats.Dot(row, row)
		floats.AddScaled(f.gradients[k*(d+1):k*(d+1)+d], f.l2, row)
	}
}

// softmax writes the probabilities of the classes of a standardised code.
func softmax(p []float64, weights [][]float64, bias, x []float64) {
	for k, row := range weights {
		p[k] = bias[k] + floats.Dot(row, x)
	}
	largest, sum := floats.Max(p), 0.0
	for k := range p {
		p[k] = math.Exp(p[k] - largest)
		sum += p[k]
	}
	floats.Scale(1/sum, p)
}

// Predict returns the most probable class of each code, of shape N×(code); of equals
// the lower one.
func (p *Probe) Predict(codes tensor.Tensor) ([]int, error) {
	probabilities, err := p.Probabilities(codes)
	if err != nil {
		return nil, err
	}
	predicted := make([]int, len(probabilities))
	for i, row := range probabilities {
		predicted[i] = floats.MaxIdx(row)
	}
	return predicted, nil
}

// Probabilities returns those of all classes for each code.
func (p *Probe) Probabilities(codes tensor.Tensor) ([][]float64, error) {
	if len(codes.Shape) == 0 || codes.Sample().Size() != p.size() || len(codes.Data) != codes.Shape.Size() {
		return nil, fmt.Errorf("probe: predict: %d numbers of shape %v, want N codes of %d", len(codes.Data), codes.Shape, p.size())
	}
	if err := finite("predict", codes); err != nil {
		return nil, err
	}
	all := make([][]float64, codes.Len())
	for i := range all {
		all[i] = make([]float64, len(p.Classes))
		softmax(all[i], p.Weights, p.Bias, p.standard(codes.Row(i)))
	}
	return all, nil
}

// Save writes the probe to a file of JSON, whole or not at all.
func (p *Probe) Save(path string) error {
	err := atomicfile.Write(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(p) })
	if err != nil {
		return fmt.Errorf("probe: save: %w", err)
	}
	return nil
}

// maxFile is the size of the largest file that Load reads: 10,000 classes of codes of
// 1,000 numbers are 200 MB.
const maxFile = 1 << 28

// Load reads a file that Save wrote.
func Load(path string) (*Probe, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("probe: load: %w", err)
	}
	defer file.Close()
	p := new(Probe)
	if err := json.NewDecoder(io.LimitReader(file, maxFile)).Decode(p); err != nil {
		return nil, fmt.Errorf("probe: load %s: not a probe: %w", path, err)
	}
	if err := p.validate(); err != nil {
		return nil, fmt.Errorf("probe: load %s: %w", path, err)
	}
	return p, nil
}

// validate reports a probe whose parts do not fit each other.
func (p *Probe) validate() error {
	d, k := p.size(), len(p.Classes)
	if d == 0 || k < 2 || len(p.Scale) != d || len(p.Weights) != k || len(p.Bias) != k {
		return fmt.Errorf("%d means, %d scales, %d classes, %d rows of weights and %d biases do not make a probe",
			d, len(p.Scale), k, len(p.Weights), len(p.Bias))
	}
	for i, row := range p.Weights {
		if len(row) != d {
			return fmt.Errorf("class %d has %d weights, want %d", i, len(row), d)
		}
	}
	for _, s := range p.Scale {
		if !(s > 0) {
			return errors.New("a scale is not above 0")
		}
	}
	return nil
}
