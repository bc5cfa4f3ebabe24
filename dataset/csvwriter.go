package dataset

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"hourglass/internal/atomicfile"
	"hourglass/tensor"
)

// CSVWriter writes a table of numbers, and of text in the last columns, that
// [ReadCSV] reads. Numbers are written as short as they can be to read back as
// the same float32, and NaN as an empty cell.
type CSVWriter struct {
	w       *csv.Writer
	columns int
	row     []string
}

// NewCSVWriter writes the names of the columns to w and returns a writer of rows.
func NewCSVWriter(w io.Writer, columns []string) (*CSVWriter, error) {
	c := &CSVWriter{w: csv.NewWriter(w), columns: len(columns), row: make([]string, 0, len(columns))}
	return c, c.w.Write(columns)
}

// Append writes a row: the values and after them the text, as many together as
// there are columns. Other errors are the underlying writer's.
func (c *CSVWriter) Append(values []float32, text ...string) error {
	if len(values)+len(text) != c.columns {
		return fmt.Errorf("dataset: write CSV: a row of %d cells, want %d", len(values)+len(text), c.columns)
	}
	c.row = c.row[:0]
	for _, v := range values {
		cell := ""
		if v == v {
			cell = strconv.FormatFloat(float64(v), 'g', -1, 32)
		}
		c.row = append(c.row, cell)
	}
	c.row = append(c.row, text...)
	return c.w.Write(c.row)
}

// Close writes what is still buffered. It does not close the underlying writer.
func (c *CSVWriter) Close() error {
	c.w.Flush()
	return c.w.Error()
}

// WriteCSVFile writes an array of two axes into the file at path, a row for each
// sample, which appears whole or not at all. Text is a further column for each
// list, of a text for each sample.
func WriteCSVFile(path string, columns []string, values tensor.Tensor, text ...[]string) error {
	for i, column := range text {
		if len(column) != values.Len() {
			return fmt.Errorf("dataset: write %s: text column %d has %d rows, want %d", path, i+1, len(column), values.Len())
		}
	}
	return WriteCSVFileFunc(path, columns, func(c *CSVWriter) error {
		cells := make([]string, len(text))
		for i := range values.Len() {
			for k, column := range text {
				cells[k] = column[i]
			}
			if err := c.Append(values.Row(i), cells...); err != nil {
				return err
			}
		}
		return nil
	})
}

// WriteCSVFileFunc creates the file at path with the rows that fill appends. The
// file appears whole or not at all.
func WriteCSVFileFunc(path string, columns []string, fill func(*CSVWriter) error) error {
	err := atomicfile.Write(path, func(w io.Writer) error {
		c, err := NewCSVWriter(w, columns)
		if err != nil {
			return err
		}
		if err := fill(c); err != nil {
			return err
		}
		return c.Close()
	})
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	return nil
}

// CSVColumns names n columns: CSVColumns("code", 2) is code_1, code_2.
func CSVColumns(name string, n int, further ...string) []string {
	columns := make([]string, n)
	for i := range columns {
		columns[i] = fmt.Sprint(name, "_", i+1)
	}
	return slices.Concat(columns, further)
}
