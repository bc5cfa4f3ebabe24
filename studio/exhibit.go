package studio

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"hourglass"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/generate"
	"hourglass/neighbors"
	"hourglass/nn"
	"hourglass/recipe"
	"hourglass/run"
	"hourglass/tensor"
	"hourglass/workflow"
)

// mostSamples is how many samples of a data set are shown: the first ones.
const mostSamples = 70000

// exhibit is a model with the samples that it is shown on, and all that is worked out of
// them once.
type exhibit struct {
	entry  entry
	model  *workflow.Model
	in     *workflow.Input
	source dataset.Source // the samples as the model takes them
	part   string         // of the data: "test", or ""
	show   viewer

	codes  tensor.Tensor // n×k
	scores []float64
	spread []dimension // of each number of a code
	scales []float64   // of each value of a sample that is no picture, see units

	index   func() (*neighbors.Index, error)
	sampler func() (generate.Sampler, error)
	planes  func() (tensor.Tensor, error) // the codes' first two principal components
	near    func() (neighbors.Neighbors, error)

	tsne      tsneMap
	opponents opponents
}

// dimension says how a number of the codes is spread.
type dimension struct {
	Low  float32 `json:"low"` // the 1st and 99th percentile
	High float32 `json:"high"`
	Mean float32 `json:"mean"`
}

// open reads a model and its samples and runs them through it.
func (s *Studio) open(ctx context.Context, e entry) (*exhibit, error) {
	m, err := workflow.OpenModel(e.model)
	if err != nil {
		return nil, err
	}
	x := &exhibit{entry: e, model: m}
	if x.in, x.part, err = s.samplesOf(ctx, e, m); err != nil {
		return nil, err
	}
	if most := max(min(s.most, s.mostValues/x.in.Shape().Size()), 1); x.in.Len() > most {
		data, err := x.in.Select(sequence(0, most))
		if err != nil {
			return nil, err
		}
		x.in = &workflow.Input{Data: data}
	}
	if err := x.prepare(ctx); err != nil {
		return nil, err
	}
	return x, nil
}

// prepare runs the samples through the model, and says how more is worked out.
func (x *exhibit) prepare(ctx context.Context) (err error) {
	if x.source, err = x.model.Samples(x.in); err != nil {
		return err
	}
	x.show = newViewer(x.in, x.model.Range())
	if err := x.run(ctx); err != nil {
		return err
	}
	if !x.show.isImage() {
		if x.scales, err = x.units(); err != nil {
			return err
		}
	}
	x.spread = spreadOf(x.codes)
	x.index = sync.OnceValues(func() (*neighbors.Index, error) { return neighbors.NewIndex(x.codes) })
	x.planes = sync.OnceValues(x.project)
	x.sampler = sync.OnceValues(x.fitSampler)
	x.near = sync.OnceValues(x.findNear)
	return nil
}

// samplesOf finds the samples to show a model on: those that the studio was told to take,
// or those that a run was told to train on; the part for testing, if there is one.
func (s *Studio) samplesOf(ctx context.Context, e entry, m *workflow.Model) (in *workflow.Input, part string, err error) {
	data := s.config.Data
	if data.Path == "" {
		notes := &run.Notes{Record: m.Record}
		if e.dir != "" {
			if read, err := run.ReadNotes(e.dir); err == nil {
				notes = read
			}
		}
		if data, err = s.config.DataOf(notes); err != nil {
			return nil, "", err
		}
	}
	if r, err := recipe.ByName(m.Record.Recipe); data.Path == "" && err == nil && r.Own != nil {
		return &workflow.Input{Data: &dataset.Data{Path: r.Name, Samples: r.Own(), Format: dataset.FormatNPY}}, "", nil
	}
	if data.Path == "" {
		return nil, "", &statusError{409, fmt.Sprintf("nobody has recorded which samples %s was trained on; say which to show: hourglass studio %s --data DATA", e.Name, e.Name)}
	}
	if in, err = m.Load(ctx, data.Path, data.Options); err != nil {
		return nil, "", err
	}
	if in.Test != nil {
		in, err = in.Part(true)
		part = "test"
	}
	return in, part, err
}

// run works out codes and scores.
func (x *exhibit) run(ctx context.Context) error {
	const block = 1 << 10
	n, k := x.source.Len(), x.model.Encoder().Output().Size()
	x.codes, x.scores = tensor.New(n, k), make([]float64, n)
	batch := tensor.New(append(tensor.Shape{min(block, n)}, x.model.Encoder().Input()...)...)
	for at := 0; at < n; at += block {
		to := min(at+block, n)
		part := batch.Slice(0, to-at)
		if err := x.source.Read(part.Data, sequence(at, to)); err != nil {
			return err
		}
		out := hourglass.Output{Codes: x.codes.Slice(at, to).Data, Scores: x.scores[at:to]}
		if err := x.model.RunInto(ctx, out, part); err != nil {
			return err
		}
	}
	return nil
}

// sequence returns the numbers from one to another, which is not among them.
func sequence(from, to int) []int {
	s := make([]int, to-from)
	for i := range s {
		s[i] = from + i
	}
	return s
}

