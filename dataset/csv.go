package dataset

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"hourglass/dataset/schema"
	"hourglass/tensor"
)

// Header says whether the first row of a table names the columns.
type Header int

// The choices of [CSVOptions].
const (
	// HeaderAuto takes the first row for names if none of its cells is a number,
	// or if one of them is the name given for the labels or a column to ignore,
	// or if all of [CSVOptions.Columns] are among them.
	HeaderAuto Header = iota
	HeaderYes
	HeaderNo
)

// Missing says what is done about empty cells, or those that say NA.
type Missing string

// The choices of [CSVOptions].
const (
	MissingRefuse Missing = ""     // an error that names the first
	MissingMean   Missing = "mean" // the mean of the column, or Fill, in their place
	MissingDrop   Missing = "drop" // the whole row is left out
	MissingMask   Missing = "mask" // they stay missing: see [Mask]; with Infer or a Schema
)

// CSVOptions says how a table is read. The zero value is right for a table of
// numbers.
type CSVOptions struct {
	// Delimiter separates cells: comma, semicolon, tab or another character, or any
	// number of spaces. 0 takes the one of those that the first lines are best
	// divided by.
	Delimiter rune
	Header    Header
	// Label is the column of labels, by name or by number from 1; empty for none.
	Label string
	// Names is the column of the samples' names, likewise.
	Names string
	// Aside lists columns, likewise, that are kept as text and are no features.
	Aside []string
	// Ignore lists columns, by name or number, that are not read.
	Ignore []string
	// Columns are the features to read, by name and in this order: the
	// [Data.Features] of the data that a model was trained on. A table with a
	// header must have all of them; others it has are left out and listed in
	// [Data.Extra]. One without must have as many.
	Columns []string
	Missing Missing
	// Fill replaces missing cells, one number for each feature, with MissingMean:
	// the [Data.Fill] of the training data. Without it the means of this table do.
	Fill []float32
	// Memory bounds what the values may take, in bytes; 0 means [DefaultMemory].
	Memory int64

	// Infer finds out what columns are that are not all numbers, by [schema.Infer], instead
	// of refusing them: [Data.Schema] then says what they are, and Samples are the values that
	// the cells become.
	Infer bool
	// Choices say what columns are, with Infer.
	Choices schema.Choices
	// IgnoreText leaves out columns of free text, with Infer, which are refused otherwise. They
	// are listed in [Data.Texts].
	IgnoreText bool
	// Schema is that of the data that a model was trained on. Cells that are not what it says
	// are refused, and Columns follow from it.
	Schema *schema.Schema

	// typed is set once a table is known to have other columns than numbers.
	typed bool
}

