package dataset

import (
	"fmt"
	"slices"
	"strings"

	"hourglass/dataset/schema"
	"hourglass/tensor"
)

// cells are those of a table's features as they are written, each different one of a
// column kept once.
type cells struct {
	columns []cellColumn
	marks   []int64 // of each row, see rowSource
	bytes   int64   // of memory that they take, about
}

type cellColumn struct {
	number   int // in the table, from 0
	distinct schema.Cells
	index    map[string]int32
	rows     []int32 // which of the distinct ones each row has
}

// at returns the cell of a row and a column.
func (c *cells) at(row, column int) string {
	of := &c.columns[column]
	return of.distinct.Values[of.rows[row]]
}

// setCells makes room for the cells of the features.
func (t *table) setCells() error {
	t.cells = &cells{columns: make([]cellColumn, len(t.features))}
	for i, column := range t.features {
		t.cells.columns[i] = cellColumn{number: column, index: map[string]int32{}}
		if t.header != nil {
			t.cells.columns[i].distinct.Name = t.columnName(column)
		}
	}
	if s := t.options.Schema; s != nil && len(s.Columns) != len(t.features) {
		return fmt.Errorf("has %d columns, want the %d that the model knows: %s", len(t.features), len(s.Columns), quotedNames(s.Titles()))
	}
	return t.checkChoices()
}

// checkChoices refuses choices of columns that are not there.
func (t *table) checkChoices() error {
	for name := range t.options.Choices {
		column, err := t.column(name)
		if err != nil {
			return fmt.Errorf("chosen %w", err)
		}
		if !slices.Contains(t.features, column) {
			return fmt.Errorf("chosen column %.40q is left out or has the labels", name)
		}
	}
	return nil
}

// collect keeps the cells of a row, and returns how much memory all take.
func (t *table) collect(row []string) int64 {
	const overhead = 64 // of a string, its count and its place in the index
	c := t.cells
	c.marks = append(c.marks, t.rows.mark())
	c.bytes += 8
	for i := range c.columns {
		of := &c.columns[i]
		cell := strings.TrimSpace(row[of.number])
		at, known := of.index[cell]
		if !known {
			cell = strings.Clone(cell)
			at = int32(len(of.distinct.Values))
			of.index[cell] = at
			of.distinct.Values, of.distinct.Counts = append(of.distinct.Values, cell), append(of.distinct.Counts, 0)
			c.bytes += int64(len(cell)) + overhead
		}
		of.distinct.Counts[at]++
		of.rows = append(of.rows, at)
		c.bytes += 4
	}
	return c.bytes
}

// encode understands the cells and makes samples of them.
func (t *table) encode() error {
	if err := t.understand(); err != nil {
		return err
	}
	s, rows := t.data.Schema, len(t.kept)
	if need := 4 * int64(rows) * int64(s.Width()); need > t.options.Memory {
		return fmt.Errorf("its %d rows of %d values take more than the %d bytes of memory allowed", rows, s.Width(), t.options.Memory)
	}
	t.data.Features, t.data.cells = s.ValueNames(), t.cells
	samples, missing := tensor.New(rows, s.Width()), make([]bool, rows*len(s.Columns))
	any := false
	s.Each(func(i, lo, hi int) { any = t.encodeColumn(i, lo, hi, samples, missing) || any })
	if len(t.bad) > 0 {
		return t.columnsError(nil)
	}
	t.data.Samples = Array{samples}
	if !any || t.options.Missing == MissingMean {
		return nil
	}
	mask := &cellMask{schema: s, missing: missing, rows: rows, shape: samples.Sample()}
	var err error
	t.data.Samples, err = With(t.data.Samples, Mask, mask)
	return err
}

