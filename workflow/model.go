package workflow

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"hourglass"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/run"
	"hourglass/tensor"
	"hourglass/train"
)

// Model is a trained autoencoder with what is known of its training.
type Model struct {
	*hourglass.Autoencoder
	Path   string
	Record run.Record // how it was trained; empty where nobody knows
}

// OpenModel reads a model file, or the model in the folder of a run.
func OpenModel(path string) (*Model, error) {
	path = run.ModelPath(path)
	ae, err := hourglass.Load(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Autoencoder: ae, Path: path}
	if text := ae.Record(); text != nil {
		// Any program may note what it likes; what is not a record of ours says nothing.
		if err := json.Unmarshal(text, &m.Record); err != nil {
			m.Record = run.Record{}
		}
		trim(&m.Record, ae.Encoder().Input().Size(), ae.Classes())
	}
	return m, nil
}

// trim removes what a record says of samples of another size than the model's, or
// cannot say of any: files come from anywhere.
func trim(r *run.Record, size, classes int) {
	steps := 1
	if s := r.Series; s != nil && (s.Window < 2 || s.Validate() != nil || size%s.Window != 0) {
		r.Series = nil
	} else if s != nil {
		steps = s.Window
	}
	if len(r.Features)*steps != size {
		r.Features = nil
	}
	if len(r.Classes) > classes {
		r.Classes = nil
	}
	if len(r.Fill)*steps != size {
		r.Fill = nil
	}
	if s := r.Schema; s != nil && (s.Validate() != nil || s.Width() != size) {
		r.Schema = nil
	}
	if p := r.Pixels; p != nil && !(p.Std > 0) {
		r.Pixels = nil
	}
	if i := r.Images; i != nil && (i.Width < 0 || i.Height < 0) {
		r.Images = nil
	}
}

