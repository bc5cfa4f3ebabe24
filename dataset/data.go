package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hourglass/dataset/schema"
	"hourglass/tensor"
)

// Format is the kind of file that data came from.
type Format string

// The formats that [Load] reads.
const (
	FormatNPY    Format = "npy"
	FormatNPZ    Format = "npz"
	FormatIDX    Format = "idx"
	FormatCSV    Format = "csv"
	FormatImages Format = "images" // a folder of PNG and JPEG files
	FormatNamed  Format = "named"  // a data set that Open knows by name
)

// Data is what [Load] returns: samples and what is known of them.
type Data struct {
	// Path is where it came from, as given to Load.
	Path   string
	Format Format
	// Samples has the values as they are in the file, unscaled: bytes of images
	// are 0 to 255. It is an [*Images] where all elements are bytes and in
	// memory, [*Blocks] or a view of it where it is read as one goes.
	Samples Source
	// Largest is the largest value that the type of the elements can hold, for
	// [FitScaler]: 255 for bytes, 65535 for unsigned integers of 16 bits, 1 for
	// bools, and 0 for everything else.
	Largest float32
	// Labels holds one class number per sample, or nothing, and Classes what
	// each stands for: the distinct labels, sorted, as numbers if all are.
	Labels  []int
	Classes []string
	// Features names the elements of a sample; only tables have names.
	Features []string
	// Schema says what the columns of a table are that are not all numbers; nil of other data.
	// Samples are then the values that its cells become, with a [Mask] if some are missing.
	Schema *schema.Schema
	// Fill is what replaced missing cells of each feature, if they were replaced;
	// [CSVOptions] takes it to treat later data alike.
	Fill []float32
	// Extra are the columns of a table that were left out because they are not
	// among [CSVOptions.Columns].
	Extra []string
	// Texts are the columns of free text that were left out, because they were to be.
	Texts []string
	// Encoding is that of a table's text, [UTF16] or [Windows1252]; empty for UTF-8.
	Encoding string
	// Dropped counts the rows of a table that were left out for missing cells.
	Dropped int
	// Skipped tells of the files of a folder that were left out, being unreadable.
	Skipped []UnreadableError
	// Test are the samples that a data set sets apart for testing, if it does.
	Test *Data
	// Series is the long table that the samples were cut out of, if they were, see
	// [SeriesOptions]. Features then names its columns, one for each value of a row, and a
	// sample's label is that of its last row.
	Series *Series

	names  []string   // of the file each sample came from in a folder, or from a table's column of names
	rows   []int      // of the table, from 1, that each sample came from; nil if sample i is row i+1
	aside  [][]string // cells of the columns that [CSVOptions.Aside] lists
	starts []int      // places in Series where samples begin
	cells  *cells     // of a table with a schema
	kept   []int      // row in cells, from 0, of each sample; nil if sample i is row i
	close  func() error
}

// Len is the number of samples.
func (d *Data) Len() int { return d.Samples.Len() }

// Shape is the shape of one sample.
func (d *Data) Shape() tensor.Shape { return d.Samples.Sample() }

// IsTable reports whether the samples are the rows of a table.
func (d *Data) IsTable() bool { return d.Format == FormatCSV }

// SampleName is what messages and tables call sample i: the path of its file
// below the folder of images; its name in a table that has a column of names, else
// "row 7", counted from 1 without the header; and otherwise its number, counted
// from 0.
func (d *Data) SampleName(i int) string {
	switch {
	case d.Series != nil:
		return d.windowName(i)
	case d.names != nil:
		return d.names[i]
	case d.rows != nil:
		return fmt.Sprint("row ", d.rows[i])
	case d.IsTable():
		return fmt.Sprint("row ", i+1)
	}
	return strconv.Itoa(i)
}

