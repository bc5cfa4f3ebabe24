package workflow

import (
	"bufio"
	"context"
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

// Input is loaded data with its labels in words.
type Input struct{ *dataset.Data }

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
	if o.CSV.Names == "" && o.CSV.Header != dataset.HeaderNo && hasNames(header) && !slices.Contains(o.CSV.Ignore, SampleColumn) {
		o.CSV.Names = SampleColumn
	}
	data, err := dataset.Load(ctx, path, o)
	if err != nil {
		return nil, err
	}
	return &Input{data}, nil
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
	case err != nil && len(dataset.Matches(path)) > 0:
		return peekHeader(dataset.Matches(path)[0], o)
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
	return dataset.CSVHeader(start), nil
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
	return &Input{in.Test}, nil
}

// rows yields the samples of a source until ctx ends, or one cannot be read, for which
// failed then has the reason. Each is overwritten by the next.
func rows(ctx context.Context, source dataset.Source, failed *error) iter.Seq[[]float32] {
	const block = 64
	return func(yield func([]float32) bool) {
		size, n := source.Sample().Size(), source.Len()
		buffer, indices := make([]float32, block*size), make([]int, 0, block)
		for at := 0; at < n && ctx.Err() == nil; at += block {
			indices = indices[:0]
			for i := at; i < min(at+block, n); i++ {
				indices = append(indices, i)
			}
			if *failed = source.Read(buffer, indices); *failed != nil {
				return
			}
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
	return all, source.Read(all.Data, indices)
}