// ReadCSV reads a table of numbers, a row for each sample: comma-separated
// values as RFC 4180 has them, with any delimiter, line ending and number of
// empty lines, and quoted cells. Name is what errors call it.
//
// The text is UTF-8, with a byte order mark or without, UTF-16 with one, or
// Windows-1252 (so that Latin-1 is read, too); names and labels come out as UTF-8.
//
// Every cell but those of labels, names and ignored columns must be a finite
// number, unless there is a Schema or one is to be inferred; otherwise the error, a
// [*ColumnsError], tells of each column where the first that is not stands: its row
// (counted from 1, without the header) and line.
//
// To infer a schema a table is read twice, and kept in memory in between.
func ReadCSV(r io.Reader, name string, o CSVOptions) (*Data, error) {
	if !o.Infer || o.Schema != nil {
		return readTable(func(t *table) ([]string, error) { return t.openCSV(r) }, name, o)
	}
	memory := o.Memory
	if memory == 0 {
		memory = DefaultMemory
	}
	text, err := io.ReadAll(io.LimitReader(r, memory+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("dataset: read %s: %w", name, err)
	case int64(len(text)) > memory:
		return nil, fmt.Errorf("dataset: read %s: takes more than the %d bytes of memory allowed", name, memory)
	}
	return readTable(func(t *table) ([]string, error) { return t.openCSV(bytes.NewReader(text)) }, name, o)
}

// readTable reads a table, and again if its columns are to be understood and are not all
// numbers. Open returns the first row and sets the source of the others.
func readTable(open func(t *table) ([]string, error), name string, o CSVOptions) (*Data, error) {
	o.typed = o.Schema != nil || o.Infer && len(o.Choices) > 0
	data, err := readOnce(open, name, o)
	if errors.As(err, new(*ColumnsError)) && o.Infer && !o.typed {
		o.typed = true
		return readOnce(open, name, o)
	}
	return data, err
}

func readOnce(open func(t *table) ([]string, error), name string, o CSVOptions) (*Data, error) {
	t := &table{options: o, data: &Data{Path: name, Format: FormatCSV}}
	if err := t.read(func() ([]string, error) { return open(t) }); err != nil {
		return nil, fmt.Errorf("dataset: read %s: %w", name, err)
	}
	return t.data, nil
}

// CSVHeader returns the cells of the first row of a table that begins with start,
// whatever their encoding and delimiter; nil of what is no table.
func CSVHeader(start []byte) []string {
	plain, packing, err := decompressed(bytes.NewReader(start))
	if err != nil {
		return nil
	}
	if packing != "" {
		// What comes after the start is missing.
		start, _ = io.ReadAll(io.LimitReader(plain, sniffed))
		return CSVHeader(start)
	}
	if bytes.IndexByte(start, 0) >= 0 && !hasUTF16Mark(start) {
		return nil
	}
	first, err := (&table{}).openCSV(bytes.NewReader(start))
	if err != nil {
		return nil
	}
	for i := range first {
		first[i] = strings.TrimSpace(first[i])
	}
	return first
}

// table is a table as it is read.
type table struct {
	options  CSVOptions
	data     *Data
	text     *textReader // of CSV
	foreign  string      // encoding of a file before that, if it was not UTF-8
	rows     rowSource
	header   []string // names of all columns, nil without
	columns  int
	label    int   // column of the labels or -1
	names    int   // column of the samples' names or -1
	aside    []int // columns that are kept as text
	features []int // columns of the features

	values []float32
	labels []string
	kept   []int // number of each row in values, from 1
	gaps   []int // places in values that are missing
	row    int   // number of the current one, from 1

	bad map[int]badCell // the first of each column that cannot be used

	cells *cells // of a typed table, in place of values
}

// rowSource is where the rows of a table come from.
type rowSource interface {
	// next returns the cells of the next row, which are valid until the next call, or
	// io.EOF.
	next() ([]string, error)
	// mark is where the row is that was returned last, for placeAt.
	mark() int64
	// placeAt says where row number i is, which had that mark: "row 3 (line 4)".
	placeAt(i int, mark int64) string
}

// read reads a table whose first row open returns, which also sets t.rows.
func (t *table) read(open func() ([]string, error)) error {
	if err := t.check(); err != nil {
		return err
	}
	first, err := open()
	if err != nil {
		return err
	}
	if err := t.setColumns(first); err != nil {
		return err
	}
	if t.header == nil {
		if err := t.add(first); err != nil {
			return err
		}
	}
	err = t.addRows()
	if len(t.bad) > 0 {
		return t.columnsError(err)
	}
	if err != nil {
		return err
	}
	return t.finish()
}

// addRows appends all rows but the first, up to one that is no row.
func (t *table) addRows() error {
	for {
		cells, err := t.rows.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.add(cells); err != nil {
			return err
		}
		if len(t.bad) > 0 && t.options.Infer {
			return nil // it is read again
		}
	}
}

// check refuses options that nothing can be read with.
func (t *table) check() error {
	switch t.options.Missing {
	case MissingRefuse, MissingMean, MissingDrop, MissingMask:
	default:
		return fmt.Errorf("missing cells %.40q, want mask, mean or drop", t.options.Missing)
	}
	if d := t.options.Delimiter; d == '"' || d == '\r' || d == '\n' || d == utf8.RuneError || !utf8.ValidRune(d) {
		return fmt.Errorf("delimiter %q, want a character such as ',', ';' or tab", d)
	}
	if slices.ContainsFunc(t.options.Fill, func(v float32) bool { return !finite(v) }) {
		return fmt.Errorf("missing cells are to be replaced by %.80s, want finite numbers", fmt.Sprint(t.options.Fill))
	}
	if t.options.Memory == 0 {
		t.options.Memory = DefaultMemory
	}
	if s := t.options.Schema; s != nil {
		if err := s.Validate(); err != nil {
			return err
		}
		t.options.Columns = s.Names()
	}
	return nil
}

// openCSV finds encoding and delimiter and returns the first row.
func (t *table) openCSV(r io.Reader) ([]string, error) {
	rows, err := t.openText(r)
	if err != nil {
		return nil, err
	}
	t.rows = rows
	first, err := rows.next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("is empty, want a row for each sample")
	}
	return first, err
}