// Notes says in words what a reader of the data should know: what was left out and
// what was taken for what. It is a line each.
func (d *Data) Notes() []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if d.Encoding != "" {
		note("the text of %s was read as %s", d.Path, d.Encoding)
	}
	if len(d.Extra) > 0 {
		note("columns of %s that the model does not know are left out: %s", d.Path, quotedNames(d.Extra))
	}
	if len(d.Texts) > 0 {
		note("columns of free text are left out: %s", quotedNames(d.Texts))
	}
	if d.Dropped > 0 {
		note("%d rows with missing cells were left out", d.Dropped)
	}
	if len(d.Skipped) > 0 {
		note("skipped, since they cannot be read, %d of %d files of %s:", len(d.Skipped), len(d.Skipped)+d.Len(), d.Path)
	}
	for _, s := range d.Skipped {
		note("  %v", &s)
	}
	if d.Series != nil {
		notes = append(notes, d.Series.notes(d.Len())...)
	}
	return notes
}

// Close closes the file that samples are still read from, if there is one. It
// closes those of all views, too.
func (d *Data) Close() error {
	if d.close == nil {
		return nil
	}
	return d.close()
}

// Select returns the samples that indices names, in that order, with their
// labels, as a view that shares memory. Test is left out. An index out of range
// is an error.
func (d *Data) Select(indices []int) (*Data, error) {
	samples, err := Subset(d.Samples, indices)
	if err != nil {
		return nil, err
	}
	view := *d
	view.Samples, view.Test = samples, nil
	view.Labels = pick(d.Labels, indices)
	view.names = pick(d.names, indices)
	view.rows = pick(d.rows, indices)
	view.starts = pick(d.starts, indices)
	if view.kept = pick(d.kept, indices); d.kept == nil && d.cells != nil {
		view.kept = slices.Clone(indices)
	}
	if d.rows == nil && d.IsTable() && d.Series == nil {
		view.rows = make([]int, len(indices))
		for i, index := range indices {
			view.rows[i] = index + 1
		}
	}
	return &view, nil
}

// SelectLabel returns the samples with a label, as a view. Of a series these are the
// windows all of whose rows have it, cut anew. It is an error if there are none.
func (d *Data) SelectLabel(label string) (*Data, error) {
	if d.Labels == nil {
		return nil, fmt.Errorf("dataset: only samples with the label %.40q are wanted, but %s has no labels", label, d.Path)
	}
	number := slices.Index(d.Classes, label)
	if number >= 0 && d.Series != nil {
		view := *d
		return &view, view.setSeries(d.Series.within(d.Series.labelled(number)))
	}
	var chosen []int
	for i, class := range d.Labels {
		if class == number {
			chosen = append(chosen, i)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("dataset: no sample of %s has the label %.40q, want one of %.200q", d.Path, label, d.Classes)
	}
	return d.Select(chosen)
}

// pick returns the elements that indices names; nothing of nothing.
func pick[T any](list []T, indices []int) []T {
	if list == nil {
		return nil
	}
	picked := make([]T, len(indices))
	for i, index := range indices {
		picked[i] = list[index]
	}
	return picked
}

// setLabels makes these the labels of the samples.
func (d *Data) setLabels(labels []string) {
	number := make(map[string]int)
	for _, label := range labels {
		number[label] = 0
	}
	d.Classes = slices.SortedFunc(maps.Keys(number), labelOrder(number))
	for i, class := range d.Classes {
		number[class] = i
	}
	d.Labels = make([]int, len(labels))
	for i, label := range labels {
		d.Labels[i] = number[label]
	}
}

// labelOrder compares labels as whole numbers if all of them are such, so that
// 10 comes after 9, and else as text.
func labelOrder(labels map[string]int) func(a, b string) int {
	values := make(map[string]int64, len(labels))
	for label := range labels {
		v, err := strconv.ParseInt(label, 10, 64)
		if err != nil {
			return strings.Compare
		}
		values[label] = v
	}
	return func(a, b string) int {
		return cmp.Or(cmp.Compare(values[a], values[b]), strings.Compare(a, b))
	}
}