// understand sets the schema, and leaves free text out if it is to be.
func (t *table) understand() error {
	if t.data.Schema = t.options.Schema; t.data.Schema != nil {
		return nil
	}
	table := make([]schema.Cells, len(t.cells.columns))
	choices := schema.Choices{}
	for i, c := range t.cells.columns {
		table[i] = c.distinct
		for name, choice := range t.options.Choices {
			// A number is that of the column in the whole table.
			if column, err := t.column(name); err == nil && column == c.number {
				choices[fmt.Sprint(i+1)] = choice
				table[i].Name = ""
			}
		}
	}
	s, columns, errs := schema.Infer(table, choices)
	for _, e := range errs {
		if c := t.cells.columns[e.Column]; e.Text && t.options.IgnoreText {
			t.data.Texts = append(t.data.Texts, t.columnName(c.number))
		} else {
			t.refuse(c.number, t.badColumn(c, e))
		}
	}
	if len(t.bad) > 0 {
		return t.columnsError(nil)
	}
	if len(columns) == 0 {
		return fmt.Errorf("none of its %d columns is left to learn from", t.columns)
	}
	kept := make([]cellColumn, len(columns))
	for i, column := range columns {
		kept[i] = t.cells.columns[column]
		s.Columns[i].Name = kept[i].distinct.Name
	}
	t.cells.columns, t.data.Schema = kept, s
	return nil
}

// badColumn tells what is wrong with a column, and where if that is in one of its cells.
func (t *table) badColumn(c cellColumn, e *schema.ColumnError) badCell {
	bad := badCell{what: e.Error(), text: e.Text, everywhere: e.Value == ""}
	if e.Value != "" {
		bad.what += fmt.Sprintf(": %.40q", e.Value)
		bad.place = t.placeOf(slices.Index(c.rows, c.index[e.Value]))
	}
	if e.Text {
		bad.want = "it left out, or named as label"
	}
	return bad
}

// placeOf says where row i is, counted from 0 among those kept.
func (t *table) placeOf(i int) string { return t.rows.placeAt(t.kept[i], t.cells.marks[i]) }

// encodeColumn writes the values of a column, and which cells are missing, and returns whether
// any is.
func (t *table) encodeColumn(i, lo, hi int, samples tensor.Tensor, missing []bool) (any bool) {
	s, of := t.data.Schema, &t.cells.columns[i]
	c, width := &s.Columns[i], hi-lo
	values, gone := make([]float32, len(of.distinct.Values)*width), make([]bool, len(of.distinct.Values))
	for k, cell := range of.distinct.Values {
		var err error
		if gone[k], err = c.Encode(values[k*width:(k+1)*width], cell); err != nil {
			t.refuse(of.number, badCell{what: fmt.Sprintf("is %.40q", cell), want: strings.TrimPrefix(err.Error(), "want "), place: t.placeOf(slices.Index(of.rows, int32(k)))})
			return false
		}
		if gone[k] && t.refusesMissing(c) {
			t.refuse(of.number, badCell{missing: true, what: "is missing", place: t.placeOf(slices.Index(of.rows, int32(k))),
				want: "a " + string(c.Kind) + " (or that missing cells be masked, or such rows dropped)"})
			return false
		}
	}
	for row, k := range of.rows {
		copy(samples.Row(row)[lo:hi], values[int(k)*width:][:width])
		missing[row*len(s.Columns)+i] = gone[k]
		any = any || gone[k]
	}
	return any
}

// refusesMissing reports whether missing cells of a column cannot be accepted: only numbers
// have a mean.
func (t *table) refusesMissing(c *schema.Column) bool {
	return t.options.Missing != MissingMask && (t.options.Missing != MissingMean || c.Kind != schema.Number)
}

// cellMask tells of the values of each cell whether it is there.
type cellMask struct {
	schema  *schema.Schema
	missing []bool // of each row and column
	rows    int
	shape   tensor.Shape
}

func (m *cellMask) Len() int             { return m.rows }
func (m *cellMask) Sample() tensor.Shape { return m.shape }

// Read writes 1 for values that are there and 0 for those that are missing. It allocates nothing.
func (m *cellMask) Read(dst []float32, indices []int) error {
	columns := m.schema.Columns
	for _, index := range indices {
		for i := range columns {
			width, there := columns[i].Width(), float32(1)
			if m.missing[index*len(columns)+i] {
				there = 0
			}
			for k := range width {
				dst[k] = there
			}
			dst = dst[width:]
		}
	}
	return nil
}

// Cell returns how a cell of a table with a schema is written, of sample i and a column of the
// schema, without spaces around it.
func (d *Data) Cell(i, column int) string {
	if d.kept != nil {
		i = d.kept[i]
	}
	return d.cells.at(i, column)
}