// spreadOf measures each number of codes.
func spreadOf(codes tensor.Tensor) []dimension {
	n, k := codes.Len(), codes.Sample().Size()
	all, column := make([]dimension, k), make([]float32, n)
	for j := range all {
		var sum float64
		for i := range column {
			column[i] = codes.Data[i*k+j]
			sum += float64(column[i])
		}
		slices.Sort(column)
		all[j] = dimension{column[n/100], column[n-1-n/100], float32(sum / float64(n))}
	}
	return all
}

// project places the codes by their first two principal components. Codes of a single
// number lie on a line.
func (x *exhibit) project() (tensor.Tensor, error) {
	if n, k := x.codes.Len(), x.codes.Sample().Size(); k == 1 || n < 3 {
		line := tensor.New(n, 2)
		for i := range n {
			line.Data[2*i] = x.codes.Data[i*k]
		}
		return line, nil
	}
	points, _, err := workflow.Embed(context.Background(), x.codes, workflow.PCA, tsneOptions)
	return points, err
}

// fitSampler returns where new codes come from: the prior that the codes of a variational
// model keep to, or a mixture fitted to those of any other.
func (x *exhibit) fitSampler() (generate.Sampler, error) {
	const fitted, seed = 5000, 1
	if x.isVariational() {
		return generate.Normal{Codes: x.codes.Sample().Size()}, nil
	}
	some := x.codes
	if n := x.codes.Len(); n > fitted {
		some = tensor.New(fitted, x.codes.Sample().Size())
		for i := range fitted {
			copy(some.Row(i), x.codes.Row(i*n/fitted))
		}
	}
	return generate.FitMixture(context.Background(), some, generate.MixtureOptions{Components: min(10, some.Len()), Seed: seed})
}

// isVariational reports whether the model draws its codes from distributions.
func (x *exhibit) isVariational() bool {
	return slices.ContainsFunc(x.model.Encoder().Table(), func(l nn.LayerInfo) bool { _, ok := l.Of.(nn.Sampling); return ok })
}

// recognising is by how many nearest codes samples are recognised, as the command does.
const recognising = 5

// findNear finds the nearest codes of each code.
func (x *exhibit) findNear() (neighbors.Neighbors, error) {
	index, err := x.index()
	if err != nil {
		return neighbors.Neighbors{}, err
	}
	return index.Others(context.Background(), min(recognising, x.codes.Len()-1))
}

// description is what the page is told of an exhibit when it opens it.
type description struct {
	entry
	Data    string `json:"data"`
	Part    string `json:"part"` // of the data: "test", or ""
	Samples int    `json:"samples"`
	viewer
	Input       []int        `json:"input"`
	CodeShape   []int        `json:"codeShape"`
	Spread      []dimension  `json:"spread"`
	Classes     []string     `json:"classes"`
	Colors      []string     `json:"colors"`
	Labelled    bool         `json:"labelled"`
	Variational bool         `json:"variational"`
	Decodes     bool         `json:"decodes"`
	Encoder     []layer      `json:"encoder"`
	Decoder     []layer      `json:"decoder"`
	Range       figure.Range `json:"range"`
	Units       []float64    `json:"units"`     // by which differences of each value are comparable; null for pictures
	Explains    bool         `json:"explains"`  // by what it has learned of normal samples
	Reported    bool         `json:"reported"`  // there is a report of the run
	Threshold   *float64     `json:"threshold"` // that 1 in 100 samples like those of the training exceed
}

// layer is a line of a model's summary.
type layer struct {
	Name       string `json:"name"`
	Layer      string `json:"layer"`
	Output     string `json:"output"`
	Parameters int    `json:"parameters"`
}

func (x *exhibit) describe() description {
	d := description{entry: x.entry, Data: x.in.Path, Part: x.part, Samples: x.source.Len(), viewer: x.show,
		Input: x.model.Encoder().Input(), CodeShape: x.model.Encoder().Output(), Spread: x.spread,
		Classes: x.in.Classes, Labelled: x.in.Labels != nil, Variational: x.isVariational(), Decodes: x.model.Decoder().Complete() == nil,
		Encoder: layersOf(x.model.Encoder()), Decoder: layersOf(x.model.Decoder()), Range: x.model.Range(), Units: x.scales, Explains: x.explains()}
	if _, known := dataset.Lookup(d.Data); !known {
		d.Data = baseName(d.Data) // where it lies is of no concern to who sees the page
	}
	d.Parameters = cmp.Or(d.Parameters, len(x.model.Network().Weights()))
	for class := range x.in.Classes {
		d.Colors = append(d.Colors, cssColor(figure.ClassColor(class)))
	}
	if t, err := x.model.Threshold(0.99); err == nil && !math.IsInf(t, 0) {
		d.Threshold = &t
	}
	return d
}

func layersOf(n *nn.Network) []layer {
	layers := []layer{}
	for _, l := range n.Table() {
		if l.Depth == 0 {
			layers = append(layers, layer{l.Name, l.Layer, l.Output.String(), l.Parameters})
		}
	}
	return layers
}