// openText finds encoding and delimiter of a file.
func (t *table) openText(r io.Reader) (*rowReader, error) {
	text, err := newTextReader(r)
	if err != nil {
		return nil, err
	}
	start, err := text.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	delimiter := t.options.Delimiter
	if delimiter == 0 {
		delimiter = sniffDelimiter(start)
	}
	if t.text != nil {
		t.foreign = cmp.Or(t.foreign, t.text.encoding)
	}
	t.text = text
	return newRowReader(text, delimiter), nil
}

// add appends a row of cells to the values.
func (t *table) add(cells []string) error {
	t.row++
	if len(cells) != t.columns {
		return fmt.Errorf("%s has %d cells, want %d as in the first", t.place(), len(cells), t.columns)
	}
	if t.options.Missing == MissingDrop && t.anyMissing(cells) {
		t.data.Dropped++
		return nil
	}
	need := 4 * int64(len(t.values)+len(t.features))
	if t.options.typed {
		need = t.collect(cells)
	}
	if need > t.options.Memory {
		return fmt.Errorf("%s: its values take more than the %d bytes of memory allowed; write them as .npy to read them in blocks", t.place(), t.options.Memory)
	}
	if t.label >= 0 {
		label := strings.TrimSpace(cells[t.label])
		if isMissing(label) {
			t.refuse(t.label, badCell{missing: true, what: "has no label"})
		}
		t.labels = append(t.labels, strings.Clone(label))
	}
	if t.names >= 0 {
		t.data.names = append(t.data.names, strings.Clone(cells[t.names]))
	}
	for i, column := range t.aside {
		t.data.aside[i] = append(t.data.aside[i], strings.Clone(strings.TrimSpace(cells[column])))
	}
	if !t.options.typed {
		for _, column := range t.features {
			t.values = append(t.values, t.number(strings.TrimSpace(cells[column]), column))
		}
	}
	t.kept = append(t.kept, t.row)
	return nil
}

// finish makes data of the rows read.
func (t *table) finish() error {
	switch {
	case t.row == 0:
		return errors.New("has a header but no rows, want a row for each sample")
	case len(t.kept) == 0:
		return fmt.Errorf("every one of its %d rows has a missing cell, so that none is left", t.row)
	}
	if err := t.makeSamples(); err != nil {
		return err
	}
	if t.data.Encoding = t.foreign; t.text != nil {
		t.data.Encoding = cmp.Or(t.foreign, t.text.encoding)
	}
	if t.label >= 0 {
		t.data.setLabels(t.labels)
	}
	if t.data.Dropped > 0 {
		t.data.rows = t.kept
	}
	return nil
}

// makeSamples makes samples of the cells, and fills those that are missing.
func (t *table) makeSamples() error {
	if t.options.typed {
		return t.encode()
	}
	if err := t.fill(); err != nil {
		return err
	}
	samples, err := tensor.FromSlice(t.values, len(t.kept), len(t.features))
	t.data.Samples = Array{samples}
	return err
}
