package workflow

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"hourglass/dataset"
	"hourglass/dataset/schema"
	"hourglass/loss"
	"hourglass/nn"
)

// isMixed reports whether the columns of a table are more than plain numbers, so that they
// want a loss and a last layer of their own.
func isMixed(s *schema.Schema) bool { return s != nil && !s.IsNumbers() }

// columnActivation puts behind a decoder what makes of its values what the columns are, unless
// it ends in that already.
func columnActivation(decoder nn.Layers, s *schema.Schema) nn.Layers {
	if _, ok := decoder[len(decoder)-1].(nn.ColumnActivation); ok {
		return decoder
	}
	return append(slices.Clip(decoder), nn.ColumnActivation{Columns: s.Groups(false)})
}

// columnLoss is the loss of a table's columns, all of which count alike.
func columnLoss(s *schema.Schema) loss.Loss { return loss.Mixed{Columns: s.Groups(true)} }

// describeColumns says what becomes of the values of a table's columns.
func describeColumns(kind dataset.Scaling) string {
	rest := "; times by sine and cosine, categories a value for each class, booleans 0 and 1, missing cells left out of the loss"
	switch kind {
	case dataset.StandardScaling:
		return "numbers and dates brought to mean 0 and deviation 1" + rest
	case dataset.MinMaxScaling:
		return "numbers and dates brought to 0 to 1" + rest
	}
	return "numbers taken as they are, dates brought to 0 to 1" + rest
}

// foldColumns adds up the shares of the values that a column becomes.
func foldColumns(shares []float32, s *schema.Schema) []float32 {
	folded := make([]float32, len(s.Columns))
	s.Each(func(i, lo, hi int) {
		for _, v := range shares[lo:hi] {
			folded[i] += v
		}
	})
	return folded
}

// SetCells makes o write samples, or what the model makes of them, as the cells of the table that
// in is or the model was trained on, if that has other columns than plain numbers. In may be nil.
func (m *Model) SetCells(o *Output, in *Input) {
	s := m.Record.Schema
	if in != nil && in.Schema != nil {
		s = in.Schema
	}
	if s == nil {
		return
	}
	o.Columns = s.Titles()
	o.Cells = func(_ int, x []float32) []string { return s.Decode(x) }
}

// SetFilled makes o write the cells of in as they are, and in the place of those that are missing what the
// model makes of them. It returns how many are.
func (m *Model) SetFilled(o *Output, in *Input) (missing int, err error) {
	if !in.IsTable() || in.Series != nil {
		return 0, fmt.Errorf("workflow: only the cells of tables can be filled, but %s is none, or a series", in.Path)
	}
	s := in.Schema
	if s == nil { // plain numbers, all of them there
		original := make([]float32, in.Shape().Size())
		s = schema.Plain(in.Features, original)
		o.Columns = m.Columns(in)
		o.Cells = func(i int, x []float32) []string {
			if err := in.Samples.Read(original, []int{i}); err == nil { // it is in memory
				x = original
			}
			return s.Decode(x)
		}
		return 0, nil
	}
	for i := range in.Len() {
		for j := range s.Columns {
			if s.Columns[j].IsMissing(in.Cell(i, j)) {
				missing++
			}
		}
	}
	o.Columns = s.Titles()
	o.Cells = func(i int, x []float32) []string {
		cells := s.Decode(x)
		for j := range cells {
			if cell := in.Cell(i, j); !s.Columns[j].IsMissing(cell) {
				cells[j] = cell
			}
		}
		return cells
	}
	return missing, nil
}

// fillRounds is how often samples go through the model to fill what is missing.
const fillRounds = 3

// Impute yields what becomes of all samples once what is missing of them (dataset.Mask) has been
// replaced by what the model made of it, twice: what stands for missing values at first is
// wrong, and draws the code its way. More often, errors of the model would add up.
func (m *Model) Impute(ctx context.Context, in *Input) (iter.Seq2[[]float32, error], error) {
	for range fillRounds - 1 {
		var err error
		if in, err = m.refined(ctx, in); err != nil {
			return nil, err
		}
	}
	return m.Reconstruct(ctx, in)
}

// refined returns samples with what the model makes of them in the place of what is missing.
func (m *Model) refined(ctx context.Context, in *Input) (*Input, error) {
	face := dataset.FaceOf(in.Samples, dataset.Mask)
	if face == nil {
		return in, nil
	}
	x, err := readAll(in.Samples)
	if err != nil {
		return nil, err
	}
	there, err := readAll(face)
	if err != nil {
		return nil, err
	}
	made, err := m.Reconstruct(ctx, in)
	if err != nil {
		return nil, err
	}
	i := 0
	for y, err := range made {
		if err != nil {
			return nil, err
		}
		for j, v := range y {
			if there.Row(i)[j] == 0 {
				x.Row(i)[j] = v
			}
		}
		i++
	}
	if err := stopped(ctx, i, in.Len()); err != nil {
		return nil, err
	}
	data := *in.Data
	data.Samples, err = dataset.With(dataset.Array{Tensor: x}, dataset.Mask, face)
	return &Input{&data}, err
}

// loadGaps reads a table of plain numbers of which some are missing, for a model that was
// trained on one without gaps.
func (m *Model) loadGaps(ctx context.Context, path string, o dataset.LoadOptions) (*Input, error) {
	o.CSV.Schema = m.plainSchema()
	return Load(ctx, path, o)
}

// RowSchema says how the cells of a row become a sample: as those of the table that the model was
// trained on, be they plain numbers. It is nil if its samples are no rows with names.
func (m *Model) RowSchema() *schema.Schema {
	if m.Record.Schema != nil || m.ValueNames() == nil {
		return m.Record.Schema
	}
	return m.plainSchema()
}

// plainSchema is that of plain numbers, with the means, where the model knows them, for what is missing.
func (m *Model) plainSchema() *schema.Schema {
	fill := make([]float32, m.Encoder().Input().Size())
	if scaler := m.Scaler(); scaler != nil && scaler.Kind == dataset.StandardScaling {
		copy(fill, scaler.Offset)
	}
	return schema.Plain(m.Record.Features, fill)
}

// isGap reports an error of nothing but missing cells.
func isGap(err error) bool {
	var columns *dataset.ColumnsError
	return errors.As(err, &columns) && columns.Missing
}
