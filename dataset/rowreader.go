package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// RowReader reads a table of numbers row by row, as it comes: a log that is still written.
// It looks no further than the row that it returns, and takes memory for that one alone.
type RowReader struct {
	t       *table
	name    string
	pending []string // the first row, where it is no header
	ended   error
}

// Row is a row of a table.
type Row struct {
	Number int       // from 1, without the header
	Values []float32 // of the features
	Aside  []string  // cells of [CSVOptions.Aside]
	Place  string    // in words, for messages: "row 3 (line 4)"
}

// NewRowReader reads the header of a table, as [ReadCSV] does, but finds the delimiter by
// the first line alone. Name is what errors call the table. Of MissingMean there must be Fill.
func NewRowReader(r io.Reader, name string, o CSVOptions) (*RowReader, error) {
	rr := &RowReader{t: &table{options: o, data: &Data{Path: name, Format: FormatCSV}}, name: name}
	if err := rr.open(r); err != nil {
		return nil, fmt.Errorf("dataset: read %s: %w", name, err)
	}
	return rr, nil
}

func (r *RowReader) open(source io.Reader) error {
	t := r.t
	if err := t.check(); err != nil {
		return err
	}
	text, err := newTextReader(source)
	if err != nil {
		return err
	}
	delimiter := t.options.Delimiter
	if delimiter == 0 {
		delimiter = sniffDelimiter(firstLine(text.Reader))
	}
	t.text, t.rows = text, newRowReader(text, delimiter)
	first, err := t.rows.next()
	if errors.Is(err, io.EOF) {
		return errors.New("is empty, want a row for each sample")
	}
	if err != nil {
		return err
	}
	if err := t.setColumns(first); err != nil {
		return err
	}
	if t.header == nil {
		r.pending = slices.Clone(first)
	}
	if t.options.Missing == MissingMean && len(t.options.Fill) == 0 {
		return errors.New("missing cells are to be replaced by means, which are not known before the end; want those of training data")
	}
	return nil
}

// firstLine returns the first line that is not empty, without taking it.
func firstLine(r *bufio.Reader) []byte {
	for n := 1; ; n++ {
		start, err := r.Peek(n)
		if line := bytes.TrimLeft(start, "\r\n"); err != nil || bytes.IndexByte(line, '\n') >= 0 {
			return start
		}
		n = max(n, r.Buffered()-1)
	}
}

// Features names the values of a row; nil if the table has no header.
func (r *RowReader) Features() []string { return r.t.data.Features }

// Width returns how many features a row has.
func (r *RowReader) Width() int { return len(r.t.features) }

// Extra are the columns that were left out because they are not among those wanted.
func (r *RowReader) Extra() []string { return r.t.data.Extra }

// Next returns the next row, whose slices are valid until the next call, or io.EOF. Rows with
// missing cells are left out with MissingDrop. After another error there are no more rows.
func (r *RowReader) Next() (Row, error) {
	for r.ended == nil {
		row, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			r.ended = io.EOF
		case err != nil:
			r.ended = fmt.Errorf("dataset: read %s: %w", r.name, err)
		case row.Values != nil:
			return row, nil
		}
	}
	return Row{}, r.ended
}

// next returns a row, without values if it is left out.
func (r *RowReader) next() (Row, error) {
	t, cells := r.t, r.pending
	if r.pending = nil; cells == nil {
		var err error
		if cells, err = t.rows.next(); err != nil {
			return Row{}, err
		}
	}
	t.values, t.labels, t.kept, t.gaps, t.data.names = t.values[:0], t.labels[:0], t.kept[:0], t.gaps[:0], t.data.names[:0]
	for i := range t.data.aside {
		t.data.aside[i] = t.data.aside[i][:0]
	}
	if err := t.add(cells); err != nil {
		return Row{}, err
	}
	if len(t.bad) > 0 {
		return Row{}, t.columnsError(nil)
	}
	if len(t.kept) == 0 {
		return Row{}, nil
	}
	for _, at := range t.gaps {
		t.values[at] = t.options.Fill[at]
	}
	row := Row{Number: t.row, Values: t.values, Place: t.place()}
	for _, column := range t.data.aside {
		row.Aside = append(row.Aside, column[0])
	}
	return row, nil
}