// Load reads data for the model, treated as its training data was where o does not
// say otherwise, and refuses data it was not made for. Of a table whose columns have
// names it takes those that the model was trained on, wherever they stand, and reads them
// as the kinds that they were then.
func (m *Model) Load(ctx context.Context, path string, o dataset.LoadOptions) (*Input, error) {
	o = m.loadOptions(o)
	in, err := Load(ctx, path, o)
	if o.CSV.Missing == dataset.MissingMask && o.CSV.Schema == nil && o.Series.Window == 0 && path != "-" && isGap(err) {
		in, err = m.loadGaps(ctx, path, o)
	}
	if err != nil {
		return nil, err
	}
	if err := m.check(in); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// loadOptions treats data as the training data was where o does not say otherwise.
func (m *Model) loadOptions(o dataset.LoadOptions) dataset.LoadOptions {
	if o.CSV.Columns == nil {
		o.CSV.Columns = m.Record.Features
	}
	o.CSV.Schema, o.CSV.Infer = m.Record.Schema, false
	if o.CSV.Missing == dataset.MissingMean && o.CSV.Fill == nil {
		o.CSV.Fill = m.Record.Fill
	}
	if s := m.Record.Series; s != nil {
		o.Series = dataset.SeriesOptions{Window: cmp.Or(o.Series.Window, s.Window), Stride: cmp.Or(o.Series.Stride, s.Stride),
			Time: cmp.Or(o.Series.Time, s.Time), Group: cmp.Or(o.Series.Group, s.Group), Gap: cmp.Or(o.Series.Gap, s.Gap)}
	}
	if i := m.Record.Images; i != nil {
		if o.Images.Width == 0 && o.Images.Height == 0 {
			o.Images.Width, o.Images.Height = i.Width, i.Height
		}
		if o.Images.Color == dataset.ColorAuto {
			o.Images.Color = i.Color
		}
	}
	return o
}

// check reports data that is not what the model was made for.
func (m *Model) check(in *Input) error {
	want := m.Encoder().Input()
	if s, cut := m.Record.Series, in.Series; s != nil && cut != nil && s.Window != cut.Options.Window {
		return fmt.Errorf("workflow: %s is cut into windows of %d rows, but the model %s was trained on those of %d", in.Path, cut.Options.Window, m.Path, s.Window)
	}
	if in.Shape().Size() != want.Size() {
		return fmt.Errorf("workflow: %s has samples of shape %v, but the model %s was trained on %v", in.Path, in.Shape(), m.Path, want)
	}
	return nil
}

// samples returns data as the autoencoder wants it. One without a scaler was trained
// by a recipe, or a program, whose images were not bytes but their shares of white. With
// them are their labels, if it asks for some.
func (m *Model) samples(in *Input) (dataset.Source, error) {
	source, err := m.inUnits(in)
	if err != nil {
		return nil, err
	}
	return m.labelled(source, in.Data)
}

// inUnits returns data without labels.
func (m *Model) inUnits(in *Input) (dataset.Source, error) {
	if m.Scaler() != nil || in.Largest == 0 {
		return in.Samples, nil
	}
	if images, ok := in.Samples.(*dataset.Images); ok {
		mean, std := m.normalization()
		return images.Normalize(mean, std), nil
	}
	return dataset.Scaled(in.Samples, &dataset.Scaler{Kind: dataset.UnitScaling, Scale: []float32{in.Largest}})
}

// PixelValues returns what each byte of an image is worth to the model.
func (m *Model) PixelValues() (values [256]float32) {
	images := &dataset.Images{Shape: tensor.Shape{1}, Pixels: make([]byte, 256)}
	indices := make([]int, 256)
	for i := range indices {
		images.Pixels[i], indices[i] = byte(i), i
	}
	in := &Input{Data: &dataset.Data{Samples: images.Raw(), Largest: 255}}
	source, err := m.inUnits(in)
	if err != nil {
		panic(err) // images of bytes can always be scaled
	}
	if err := source.Read(values[:], indices); err != nil {
		panic(err) // they are in memory
	}
	return values
}

// normalization returns the mean and deviation of the recipe that made the model.
func (m *Model) normalization() (mean, std float32) {
	if p := m.Record.Pixels; p != nil {
		return p.Mean, p.Std
	}
	// Files that are older than Pixels name the recipe alone.
	if m.Record.Recipe == oldNormalised && m.Record.Version == "" {
		return 0.5, 0.5
	}
	return 0, 1
}

// oldNormalised is the recipe whose pixels are from -1 to 1.
const oldNormalised = "relu"

// IsBlackAndWhite reports whether what the model makes is from 0 to 1 and may be thought
// of as black and white, so that it means something to round it.
func (m *Model) IsBlackAndWhite() bool {
	byOne := true // one number scales all
	if s := m.Scaler(); s != nil {
		byOne = s.Kind == dataset.UnitScaling || s.Kind == dataset.NoScaling
	} else if mean, std := m.normalization(); mean != 0 || std != 1 {
		byOne = false
	}
	return byOne && m.Network().EndsInSigmoid()
}

// Range returns which values the model's images have for black and white.
func (m *Model) Range() figure.Range {
	switch s := m.Scaler(); {
	case s == nil:
		mean, std := m.normalization()
		return figure.Range{Low: (0 - mean) / std, High: (1 - mean) / std}
	case m.Record.Range != nil && m.Record.Range.Low < m.Record.Range.High:
		return *m.Record.Range
	case s.Kind == dataset.UnitScaling:
		return figure.Range{Low: 0, High: s.Scale[0]}
	}
	return figure.Range{Low: 0, High: 1}
}

// given returns data as the autoencoder wants it, and its labels beside it.
func (m *Model) given(in *Input) (source dataset.Source, labels []int, err error) {
	if source, err = m.inUnits(in); err != nil {
		return nil, nil, err
	}
	labels, err = m.labels(in.Data)
	return source, labels, err
}

// Encode yields the codes of all samples.
func (m *Model) Encode(ctx context.Context, in *Input) (iter.Seq2[[]float32, error], error) {
	source, labels, err := m.given(in)
	if err != nil {
		return nil, err
	}
	var failed error
	return checked(m.Given(labels...).EncodeSeq(rows(ctx, source, &failed)), &failed), nil
}

// Reconstruct yields what becomes of all samples.
func (m *Model) Reconstruct(ctx context.Context, in *Input) (iter.Seq2[[]float32, error], error) {
	source, labels, err := m.given(in)
	if err != nil {
		return nil, err
	}
	var failed error
	return checked(m.Given(labels...).ReconstructSeq(rows(ctx, source, &failed)), &failed), nil
}

// Decode yields the samples that codes stand for. Codes of another size are refused.
func (m *Model) Decode(ctx context.Context, codes *Input) (iter.Seq2[[]float32, error], error) {
	if want := m.Decoder().Input(); codes.Shape().Size() != want.Size() {
		return nil, fmt.Errorf("workflow: %s has samples of shape %v, but codes of the model %s have %v", codes.Path, codes.Shape(), m.Path, want)
	}
	var labels []int
	if m.Decoder().Classes() > 0 {
		var err error
		if labels, err = m.labels(codes.Data); err != nil {
			return nil, err
		}
	}
	var failed error
	return checked(m.Given(labels...).DecodeSeq(rows(ctx, codes.Samples, &failed)), &failed), nil
}

// checked ends with an error if a sample could not be read.
func checked(samples iter.Seq2[[]float32, error], failed *error) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for x, err := range samples {
			if !yield(x, err) || err != nil {
				return
			}
		}
		if *failed != nil {
			yield(nil, *failed)
		}
	}
}

// Evaluate returns a loss and metrics over all samples.
func (m *Model) Evaluate(ctx context.Context, in *Input, l loss.Loss, metrics ...metric.Metric) (train.Scores, error) {
	source, err := m.samples(in)
	if err != nil {
		return train.Scores{}, err
	}
	return m.Autoencoder.Evaluate(ctx, source, l, metrics...)
}

// Columns names the values of a sample in a table: by the features of the model's
// training data, or of in, if they have names.
func (m *Model) Columns(in *Input) []string {
	size := m.Encoder().Input().Size()
	for _, names := range [][]string{in.Features, m.Record.Features} {
		switch s := m.Record.Series; {
		case len(names) == size:
			return slices.Clone(names)
		case s != nil && len(names)*s.Window == size:
			return stepColumns(names, s.Window)
		}
	}
	return dataset.CSVColumns("value", size)
}
