package workflow

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"

	"hourglass/dataset"
	"hourglass/tensor"
)

// The names of the columns behind the numbers in the tables that [Output] writes.
// [Load] takes them for what they are.
const (
	SampleColumn = "sample"
	LabelColumn  = "label"
)

// Input is loaded data whose samples have names.
type Input struct {
	*dataset.Data
	names []string // from the column of names, by row; nil without one
}

// Load reads data as [dataset.Load] does, with two conveniences for tables: a last
// column called label holds labels unless o says otherwise, and the column of names
// in a table that [Output] wrote is read as that.
func Load(ctx context.Context, path string, o dataset.LoadOptions) (*Input, error) {
	header, err := peekHeader(path, &o)
	if err != nil {
		return nil, err
	}
	if o.Label == "" && o.CSV.Header != dataset.HeaderNo && len(header) > 1 && header[len(header)-1] == LabelColumn &&
		!slices.Contains(o.CSV.Ignore, LabelColumn) {
		o.Label = LabelColumn
	}
	if !hasNames(header) || o.CSV.Header == dataset.HeaderNo {
		data, err := dataset.Load(ctx, path, o)
		return &Input{Data: data}, err
	}
	return loadNamed(ctx, path, o, slices.Index(header, SampleColumn))
}

// loadNamed loads a table with a column of names.
func loadNamed(ctx context.Context, path string, o dataset.LoadOptions, column int) (*Input, error) {
	if !slices.Contains(o.CSV.Ignore, SampleColumn) {
		o.CSV.Ignore = append(slices.Clone(o.CSV.Ignore), SampleColumn)
	}
	var copied bytes.Buffer // a pipe can be read only once
	if path == "-" {
		o.Stdin = io.TeeReader(o.Stdin, &copied)
	}
	data, err := dataset.Load(ctx, path, o)
	if err != nil {
		return nil, err
	}
	names, err := readNames(path, &copied, column)
	if err != nil {
		return nil, fmt.Errorf("workflow: load %s: names of the samples: %w", path, err)
	}
	return &Input{data, names}, nil
}

// peekHeader returns the cells of a table's first line, nothing of other data. What
// it takes from the standard input it puts back.
func peekHeader(path string, o *dataset.LoadOptions) ([]string, error) {
	const most = 1 << 16
	var start []byte
	switch stat, err := os.Stat(path); {
	case path == "-":
		if o.Stdin == nil {
			o.Stdin = os.Stdin
		}
		buffered := bufio.NewReaderSize(o.Stdin, most)
		o.Stdin = buffered
		start, _ = buffered.Peek(most) // errors come again when it is read
	case err == nil && stat.Mode().IsRegular():
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("workflow: load: %w", err)
		}
		defer f.Close()
		start = make([]byte, most)
		n, _ := io.ReadFull(f, start)
		start = start[:n]
	}
	line, _, found := bytes.Cut(start, []byte("\n"))
	if !found || bytes.IndexByte(line, 0) >= 0 {
		return nil, nil
	}
	cells, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		return nil, nil // no table of ours; who reads it will say what is wrong
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells, nil
}

// hasNames tells the tables that Output wrote from others that happen to have a
// column of the same name.
func hasNames(header []string) bool {
	numbers := slices.Index(header, SampleColumn)
	if numbers < 1 {
		return false
	}
	first, rest := header[0], header[numbers+1:]
	return (strings.HasSuffix(first, "_1") || first == mapColumns[0]) && (len(rest) == 0 || slices.Equal(rest, []string{LabelColumn}))
}

// ColumnIfAny returns the name or number of a column if the table at path has it,
// and "" if it has not or is no table. The standard input is taken to have it.
func ColumnIfAny(path, column string) (string, error) {
	if column == "" || path == "-" {
		return column, nil
	}
	header, err := peekHeader(path, nil)
	if err != nil {
		return "", err
	}
	if n, err := strconv.Atoi(column); slices.Contains(header, column) || err == nil && n >= 1 && n <= len(header) {
		return column, nil
	}
	return "", nil
}

// readNames reads the column of names.
func readNames(path string, copied io.Reader, column int) ([]string, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		copied = f
	}
	r := csv.NewReader(copied)
	r.ReuseRecord = true
	var names []string
	for {
		cells, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return names[min(1, len(names)):], nil
		case err != nil:
			return nil, err
		}
		if column >= len(cells) {
			return nil, fmt.Errorf("row %d has %d cells, want at least %d", len(names), len(cells), column+1)
		}
		names = append(names, strings.Clone(cells[column]))
	}
}

// Name is what sample i is called: by the file's own names if it has some, else as
// [dataset.Data.SampleName] does.
func (in *Input) Name(i int) string {
	name := in.SampleName(i)
	if in.names == nil {
		return name
	}
	if row, err := strconv.Atoi(strings.TrimPrefix(name, "row ")); err == nil && row >= 1 && row <= len(in.names) {
		return in.names[row-1]
	}
	return name
}

// Label returns the label of sample i in words; "" without labels.
func (in *Input) Label(i int) string {
	if in.Labels == nil {
		return ""
	}
	return in.Classes[in.Labels[i]]
}

// Part returns the samples of a data set that are for training, or those it sets
// apart for testing.
func (in *Input) Part(test bool) (*Input, error) {
	switch {
	case !test:
		return in, nil
	case in.Test == nil:
		return nil, fmt.Errorf("workflow: %s sets no samples apart for testing", in.Path)
	}
	return &Input{Data: in.Test}, nil
}

// IsImage reports whether samples of a shape can be shown as pictures: height×width,
// or height×width×channels with one channel or three.
func IsImage(shape tensor.Shape) bool {
	return len(shape) == 2 || len(shape) == 3 && (shape[2] == 1 || shape[2] == 3)
}

// rows yields the samples of a source until ctx ends. Each is overwritten by the
// next.
func rows(ctx context.Context, source dataset.Source) iter.Seq[[]float32] {
	const block = 64
	return func(yield func([]float32) bool) {
		size, n := source.Sample().Size(), source.Len()
		buffer, indices := make([]float32, block*size), make([]int, 0, block)
		for at := 0; at < n && ctx.Err() == nil; at += block {
			indices = indices[:0]
			for i := at; i < min(at+block, n); i++ {
				indices = append(indices, i)
			}
			source.Read(buffer, indices)
			for i := range indices {
				if !yield(buffer[i*size : (i+1)*size]) {
					return
				}
			}
		}
	}
}

// readAll returns all samples of a source as one array.
func readAll(source dataset.Source) (tensor.Tensor, error) {
	n := source.Len()
	shape := append(tensor.Shape{n}, source.Sample()...)
	if err := shape.Validate(); err != nil {
		return tensor.Tensor{}, fmt.Errorf("workflow: samples do not fit memory: %w", err)
	}
	all, indices := tensor.New(shape...), make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	source.Read(all.Data, indices)
	return all, nil
}
